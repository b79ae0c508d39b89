"""Figures of lesson 2: the minimax game in one dimension, and the game x * y."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import style

WINDOW = 50  # rounds of a running mean


def sample_histogram(axes: Axes, x: Any, samples: Any, **kw: Any) -> None:
    """Generated samples as a hatched histogram over the range of x."""
    look = {"bins": 70, "alpha": 0.3, "linewidth": 0.5, "hatch": "//"}
    axes.hist(
        np.asarray(samples), range=(float(x[0]), float(x[-1])), density=True,
        color=style.GENERATED, edgecolor=style.GENERATED, **look | kw,
    )  # fmt: skip


def game_moments(x: Any, p_data: Any, moments: Sequence[tuple]) -> Figure:
    """The data's density (k,), and (title, samples (n,), D(x) (k,)) of each moment."""
    fig, axes = style.new_figure(len(moments), height=2.9, **style.SAME)
    first, last = axes[0, 0], axes[0, -1]
    peak = float(np.max(np.asarray(p_data)))
    for panel, (title, samples, d) in zip(axes[0], moments, strict=True):
        sample_histogram(panel, x, samples)
        style.line(panel, x, p_data, style.DATA)
        # D's scale, 0 to 1, stands for the density's 0 to twice the peak of the data.
        style.line(panel, x, np.asarray(d) * 2 * peak, style.DISCRIMINATOR)
        style.reference_line(panel, peak, "D = 1/2")
        panel.set(title=title, xlabel="x", ylim=(0, 2.1 * peak))
    first.set_ylabel("density")
    near_right = x[int(0.8 * len(x))]
    style.label(first, near_right, 0.3 * peak, "data", style.DATA)
    style.label(first, x[0], 1.8 * peak, "generated", style.GENERATED)
    style.label(first, near_right, 1.2 * peak, "D(x)", style.DISCRIMINATOR)
    right = last.secondary_yaxis(
        "right", functions=(lambda y: y / (2 * peak), lambda y: y * 2 * peak)
    )
    right.set_ylabel("D(x)", color=style.DISCRIMINATOR)
    return fig


def optimal_answer(x: Any, p_data: Any, p_g: Any, d_star: Any) -> Figure:
    """Two densities, and under them the best answer D*(x) to each point; (k,) each."""
    fig, (above, below) = style.new_figure(rows=2, height=4.2, sharex=True)
    p_data, p_g = np.asarray(p_data), np.asarray(p_g)
    for density, other, role, name in (
        (p_data, p_g, style.DATA, "$p_{data}$"),
        (p_g, p_data, style.GENERATED, "$p_g$"),
    ):
        style.line(above, x, density, role)
        top = int(np.argmax(density - other))  # where the two are farthest apart
        style.label(above, x[top], density[top], name, role, (0, 4), ha="center")
    above.set(ylim=(0, 1.25 * max(p_data.max(), p_g.max())), ylabel="density")
    style.line(below, x, d_star, style.DISCRIMINATOR)
    style.reference_line(below, 0.5, "cannot tell: 1/2")
    below.set(xlabel="x", ylabel="$D^*(x)$", ylim=(-0.05, 1.05))
    return fig


def value_against_shift(shift: Any, value: Any, divergence: Any) -> Figure:
    """V(D*, G) and 2 JSD - log 4, (k,) nats each, by the distance of the laws (k,)."""
    fig, axes = style.new_figure(height=3.0)
    axes.plot(shift, value, color=style.DISCRIMINATOR, lw=3, alpha=0.45)
    axes.plot(shift, divergence, color=style.NOTICE, lw=1.4, ls="-.")
    middle = len(shift) // 4
    text = "V(D*, G), thick, and 2 JSD - log 4, dash-dotted: one curve"
    style.label(axes, shift[middle], value[middle], text, style.NOTICE, (12, -14))
    lowest = -math.log(4)
    style.reference_line(axes, lowest)
    style.label(axes, 1.2, lowest + 0.02, "-log 4: equal laws", style.CAPTION)
    style.reference_line(axes, 0.0, "0: no point in common")
    axes.set(xlabel="distance of the two laws", ylabel="value (nats)")
    axes.set_ylim(-1.55, 0.16)
    return fig


def discriminator_losses(losses: Any) -> Figure:
    """D's loss (rounds,) in nats, its running mean, and an undecided D's level."""
    losses = np.asarray(losses)
    smooth = np.convolve(losses, np.ones(WINDOW) / WINDOW, mode="valid")
    rounds = np.arange(1, len(losses) + 1)
    fig, axes = style.new_figure(height=2.8)
    axes.plot(rounds, losses, color=style.DISCRIMINATOR, lw=0.5, alpha=0.35)
    style.line(axes, rounds[WINDOW - 1 :], smooth, style.DISCRIMINATOR)
    undecided = 2 * math.log(2)
    style.reference_line(axes, undecided)
    text = "log 4: D answers 1/2 everywhere"
    style.label(axes, len(losses), undecided, text, style.CAPTION, (0, 14), ha="right")
    axes.set(xlabel="round", ylabel="D's loss (nats)")
    axes.set_title(f"each round, and the mean of {WINDOW}")
    return fig


def spinning_paths(paths: Sequence[tuple[str, Any, str]]) -> Figure:
    """Paths of the players of x * y, a panel each: (title, points (n, 2), caption)."""
    fig, axes = style.new_figure(len(paths), height=3.6, **style.SAME)
    for panel, (title, path, caption) in zip(axes[0], paths, strict=True):
        points = np.asarray(path)
        panel.axhline(0, color=style.REFERENCE, lw=0.8, zorder=0)
        panel.axvline(0, color=style.REFERENCE, lw=0.8, zorder=0)
        panel.plot(*points.T[:2], color=style.NOTICE, lw=0.9, marker=".", ms=4)
        panel.plot(*points[0], "o", color=style.DISCRIMINATOR, ms=7)
        style.end_label(panel, *points[0], "start", style.DISCRIMINATOR)
        panel.plot(0, 0, "+", color=style.DISCRIMINATOR, ms=11)
        panel.set(title=title, xlabel="x (minimizes xy)", aspect="equal")
        panel.text(0.02, 0.02, caption, transform=panel.transAxes, fontsize=9)
    axes[0, 0].set_ylabel("y (maximizes xy)")
    return fig
