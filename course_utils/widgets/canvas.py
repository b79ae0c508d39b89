"""A figure turned into PNG bytes again and again, fast enough to follow a slider."""

import io
from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from course_utils.figures.style import DRAWING


class Canvas:
    """A finished figure, laid out once at the first drawing and redrawn each time.

    With the artists that change named (lines, images, a title), axes and ticks are
    drawn once, which takes most of the time, and the moving ones lie on top of
    everything else. Without, the whole figure is drawn anew for each picture.
    """

    def __init__(self, fig: Figure, *, moving: Sequence[Artist] = ()) -> None:
        self._agg, self._moving = FigureCanvasAgg(fig), moving
        for artist in moving:
            artist.set_animated(True)  # left out of the background
        with DRAWING:
            self._agg.draw()
        fig.set_layout_engine("none")  # laying out anew costs as much as drawing
        self._background = self._agg.copy_from_bbox(fig.bbox)

    def png(self) -> bytes:
        """The figure as it is now, at its own resolution, as PNG."""
        with DRAWING:
            if self._moving:
                self._agg.restore_region(self._background)
                for artist in self._moving:
                    self._agg.figure.draw_artist(artist)
            else:
                self._agg.draw()
            rgb = np.ascontiguousarray(np.asarray(self._agg.buffer_rgba())[..., :3])
        file = io.BytesIO()
        Image.fromarray(rgb).save(file, "png", compress_level=1)  # speed over size
        return file.getvalue()
