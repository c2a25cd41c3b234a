"""From an encoded picture to pixels, or to the reason why it has none.

Converted to 8-bit RGB:
    greyscale, 1-bit, palette, CMYK and YCbCr, by PIL's conversion; colour profiles are ignored;
    16-bit greyscale, divided by 257 and rounded (PIL alone would clip it to white);
    transparency, laid over white, which is what a page behind the picture would show;
    an EXIF orientation, applied; an animation or a file of several pages gives its first picture.
Refused: anything else. 32-bit and float greyscale have no stated white, so any scaling would be a guess; the kind is
told from the first bytes, never from the file's name, and only by the plugins below: PIL's others run foreign programs
(EPS) or read formats nobody photographs in.
"""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import jpeg_factory
from PIL.PngImagePlugin import PngImageFile
from PIL.PpmImagePlugin import PpmImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

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
    encoded = read(data, name) if isinstance(data, Path) else data
    try:
        with _open(encoded, name) as image:
            pixels = image.width * image.height
            if pixels > MAX_PIXELS:
                size = f"{image.width} x {image.height}, {pixels / 1e6:.0f} megapixels"
                raise BadPicture(name, f"too large ({size}; the limit is {MAX_PIXELS / 1e6:.0f})")
            image.load()
            ImageOps.exif_transpose(image, in_place=True)
            return _to_rgb(image, name)
    except _DAMAGE as error:
        raise BadPicture(name, f"damaged or truncated ({error})") from None


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
        return jpeg_factory(file)
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
