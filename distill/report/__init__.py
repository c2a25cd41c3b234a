"""The page a run ends with: what was measured, its plots, and pictures with what the student saw in them."""
