"""Faces in photographs: found by a detector's file with five landmarks each, and the one that is wanted chosen."""
