"""onnxruntime-web, the runtime of the browser folder: two files of one npm package, whose checksum is known.

They are fetched when a folder is first written, not shipped with this library: 14 MB that most runs have no use for.
"""

import base64
import hashlib
import os
import tarfile
import urllib.error
import urllib.request
from pathlib import Path

from distill.errors import DistillError
from distill.files.atomic import atomic_path

VERSION = "1.30.0"
PACKAGE = f"onnxruntime-web-{VERSION}.tgz"
INTEGRITY = "sha512-q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
"""Of the package, as the npm registry states it."""
FILES = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")
"""The build without WebGL and WebGPU, all that a MobileNet needs."""

_REGISTRY = "https://registry.npmjs.org"
_LARGEST = 64 * 2**20  # bytes of the package and of a file in it; both are half of that or less
_TIMEOUT = 60  # seconds without a byte


def write_runtime(directory: Path, package: Path | None = None) -> None:
    """Write the runtime's files into a directory.

    Args:
        package: the npm package as a file; None takes it from the cache, or from the registry that npm would ask.

    Raises:
        DistillError: the package cannot be fetched, is not the one expected, or the place cannot be written to.
    """
    archived = package.expanduser() if package else _cached()
    with _verified(archived).open("rb") as file, tarfile.open(fileobj=file) as archive:
        for name in FILES:
            member = archive.extractfile(f"package/dist/{name}")
            assert member is not None  # the checksum says what is in it
            with atomic_path(directory / name) as temporary:
                temporary.write_bytes(member.read(_LARGEST))


def cached_package() -> Path:
    """Where the package is kept: in the user's cache, as XDG has it."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "distill" / PACKAGE


def package_url() -> str:
    """The package in the registry that npm would ask."""
    registry = os.environ.get("npm_config_registry") or _REGISTRY  # noqa: SIM112 - npm's own spelling
    return f"{registry.rstrip('/')}/onnxruntime-web/-/{PACKAGE}"


def _cached() -> Path:
    place = cached_package()
    if not place.exists():
        content = _fetch(package_url())
        if _integrity(content) != INTEGRITY:
            raise DistillError(
                f"{package_url()}: gave another file than onnxruntime-web {VERSION} (its checksum is "
                f"{_integrity(content)}, expected {INTEGRITY}). {_otherwise()}"
            )
        with atomic_path(place) as temporary:
            temporary.write_bytes(content)
    return place


def _fetch(url: str) -> bytes:
    try:
        if not url.startswith(("https://", "http://")):  # urllib would open a file
            raise ValueError("not an address of the web")
        with urllib.request.urlopen(url, timeout=_TIMEOUT) as answer:
            content: bytes = answer.read(_LARGEST)
            return content
    except (OSError, ValueError, urllib.error.URLError) as error:
        raise DistillError(f"{url}: cannot be fetched ({error}). {_otherwise()}") from error


def _verified(package: Path) -> Path:
    try:
        checksum = _integrity(package.read_bytes())
    except OSError as error:
        raise DistillError(f"{package}: cannot be read ({error.strerror or error}). {_otherwise()}") from error
    if checksum != INTEGRITY:
        raise DistillError(
            f"{package}: is not onnxruntime-web {VERSION} whole (its checksum is {checksum}, expected {INTEGRITY}). "
            f"Delete it. {_otherwise()}"
        )
    return package


def _integrity(content: bytes) -> str:
    """A checksum as npm writes it."""
    return f"sha512-{base64.b64encode(hashlib.sha512(content).digest()).decode()}"


def _otherwise() -> str:
    return (
        f"The browser folder needs the npm package onnxruntime-web {VERSION}: download {_REGISTRY}/onnxruntime-web/-/"
        f"{PACKAGE} where there is a network, and put it at {cached_package()} or name it as export.onnxruntime_web."
    )
