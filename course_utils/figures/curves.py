"""The curves of a training, one grammar wherever a run is read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import style

FLOOR = 1e-5  # a norm below is drawn here
LEVELS = {"loss_d": 2 * math.log(2), "loss_g": math.log(2)}  # D answers 1/2 everywhere


def run_curves(steps: Any, curves: Mapping[str, Any], *, width: float = 8.2) -> Figure:
    """Losses, D's mean outputs and gradient norms of one run, side by side.

    Args:
        steps: (t,) rounds.
        curves: "loss_d", "loss_g", "d_real", "d_fake", "norm_d", "norm_g" -> (t,).
        width: inches.
    """
    fig, panels = style.new_figure(3, width=width, height=2.9)
    draw_losses(panels[0], steps, curves["loss_d"], curves["loss_g"])
    draw_outputs(panels[1], steps, curves["d_real"], curves["d_fake"])
    draw_norms(panels[2], steps, curves["norm_d"], curves["norm_g"])
    return fig


def draw_losses(axes: Axes, steps: Any, loss_d: Any, loss_g: Any) -> None:
    """Both losses, and the levels they have where D answers 1/2 everywhere."""
    style.reference_line(axes, LEVELS["loss_d"], "2 log 2")
    style.reference_line(axes, LEVELS["loss_g"], "log 2", under=True)
    _draw_pair(
        axes,
        steps,
        (loss_d, style.DISCRIMINATOR, "D"),
        (loss_g, style.GENERATED, "G"),
    )
    # A few high first values would press the rest of a curve flat.
    both = np.concatenate([_array(loss_d), _array(loss_g)])
    low, top = np.nanpercentile(both, [1, 97]) if len(both) else (0.0, 1.0)
    axes.set_ylim(min(0.0, 1.1 * low) - 0.05, max(1.6, 1.15 * top))
    axes.set(title="losses", xlabel="round", ylabel="loss (nats)")


def draw_outputs(axes: Axes, steps: Any, d_real: Any, d_fake: Any) -> None:
    """Mean D(x) on data and mean D(G(z)) on samples, between 0 and 1."""
    style.reference_line(axes, 0.5, "1/2")
    _draw_pair(
        axes,
        steps,
        (d_real, style.DATA, "D(x)"),
        (d_fake, style.GENERATED, "D(G(z))"),
    )
    axes.set_ylim(-0.03, 1.03)
    axes.set(title="what D answers", xlabel="round", ylabel="probability")


def draw_norms(axes: Axes, steps: Any, norm_d: Any, norm_g: Any) -> None:
    """The lengths of both gradients, on a logarithmic axis; 0 lies on the floor."""
    pair = []
    for values, role, name in (
        (norm_d, style.DISCRIMINATOR, "D"),
        (norm_g, style.GENERATED, "G"),
    ):
        values = np.maximum(_array(values), FLOOR)
        gone = len(values) and values[-1] == FLOOR
        pair.append((values, role, f"{name}: 0" if gone else name))
    top = 3 * max(float(values.max(initial=100.0)) for values, _, _ in pair)
    axes.set(yscale="log", ylim=(FLOOR / 2, top))
    _draw_pair(axes, steps, *pair)
    ticks = [tick for tick in (FLOOR, 1e-3, 0.1, 10.0, 1e3, 1e5) if tick < top]
    axes.set_yticks(ticks, ["0", *(f"{tick:g}" for tick in ticks[1:])])
    axes.minorticks_off()
    axes.set(title="gradient norms", xlabel="round", ylabel="norm")


def _draw_pair(axes: Axes, steps: Any, *pair: tuple[Any, str, str]) -> None:
    """Two curves: as recorded, faint, and their running mean; labels kept apart."""
    ends = []
    for values, role, name in pair:
        values = _array(values)
        axes.plot(steps, values, color=role, linewidth=0.7, alpha=0.35)
        smooth = running_mean(values)
        style.line(axes, steps, smooth, role)
        ends.append((smooth[-1] if len(smooth) else 0.0, role, name))
    if not len(steps):
        return
    (first, *one), (second, *two) = ends
    up = 5 if first >= second else -5
    for (value, role, name), shift in zip(
        ((first, *one), (second, *two)), (up, -up), strict=True
    ):
        axes.annotate(
            name, (float(steps[-1]), value), xytext=(5, shift), va="center",
            textcoords="offset points", color=role, annotation_clip=False,
        )  # fmt: skip


def running_mean(values: Any, window: int = 9) -> np.ndarray:
    """Each value's mean with its neighbors, `window` in all, fewer at the ends.

    >>> running_mean([0.0, 3.0, 6.0], window=3).tolist()
    [1.5, 3.0, 4.5]
    """
    values, ones = _array(values), np.ones(window)
    if not len(values):
        return values
    weight = np.convolve(np.ones(len(values)), ones, mode="full")
    total = np.convolve(values, ones, mode="full")
    half = window // 2
    return (total / weight)[half : half + len(values)]


def _array(values: Any) -> np.ndarray:
    return np.asarray(values, dtype=float)
