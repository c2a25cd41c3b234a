"""Attributes: one probability for each of the data's labels, scored by mean average precision."""
