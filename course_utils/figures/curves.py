"""The curves of a training, one grammar wherever a run is read."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import style
from .style import array

FLOOR = 1e-5  # a norm below is drawn here
LEVELS = {"loss_d": 2 * math.log(2), "loss_g": math.log(2)}  # D answers 1/2 everywhere
ROLES = {
    "loss_d": (style.DISCRIMINATOR, "D"),
    "loss_g": (style.GENERATED, "G"),
    "d_real": (style.DATA, "D(x)"),
    "d_fake": (style.GENERATED, "D(G(z))"),
    "norm_d": (style.DISCRIMINATOR, "D"),
    "norm_g": (style.GENERATED, "G"),
}
Curves = Mapping[str, Any]  # name -> (t,)


def run_curves(steps: Any, curves: Curves) -> Figure:
    """Losses, D's mean outputs and gradient norms of one run, (t,) each, by round."""
    fig, panels = style.new_figure(3, width=8.2, height=2.9)
    draw_curves(panels, steps, curves)
    return fig


def draw_curves(panels: Any, steps: Any, curves: Curves) -> None:
    """The same three pictures, in axes that are there already."""
    for axes, draw in zip(panels, (_losses, _outputs, _norms), strict=True):
        draw(axes, steps, curves)
        axes.set_xlabel("round")


def _losses(axes: Axes, steps: Any, curves: Curves) -> None:
    """Both losses, and the levels they have where D answers 1/2 everywhere."""
    style.reference_line(axes, LEVELS["loss_d"], "2 log 2")
    style.reference_line(axes, LEVELS["loss_g"], "log 2", va="top", offset=(3, -2))
    pair = {k: array(curves[k]) for k in ("loss_d", "loss_g")}
    _draw_pair(axes, steps, pair)
    # A few high first values would press the rest of a curve flat.
    both = np.concatenate([*pair.values()])
    low, top = np.nanpercentile(both, [1, 97]) if len(both) else (0.0, 1.0)
    axes.set_ylim(min(0.0, 1.1 * low) - 0.05, max(1.6, 1.15 * top))
    axes.set(title="losses", ylabel="loss (nats)")


def _outputs(axes: Axes, steps: Any, curves: Curves) -> None:
    """Mean D(x) on data and mean D(G(z)) on samples, between 0 and 1."""
    style.reference_line(axes, 0.5, "1/2")
    _draw_pair(axes, steps, {k: array(curves[k]) for k in ("d_real", "d_fake")})
    axes.set_ylim(-0.03, 1.03)
    axes.set(title="what D answers", ylabel="probability")


def _norms(axes: Axes, steps: Any, curves: Curves) -> None:
    """The lengths of both gradients, on a logarithmic axis; 0 lies on the floor."""
    pair = {k: np.maximum(array(curves[k]), FLOOR) for k in ("norm_d", "norm_g")}
    top = 3 * max(float(values.max(initial=100.0)) for values in pair.values())
    axes.set(yscale="log", ylim=(FLOOR / 2, top))
    _draw_pair(axes, steps, pair)
    ticks = [tick for tick in (FLOOR, 1e-3, 0.1, 10.0, 1e3, 1e5) if tick < top]
    axes.set_yticks(ticks, ["0", *(f"{tick:g}" for tick in ticks[1:])])
    axes.minorticks_off()
    axes.set(title="gradient norms", ylabel="norm")


def _draw_pair(axes: Axes, steps: Any, pair: Mapping[str, np.ndarray]) -> None:
    """Two curves: as recorded, faint, and their running mean; labels kept apart."""
    smooth = {name: running_mean(values) for name, values in pair.items()}
    for name, values in pair.items():
        role, _ = ROLES[name]
        axes.plot(steps, values, color=role, linewidth=0.7, alpha=0.35)
        style.line(axes, steps, smooth[name], role)
    if not len(steps):
        return
    higher = max(smooth, key=lambda name: smooth[name][-1])
    for name, values in smooth.items():
        role, text = ROLES[name]
        if "norm" in name and pair[name][-1] == FLOOR:
            text = f"{text}: 0"
        offset = (5, 5 if name == higher else -5)
        style.end_label(axes, steps[-1], values[-1], text, role, offset)


def running_mean(values: Any, window: int = 9) -> np.ndarray:
    """Each value's mean with its neighbors, `window` in all, fewer at the ends.

    >>> running_mean([0.0, 3.0, 6.0], window=3).tolist()
    [1.5, 3.0, 4.5]
    """
    values = array(values)
    if not len(values):
        return values
    weight = np.convolve(np.ones(len(values)), np.ones(window), mode="full")
    total = np.convolve(values, np.ones(window), mode="full")
    half = window // 2
    return (total / weight)[half : half + len(values)]
