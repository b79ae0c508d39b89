"""Lesson 6: what a DCGAN is made of, drawn."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from . import style
from .style import array

Shape = tuple[int, int, int]  # channels, height, width


def architecture(of_g: Sequence[Shape], of_d: Sequence[Shape]) -> Figure:
    """Both networks as rows of maps (c, h, w), G above, D below.

    A bar's height is the map's side in pixels, its width the logarithm of its channels.
    """
    fig, rows = style.new_figure(rows=2, height=4.6)
    for axes, maps, color, name in (
        (rows[0], of_g, style.GENERATED, "G enlarges: a latent to an image"),
        (rows[1], of_d, style.DISCRIMINATOR, "D shrinks: an image to a logit"),
    ):
        _draw_maps(axes, maps, color)
        first, last = maps[0][1], maps[-1][1]
        axes.set_title(f"{name} ({first} to {last} pixels, {len(maps) - 1} steps)")
    return fig


def _draw_maps(axes: Axes, maps: Sequence[Shape], color: str) -> None:
    tallest, before = max(h for _, h, _ in maps), 0.0
    side = {"color": style.CAPTION, "va": "top", "fontsize": 9}
    arrow = {"arrowstyle": "->", "color": style.CAPTION}
    for i, (channels, height, width) in enumerate(maps):
        wide, tall = 0.07 + 0.07 * np.log2(channels), max(height, 1.5)
        corner = (i - wide / 2, -tall / 2)
        axes.add_patch(Rectangle(corner, wide, tall, fc="white", ec=color, lw=1.6))
        style.label(axes, i, tall / 2, f"{channels}", color, (0, 3), ha="center")
        text = f"{height} x {width}"
        style.label(axes, i, -tall / 2, text, offset=(0, -3), ha="center", **side)
        if i:
            ends = (i - wide / 2, 0), (i - 1 + before / 2, 0)
            axes.annotate("", *ends, arrowprops=arrow)
        before = wide
    axes.set(xlim=(-0.6, len(maps) - 0.4), ylim=(-0.78 * tallest, 0.72 * tallest))
    axes.axis("off")


def two_matrices(matrix: Any) -> Figure:
    """A convolution's matrix (out, size) beside its transpose, entry by entry."""
    m = array(matrix)
    fig, panels = style.new_figure(2, height=3.6)
    n_out, n_in = m.shape
    titles = f"M: {n_in} numbers become {n_out}", f"M.T: {n_out} become {n_in}"
    for axes, table, title in zip(panels, (m, m.T), titles, strict=True):
        axes.imshow(table != 0, cmap="Greys", vmin=0, vmax=5, aspect="equal")
        for (i, j), weight in np.ndenumerate(table):
            ink = style.CAPTION if weight == 0 else "black"
            axes.text(j, i, f"{weight:g}", ha="center", va="center", color=ink)
        axes.set(xticks=range(table.shape[1]), yticks=range(table.shape[0]))
        axes.set(xlabel="input", ylabel="output", title=title)
    return fig


def overlaps(counts: Mapping[str, Any]) -> Figure:
    """How many inputs reach each pixel of an enlarged map; white is most.

    counts: name -> (n,) in one dimension, in two they multiply. A title tells those of
    the middle half, where no edge is felt.
    """
    fig, panels = style.new_figure(len(counts), height=2.9, squeeze=False)
    for axes, (name, row) in zip(panels[0], counts.items(), strict=True):
        row, n = array(row), len(row)
        table = np.outer(row, row)
        inner = row[n // 4 : n - n // 4]
        *others, most = np.unique(np.outer(inner, inner))
        text = f"inside always {most:g} inputs"
        if others:
            text = ", ".join(f"{v:g}" for v in others) + f" or {most:g} inputs"
        picture = axes.imshow(table, cmap="gray", vmin=0, vmax=table.max())
        axes.set(title=f"{name}\n{text}", xticks=[], yticks=[])
        fig.colorbar(picture, ax=axes, shrink=0.8, label="inputs")
    return fig


def signal_through(sizes: Mapping[str, Any], layers: Sequence[str]) -> Figure:
    """Standard deviation behind each of the layers, network -> (layers,), log axis."""
    fig, axes = style.new_figure(height=3.2)
    roles = (style.NOTICE, style.GENERATED)
    for (name, values), role in zip(sizes.items(), roles, strict=False):
        look = {"label": f" {name}", "marker": style.MARKERS[role]}
        style.line(axes, range(len(values)), values, role, **look)
    last = [values[-1] for values in sizes.values()]
    axes.set_xticks(range(len(layers)), layers)
    axes.set(yscale="log", xlim=(-0.2, len(layers) - 0.1))
    axes.set(xlabel="behind layer of G", ylabel="standard deviation")
    factor = style.rounded(max(last) / min(last), digits=1)
    axes.set_title(f"At the image the two differ by a factor of {factor}")
    return fig


def silent_units(found: Mapping[str, Mapping[str, Any]], n_units: int) -> Figure:
    """Silent units of n_units: activation -> what was counted -> (games,) counts."""
    fig, axes = style.new_figure(height=2.9)
    looks = ((style.NOTICE, "D"), (style.DISCRIMINATOR, "o"))
    rows, ranges = [], []
    for (color, mark), (activation, counted) in zip(looks, found.items(), strict=True):
        for what, counts in counted.items():
            counts = np.sort(array(counts))
            spread = np.linspace(-0.22, 0.22, len(counts))
            axes.plot(counts, len(rows) + spread, mark, color=color, ms=6)
            rows.append(f"{activation}: {what}")
        low, high = counts[0], counts[-1]
        range_ = f"{low:g} to {high:g}" if low < high else f"{low:g}"
        ranges.append(f"{activation}: {range_}")
    axes.set_yticks(range(len(rows)), rows)
    axes.set(
        ylim=(len(rows) - 0.5, -0.5), xlim=(-2, n_units),
        xlabel=f"units of {n_units} in G's second layer (a mark for each game)",
        title=f"Units with {what}: {'; '.join(ranges)}",
    )  # fmt: skip
    return fig


def first_steps(steps: Any, lengths: Mapping[str, Any]) -> Figure:
    """Adam's step over lr at steps (n,), name -> (n,); the last one is corrected."""
    t = array(steps)
    fig, axes = style.new_figure(height=3.4)
    *wrong, (name, right) = ((name, array(y)) for name, y in lengths.items())
    style.line(axes, t, right, style.DISCRIMINATOR)
    style.label(axes, t[0], right[0], name, style.DISCRIMINATOR, (0, 4))
    looks = (("-.", (24, 4)), ("-", (-46, -36)))
    for (name, y), (dash, offset) in zip(wrong, looks, strict=False):
        style.line(axes, t, y, style.NOTICE, linestyle=dash)
        text = f"{name}\n{y[0]:.1f}, then up to {y.max():.1f}"
        style.mark(axes, t[y.argmax()], y.max(), text, offset)
    highest = max(array(y).max() for y in lengths.values())
    axes.set(xscale="log", ylim=(0, 1.15 * highest))
    axes.set(xlabel="step", ylabel="step length / lr")
    axes.set_title("Without the correction Adam's first steps are too long")
    return fig
