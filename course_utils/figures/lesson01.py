"""Figures of lesson 1: counts, densities, samplers."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import style


def two_readings(counts: Any) -> Figure:
    """One number of a table, as a share of its column and as a share of its row.

    counts: (2, k), empty there above inked; the column of class 0 is read.
    """
    counts = np.asarray(counts, dtype=int)
    shared, column, row = counts[0, 0], counts[:, 0], counts[0]
    fig, axes = style.new_figure(height=2.1)
    others = [k for k in row.argsort()[::-1] if k and row[k]]
    bars = {
        "all empty": [(f"{k}s", row[k]) for k in others],
        "all 0s": [("inked", column[1])],
    }
    box = {"facecolor": "white", "linewidth": 0, "alpha": 0.85}
    middle = {"ha": "center", "va": "center"}
    for y, parts in enumerate(bars.values()):
        axes.barh(y, shared, color=style.NOTICE, hatch="//", edgecolor="white")
        left = shared
        for name, n in parts:
            axes.barh(y, n, left=left, color=style.DATA, alpha=0.55, edgecolor="white")
            if n > 0.05 * row.sum():  # else the label is wider than its part
                axes.text(left + n / 2, y, f"{name}\n{n}", **middle)
            left += n
        axes.text(shared / 2, y, f"{shared} empty 0s", bbox=box, **middle)
    axes.set_yticks((0, 1), bars)
    of_0s, of_empty = f"{shared / column.sum():.0%}", f"{shared / row.sum():.0%}"
    text = f"{of_0s} of the 0s are empty there, {of_empty} of the empty ones are 0s"
    axes.set_title(text)
    axes.set_xlabel("number of digits")
    return fig


def pixel_values(real: Any, drawn: Any) -> Figure:
    """Histograms of pixels, -1 no ink to 1 full ink, and the range outside."""
    real, drawn = np.ravel(real), np.ravel(drawn)
    fig, axes = style.new_figure(height=2.7)
    bins = -1 + 2 / 17 * np.arange(-9, 27)  # 17 bins of legal ink, one for each level
    bins[26] = np.nextafter(1, 2)  # full ink belongs to the last of them
    looks = (
        (real, style.DATA, "written", -0.85, {"fill": True, "alpha": 0.45}),
        (drawn, style.GENERATED, "drawn", -0.75, {"linestyle": "--", "linewidth": 2}),
    )
    for pixels, role, name, x, look in looks:
        share = np.histogram(pixels, bins)[0] / len(pixels)
        axes.stairs(share, bins, color=role, **look)
        axes.text(x, 0.85 * share.max(), name, color=role)
    for low, high in ((bins[0], -1), (1, bins[-1])):
        axes.axvspan(low, high, color=style.NOTICE, alpha=0.18, linewidth=0)
    axes.text(-2.0, 0.3, "below\n-1", color=style.NOTICE)
    axes.text(1.08, 0.3, "above\n1", color=style.NOTICE)
    axes.set(xlabel="pixel (-1 no ink, 1 full ink)", ylabel="share of pixels")
    axes.set_xlim(bins[0], bins[-1])
    outside = f"{np.mean(np.abs(drawn) > 1):.0%}"
    axes.set_title(f"{outside} of the drawn pixels lie outside [-1, 1]")
    return fig


def squared_error(x: Any, density: Any, guesses: Any, costs: Any) -> Figure:
    """A density (m,), and below it the mean squared cost (k,) of each guess (k,)."""
    x, density, guesses, costs = map(np.asarray, (x, density, guesses, costs))
    best = guesses[costs.argmin()]
    height = np.interp(best, x, density)
    fig, (above, below) = style.new_figure(rows=2, sharex=True, height=3.6)
    style.line(above, x, density, style.DATA)
    rarer = f"{density.max() / height:.0f} times rarer than at a mode"
    above.set_title(f"At the best guess samples are {rarer}")
    above.set_ylabel("density p(x)")
    below.plot(guesses, costs, color=style.DISCRIMINATOR, linewidth=1.4)
    for ax, y in ((above, height), (below, costs.min())):
        ax.axvline(best, color=style.REFERENCE, linestyle=":")
        ax.plot(best, y, style.MARKERS[style.NOTICE], color=style.NOTICE, ms=8)
    below.set(xlabel="x, and the guess a", ylabel="E (x - a)²")
    below.set_ylim(0)
    return fig


def push_forward(u: Any, x: Any, density: Any) -> Figure:
    """Uniform u (n,), the map to x (n,), and x under a density (m,) over [0, 1]."""
    u, x, density = map(np.asarray, (u, x, density))
    order = u.argsort()
    fig, (before, between, after) = style.new_figure(3, height=2.6)
    look = {"bins": np.linspace(0, 1, 21), "density": True, "alpha": 0.55}
    before.hist(u, color=style.DISCRIMINATOR, **look)
    before.set(title="in: uniform", xlabel="u", ylabel="density")
    style.line(between, u[order], x[order], style.GENERATED)
    between.set(title="the function", xlabel="u", ylabel="x")
    after.hist(x, color=style.GENERATED, **look)
    style.line(after, np.linspace(0, 1, len(density)), density, style.DATA)
    after.text(0.05, 0.82 * density.max(), "target", color=style.DATA)
    after.set(title="out: on target", xlabel="x", ylabel="density")
    return fig


def cloud(z: Any, x: Any) -> Figure:
    """Latents (n, 2) at the left, where a network sends them, (n, 2), at the right."""
    z, x = np.asarray(z), np.asarray(x)
    fig, (left, right) = style.new_figure(2, height=3.2)
    # One ring is marked on both sides, so that the eye can follow the map.
    ring = np.argsort(np.abs(np.linalg.norm(z, axis=1) - 1))[: len(z) // 20]
    roles = (style.DISCRIMINATOR, style.GENERATED)
    for ax, points, role in zip((left, right), (z, x), roles, strict=True):
        look = {"marker": style.MARKERS[role], "s": 9, "linewidths": 0}
        ax.scatter(*points.T, color=role, alpha=0.35, **look)
        ax.scatter(*points[ring].T, color=style.NOTICE, **look | {"marker": "D"})
        ax.set_aspect("equal", adjustable="datalim")
    left.set(title="latents z, all around 0", xlabel="z₁", ylabel="z₂")
    right.set(title="samples G(z), density unknown", xlabel="x₁", ylabel="x₂")
    return fig


def walk_and_jump(walk: Any, jumps: Any, medians: Mapping[float, int]) -> Figure:
    """A chain and draws, (t,) each; distance of the modes -> median steps to cross."""
    fig, panels = style.new_figure(3, height=2.9, width_ratios=[1.3, 1.3, 1])
    chain, draws, cost = panels
    for ax, x, role, title in (
        (chain, walk, style.DISCRIMINATOR, "Markov chain"),
        (draws, jumps, style.GENERATED, "independent samples"),
    ):
        ax.plot(np.asarray(x), ".", color=role, markersize=2)
        ax.set(title=title, xlabel="sample", ylim=(-4.4, 4.4))
    chain.set_ylabel("x")
    distance, steps = list(medians), list(medians.values())
    cost.semilogy(distance, steps, "s-", color=style.DISCRIMINATOR, linewidth=1.2)
    for d, n in medians.items():
        style.label(cost, d, n, f"{n:,}", "black", (-6, 4), ha="right")
    style.reference_line(cost, 1, "one pass")
    cost.set(title="steps to cross", xlabel="distance of modes")
    cost.set(xlim=(min(distance) - 1.3, max(distance) + 0.2))
    cost.set_ylim(0.6, 4 * max(steps))
    return fig


def shrinkage_panel(
    ax: Axes, shrinkages: Any, values: Any, *, what: str, unit: str
) -> float:
    """Scores (splits, s) against shrinkage (s,); returns where their mean is best."""
    shrinkages, values = np.asarray(shrinkages), np.asarray(values)
    mean = values.mean(0)
    best = float(shrinkages[mean.argmax()])
    for row in values:
        ax.semilogx(shrinkages, row, color=style.DATA, linewidth=0.7, alpha=0.4)
    ax.semilogx(shrinkages, mean, color=style.DATA, linewidth=2)
    ax.axvline(best, color=style.REFERENCE, linestyle=":")
    ax.set(title=f"best {what} at {best:.1g}", xlabel="shrinkage", ylabel=unit)
    return best
