"""Figures of lesson 2: the minimax game in one dimension, and the game x * y."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .style import (
    CAPTION,
    DATA,
    DISCRIMINATOR,
    GENERATED,
    NOTICE,
    REFERENCE,
    end_label,
    line,
    new_figure,
    reference_line,
)


def game_moments(
    x: Any, p_data: Any, moments: Sequence[tuple[str, Any, Any]]
) -> Figure:
    """The game at a few moments: data, generated samples, and what D says.

    Args:
        x: (k,) points of the axis.
        p_data: (k,) density of the data.
        moments: (title, generated samples (n,), D(x) (k,)) in order.
    """
    fig, axes = new_figure(len(moments), height=2.9, sharex=True, sharey=True)
    peak = float(np.max(np.asarray(p_data)))
    for panel, (title, samples, d) in zip(np.atleast_1d(axes), moments, strict=True):
        heap(panel, x, samples)
        line(panel, x, p_data, DATA)
        # D's scale, 0 to 1, stands for the density's 0 to twice the peak of the data.
        line(panel, x, np.asarray(d) * 2 * peak, DISCRIMINATOR)
        reference_line(panel, peak, "D = 1/2")
        panel.set_title(title)
        panel.set_xlabel("x")
        panel.set_ylim(0, 2.1 * peak)
    first = np.atleast_1d(axes)[0]
    first.set_ylabel("density")
    near_right = int(0.8 * len(x))
    first.annotate("data", (float(x[near_right]), 0.3 * peak), color=DATA)
    first.annotate("generated", (float(x[0]), 1.8 * peak), color=GENERATED)
    first.annotate("D(x)", (float(x[near_right]), 1.2 * peak), color=DISCRIMINATOR)
    right = np.atleast_1d(axes)[-1].secondary_yaxis(
        "right", functions=(lambda y: y / (2 * peak), lambda y: y * 2 * peak)
    )
    right.set_ylabel("D(x)", color=DISCRIMINATOR)
    return fig


def heap(axes: Axes, x: Any, samples: Any) -> None:
    """Generated samples as a hatched histogram over the range of x."""
    axes.hist(
        np.asarray(samples), bins=70, range=(float(x[0]), float(x[-1])), density=True,
        color=GENERATED, alpha=0.3, hatch="//", edgecolor=GENERATED, linewidth=0.5,
    )  # fmt: skip


def optimal_answer(x: Any, p_data: Any, p_g: Any, d_star: Any) -> Figure:
    """Two densities, and under them the best answer D*(x) to each point.

    Args:
        x, p_data, p_g, d_star: (k,) each.
    """
    fig, (above, below) = new_figure(rows=2, height=4.2, sharex=True)
    p_data, p_g = np.asarray(p_data), np.asarray(p_g)
    laws = (p_data, p_g, DATA, "$p_{data}$"), (p_g, p_data, GENERATED, "$p_g$")
    for law, other, role, name in laws:
        line(above, x, law, role)
        top = int(np.argmax(law - other))  # where the two are farthest apart
        above.annotate(
            name, (float(x[top]), float(law[top])), xytext=(0, 4), ha="center",
            textcoords="offset points", color=role,
        )  # fmt: skip
    above.set_ylim(0, 1.25 * max(p_data.max(), p_g.max()))
    above.set_ylabel("density")
    line(below, x, d_star, DISCRIMINATOR)
    reference_line(below, 0.5, "cannot tell: 1/2")
    below.set(xlabel="x", ylabel="$D^*(x)$", ylim=(-0.05, 1.05))
    return fig


def value_against_shift(shift: Any, value: Any, divergence: Any) -> Figure:
    """V(D*, G) as the generated law moves away, between its two bounds.

    Args:
        shift: (k,) how far p_g lies from p_data.
        value: (k,) V(D*, G) in nats.
        divergence: (k,) 2 JSD - log 4, computed by another way.
    """
    fig, axes = new_figure(height=3.0)
    axes.plot(shift, value, color=DISCRIMINATOR, lw=3, alpha=0.45)
    axes.plot(shift, divergence, color=NOTICE, lw=1.4, ls="-.")
    middle = len(shift) // 4
    axes.annotate(
        "V(D*, G), thick, and 2 JSD - log 4, dash-dotted: one curve",
        (float(shift[middle]), float(value[middle])), xytext=(12, -14),
        textcoords="offset points", color=NOTICE,
    )  # fmt: skip
    reference_line(axes, -math.log(4), "")
    axes.annotate("-log 4: equal laws", (1.2, -math.log(4) + 0.02), color=CAPTION)
    reference_line(axes, 0.0, "0: no point in common")
    axes.set(xlabel="distance of the two laws", ylabel="value (nats)")
    axes.set_ylim(-1.55, 0.16)
    return fig


def discriminator_losses(losses: Any, *, window: int = 50) -> Figure:
    """D's loss over the rounds, its running mean, and the level of an undecided D.

    Args:
        losses: (rounds,) nats.
        window: rounds of the running mean.
    """
    losses = np.asarray(losses)
    smooth = np.convolve(losses, np.ones(window) / window, mode="valid")
    rounds = np.arange(1, len(losses) + 1)
    fig, axes = new_figure(height=2.8)
    axes.plot(rounds, losses, color=DISCRIMINATOR, lw=0.5, alpha=0.35)
    line(axes, rounds[window - 1 :], smooth, DISCRIMINATOR)
    reference_line(axes, 2 * math.log(2), "")
    axes.annotate(
        "log 4: D answers 1/2 everywhere", (len(losses), 2 * math.log(2)),
        xytext=(0, 14), textcoords="offset points", ha="right", color=CAPTION,
    )  # fmt: skip
    axes.set(xlabel="round", ylabel="D's loss (nats)")
    axes.set_title(f"each round, and the mean of {window}")
    return fig


def spinning_paths(paths: Sequence[tuple[str, Any, str]]) -> Figure:
    """Paths of the two players of x * y, one panel each, on equal axes.

    Args:
        paths: (title, points (steps, 2), a closed curve's caption or "").
    """
    fig, axes = new_figure(len(paths), height=3.6, sharex=True, sharey=True)
    for panel, (title, path, caption) in zip(np.atleast_1d(axes), paths, strict=True):
        points = np.asarray(path)
        panel.axhline(0, color=REFERENCE, lw=0.8, zorder=0)
        panel.axvline(0, color=REFERENCE, lw=0.8, zorder=0)
        panel.plot(points[:, 0], points[:, 1], color=NOTICE, lw=0.9, marker=".", ms=4)
        panel.plot(*points[0], "o", color=DISCRIMINATOR, ms=7)
        end_label(panel, *points[0], "start", DISCRIMINATOR)
        panel.plot(0, 0, "+", color=DISCRIMINATOR, ms=11)
        panel.set(title=title, xlabel="x (minimizes xy)", aspect="equal")
        panel.text(0.02, 0.02, caption, transform=panel.transAxes, fontsize=9)
    np.atleast_1d(axes)[0].set_ylabel("y (maximizes xy)")
    return fig
