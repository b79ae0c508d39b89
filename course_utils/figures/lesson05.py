"""Lesson 5: where float types end, and which ways to write a loss survive them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import style

# What became of a cost and its slope at one logit.
RIGHT, WRONG, DEAD = 0, 1, 2
_LOOKS = {
    RIGHT: {"facecolor": "white", "edgecolor": style.REFERENCE},
    WRONG: {"facecolor": "white", "edgecolor": style.NOTICE, "hatch": "////"},
    DEAD: {"facecolor": style.DISCRIMINATOR, "edgecolor": style.DISCRIMINATOR},
}
_WORDS = {WRONG: "wrong", DEAD: "infinite or NaN"}


def survival(logits: Any, found: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Where each way to write a cost is right, wrong, or infinite.

    Args:
        logits: (n,) increasing.
        found: title of a panel -> name of a form -> (n,) of RIGHT, WRONG, DEAD.

    Returns:
        A figure: a panel for each title, a row for each form; white is right.
    """
    x = _array(logits)
    names = list(next(iter(found.values())))
    whole = sum(not any(f[name].any() for f in found.values()) for name in names)
    rows = max(len(forms) for forms in found.values())
    columns = min(2, len(found))
    lines = -(-len(found) // columns)
    fig, grid = style.new_figure(
        columns, rows=lines, height=0.9 + lines * (0.5 + 0.3 * rows), sharey=True,
        sharex=True, squeeze=False,
    )  # fmt: skip
    for axes, (title, forms) in zip(grid.flat, found.items(), strict=True):
        for row, codes in enumerate(forms.values()):
            _draw_row(axes, row, x, np.asarray(codes))
        axes.set_title(title)
        axes.set_xlim(x[0], x[-1])
        axes.set_yticks(range(len(forms)), list(forms))
        axes.set_ylim(len(forms) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
    for axes in grid[-1]:
        axes.set_xlabel("logit")
    fig.suptitle(f"{whole} of {len(names)} ways are right (white) at every logit")
    return fig


def _draw_row(axes: Axes, row: int, x: np.ndarray, codes: np.ndarray) -> None:
    """Runs of equal codes as bars, labelled where there is room."""
    paper = {"fc": "white", "ec": "none", "pad": 1.2}
    start, half_step = 0, (x[1] - x[0]) / 2
    for code, run in groupby(codes.tolist()):
        end = start + len(list(run))
        left, right = x[start] - half_step, x[end - 1] + half_step
        axes.barh(row, right - left, 0.72, left=left, linewidth=0.8, **_LOOKS[code])
        share = (right - left) / (x[-1] - x[0])
        word = {"s": _WORDS.get(code, ""), "fontsize": 8.5, "va": "center"}
        if share > 0.28:
            ink = "white" if code == DEAD else style.DISCRIMINATOR
            behind = None if code == DEAD else paper
            middle = (left + right) / 2
            axes.text(middle, row, ha="center", color=ink, bbox=behind, **word)
        elif start == 0 and share > 0.05:  # beside a short bar at the left edge
            axes.text(right + 8 * half_step, row, color=style.DISCRIMINATOR, **word)
        start = end


def room(logits: Mapping[str, Any], *, near: tuple[float, float]) -> Figure:
    """Every probability that a float type can hold, at its logit.

    Args:
        logits: name of a type -> logits of all its numbers between 0 and 1.
        near: the piece of the axis that is enlarged at the right.

    Returns:
        A figure: a tick for each number; left the whole, right the end near 1.
    """
    fig, (whole, end) = style.new_figure(2, height=2.5, sharey=True)
    for row, places in enumerate(logits.values()):
        places = _array(places)
        look = {"color": style.DISCRIMINATOR, "lw": 0.8}
        coarse = np.unique(places.round(1))  # finer than a pixel, and far fewer
        whole.vlines(coarse, row - 0.3, row + 0.3, **look)
        end.vlines(places[places > near[0]], row - 0.3, row + 0.3, **look)
        last = places.max()
        end.plot(last, row, "D", color=style.NOTICE, ms=6)
        end.annotate(
            f"last before 1: {last:.2f}", (last, row), xytext=(7, 0),
            textcoords="offset points", va="center", annotation_clip=False,
        )  # fmt: skip
    whole.set_yticks(range(len(logits)), list(logits))
    whole.set_ylim(len(logits) - 0.5, -0.5)
    whole.set_xlim(min(_array(v).min() for v in logits.values()) - 3, near[1])
    end.set_xlim(*near)
    lowest = min(_array(v).min() for v in logits.values())
    whole.set_title(f"Room down to logit {lowest:.0f} ...")
    highest = max(_array(v).max() for v in logits.values())
    end.set_title(f"... and up to {highest:.1f}: the next number is 1")
    for axes in (whole, end):
        axes.set_xlabel("logit of the probability")
    return fig


def deaf_from(logits: Any, slopes: Mapping[float, Any], exact: Any) -> Figure:
    """The slope that an epsilon inside the log leaves of the cost of 1.

    Args:
        logits: (n,) increasing.
        slopes: epsilon -> (n,) slopes of -log(s + epsilon).
        exact: (n,) slopes of -log s.

    Returns:
        A figure; each cliff carries its epsilon, and its place log(epsilon) is dotted.
    """
    x = _array(logits)
    fig, axes = style.new_figure(height=3.2)
    style.line(axes, x, _array(exact), style.DISCRIMINATOR)
    for epsilon, slope in slopes.items():
        style.line(axes, x, _array(slope), style.NOTICE)
        axes.axvline(np.log(epsilon), color=style.REFERENCE, ls=":", zorder=0)
        axes.annotate(
            f"epsilon\n1e{np.log10(epsilon):.0f}", (np.log(epsilon), -0.16),
            xytext=(5, 0), textcoords="offset points", color=style.NOTICE,
        )  # fmt: skip
    axes.annotate(
        "the right slope", (-6, -0.98), xytext=(0, -14), textcoords="offset points",
        ha="center", color=style.DISCRIMINATOR,
    )  # fmt: skip
    axes.set_ylim(-1.16, 0.06)
    axes.set_xlabel("logit: surer of a fake to the left")
    axes.set_ylabel("slope (nats per unit of logit)")
    axes.set_title("An epsilon decides from which logit on G goes deaf")
    return fig


def corner_and_tail(logits: Any, corner: Any, tail: Any) -> Figure:
    """The cost -log s as the sum of a corner and a small smooth tail.

    Args:
        logits: (n,) increasing, 0 among them.
        corner: (n,) max(-l, 0).
        tail: (n,) log(1 + exp(-|l|)).

    Returns:
        A figure; the tail's height at 0 is marked.
    """
    x, corner, tail = _array(logits), _array(corner), _array(tail)
    fig, axes = style.new_figure(height=3.2)
    axes.fill_between(x, corner, corner + tail, color=style.NOTICE, alpha=0.25, lw=0)
    style.line(axes, x, corner + tail, style.GENERATED)
    axes.plot(x, corner, color=style.DISCRIMINATOR, lw=1.4)
    axes.plot(x, tail, color=style.NOTICE, ls="-.", lw=1.6)
    top = int(tail.argmax())
    axes.plot(x[top], tail[top], "D", color=style.NOTICE, ms=6)
    axes.annotate(
        f"{tail[top]:.3f}, the tail's largest", (x[top], tail[top]), xytext=(10, 12),
        textcoords="offset points", color=style.NOTICE,
    )  # fmt: skip
    low = int(0.18 * len(x))
    for text, y, color, shift in (
        ("cost -log s(l)", corner[low] + tail[low], style.GENERATED, (10, 6)),
        ("corner max(-l, 0)", corner[low], style.DISCRIMINATOR, (-8, -20)),
        ("tail log(1 + exp(-|l|))", tail[low], style.NOTICE, (-30, 8)),
    ):
        axes.annotate(
            text, (x[low], y), xytext=shift, textcoords="offset points", color=color,
            ha="right" if text.startswith("corner") else "left",
        )  # fmt: skip
    axes.set_xlabel("logit")
    axes.set_ylabel("nats")
    axes.set_title("A corner that cannot overflow, and a tail that never exceeds log 2")
    return fig


def staircase(logits: Any, exact: Any, rounded: Any, kept: Any) -> Figure:
    """Small costs on a log axis: what 1 + t loses, and what log1p keeps.

    Args:
        logits: (n,) positive, increasing.
        exact: (n,) the cost in float64.
        rounded: (n,) log(1 + exp(-l)) in the type at hand; may be 0.
        kept: (n,) log1p(exp(-l)) in that type.

    Returns:
        A figure; where `rounded` is exactly 0 it has left the axis.
    """
    x, rounded = _array(logits), _array(rounded)
    fig, axes = style.new_figure(height=3.2)
    axes.plot(x, _array(exact), color=style.REFERENCE, lw=6, solid_capstyle="butt")
    style.line(axes, x, _array(kept), style.DISCRIMINATOR, label="log1p(t)")
    there = rounded > 0
    axes.plot(x[there], rounded[there], color=style.NOTICE, lw=1.8)
    last = int(np.flatnonzero(there)[-1])
    axes.plot(x[last], rounded[last], "D", color=style.NOTICE, ms=6)
    axes.annotate(
        f"log(1 + t) is 0 beyond {x[last]:.1f}", (x[last], rounded[last]),
        xytext=(10, 6), textcoords="offset points", color=style.NOTICE,
    )  # fmt: skip
    axes.set_yscale("log")
    axes.set_xlabel("logit (t = exp(-logit); thick: float64)")
    axes.set_ylabel("cost (nats)")
    axes.set_title("1 + t comes down in steps of 1e-7, and the last step is to nothing")
    return fig


def games(
    grid: Any,
    p_data: Any,
    made: Mapping[tuple[str, str], Any],
    *,
    far: Mapping[tuple[str, str], int],
) -> Figure:
    """What several games made, for each way to write the loss and each float type.

    Args:
        grid: (m,) places on the line.
        p_data: (m,) density of the data.
        made: (way, type) -> (games, m) densities of G's samples; NaN where it died.
        far: (way, type) -> how many living games ended far from the data.

    Returns:
        A figure: a row for each way, a column for each type, thin lines for games.
    """
    x, p_data = _array(grid), _array(p_data)
    ways, types = (list(dict.fromkeys(key[i] for key in made)) for i in (0, 1))
    fig, cells = style.new_figure(
        len(types), rows=len(ways), height=0.6 + 1.35 * len(ways), sharex=True,
        sharey=True, squeeze=False,
    )  # fmt: skip
    for row, way in zip(cells, ways, strict=True):
        for axes, name in zip(row, types, strict=True):
            densities = _array(made[way, name])
            alive = np.isfinite(densities).all(axis=1)
            axes.fill_between(x, p_data, color=style.DATA, alpha=0.18, lw=0)
            for density in densities[alive]:
                axes.plot(x, density, color=style.GENERATED, lw=0.8, alpha=0.8)
            axes.set_ylim(0, 2.2 * p_data.max())
            axes.set_yticks([])
            axes.set_title(_fate(alive, far[way, name]), fontsize=10)
        row[0].set_ylabel(way)
    for axes, name in zip(cells[-1], types, strict=True):
        axes.set_xlabel(f"x (D's logits in {name})")
    return fig


def _fate(alive: np.ndarray, far: int) -> str:
    if not alive.any():
        return f"all {len(alive)} died"
    dead = f"{(~alive).sum()} of {len(alive)} died"
    lost = f"{far} of {len(alive)} far off"
    if alive.all():
        return lost if far else f"{len(alive)} of {len(alive)} near the data"
    return f"{dead}, {far} far off" if far else dead


def _array(values: Any) -> np.ndarray:
    return np.asarray(getattr(values, "detach", lambda: values)(), dtype=float)
