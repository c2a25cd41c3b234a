"""Bare architectures of teachers: torch modules, and no word of where their weights come from."""
