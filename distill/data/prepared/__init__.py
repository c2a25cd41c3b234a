"""From a source to rows on disk, every usable picture at one size behind checksums, and back."""

from distill.data.prepared.prepared import Prepared

__all__ = ["Prepared"]
