"""Classes that exclude each other: one probability shared out among them, scored by top-1."""
