"""What a user may say: a recipe's sections, the variants of each, the stages, and the parser of both."""

from distill.recipe.recipe import Recipe

__all__ = ["Recipe"]
