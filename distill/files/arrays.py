"""Arrays in .npy files, whatever became of them: an array of plain numbers, or an error."""

from pathlib import Path

import numpy as np

from distill.errors import DistillError, shortened


def read_array(file: Path, remedy: str, mapped: bool = False) -> np.ndarray:
    """The array of a file; nothing that it holds is run.

    Args:
        remedy: what to do about a damaged file, as a sentence.
        mapped: read as it is used, from memory that the system may take back; one without elements is read at once.

    Raises:
        DistillError: it holds no array of numbers, or less or more than its header says.
        OSError: it cannot be opened.
    """
    try:
        array = np.load(file, mmap_mode="r" if mapped else None, allow_pickle=False)
    except OSError:
        raise
    except Exception as error:  # numpy reads a header as Python: damage leads it to almost anything
        raise DistillError(f"{file}: no array ({type(error).__name__}: {shortened(error)}). {remedy}") from None
    if not isinstance(array, np.ndarray):
        raise DistillError(f"{file}: an archive, expected one array. {remedy}")
    return array
