"""Faces found in the photographs of a source, once, and kept beside what is prepared of them."""
