"""InsightFace's verification sets (`lfw.bin`, `cfp_fp.bin`, `agedb_30.bin`), in a form that runs nothing: .npz.

As published they are pickles, which run code when they are read, so these are refused with the command that converts
one whom the user trusts. The archive has three arrays, of P pairs:

    data    uint8 (bytes,)      the encoded pictures, one after another, two for each pair
    ends    int64 (2 P,)        where each picture ends in it
    same    bool (P,)           whether a pair shows one person
"""

import hashlib
import shlex
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from distill.data.pair_sets.pair_set import in_folds
from distill.data.sources.source import Sample
from distill.errors import DistillError, shortened
from distill.evaluation.pairs import Pair
from distill.files.nearby import nearby

_ARRAYS = {"data": np.uint8, "ends": np.integer, "same": np.bool_}


@dataclass(frozen=True)
class Archive:
    """The pictures of an archive, named by the number of their pair and their side: `1/1`, `1/2`, `2/1`.

    Attributes:
        root: the .npz file, or a directory that holds one.
        folds: how many the pairs are shared over.
    """

    name: str
    root: Path
    folds: int = 10

    def classes(self) -> tuple[str, ...]:
        return ()

    def samples(self, height: int, width: int) -> list[Sample]:
        arrays = _read(self._file())
        data, ends = arrays["data"], arrays["ends"].tolist()
        begins = [0, *ends[:-1]]
        return [
            Sample(_name(place), data[begin:end].tobytes())
            for place, (begin, end) in enumerate(zip(begins, ends, strict=True))
        ]

    def state(self) -> str:
        """sha256 of the file: its pictures have no place of their own."""
        with self._file().open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()

    def pairs(self) -> list[Pair]:
        same = _read(self._file())["same"].tolist()
        pairs = [(_name(2 * place), _name(2 * place + 1), one) for place, one in enumerate(same)]
        return in_folds(pairs, self.folds, self._file())

    def _file(self) -> Path:
        root = self.root.expanduser()
        if not root.is_dir():
            return root
        files = sorted(root.glob("*.npz"))
        pickles = sorted(root.glob("*.bin"))
        if not files and pickles:
            raise DistillError(_refused(pickles[0]))
        if len(files) != 1:
            raise DistillError(f"{root}: holds {len(files)} .npz files, expected one; name the file. {nearby(root)}")
        return files[0]


def _name(place: int) -> str:
    return f"{place // 2 + 1}/{place % 2 + 1}"


def _read(file: Path) -> dict[str, np.ndarray]:
    """The arrays of an archive, which fit each other.

    Raises:
        DistillError: it is missing, a pickle, or no such archive.
    """
    try:
        with file.open("rb") as stream:
            begin = stream.read(2)
        if not zipfile.is_zipfile(file):
            if begin[:1] == b"\x80" or file.suffix == ".bin":
                raise DistillError(_refused(file))
            raise DistillError(f"{file}: is no .npz archive; expected one of {', '.join(_ARRAYS)}.")
        with np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in _ARRAYS if name in archive}
    except FileNotFoundError:
        raise DistillError(f"{file}: no such file; expected an .npz archive of pairs. {nearby(file)}") from None
    except DistillError:
        raise
    except Exception as error:  # numpy reads a header as Python: damage leads it to almost anything
        raise DistillError(
            f"{file}: cannot be read ({type(error).__name__}: {shortened(error)}). Convert it again."
        ) from None
    for name, kind in _ARRAYS.items():
        found = arrays.get(name)
        if found is None or found.ndim != 1 or not np.issubdtype(found.dtype, kind):
            said = "is missing" if found is None else f"is {found.dtype} {found.shape}"
            raise DistillError(f"{file}: {name} {said}, expected one dimension of {kind.__name__}. Convert it again.")
    data, ends, same = arrays.values()
    rising = len(ends) > 0 and ends[0] >= 0 and (ends[1:] >= ends[:-1]).all() and ends[-1] == len(data)
    if len(ends) != 2 * len(same) or not rising:
        raise DistillError(
            f"{file}: {len(ends)} ends of pictures in {len(data)} bytes for {len(same)} pairs, expected two a pair, "
            "rising to the number of bytes. Convert it again."
        )
    return arrays


def _refused(file: Path) -> str:
    return (
        f"{file}: is a pickle, which runs whatever it says when it is read, and was refused. Where you trust it, "
        f"convert it once, and give the file that this writes: {converter(file)}"
    )


def converter(file: Path) -> str:
    """The command that makes an archive of a published .bin file; it runs what the file says."""
    code = (
        "import numpy, pickle; "
        f"pictures, same = pickle.load(open({str(file)!r}, 'rb'), encoding='bytes'); "
        "pictures = [bytes(picture) for picture in pictures]; "
        f"numpy.savez({str(file.with_suffix('.npz'))!r}, data=numpy.frombuffer(b''.join(pictures), 'uint8'), "
        "ends=numpy.cumsum([len(picture) for picture in pictures]), same=numpy.array(same, bool))"
    )
    return f"python -c {shlex.quote(code)}"
