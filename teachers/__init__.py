"""Networks to learn from: frozen, and known only by their answers."""
