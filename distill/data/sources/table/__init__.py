"""Labels, people and boxes from a CSV file: which column says what, and which rows are of which picture."""

from distill.data.sources.table.table import Table

__all__ = ["Table"]
