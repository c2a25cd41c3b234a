"""Pictures and plots inside the page itself, as addresses that hold what they name."""

import base64
import io

import numpy as np
from PIL import Image


def svg_uri(plot: bytes) -> str:
    """An SVG document."""
    return _uri(plot, "image/svg+xml")


def picture_uri(picture: np.ndarray) -> str:
    """A picture, uint8 (H, W, 3), RGB, kept to the pixel."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG", optimize=True)
    return _uri(buffer.getvalue(), "image/png")


def _uri(content: bytes, media_type: str) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"
