"""Lesson 5: where float types end, and which ways to write a loss survive them."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import style
from .style import array

# What became of a cost and its slope at one logit.
RIGHT, WRONG, NOT_FINITE = 0, 1, 2
_LOOKS = {
    RIGHT: {"facecolor": "white", "edgecolor": style.REFERENCE},
    WRONG: {"facecolor": "white", "edgecolor": style.NOTICE, "hatch": "////"},
    NOT_FINITE: {"facecolor": style.DISCRIMINATOR, "edgecolor": style.DISCRIMINATOR},
}
_WORDS = {RIGHT: "", WRONG: "wrong", NOT_FINITE: "infinite or NaN"}


def survival(logits: Any, found: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Where each way to write a cost is right (white), wrong, or infinite.

    found: title of a panel -> form -> (n,) of RIGHT, WRONG, NOT_FINITE.
    """
    x = array(logits)
    names = list(next(iter(found.values())))
    right = sum(not any(f[name].any() for f in found.values()) for name in names)
    columns = min(2, len(found))
    rows = -(-len(found) // columns)
    longest = max(len(forms) for forms in found.values())
    fig, grid = style.new_figure(
        columns, rows=rows, height=0.9 + rows * (0.5 + 0.3 * longest), **style.SAME,
    )  # fmt: skip
    for axes, (title, forms) in zip(grid.flat, found.items(), strict=True):
        for row, codes in enumerate(forms.values()):
            _draw_bars(axes, row, x, np.asarray(codes))
        axes.set_yticks(range(len(forms)), list(forms))
        axes.set(title=title, xlim=(x[0], x[-1]), ylim=(len(forms) - 0.4, -0.6))
        axes.tick_params(axis="y", length=0)
    for axes in grid[-1]:
        axes.set_xlabel("logit")
    fig.suptitle(f"{right} of {len(names)} ways are right (white) at every logit")
    return fig


def _draw_bars(axes: Axes, row: int, x: np.ndarray, codes: np.ndarray) -> None:
    """Runs of equal codes as bars, labelled where there is room."""
    start, half_step = 0, (x[1] - x[0]) / 2
    for code, run in groupby(codes.tolist()):
        end = start + len(list(run))
        left, right = x[start] - half_step, x[end - 1] + half_step
        axes.barh(row, right - left, 0.72, left=left, linewidth=0.8, **_LOOKS[code])
        share = (right - left) / (x[-1] - x[0])
        look = {"s": _WORDS[code], "fontsize": 8.5, "va": "center"}
        ink = {"color": style.DISCRIMINATOR}
        if share > 0.28:
            on_hatches = ink | {"bbox": {"fc": "white", "ec": "none", "pad": 1.2}}
            ink = {"color": "white"} if code == NOT_FINITE else on_hatches
            axes.text((left + right) / 2, row, ha="center", **look, **ink)
        elif start == 0 and share > 0.05:  # beside a short bar at the left edge
            axes.text(right + 8 * half_step, row, **look, **ink)
        start = end


def room(logits: Mapping[str, Any], *, near: tuple[float, float]) -> Figure:
    """Every number between 0 and 1 of a float type, as a tick at its logit.

    near: the end of the axis near 1, which is enlarged at the right.
    """
    fig, (whole, end) = style.new_figure(2, height=2.5, sharey=True)
    look = {"color": style.DISCRIMINATOR, "lw": 0.8}
    held = [array(places) for places in logits.values()]
    for row, places in enumerate(held):
        coarse = np.unique(places.round(1))  # finer than a pixel, and far fewer
        whole.vlines(coarse, row - 0.3, row + 0.3, **look)
        end.vlines(places[places > near[0]], row - 0.3, row + 0.3, **look)
        last = places.max()
        end.plot(last, row, "D", color=style.NOTICE, ms=6)
        text = f"last before 1: {last:.2f}"
        style.end_label(end, last, row, text, "black", offset=(7, 0))
    whole.set_yticks(range(len(logits)), list(logits))
    lowest = min(places.min() for places in held)
    highest = max(places.max() for places in held)
    whole.set(xlim=(lowest - 3, near[1]), ylim=(len(logits) - 0.5, -0.5))
    whole.set_title(f"Room down to logit {lowest:.0f} ...")
    end.set(xlim=near, title=f"... and up to {highest:.1f}: the next number is 1")
    for axes in (whole, end):
        axes.set_xlabel("logit of the probability")
    return fig


def deaf_from(logits: Any, slopes: Mapping[float, Any], exact: Any) -> Figure:
    """Slopes (n,) of -log(s + epsilon), by epsilon, and of -log s, by logit (n,)."""
    x = array(logits)
    fig, axes = style.new_figure(height=3.2)
    style.line(axes, x, array(exact), style.DISCRIMINATOR)
    for epsilon, slope in slopes.items():
        place, text = np.log(epsilon), f"epsilon\n1e{np.log10(epsilon):.0f}"
        style.line(axes, x, array(slope), style.NOTICE)
        axes.axvline(place, color=style.REFERENCE, ls=":", zorder=0)
        style.label(axes, place, -0.16, text, style.NOTICE, (5, 0))
    text = "the right slope"
    style.label(axes, -6, -0.98, text, style.DISCRIMINATOR, (0, -14), ha="center")
    axes.set(
        ylim=(-1.16, 0.06), xlabel="logit: surer of a fake to the left",
        ylabel="slope (nats per unit of logit)",
        title="An epsilon decides from which logit on G goes deaf",
    )  # fmt: skip
    return fig


def corner_and_tail(logits: Any, corner: Any, tail: Any) -> Figure:
    """The cost -log s as max(-l, 0) and a smooth tail log(1 + exp(-|l|)), (n,) each."""
    x, corner, tail = array(logits), array(corner), array(tail)
    cost = corner + tail
    fig, axes = style.new_figure(height=3.2)
    axes.fill_between(x, corner, cost, color=style.NOTICE, alpha=0.25, lw=0)
    style.line(axes, x, cost, style.GENERATED)
    axes.plot(x, corner, color=style.DISCRIMINATOR, lw=1.4)
    axes.plot(x, tail, color=style.NOTICE, ls="-.", lw=1.6)
    top, text = int(tail.argmax()), f"{tail.max():.3f}, the tail's largest"
    style.mark(axes, x[top], tail[top], text, (10, 12))
    i = int(0.18 * len(x))
    for y, text, color, offset, side in (
        (cost[i], "cost -log s(l)", style.GENERATED, (10, 6), "left"),
        (corner[i], "corner max(-l, 0)", style.DISCRIMINATOR, (-8, -20), "right"),
        (tail[i], "tail log(1 + exp(-|l|))", style.NOTICE, (-30, 8), "left"),
    ):
        style.label(axes, x[i], y, text, color, offset, ha=side)
    axes.set(xlabel="logit", ylabel="nats")
    axes.set_title("A corner that cannot overflow, and a tail that never exceeds log 2")
    return fig


def staircase(logits: Any, exact: Any, rounded: Any, kept: Any) -> Figure:
    """Small costs (n,): exact, log(1 + t) rounded, and what log1p(t) kept."""
    x, rounded = array(logits), array(rounded)
    fig, axes = style.new_figure(height=3.2)
    axes.plot(x, array(exact), color=style.REFERENCE, lw=6, solid_capstyle="butt")
    style.line(axes, x, array(kept), style.DISCRIMINATOR, label="log1p(t)")
    there = rounded > 0
    axes.plot(x[there], rounded[there], color=style.NOTICE, lw=1.8)
    last = int(np.flatnonzero(there)[-1])
    text = f"log(1 + t) is 0 beyond {x[last]:.1f}"
    style.mark(axes, x[last], rounded[last], text, (10, 6))
    axes.set(
        yscale="log", xlabel="logit (t = exp(-logit); thick: float64)",
        ylabel="cost (nats)",
        title="1 + t comes down in steps of 1e-7, and the last step is to nothing",
    )  # fmt: skip
    return fig


def games(
    grid: Any, p_data: Any, made: Mapping[tuple, Any], *, far: Mapping[tuple, int]
) -> Figure:
    """What several games made: a row for each loss, a column for each float type.

    p_data: (m,) at the places of grid; made: (way, type) -> (games, m) densities, NaN
    where a game died; far: (way, type) -> how many of the others ended far off.
    """
    x, p_data = array(grid), array(p_data)
    ways, types = (list(dict.fromkeys(key[i] for key in made)) for i in (0, 1))
    fig, cells = style.new_figure(
        len(types), rows=len(ways), height=0.6 + 1.35 * len(ways), **style.SAME,
    )  # fmt: skip
    for row, way in zip(cells, ways, strict=True):
        for axes, name in zip(row, types, strict=True):
            densities = array(made[way, name])
            finite = np.isfinite(densities).all(axis=1)
            axes.fill_between(x, p_data, color=style.DATA, alpha=0.18, lw=0)
            axes.plot(x, densities[finite].T, color=style.GENERATED, lw=0.8, alpha=0.8)
            axes.set(ylim=(0, 2.2 * p_data.max()), yticks=[])
            axes.set_title(_outcome(finite, far[way, name]), fontsize=10)
        row[0].set_ylabel(way)
    for axes, name in zip(cells[-1], types, strict=True):
        axes.set_xlabel(f"x (D's logits in {name})")
    return fig


def _outcome(finite: np.ndarray, far: int) -> str:
    """How many games died, and how many ended far off."""
    n, died = len(finite), int((~finite).sum())
    if died == n:
        return f"all {n} died"
    if died:
        return f"{died} of {n} died" + (f", {far} far off" if far else "")
    return f"{far} of {n} far off" if far else f"{n} of {n} near the data"
