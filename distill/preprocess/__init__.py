"""The input contract of a network: size, kernel, crop, mean and deviation; and where a face's landmarks lie in it."""

from distill.preprocess.preprocess import Preprocess

__all__ = ["Preprocess"]
