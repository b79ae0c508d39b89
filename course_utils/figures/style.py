"""One grammar for every figure: colors by role, one style, alt text on each picture."""

import html
import io
import threading
from collections.abc import Mapping
from typing import Any

import matplotlib
import numpy as np
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

# Roles, not hues: data is blue in every lesson, what G makes is vermillion, D is grey.
# The pairs stay apart under protan, deutan and tritan vision (Okabe and Ito's palette).
DATA = "#0072B2"
GENERATED = "#D55E00"
DISCRIMINATOR = "#555555"
REFERENCE = "#BBBBBB"
NOTICE = "#CC79A7"
CAPTION = "#666666"  # words beside a reference line: REFERENCE itself is too light
HALO = withStroke(linewidth=2.5, foreground="white")  # words that curves may cross

# Never color alone: each role has its own dash and marker.
DASHES = {DATA: "-", GENERATED: "--", DISCRIMINATOR: "-", REFERENCE: ":", NOTICE: "-."}
MARKERS = {DATA: "o", GENERATED: "^", DISCRIMINATOR: "s", NOTICE: "D"}
WIDTHS = {DATA: 2.0, GENERATED: 2.0, DISCRIMINATOR: 1.2, REFERENCE: 1.2, NOTICE: 1.6}

STYLE: Mapping[str, Any] = {
    "text.usetex": False,  # whatever the user's matplotlibrc asks for
    "figure.dpi": 100,
    "font.size": 10.5,
    "axes.titlesize": 11.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#666666",
    "legend.frameon": False,
    "image.cmap": "gray",
    "figure.facecolor": "white",
}
matplotlib.rcParams.update(STYLE)  # a learner's own plots take the same style

# Cells run in the kernel's main thread, and so does a control's first change;
# JupyterLab has later ones answered in another. Matplotlib draws in one at a time.
DRAWING = threading.RLock()


def new_figure(
    columns: int = 1, *, rows: int = 1, width: float = 7.6, height: float = 3.0,
    **kw: Any,
) -> tuple[Figure, Any]:  # fmt: skip
    """An empty figure and its Axes, one or an array, as Figure.subplots makes them.

    It is outside pyplot's state, so that none leaks or shows twice. Width and height
    are inches; 7.6 fits a laptop's notebook column at 100 dpi.
    """
    fig = Figure(figsize=(width, height), layout="constrained")
    return fig, fig.subplots(rows, columns, **kw)


# Panels in an array, even one alone, with the same limits of both axes.
SAME: dict[str, Any] = {"sharex": True, "sharey": True, "squeeze": False}


def array(values: Any) -> np.ndarray:
    """A tensor, with or without gradient, or a sequence as an array of floats."""
    return np.asarray(getattr(values, "detach", lambda: values)(), dtype=float)


def rounded(number: float, digits: int = 2) -> str:
    """A number of which only the size matters, in words a title can hold.

    >>> rounded(25_123_456), rounded(4140), rounded(4140, digits=1)
    ('25 million', '4,100', '4,000')
    """
    value = float(f"{number:.{digits}g}")
    if value >= 1e6:
        return f"{value / 1e6:g} million"
    return f"{value:,.0f}" if value >= 10 else f"{value:g}"


def line(axes: Axes, x: Any, y: Any, role: str, *, label: str = "", **kw: Any) -> None:
    """Draw a curve with the dash and width of its role; label it at its right end."""
    kw = {"linestyle": DASHES[role], "linewidth": WIDTHS[role]} | kw
    axes.plot(x, y, color=role, **kw)
    if label:
        end_label(axes, x[-1], y[-1], label, role)


def label(
    axes: Axes, x: Any, y: Any, text: str, color: str, offset: tuple = (0, 0), **kw: Any
) -> None:
    """Words beside a point of the data, `offset` printer's points away from it."""
    look = {"textcoords": "offset points", "color": color} | kw
    axes.annotate(text, (float(x), float(y)), xytext=offset, **look)


def end_label(
    axes: Axes, x: Any, y: Any, text: str, color: str, offset: tuple = (5, 0)
) -> None:
    """A direct label beside a line's end, which reads faster than a legend."""
    label(axes, x, y, text, color, offset, va="center", annotation_clip=False)


def mark(axes: Axes, x: Any, y: Any, text: str, offset: tuple, **kw: Any) -> None:
    """The one point to notice, with its words."""
    axes.plot(x, y, MARKERS[NOTICE], color=NOTICE, ms=6)
    label(axes, x, y, text, NOTICE, offset, **kw)


# Of a level's name that stands at the right, because curves begin at the left.
AT_THE_RIGHT: dict[str, Any] = {"x": 1, "ha": "right", "zorder": 3, "path_effects": []}


def reference_line(
    axes: Axes, level: float, text: str = "", *, x: float = 0,
    offset: tuple = (3, 1), **kw: Any,
) -> None:  # fmt: skip
    """A dotted line at a computed level; its name above its left end.

    The name stands at x, a share of the width, and `offset` printer's points away; **kw
    are its looks, such as va="top" for one under the line.
    """
    axes.axhline(level, color=REFERENCE, ls=":", lw=WIDTHS[REFERENCE], zorder=0)
    look = {"color": CAPTION, "fontsize": 9, "va": "bottom", "zorder": 4}
    look |= {"path_effects": [HALO], "textcoords": "offset points"} | kw
    place = {"xycoords": ("axes fraction", "data"), "xytext": offset}
    axes.annotate(text, (x, level), **place, **look)


def png(fig: Figure) -> bytes:
    """The figure as PNG bytes, without a creation date, so that it is reproducible."""
    buffer = io.BytesIO()
    with DRAWING:
        fig.savefig(buffer, format="png", dpi=100, metadata={"Software": None})
    return buffer.getvalue()


def screen_reader_text(sentence: str, *, role: str = "note") -> str:
    """HTML for screen readers alone: JupyterLab reads no image's own description."""
    unseen = "position: absolute; width: 1px; height: 1px; overflow: hidden"
    return f'<p role="{role}" style="{unseen}">{html.escape(sentence)}</p>'


def display_image(png: bytes, alt: str, **kw: Any) -> None:
    """A picture and its sentence as a cell's output; **kw as for IPython's display."""
    data = {"text/plain": f"figure: {alt}", "image/png": png}
    display(data, metadata={"image/png": {"alt": alt}}, raw=True, **kw)


class Picture:
    """A figure as its PNG and a sentence, in which nothing varies, on what it shows.

    The sentence stands in the PNG's metadata, as plain text beside it, and in a second,
    unseen output, which screen readers read in JupyterLab and pages without styles show
    as a caption.
    """

    def __init__(self, fig: Figure, *, alt: str) -> None:
        if not alt.strip():
            raise ValueError("a figure needs alt text: a sentence on what it shows")
        self.png, self.alt = png(fig), alt

    def __repr__(self) -> str:
        return f"figure: {self.alt}"

    def _ipython_display_(self) -> None:
        display_image(self.png, self.alt)
        display({"text/plain": "", "text/html": screen_reader_text(self.alt)}, raw=True)


show = Picture  # a figure cell's last line: figures.show(fig, alt="...")
