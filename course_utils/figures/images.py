"""Grids of images, all on one scale: -1 is black, +1 is white, never stretched."""

import math
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.textpath import TextPath

from .style import NOTICE, new_figure

TILE = 48  # pixels of a tile, about: images of any size look alike
GAP = 4  # pixels of white between tiles


def image_grid(images: Any, *, width: float = 7.6, **options: Any) -> Figure:
    """A figure of images in rows, as high as its rows need.

    images: (n, h, h), (n, 1, h, h) or (n, 3, h, h); pixels beyond [-1, 1] are shown as
    black or white. width: inches. **options: as for `draw_images`.

    >>> image_grid(np.zeros((20, 8, 8)), columns=10).axes[0].images[0].get_array().shape
    (100, 516, 3)
    """
    rows, columns = options.get("row_labels", ()), options.get("column_labels", ())
    _, axes = new_figure(width=width, height=1)
    mosaic = draw_images(axes, images, **options).get_array()
    # About what the labels take at the left and above, in inches.
    left = 0.1 + max(map(_inches, rows), default=0.0)
    height = (width - left) * mosaic.shape[0] / mosaic.shape[1]
    axes.figure.set_size_inches(width, height + 0.25 * bool(columns) + 0.085)
    if rows:  # what is left of the width goes to them, else they are cut
        axes.set_anchor("E")
    return axes.figure


def draw_images(
    axes: Axes, images: Any, *, columns: int = 10, row_labels: Sequence[str] = (),
    column_labels: Sequence[Any] = (), mark_outside: bool = False,
) -> Any:  # fmt: skip
    """The same grid in axes that are there already, the last row perhaps shorter.

    With mark_outside, pixels beyond [-1, 1] have the color of things to notice. A later
    picture of the same shape goes into the returned one by `set_data(tile(images))`.
    """
    mosaic = tile(images, columns=columns, mark_outside=mark_outside)
    rows, step = math.ceil(len(images) / columns), GAP + _side(images)
    drawn = axes.imshow(mosaic, interpolation="nearest")
    middles = (step - GAP - 1) / 2 + step * np.arange(max(rows, columns))
    axes.set_yticks(middles[: rows if row_labels else 0], row_labels)
    axes.set_xticks(middles[: columns if column_labels else 0], column_labels)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return drawn


def tile(images: Any, *, columns: int = 10, mark_outside: bool = False) -> np.ndarray:
    """One picture of many: (height, width, 3) colors in [0, 1], white between tiles."""
    colors, side = _colors(images, mark_outside), _side(images)  # (n, h, h, 3)
    zoom, step = side // colors.shape[1], side + GAP
    rows = math.ceil(len(colors) / columns)
    mosaic = np.ones((rows * step - GAP, columns * step - GAP, 3), np.float32)
    for i, picture in enumerate(colors.repeat(zoom, axis=1).repeat(zoom, axis=2)):
        top, left = i // columns * step, i % columns * step
        mosaic[top : top + side, left : left + side] = picture
    return mosaic


def _inches(label: str) -> float:
    """What a tick's label takes, at least that of average letters."""
    size = matplotlib.rcParams["font.size"]
    drawn = TextPath((0, 0), label, size=size).get_extents().width if label else 0.0
    return max(0.085 * len(label), 1.06 * drawn / 72 + 0.12)  # and the gap


def _colors(images: Any, mark_outside: bool) -> np.ndarray:
    """(n, h, h, 3) in [0, 1] from images in [-1, 1]."""
    x = np.asarray(images, dtype=np.float32)
    if x.ndim == 3:
        x = x[:, None]
    if x.ndim != 4 or x.shape[1] not in (1, 3) or x.shape[2] != x.shape[3]:
        raise ValueError(
            "images (n, h, h), (n, 1, h, h) or (n, 3, h, h) are wanted, not "
            f"{np.shape(images)}"
        )
    if not np.isfinite(x).all():
        raise ValueError("an image has pixels that are NaN or infinite")
    x = np.moveaxis(x, 1, -1)
    colors = np.broadcast_to((x.clip(-1, 1) + 1) / 2, (*x.shape[:3], 3)).copy()
    if mark_outside:
        colors[(np.abs(x) > 1).any(-1)] = to_rgb(NOTICE)
    return colors


def _side(images: Any) -> int:
    """Pixels of a tile: a whole multiple of the image's."""
    side = np.shape(images)[-1]
    return side * max(1, round(TILE / side))
