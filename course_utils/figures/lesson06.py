"""Lesson 6: what a DCGAN is made of, drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from . import style

Shape = tuple[int, int, int]  # channels, height, width


def architecture(
    generator_maps: Sequence[Shape], logit_maps: Sequence[Shape]
) -> Figure:
    """Both networks as rows of maps: high is large, wide is many channels.

    Args:
        generator_maps: (c, h, w) from the latent, (d, 1, 1), to the image.
        logit_maps: (c, h, w) from the image to D's one number, (1, 1, 1).

    Returns:
        A figure: G above, D below; a bar's height is the map's side in pixels, its
        width the logarithm of its channels.
    """
    fig, rows = style.new_figure(rows=2, height=4.6)
    for axes, maps, color, name in (
        (rows[0], generator_maps, style.GENERATED, "G enlarges: a latent to an image"),
        (rows[1], logit_maps, style.DISCRIMINATOR, "D shrinks: an image to a logit"),
    ):
        _draw_maps(axes, maps, color)
        first, last = maps[0][1], maps[-1][1]
        axes.set_title(f"{name} ({first} to {last} pixels, {len(maps) - 1} steps)")
    return fig


def _draw_maps(axes: Axes, maps: Sequence[Shape], color: str) -> None:
    tallest, before = max(h for _, h, _ in maps), 0.0
    for i, (channels, height, width) in enumerate(maps):
        wide = 0.07 + 0.07 * np.log2(channels)
        tall = max(height, 1.5)
        box = Rectangle(
            (i - wide / 2, -tall / 2), wide, tall, facecolor="white", edgecolor=color,
            linewidth=1.6,
        )  # fmt: skip
        axes.add_patch(box)
        axes.annotate(
            f"{channels}", (i, tall / 2), xytext=(0, 3), textcoords="offset points",
            ha="center", color=color,
        )  # fmt: skip
        axes.annotate(
            f"{height} x {width}", (i, -tall / 2), xytext=(0, -3), color=style.CAPTION,
            textcoords="offset points", ha="center", va="top", fontsize=9,
        )  # fmt: skip
        if i:
            axes.annotate(
                "", (i - wide / 2, 0), (i - 1 + before / 2, 0),
                arrowprops={"arrowstyle": "->", "color": style.CAPTION},
            )  # fmt: skip
        before = wide
    axes.set_xlim(-0.6, len(maps) - 0.4)
    axes.set_ylim(-0.78 * tallest, 0.72 * tallest)
    axes.axis("off")


def two_matrices(matrix: Any) -> Figure:
    """A convolution's matrix beside its transpose, entry by entry.

    Args:
        matrix: (out, size), whole numbers read best.
    """
    m = _array(matrix)
    fig, panels = style.new_figure(2, height=3.6)
    titles = (
        f"M: {m.shape[1]} numbers become {m.shape[0]}",
        f"M.T: {m.shape[0]} become {m.shape[1]}",
    )
    for axes, table, title in zip(panels, (m, m.T), titles, strict=True):
        axes.imshow(table != 0, cmap="Greys", vmin=0, vmax=5, aspect="equal")
        for (i, j), weight in np.ndenumerate(table):
            ink = style.CAPTION if weight == 0 else "black"
            axes.text(j, i, f"{weight:g}", ha="center", va="center", color=ink)
        axes.set_xticks(range(table.shape[1]))
        axes.set_yticks(range(table.shape[0]))
        axes.set_xlabel("input")
        axes.set_ylabel("output")
        axes.set_title(title)
    return fig


def overlaps(counts: Mapping[str, Any]) -> Figure:
    """How many inputs reach each pixel of an enlarged map, as pictures.

    Args:
        counts: name of a setting -> (n,) counts in one dimension; in two they multiply.

    Returns:
        A figure; white is most. The title of a panel tells the counts away from the
        edges.
    """
    fig, panels = style.new_figure(len(counts), height=2.9, squeeze=False)
    for axes, (name, row) in zip(panels[0], counts.items(), strict=True):
        row = _array(row)
        table = np.outer(row, row)
        inner = _inner(row)
        picture = axes.imshow(table, cmap="gray", vmin=0, vmax=table.max())
        axes.set_title(f"{name}\n{_told(np.unique(np.outer(inner, inner)))}")
        axes.set_xticks([])
        axes.set_yticks([])
        fig.colorbar(picture, ax=axes, shrink=0.8, label="inputs")
    return fig


def _inner(row: np.ndarray) -> np.ndarray:
    """The middle half, where no edge is felt."""
    n = len(row)
    return row[n // 4 : n - n // 4]


def _told(values: np.ndarray) -> str:
    if len(values) == 1:
        return f"inside always {values[0]:g} inputs"
    return ", ".join(f"{v:g}" for v in values[:-1]) + f" or {values[-1]:g} inputs"


def signal_through(
    sizes: Mapping[str, Sequence[float]], layers: Sequence[str]
) -> Figure:
    """How large the signal is behind each layer, on a log axis.

    Args:
        sizes: name of a network -> standard deviation behind each layer; the first is
            drawn as the one to notice.
        layers: their names.
    """
    fig, axes = style.new_figure(height=3.2)
    roles = (style.NOTICE, style.GENERATED)
    for (name, values), role in zip(sizes.items(), roles, strict=False):
        x = range(len(values))
        marker = style.MARKERS[role]
        style.line(axes, x, values, role, label=f" {name}", marker=marker)
    axes.set_yscale("log")
    axes.set_xticks(range(len(layers)), layers)
    axes.set_xlim(-0.2, len(layers) - 0.1)
    axes.set(xlabel="behind layer of G", ylabel="standard deviation")
    last = [values[-1] for values in sizes.values()]
    ratio = max(last) / min(last)
    axes.set_title(f"At the image the two differ by a factor of {_rounded(ratio)}")
    return fig


def _rounded(number: float) -> str:
    """To one digit: 1,234 is about 1,000."""
    power = 10 ** int(np.floor(np.log10(number)))
    return f"{round(number / power) * power:,.0f}"


def silent_units(found: Mapping[str, Mapping[str, Any]], n_units: int) -> Figure:
    """Units that never fire and units without gradient, a mark for each game.

    Args:
        found: activation -> what was counted -> (n_games,) counts.
        n_units: of the layer.
    """
    fig, axes = style.new_figure(height=2.9)
    rows = []
    looks = {0: (style.NOTICE, "D"), 1: (style.DISCRIMINATOR, "o")}
    for i, (activation, counted) in enumerate(found.items()):
        for what, counts in counted.items():
            color, marker = looks[i % 2]
            row = len(rows)
            counts = np.sort(_array(counts))
            spread = np.linspace(-0.22, 0.22, len(counts))
            axes.plot(counts, row + spread, marker, color=color, ms=6)
            rows.append(f"{activation}: {what}")
    axes.set_yticks(range(len(rows)), rows)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(-2, n_units)
    axes.set_xlabel(f"units of {n_units} in G's second layer (a mark for each game)")
    last = {name: _array([*counted.values()][-1]) for name, counted in found.items()}
    said = "; ".join(f"{name}: {_range(counts)}" for name, counts in last.items())
    axes.set_title(f"Units with {[*counted][-1]}: {said}")
    return fig


def _range(counts: np.ndarray) -> str:
    low, high = counts.min(), counts.max()
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def first_steps(steps: Any, lengths: Mapping[str, Any]) -> Figure:
    """Adam's first steps in units of lr, for a gradient that stays the same.

    Args:
        steps: (n,) numbers of steps from 1 on.
        lengths: name -> (n,) step lengths over lr; the last is the corrected one.
    """
    t = _array(steps)
    fig, axes = style.new_figure(height=3.4)
    *wrong, right = lengths.items()
    style.line(axes, t, _array(right[1]), style.DISCRIMINATOR)
    axes.annotate(
        right[0], (t[0], right[1][0]), xytext=(0, 4), color=style.DISCRIMINATOR,
        textcoords="offset points",
    )  # fmt: skip
    looks = (("-.", (24, 4)), ("-", (-46, -36)))
    for (name, values), (dash, shift) in zip(wrong, looks, strict=False):
        values = _array(values)
        style.line(axes, t, values, style.NOTICE, linestyle=dash)
        top = int(values.argmax())
        axes.plot(t[top], values[top], "D", color=style.NOTICE, ms=6)
        axes.annotate(
            f"{name}\n{values[0]:.1f}, then up to {values[top]:.1f}",
            (t[top], values[top]), xytext=shift, textcoords="offset points",
            color=style.NOTICE,
        )  # fmt: skip
    axes.set_xscale("log")
    axes.set_ylim(0, 1.15 * max(_array(v).max() for v in lengths.values()))
    axes.set_xlabel("step")
    axes.set_ylabel("step length / lr")
    axes.set_title("Without the correction Adam's first steps are too long")
    return fig


def _array(values: Any) -> np.ndarray:
    return np.asarray(values, dtype=float)
