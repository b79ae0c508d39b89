"""Lesson 6's explorer: where a kernel stands, and how often each pixel is met."""

import textwrap
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from course_utils import layers
from course_utils.figures import style

from .canvas import Canvas
from .controls import dropdown, slider
from .explorer import Explorer

TRANSPOSED, PLAIN = "transposed convolution", "convolution"


class Arithmetic(NamedTuple):
    """One setting: sizes, who is linked with whom, and how often each is met."""

    n_in: int
    n_out: int
    links: list[tuple[int, int]]  # input, output
    counts: list[int]  # of the larger side: links at each place
    problem: str


def conv_arithmetic(
    kind: str, size: int, kernel: int, stride: int, padding: int
) -> Arithmetic:
    """What a convolution, or a transposed one, links with what, in one dimension.

    `counts` are, for a convolution, the outputs that see each input; for a transposed
    one, the inputs that reach each output. Where it cannot be, there are no outputs and
    `problem` says why.

    >>> found = conv_arithmetic("transposed convolution", 3, 3, 2, 0)
    >>> found.n_out, found.counts
    (7, [1, 1, 2, 1, 2, 1, 1])
    """
    transposed = kind == TRANSPOSED
    try:
        if transposed:
            n_out = layers.transposed_conv_output_size(size, kernel, stride, padding)
        else:
            n_out = layers.conv_output_size(size, kernel, stride, padding)
    except ValueError as error:
        return Arithmetic(size, 0, [], [0] * (0 if transposed else size), str(error))
    small, large = (size, n_out) if transposed else (n_out, size)
    pairs = [
        (i, i * stride + j - padding)
        for i in range(small)
        for j in range(kernel)
        if 0 <= i * stride + j - padding < large
    ]
    counts = np.bincount([b for _, b in pairs], minlength=large).tolist()
    links = pairs if transposed else [(b, a) for a, b in pairs]
    return Arithmetic(size, n_out, links, counts, "")


def convolution_explorer() -> Explorer:
    """Kernel, stride and padding; the links in one dimension, the overlap in two."""
    fig, (left, right) = style.new_figure(2, height=3.5, width_ratios=[5, 3])
    for axes in (left, right):
        axes.set_title("room for a title")  # the layout is frozen at the first drawing
        axes.axis("off")
    canvas = Canvas(fig)

    def frame(kind: str, size: int, kernel: int, stride: int, padding: int) -> bytes:
        found = conv_arithmetic(kind, size, kernel, stride, padding)
        _draw_links(left, found, "outputs" if kind == TRANSPOSED else "inputs")
        setting = f"kernel {kernel}, stride {stride}, padding {padding}"
        left.set_title(f"{setting}: {size} to {found.n_out or 'nothing'}")
        _draw_overlap(right, found)
        return canvas.png()

    def alt(kind: str, size: int, kernel: int, stride: int, padding: int) -> str:
        found = conv_arithmetic(kind, size, kernel, stride, padding)
        setting = f"A {kind} with kernel {kernel}, stride {stride}, padding {padding}"
        if found.problem:
            return f"{setting} of {size} inputs: {found.problem}."
        told = ", ".join(map(str, found.counts))
        whose = "outputs are reached by" if kind == TRANSPOSED else "inputs are seen by"
        return f"{setting} makes {found.n_out} of {size}; {whose} {told}."

    controls = {
        "kind": dropdown([TRANSPOSED, PLAIN], label="layer"),
        "size": slider(2, 9, 5, label="inputs"),
        "kernel": slider(1, 6, 3),
        "stride": slider(1, 4, 2),
        "padding": slider(0, 3, 0),
    }
    return Explorer(frame, controls, alt=alt)


def _draw_links(axes: Axes, found: Arithmetic, counted: str) -> None:
    """Inputs above, outputs below, a line for each link, counts at one of the two."""
    axes.clear()
    if found.problem:
        axes.text(0, 0.5, textwrap.fill(found.problem, 30), ha="center", va="center")
    half = max(found.n_in, found.n_out, 2) / 2
    for i, o in found.links:
        ends = (i - (found.n_in - 1) / 2, o - (found.n_out - 1) / 2)
        axes.plot(ends, (1.0, 0.0), color=style.REFERENCE, lw=1.2, zorder=1)
    for name, n, height, beyond, color in (
        ("inputs", found.n_in, 1.0, 1, style.DATA),
        ("outputs", found.n_out, 0.0, -1, style.GENERATED),
    ):
        x = np.arange(n) - (n - 1) / 2
        axes.plot(x, np.full(n, height), style.MARKERS[color], color=color, ms=7)
        axes.text(-half, height + 0.22 * beyond, f"{n} {name}", va="center")
        if name == counted:
            look = {"ha": "center", "va": "center", "fontsize": 10 if n < 25 else 7.5}
            for place, count in zip(x, found.counts, strict=True):
                axes.text(place, height + 0.1 * beyond, str(count), **look)
    axes.set(xlim=(-half - 0.2, half + 0.2), ylim=(-0.32, 1.32))
    axes.axis("off")


def _draw_overlap(axes: Axes, found: Arithmetic) -> None:
    axes.clear()
    axes.axis("off" if found.problem else "on")
    if not found.problem:
        counts: Any = np.asarray(found.counts)
        table = np.outer(counts, counts)
        axes.imshow(table, cmap="gray", vmin=0, vmax=max(1, table.max()))
        title = f"In two dimensions: {table.min()} to {table.max()}"
        axes.set(xticks=[], yticks=[], title=title)
