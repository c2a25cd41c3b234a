"""Scores of arrays: pure functions that know nothing of networks or files."""
