"""Read and written safely: files whole or absent, checksums, locks, weights, a run's directory."""

from distill.files.atomic import atomic_path

__all__ = ["atomic_path"]
