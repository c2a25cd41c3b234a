"""Faces and dogs that are drawn, so that every recipe runs without a network and without data."""
