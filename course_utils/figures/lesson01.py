"""Figures of lesson 1: counts, densities, samplers. Each receives arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .style import (
    DATA,
    DISCRIMINATOR,
    GENERATED,
    MARKERS,
    NOTICE,
    REFERENCE,
    line,
    new_figure,
    reference_line,
)


def two_readings(counts: Any, *, notice: int = 0) -> Figure:
    """One number of a table, as a share of its column and as a share of its row.

    Args:
        counts: (2, k) whole numbers; first row: empty there, second row: inked.
        notice: the class whose column is read.
    """
    counts = np.asarray(counts, dtype=int)
    shared, column, row = counts[0, notice], counts[:, notice], counts[0]
    fig, axes = new_figure(height=2.1)
    others = [k for k in row.argsort()[::-1] if k != notice and row[k]]
    bars = {
        f"all {notice}s": [("inked", column[1])],
        "all empty": [(f"{k}s", row[k]) for k in others],
    }
    for y, parts in enumerate(reversed(bars.values())):
        axes.barh(y, shared, color=NOTICE, hatch="//", edgecolor="white")
        left = shared
        for name, n in parts:
            axes.barh(y, n, left=left, color=DATA, alpha=0.55, edgecolor="white")
            if n > 0.05 * row.sum():  # else the label is wider than its part
                axes.text(left + n / 2, y, f"{name}\n{n}", ha="center", va="center")
            left += n
    box = {"facecolor": "white", "linewidth": 0, "alpha": 0.85}
    for y in (0, 1):
        text = f"{shared} empty {notice}s"
        axes.text(shared / 2, y, text, ha="center", va="center", bbox=box)
    axes.set_yticks((0, 1), reversed(bars))
    axes.set(
        xlabel="number of digits",
        title=f"{shared / column.sum():.0%} of the {notice}s are empty there, "
        f"{shared / row.sum():.0%} of the empty ones are {notice}s",
    )
    return fig


def pixel_values(real: Any, drawn: Any) -> Figure:
    """Histograms of pixels, with the range of possible ones.

    Args:
        real, drawn: pixels of any shape; -1 is no ink, 1 is full ink.
    """
    real, drawn = np.ravel(real), np.ravel(drawn)
    outside = np.mean(np.abs(drawn) > 1)
    fig, axes = new_figure(height=2.7)
    bins = -1 + 2 / 17 * np.arange(-9, 27)  # 17 bins of legal ink, one for each level
    bins[26] = np.nextafter(1, 2)  # full ink belongs to the last of them
    for pixels, role, fill, name in (
        (real, DATA, True, "written"), (drawn, GENERATED, False, "drawn"),
    ):  # fmt: skip
        share = np.histogram(pixels, bins)[0] / len(pixels)
        look = {"alpha": 0.45} if fill else {"linestyle": "--", "linewidth": 2}
        axes.stairs(share, bins, color=role, fill=fill, **look)
        axes.text(-0.85 if fill else -0.75, 0.85 * share.max(), name, color=role)
    for low, high in ((bins[0], -1), (1, bins[-1])):
        axes.axvspan(low, high, color=NOTICE, alpha=0.18, linewidth=0)
    axes.text(-2.0, 0.3, "below\n-1", color=NOTICE)
    axes.text(1.08, 0.3, "above\n1", color=NOTICE)
    axes.set(
        title=f"{outside:.0%} of the drawn pixels lie outside [-1, 1]",
        xlabel="pixel (-1 no ink, 1 full ink)", ylabel="share of pixels",
        xlim=(bins[0], bins[-1]),
    )  # fmt: skip
    return fig


def squared_error(x: Any, density: Any, guesses: Any, costs: Any) -> Figure:
    """A density above, and below it the mean squared error of each guess.

    Args:
        x, density: (m,) grid and density of the samples.
        guesses, costs: (k,) guesses and the mean of (sample - guess)^2.
    """
    x, density, guesses, costs = map(np.asarray, (x, density, guesses, costs))
    best = guesses[costs.argmin()]
    times = density.max() / np.interp(best, x, density)
    fig, axes = new_figure(rows=2, sharex=True, height=3.6)
    line(axes[0], x, density, DATA)
    axes[0].set(
        ylabel="density p(x)",
        title=f"At the best guess samples are {times:.0f} times rarer than at a mode",
    )
    axes[1].plot(guesses, costs, color=DISCRIMINATOR, linewidth=1.4)
    for ax, height in ((axes[0], np.interp(best, x, density)), (axes[1], costs.min())):
        ax.axvline(best, color=REFERENCE, linestyle=":")
        ax.plot(best, height, MARKERS[NOTICE], color=NOTICE, markersize=8)
    axes[1].set(xlabel="x, and the guess a", ylabel="E (x - a)²")
    axes[1].set_ylim(0)
    return fig


def push_forward(u: Any, x: Any, density: Any) -> Figure:
    """Uniform numbers, the map, and where they land.

    Args:
        u: (n,) in [0, 1].
        x: (n,) what the map made of them.
        density: (m,) the target's density on an even grid over [0, 1].
    """
    u, x, density = map(np.asarray, (u, x, density))
    order = u.argsort()
    fig, axes = new_figure(3, height=2.6)
    look = {"bins": np.linspace(0, 1, 21), "density": True, "alpha": 0.55}
    axes[0].hist(u, color=DISCRIMINATOR, **look)
    axes[0].set(title="in: uniform", xlabel="u", ylabel="density")
    line(axes[1], u[order], x[order], GENERATED)
    axes[1].set(title="the function", xlabel="u", ylabel="x")
    axes[2].hist(x, color=GENERATED, **look)
    grid = np.linspace(0, 1, len(density))
    line(axes[2], grid, density, DATA)
    axes[2].text(0.05, 0.82 * density.max(), "target", color=DATA)
    axes[2].set(title="out: on target", xlabel="x", ylabel="density")
    return fig


def cloud(z: Any, x: Any) -> Figure:
    """Latents at the left, where a network sends them at the right.

    Args:
        z, x: (n, 2) points; row i of x is the image of row i of z.
    """
    z, x = np.asarray(z), np.asarray(x)
    fig, axes = new_figure(2, height=3.2)
    # One ring is marked on both sides, so that the eye can follow the map.
    near = np.argsort(np.abs(np.linalg.norm(z, axis=1) - 1))[: len(z) // 20]
    for ax, points, role, title in (
        (axes[0], z, DISCRIMINATOR, "latents z, all around 0"),
        (axes[1], x, GENERATED, "samples G(z), density unknown"),
    ):
        look = {"s": 9, "alpha": 0.35, "linewidths": 0}
        ax.scatter(*points.T, color=role, marker=MARKERS.get(role, "o"), **look)
        ax.scatter(*points[near].T, color=NOTICE, marker="D", s=9, linewidths=0)
        ax.set_aspect("equal", adjustable="datalim")
        ax.set_title(title)
    axes[0].set(xlabel="z₁", ylabel="z₂")
    axes[1].set(xlabel="x₁", ylabel="x₂")
    return fig


def walk_and_jump(walk: Any, jumps: Any, medians: Mapping[float, int]) -> Figure:
    """A Markov chain beside independent draws, and what a crossing costs.

    Args:
        walk, jumps: (t,) positions, in the order they were made.
        medians: distance between the modes -> median number of steps to cross.
    """
    fig, axes = new_figure(3, height=2.9, width_ratios=[1.3, 1.3, 1], sharey=False)
    for ax, x, role, title in (
        (axes[0], walk, DISCRIMINATOR, "Markov chain"),
        (axes[1], jumps, GENERATED, "independent samples"),
    ):
        ax.plot(np.asarray(x), ".", color=role, markersize=2)
        ax.set(title=title, xlabel="sample", ylim=(-4.4, 4.4))
    axes[0].set_ylabel("x")
    distance, steps = list(medians), list(medians.values())
    axes[2].semilogy(distance, steps, "s-", color=DISCRIMINATOR, linewidth=1.2)
    for d, n in medians.items():
        axes[2].annotate(
            f"{n:,}", (d, n), xytext=(-6, 4), textcoords="offset points", ha="right"
        )
    axes[2].set(title="steps to cross", xlabel="distance of modes")
    axes[2].set(xlim=(min(distance) - 1.3, max(distance) + 0.2))
    reference_line(axes[2], 1, "one pass")
    axes[2].set_ylim(0.6, 4 * max(steps))
    return fig


def shrinkage_panel(
    ax: Axes, shrinkages: Any, values: Any, *, what: str, unit: str
) -> float:
    """A score against shrinkage, a thin line for each split, the best one marked.

    Args:
        ax: axes to draw into.
        shrinkages: (s,) increasing, above 0.
        values: (r, s), one row for each split.
        what: the shrinkage makes a better one of these, for the title.
        unit: of the score, for its axis.

    Returns:
        The shrinkage with the best mean.
    """
    shrinkages, values = np.asarray(shrinkages), np.asarray(values)
    mean = values.mean(0)
    best = float(shrinkages[mean.argmax()])
    for row in values:
        ax.semilogx(shrinkages, row, color=DATA, linewidth=0.7, alpha=0.4)
    ax.semilogx(shrinkages, mean, color=DATA, linewidth=2)
    ax.axvline(best, color=REFERENCE, linestyle=":")
    ax.set(title=f"best {what} at {best:.1g}", xlabel="shrinkage", ylabel=unit)
    return best
