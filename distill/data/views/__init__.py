"""From rows to batches and pixels: a view is a pure function of seed, picture and number."""

from distill.data.views.views import Views

__all__ = ["Views"]
