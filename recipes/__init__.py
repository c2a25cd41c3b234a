"""Recipes: YAML files, read by `distill run`."""
