"""Speeds compared side by side in one run: the work all share, each way of doing it, and turns taken."""
