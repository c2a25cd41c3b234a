"""What `distill bench` measures, as functions that return numbers."""
