"""From an encoded picture to pixels, or to the reason why it has none.

Converted to 8-bit RGB:
    greyscale, 1-bit, palette, CMYK and YCbCr, by PIL's conversion; colour profiles are ignored;
    16-bit greyscale, divided by 257 and rounded (PIL alone would clip it to white);
    transparency, laid over white, which is what a page behind the picture would show;
    an EXIF orientation, applied, whatever else the metadata hold;
    an animation or a file of several pages gives its first picture.
Refused: anything else. 32-bit and float greyscale have no stated white, so any scaling would be a guess; the kind is
told from the first bytes, never from the file's name, and only by the plugins below: PIL's others run foreign programs
(EPS) or read formats nobody photographs in.
"""

import io
import struct
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.PpmImagePlugin import PpmImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from distill.data.prepared.orientation import ORIENTATION, exif_of, exif_orientation, without_metadata
from distill.data.prepared.quiet import quieten_pictures

MAX_PIXELS = 50_000_000
_HEIF = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis")  # brands of HEIC and AVIF
KINDS = "JPEG, PNG, WebP, GIF, BMP, TIFF, PPM"

# What PIL's plugins let through when the bytes are damaged.
_DAMAGE = (
    *(OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, OverflowError, RuntimeError),
    *(struct.error, zlib.error, Image.DecompressionBombError),
)


class BadPicture(Exception):  # noqa: N818 - a state of the picture, not a fault of the program
    """A picture that cannot be used.

    Attributes:
        name: the picture.
        reason: why, in a few words, as the ledger has it.
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason)  # as they are, so that it can be sent from one process to another
        self.name = name
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}"


def decode(data: bytes | Path, name: str) -> np.ndarray:
    """uint8 (H, W, 3) RGB pixels of an encoded picture or a picture file.

    Args:
        name: what an error calls the picture.

    Raises:
        BadPicture: missing, empty, truncated, no picture, of a kind that is refused (see above), or of more than
            `MAX_PIXELS` pixels; the size is read from the header, before anything is decoded.
    """
    quieten_pictures()
    encoded = read(data, name) if isinstance(data, Path) else data
    try:
        return _decode(encoded, name)
    except _DAMAGE as error:
        bare = without_metadata(encoded)
        if bare is not None and len(bare) < len(encoded):
            with suppress(BadPicture, *_DAMAGE):
                pixels = _decode(bare, name)
                return _turned(pixels, exif_orientation(exif_of(encoded)))
        raise BadPicture(name, f"damaged or truncated ({error})") from None


def _decode(encoded: bytes, name: str) -> np.ndarray:
    with _open(encoded, name) as image:
        pixels = image.width * image.height
        if pixels > MAX_PIXELS:
            size = f"{image.width} x {image.height}, {pixels / 1e6:.0f} megapixels"
            raise BadPicture(name, f"too large ({size}; the limit is {MAX_PIXELS / 1e6:.0f})")
        image.load()
        orientation = _orientation(image)
        return _turned(_to_rgb(image, name), orientation)


def _orientation(image: ImageFile) -> int | None:
    """How a picture is to be turned, whatever else its metadata hold."""
    exif = image.info.get("exif")
    own = exif_orientation(exif) if isinstance(exif, bytes) else None
    if own is not None:
        return own
    with suppress(*_DAMAGE):
        given = image.getexif().get(ORIENTATION)  # from XMP too, and of a TIFF
        return given if isinstance(given, int) else None
    return None


def _turned(pixels: np.ndarray, orientation: int | None) -> np.ndarray:
    """uint8 (H, W, 3), upright: 1 to 4 keep rows as rows, 5 to 8 make them columns."""
    turns = {
        2: pixels[:, ::-1],
        3: pixels[::-1, ::-1],
        4: pixels[::-1],
        5: pixels.transpose(1, 0, 2),
        6: pixels.transpose(1, 0, 2)[:, ::-1],
        7: pixels.transpose(1, 0, 2)[::-1, ::-1],
        8: pixels.transpose(1, 0, 2)[::-1],
    }
    return np.ascontiguousarray(turns[orientation]) if orientation in turns else pixels


def read(path: Path, name: str) -> bytes:
    """The bytes of a picture file.

    Raises:
        BadPicture: the file is missing or cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise BadPicture(name, "missing") from None
    except OSError as error:
        raise BadPicture(name, f"cannot be read ({error.strerror})") from None


def _open(encoded: bytes, name: str) -> ImageFile:
    """Parse the header alone.

    The plugins are called directly: `Image.open` would print a warning for a picture past PIL's own size limit, and
    silencing it means changing the process's warning filters from several threads.
    """
    head, file = encoded[:16], io.BytesIO(encoded)
    if not head:
        raise BadPicture(name, "empty")
    if head.startswith(b"\xff\xd8\xff"):
        return JpegImageFile(file)  # a file of several pictures gives its first
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PngImageFile(file)
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return WebPImageFile(file)
    if head.startswith((b"GIF87a", b"GIF89a")):
        return GifImageFile(file)
    if head.startswith(b"BM"):
        return BmpImageFile(file)
    if head.startswith((b"II*\0", b"MM\0*")):
        return TiffImageFile(file)
    if head[:1] == b"P" and head[1:2] in b"123456" and head[2:3].isspace():
        return PpmImageFile(file)
    if head[4:8] == b"ftyp" and head[8:12] in _HEIF:
        raise BadPicture(name, f"HEIC or AVIF, which is not read (expected {KINDS})")
    raise BadPicture(name, f"not a picture (expected {KINDS})")


def _to_rgb(image: Image.Image, name: str) -> np.ndarray:
    # PIL opens a 16-bit PGM as 32-bit integers, scaled to 0..65535.
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PPM"):
        grey = np.asarray(image).astype(np.uint32)
        return np.repeat(((grey + 128) // 257).astype(np.uint8)[..., None], 3, axis=2)
    if image.mode in ("I", "F"):
        raise BadPicture(name, "32-bit greyscale (its white is unknown; save it with 8 or 16 bits)")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return np.array(image if image.mode == "RGB" else image.convert("RGB"))
