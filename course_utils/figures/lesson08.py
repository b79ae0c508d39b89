"""Lesson 8: runs side by side, what an answer costs, scores, rankings, an ablation."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import style
from .curves import LEVELS, ROLES, Curves, running_mean
from .style import array

# Of each kind of curve: its pair, its axis, and the levels of an undecided D.
_KINDS: Mapping[str, tuple[tuple[str, str], str, tuple[float, ...]]] = {
    "losses": (("loss_d", "loss_g"), "loss (nats)", tuple(LEVELS.values())),
    "answers": (("d_real", "d_fake"), "mean answer of D", (0.5,)),
    "norms": (("norm_d", "norm_g"), "gradient norm", ()),
}
HIGHEST_LOSS = 30.0  # nats, on show


def panels(runs: Mapping[str, tuple[Any, Curves]], what: str) -> Figure:
    """One kind of curve of several runs, a panel each, all on the same axes.

    runs: title -> (rounds (t,), curves by name); what: "losses", "answers" or "norms".
    """
    columns = min(4, len(runs))
    rows = math.ceil(len(runs) / columns)
    fig, axes = style.new_figure(
        columns, rows=rows, width=8.2, height=1.75 * rows + 0.7, **style.SAME,
    )  # fmt: skip
    pair, y_label, levels = _KINDS[what]
    for panel, (name, (steps, curves)) in zip(axes.flat, runs.items(), strict=False):
        for curve in pair:
            role, label = ROLES[curve]
            panel.plot(steps, array(curves[curve]), color=role, lw=0.6, alpha=0.3)
            style.line(panel, steps, running_mean(curves[curve]), role)
            panel.lines[-1].set_label(label)
        for level in levels:
            style.reference_line(panel, level)
        panel.set_title(name, fontsize=10.5)
    for panel in axes.flat[len(runs) :]:
        panel.set_visible(False)
    _set_limits(axes[0, 0], what)
    fig.legend(
        handles=axes[0, 0].get_legend_handles_labels()[0], fontsize=9,
        loc="outside upper right", ncols=2, borderaxespad=0,
    )  # fmt: skip
    fig.supxlabel("round", fontsize=10.5)
    fig.supylabel(y_label, fontsize=10.5)
    return fig


def _set_limits(axes: Axes, what: str) -> None:
    if what == "losses":
        axes.set_yscale("symlog", linthresh=2, linscale=1.2)  # linear at the levels
        axes.set_ylim(-0.15, HIGHEST_LOSS)
        axes.set_yticks([0, 1, 2, 5, 20], ["0", "1", "2", "5", "20"])
        axes.minorticks_off()
    elif what == "answers":
        axes.set(ylim=(-0.05, 1.05), yticks=[0, 0.5, 1])
    else:
        axes.set_yscale("symlog", linthresh=1e-5, linscale=0.4)
        axes.set(ylim=(-3e-6, 3e4), yticks=[0, 1e-4, 1e-2, 1, 100])


def cost_of_answers(p: Any, loss_d: Any, loss_g: Any) -> Figure:
    """What both players pay, (n,) nats, where D answers p (n,) to everything."""
    fig, axes = style.new_figure(height=2.8, width=6.6)
    best = float(array(p)[np.argmin(array(loss_d))])
    axes.axvline(best, color=style.REFERENCE, ls=":", lw=1.2, zorder=0)
    for curve, loss, pays, formula, rise in (
        ("loss_d", loss_d, "D pays", "2 log 2", 22),
        ("loss_g", loss_g, "G pays", "log 2", 6),
    ):
        role, level = ROLES[curve][0], LEVELS[curve]
        style.line(axes, p, loss, role, label=pays)
        axes.plot([best], [level], style.MARKERS[role], color=role, ms=6)
        style.label(axes, best, level, f"{formula} = {level:.3f}", role, (8, rise))
    axes.set(ylim=(0, 5), xlim=(0, 1))
    axes.set(xlabel="D's answer to every image", ylabel="loss (nats)")
    axes.set_title(f"Where it must answer one number, D pays least at {best:.2f}")
    return fig


def shrinking_bias(sizes: Sequence[int], scores: Any, *, other: float) -> Figure:
    """Scores (sizes, draws) of data against data by set size, beside another score."""
    fig, axes = style.new_figure(height=2.8, width=6.6)
    values = array(scores)
    axes.plot(sizes, values, color=style.DATA, lw=0.7, alpha=0.35)
    style.line(axes, sizes, values.mean(1), style.DATA, marker="o", markersize=4)
    style.reference_line(axes, other, f"class Gaussians, {sizes[-1]} images")
    axes.set(xscale="log", xlabel="images in each set", ylabel="Fréchet distance")
    axes.set_xticks(sizes, [str(n) for n in sizes])
    axes.minorticks_off()
    axes.set_ylim(0)
    factor = values[0].mean() / values[-1].mean()
    axes.set_title(f"Same law, {factor:.0f} times the score: the set is smaller")
    return fig


def against_the_eye(place: Any, scores: Curves, correlation: Mapping) -> Figure:
    """Scores (n,) of runs by their place (n,) in a ranking by eye, 1 the best.

    correlation: name -> (rank correlation, low, high), an interval of chance.
    """
    fig, axes = style.new_figure(len(scores), width=9.2, height=2.7, sharex=True)
    for panel, (name, values) in zip(np.atleast_1d(axes), scores.items(), strict=True):
        role = style.DISCRIMINATOR if name == "D's loss" else style.GENERATED
        mark = style.MARKERS[role]
        panel.plot(place, values, mark, color=role, ms=5, alpha=0.85)
        rho, low, high = correlation[name]
        panel.set_title(f"{name}\n{rho:+.2f} [{low:+.2f}, {high:+.2f}]", fontsize=10)
        panel.set_xticks([1, len(array(place))], ["best", "worst"])
    fig.supxlabel("place by eye", fontsize=10.5)
    return fig


def ablation(table: Mapping[str, Any], score: str, *, title: str) -> Figure:
    """A score of every variant in data/ablation.json, a dot for each seed."""
    variants = table["variants"]
    fig, axes = style.new_figure(width=8.2, height=0.31 * len(variants) + 1.1)
    whole = [row[score] for row in variants["whole"]["seeds"]]
    axes.axvspan(min(whole), max(whole), color=style.REFERENCE, alpha=0.35, lw=0)
    from_below = list(reversed(variants.values()))
    for y, variant in enumerate(from_below):
        x = [row[score] for row in variant["seeds"]]
        role = style.NOTICE if min(x) > max(whole) else style.GENERATED
        axes.plot(x, [y] * len(x), style.MARKERS[role], color=role, ms=6, alpha=0.8)
    axes.set_yticks(range(len(variants)), [variant["says"] for variant in from_below])
    axes.set(xscale="log", xlabel="Fréchet distance (log axis; less is better)")
    axes.set_title(title)
    return fig


def hops(steps: Sequence[int], samples: Any, centers: Any) -> Figure:
    """Samples (s, n, 2) on the plane at s rounds, beside the modes' centers (k, 2)."""
    fig, axes = style.new_figure(len(steps), width=8.2, height=1.9, **style.SAME)
    modes = array(centers)
    for panel, step, points in zip(axes[0], steps, array(samples), strict=True):
        panel.plot(*modes.T, "o", color=style.DATA, ms=9, mfc="none")
        panel.plot(*points.T, "^", color=style.GENERATED, ms=3, alpha=0.4)
        panel.set_title(f"round {step}", fontsize=10)
        panel.set_aspect("equal")
        panel.set(xlim=(-3.2, 3.2), ylim=(-3.2, 3.2), xticks=[], yticks=[])
    return fig
