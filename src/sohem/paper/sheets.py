"""Drawing on images, and putting them together on a sheet.

Pure: arrays in, PNG bytes out, the same bytes for the same input. Text is drawn with the font that comes with Pillow,
so nothing depends on the fonts of the machine. Pillow is imported where it is used: see ``plotting``.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sohem.markdown import one_line

if TYPE_CHECKING:
    from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]
Words = Sequence[tuple[str, Colour]]
"""Words of a line, each with the colour of a mark before it."""

LIMIT = 1024 * 1024  # bytes: what a sheet may weigh in the repository
_PAGE: Colour = (250, 250, 248)
_INK: Colour = (40, 40, 44)
_GAP = 8
_CAPTION = 19
_LEAST = 760  # pixels, the width of a sheet without images


def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own font at ``size`` pixels."""
    from PIL import ImageFont

    return ImageFont.load_default(size)


def draw_boxes(
    image: np.ndarray,
    boxes: np.ndarray,
    labels: Sequence[str],
    colours: Sequence[Colour],
    dashed: Sequence[bool] | None = None,
    hatched: Sequence[bool] | None = None,
    scale: float = 1.0,
    width: int = 2,
) -> Image.Image:
    """An image with labelled boxes.

    Args:
        image: uint8 [height, width, 3], RGB.
        boxes: [G, 4] xyxy in pixels of ``image``.
        labels, colours: of the G boxes; an empty label is not drawn.
        dashed: boxes with a broken outline (difficult ones). hatched: regions filled with stripes (to be ignored).
        scale: the image is enlarged or reduced by this factor, the lines and letters are not.
        width: of the lines, in pixels.
    """
    from PIL import Image, ImageDraw

    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    # Enlarging repeats pixels: what the detector sees stays to be seen, and the file stays small.
    how = Image.Resampling.NEAREST if scale >= 1 else Image.Resampling.BOX
    picture = Image.fromarray(np.ascontiguousarray(image)).resize(size, how)
    draw = ImageDraw.Draw(picture)
    letters = font(11)
    placed: list[tuple[float, float, float, float]] = []
    for k, box in enumerate(np.asarray(boxes, float).reshape(-1, 4) * scale):
        x0, y0, x1, y1 = box[0], box[1], max(box[2] - 1, box[0]), max(box[3] - 1, box[1])
        if hatched is not None and hatched[k]:
            _hatch(draw, x0, y0, x1, y1, colours[k])
        _outline(draw, x0, y0, x1, y1, colours[k], 4.0 if dashed is not None and dashed[k] else 0.0, width)
        if labels[k]:
            _tag(draw, labels[k], x0, y0, y1, size, colours[k], letters, placed)
    return picture


def _outline(
    draw: ImageDraw.ImageDraw, x0: float, y0: float, x1: float, y1: float, colour: Colour, dash: float, width: int
) -> None:
    if not dash:
        draw.rectangle((x0, y0, x1, y1), outline=colour, width=width)
        return
    for ax, ay, bx, by in ((x0, y0, x1, y0), (x1, y0, x1, y1), (x1, y1, x0, y1), (x0, y1, x0, y0)):
        length = math.hypot(bx - ax, by - ay)
        for start in np.arange(0, length, 2 * dash):
            s, e = start / length, min(start + dash, length) / length
            draw.line((ax + (bx - ax) * s, ay + (by - ay) * s, ax + (bx - ax) * e, ay + (by - ay) * e), colour, width)


def _hatch(draw: ImageDraw.ImageDraw, x0: float, y0: float, x1: float, y1: float, colour: Colour) -> None:
    """Stripes at 45 degrees, cut to the rectangle."""
    height = y1 - y0
    for start in np.arange(x0 - height, x1, 6):
        left, right = max(start, x0), min(start + height, x1)
        if left < right:
            draw.line((left, y1 - (left - start), right, y1 - (right - start)), colour, 1)


def _tag(
    draw: ImageDraw.ImageDraw,
    text: str,
    x0: float,
    y0: float,
    y1: float,
    size: tuple[int, int],
    colour: Colour,
    letters: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    placed: list[tuple[float, float, float, float]],
) -> None:
    """A label on its box: above it, else inside or below, where no earlier label is."""
    text = one_line(text)
    width, height = draw.textlength(text, font=letters) + 4, 13.0
    x = min(max(0.0, x0), max(0.0, size[0] - width))
    spot = (x, max(0.0, y0), x + width, max(0.0, y0) + height)
    for y in (y0 - height, y0, y1 + 1, y0 + height):
        candidate = (x, y, x + width, y + height)
        taken = any(x < c and candidate[2] > a and y < d and candidate[3] > b for a, b, c, d in placed)
        if 0 <= y <= size[1] - height and not taken:
            spot = candidate
            break
    placed.append(spot)
    draw.rectangle(spot, fill=colour)
    dark = sum(w * c for w, c in zip((0.3, 0.59, 0.11), colour, strict=True)) > 120
    draw.text((spot[0] + 2, spot[1] - 0.5), text, (0, 0, 0) if dark else (255, 255, 255), font=letters)


def page(
    cells: Sequence[Image.Image],
    columns: int,
    title: str,
    notice: str,
    key: str,
    headings: Sequence[str] = (),
    marks: Words = (),
) -> Image.Image:
    """Cells in rows of ``columns``, under a title, the notice, a line that explains the drawing, and headings.

    Args:
        marks: colours that the line does not explain, on a line of their own.
    """
    from PIL import Image, ImageDraw

    widths = [max(cell.width for cell in cells[k::columns]) for k in range(min(columns, len(cells)))]
    heights = [max(cell.height for cell in cells[k : k + columns]) for k in range(0, len(cells), columns)]
    below_key = 62 + (22 if marks else 0)
    top = below_key + (24 if headings else 0)
    width = max(sum(widths) + _GAP * (len(widths) + 1), _LEAST if len(cells) == 0 else 0)
    sheet = Image.new("RGB", (width, top + sum(heights) + _GAP * len(heights)), _PAGE)
    draw = ImageDraw.Draw(sheet)
    draw.text((_GAP, 6), one_line(title), _INK, font=font(22))
    draw.text((sheet.width - _GAP, 9), notice, (160, 60, 20), font=font(17), anchor="ra")
    draw.text((_GAP, 36), key, _INK, font=font(15))
    line(draw, _GAP, 58, marks, 15)
    for k, heading in enumerate(headings if len(cells) else ()):
        draw.text((_GAP + sum(widths[:k]) + _GAP * k, below_key), one_line(heading), _INK, font=font(17))
    for k, cell in enumerate(cells):
        row, column = divmod(k, columns)
        x, y = _GAP + sum(widths[:column]) + _GAP * column, top + sum(heights[:row]) + _GAP * row
        sheet.paste(cell, (x, y))
    return sheet


def line(draw: ImageDraw.ImageDraw, x: float, y: float, words: Words, size: int) -> None:
    """Write words one after the other, each behind a square of its colour."""
    letters = font(size)
    for text, colour in ((one_line(word), colour) for word, colour in words):
        draw.rectangle((x, y + 0.3 * size, x + 0.7 * size, y + size), fill=colour)
        draw.text((x + size, y), text, _INK, font=letters)
        x += size + draw.textlength(text, font=letters) + size


def captioned(picture: Image.Image, words: str, marks: Words = ()) -> Image.Image:
    """A picture with a line of text above it, which may end with marked words."""
    from PIL import Image, ImageDraw

    letters, words, marks = font(13), one_line(words), [(one_line(text), colour) for text, colour in marks]
    start = letters.getlength(words) + 12
    needed = start + sum(26 + letters.getlength(text) for text, _ in marks)
    cell = Image.new("RGB", (max(picture.width, round(needed)), picture.height + _CAPTION), _PAGE)
    cell.paste(picture, (0, _CAPTION))
    draw = ImageDraw.Draw(cell)
    draw.text((0, 1), words, _INK, font=letters)
    line(draw, start, 1, marks, 13)
    return cell


def to_png(sheet: Image.Image, limit: int = LIMIT) -> bytes:
    """PNG bytes of at most ``limit``: in as fine shades as fit, reduced in size if that is not enough."""
    from PIL import Image

    data = b""
    while min(sheet.size) > 16:
        pixels = np.asarray(sheet)
        for bits in (8, 6, 5, 4):
            step = 256 >> bits
            buffer = io.BytesIO()
            Image.fromarray(pixels // step * step + step // 2).save(buffer, "PNG", compress_level=6)
            data = buffer.getvalue()
            if len(data) <= limit:
                return data
        sheet = sheet.resize((sheet.width * 4 // 5, sheet.height * 4 // 5), Image.Resampling.BOX)
    return data
