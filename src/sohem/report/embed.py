"""Pictures as data URIs, so that a page needs no other file."""

import base64
import io
import re
from pathlib import Path
from typing import NamedTuple

from sohem.datasets import images
from sohem.errors import DataError
from sohem.writers import MAKE_AGAIN

QUALITY = 75  # of WebP, 0 to 100: a sheet of photographs with boxes takes a quarter of its PNG, and looks the same
# Width and height in points, as matplotlib writes them into the root element.
SIZE = re.compile(r'<svg\b[^>]*?\bwidth="([\d.]+)pt"[^>]*?\bheight="([\d.]+)pt"')


class Picture(NamedTuple):
    """A source for <img>, with the size that it is to be shown at, in CSS pixels: so that nothing moves in loading."""

    source: str
    width: int
    height: int


def vector(path: Path) -> Picture:
    """An SVG as an image of its own: its ids and styles meet no others.

    Raises:
        DataError: it is missing, or not an SVG with a size in points.
    """
    data = _read(path)
    size = SIZE.search(data[:4000].decode("utf-8", errors="replace"))
    if size is None:
        raise DataError(f"{path}: not an SVG with width and height in points; {MAKE_AGAIN}")
    width, height = (round(float(points) * 4 / 3) for points in size.groups())
    return Picture(_uri("image/svg+xml", data), width, height)


def sheet(path: Path) -> Picture:
    """A PNG, or the same pixels as WebP where that is smaller; shown at half their number (sheets are for print too).

    Raises:
        DataError: it is missing, or no image.
    """
    data = _read(path)
    with images.opened(path, data, MAKE_AGAIN) as image:
        buffer = io.BytesIO()
        image.convert("RGB").save(buffer, "WEBP", quality=QUALITY, method=6)
        packed = buffer.getvalue()
        source = _uri("image/webp", packed) if len(packed) < len(data) else _uri("image/png", data)
        return Picture(source, image.width // 2, image.height // 2)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); run the step that makes it") from None


def _uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
