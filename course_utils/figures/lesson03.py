"""Lesson 3: what a good discriminator leaves for the generator to hear."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import style

FLOOR = 1e-47  # where "exactly zero" is drawn on a log axis


def heard_against_distance(distance: Any, heard: Any) -> Figure:
    """The signal that a perfect D leaves for G, against how far off G is.

    Args:
        distance: (n,) between the two laws, in standard deviations, increasing.
        heard: (n,) size of the slope at G's position, positive.

    Returns:
        A figure on a log axis; its peak and its end are marked with their values.
    """
    distance, heard = _array(distance), _array(heard)
    fig, axes = style.new_figure(height=3.0)
    draw_heard(axes, distance, heard)
    ratio = heard.max() / heard[-1]
    axes.set_title(f"Far off, G hears {_round(ratio)} times less than near by")
    return fig


def draw_heard(axes: Axes, distance: Any, heard: Any) -> None:
    """The curve of `heard_against_distance`, on given axes."""
    style.line(axes, distance, heard, style.GENERATED)
    peak, end = int(heard.argmax()), len(heard) - 1
    for i, offset, side in ((peak, (0, 9), "center"), (end, (-9, -4), "right")):
        axes.plot(distance[i], heard[i], "D", color=style.NOTICE, ms=6, zorder=3)
        text = np.format_float_positional(heard[i], precision=2, fractional=False)
        axes.annotate(
            text, (distance[i], heard[i]), xytext=offset, ha=side,
            textcoords="offset points", color=style.DISCRIMINATOR,
        )  # fmt: skip
    axes.set_yscale("log")
    axes.set_ylim(heard[-1] / 5, heard.max() * 12)
    axes.set_xlabel("distance from G to the data (standard deviations)")
    axes.set_ylabel("slope of G's loss\n(nats per standard deviation)")


def learned_and_bayes(x: Any, worlds: Mapping[str, Mapping[str, Any]]) -> Figure:
    """What D learned about two laws, beside Bayes' posterior where samples are.

    Args:
        x: (n,) places on the line.
        worlds: title -> "p_data", "p_g", "learned", "bayes", each (n,).

    Returns:
        A figure with a column for each world: the laws above, the two D below.
    """
    x = _array(x)
    fig, grid = style.new_figure(
        len(worlds), rows=2, height=4.2, sharex=True, sharey="row", squeeze=False
    )
    for column, (title, world) in enumerate(worlds.items()):
        above, below = grid[:, column]
        for name, role in (("p_data", style.DATA), ("p_g", style.GENERATED)):
            y = _array(world[name])
            style.line(above, x, y, role)
            above.fill_between(x, y, color=role, alpha=0.12)
            side = 7 if name == "p_data" else -7
            above.annotate(
                {"p_data": "data", "p_g": "G"}[name], (x[y.argmax()], y.max()),
                xytext=(side, -2), textcoords="offset points", color=role,
                ha="left" if side > 0 else "right",
            )  # fmt: skip
        above.set_title(title)
        asked = _array(world["p_data"]) + _array(world["p_g"]) > 1e-3
        bayes = np.where(asked, _array(world["bayes"]), np.nan)
        below.plot(x, bayes, color=style.REFERENCE, lw=6, solid_capstyle="butt")
        style.line(below, x, _array(world["learned"]), style.DISCRIMINATOR)
        below.set_xlabel("x")
    grid[0, 0].set_ylabel("density (per unit)")
    grid[1, 0].set_ylabel("probability of real")
    grid[1, 0].annotate(
        "thin: D, trained\nthick: Bayes", (0.45, 0.4),
        xycoords="axes fraction", color=style.DISCRIMINATOR,
    )  # fmt: skip
    return fig


def starvation(steps: Sequence[int], near: Any, far: Any) -> Figure:
    """The gradient at G's weights while D trains and G waits, several seeds.

    Args:
        steps: (k,) of D so far, from 0.
        near: (seeds, k) norms where the two laws overlap.
        far: (seeds, k) norms where they are separated.

    Returns:
        A figure, both axes logarithmic (0 has a place of its own at the left).
    """
    steps, near, far = _array(steps), _array(near), _array(far)
    fig, axes = style.new_figure(height=3.4)
    for norms, name, dash in ((near, "laws overlap", "-"), (far, "separated", "--")):
        for one in norms:
            axes.plot(steps, one, dash, color=style.GENERATED, lw=1, alpha=0.55)
        middle = np.median(norms, axis=0)
        axes.plot(steps, middle, "^", color=style.GENERATED, ms=5)
        style.end_label(axes, steps[-1], middle[-1], name, style.GENERATED)
    axes.set_xscale("symlog", linthresh=1, linscale=0.4)
    axes.set_yscale("log")
    axes.set_xticks([0, 1, 10, 100, 1000], ["0", "1", "10", "100", "1000"])
    axes.set_xlabel("steps that D has trained, G frozen")
    axes.set_ylabel("gradient norm at G's weights")
    fall = np.median(far.max(axis=1) / far[:, -1])
    axes.set_title(f"Separated: {_round(fall)} times below its loudest. Overlap: more")
    return fig


def down_to_zero(
    trained: tuple[Any, Any], shifted: tuple[Any, Any], theory: tuple[Any, Any]
) -> Figure:
    """Gradient norm at G's weights against D's mean logit, until float32 ends.

    Args:
        trained: logits and norms, (k,) each, as training went.
        shifted: logits and norms as D's logits are lowered by hand; some norms are 0.
        theory: logits and norms of the line exp(logit).

    Returns:
        A figure; norms that are exactly 0 lie on its floor.
    """
    fig, axes = style.new_figure(height=3.4)
    axes.plot(*map(_array, theory), ":", color=style.DISCRIMINATOR, lw=1.6, zorder=1)
    x, y = map(_array, trained)
    axes.plot(x, y, "^", color=style.GENERATED, ms=6, label="D as it trains")
    x, y = map(_array, shifted)
    axes.plot(x[y > 0], y[y > 0], "o", color=style.GENERATED, ms=3.5, mfc="none",
              label="D's logits lowered by hand")  # fmt: skip
    zero = y == 0
    axes.plot(x[zero], np.full(zero.sum(), FLOOR), "D", color=style.NOTICE, ms=5,
              label="exactly 0")  # fmt: skip
    axes.set_yscale("log")
    axes.set_ylim(FLOOR / 30, 100)
    axes.set_yticks([1e-45, 1e-30, 1e-15, 1])
    axes.invert_xaxis()
    axes.set_xlabel("mean logit of D(G(z)): surer of a fake to the right")
    axes.set_ylabel("gradient norm at G's weights")
    x, y = map(_array, theory)
    middle = len(x) // 2
    axes.annotate(
        "theory: in step with exp(logit)", (x[middle], y[middle]), xytext=(8, 6),
        textcoords="offset points", color=style.DISCRIMINATOR,
    )  # fmt: skip
    axes.legend(loc="lower left")
    if zero.any():
        axes.set_title(f"At a mean logit of {x_at_zero(shifted):.0f} nothing is left")
    return fig


def x_at_zero(shifted: tuple[Any, Any]) -> float:
    """The first logit, on the way down, where the norm is exactly 0."""
    x, y = map(_array, shifted)
    return float(x[y == 0].max())


def flat_divergence(
    shift: Any, uniforms: Any, gaussians: Any, heard: Any, slope: Any
) -> Figure:
    """JSD of two laws against their distance, and the slope it has.

    Args:
        shift: (n,) distances, increasing.
        uniforms: (n,) JSD of two uniform laws of length 1, in nats.
        gaussians: (n,) JSD of two Gaussians of standard deviation 1, in nats.
        heard: (n,) the curve of `heard_against_distance`.
        slope: (n - 1,) slope of twice the Gaussians' JSD, midway between shifts.

    Returns:
        A figure: the divergences at the left, slope and signal at the right.
    """
    shift, heard = _array(shift), _array(heard)
    fig, (left, right) = style.new_figure(2, height=3.4)
    style.reference_line(left, np.log(2), "log 2")
    style.line(left, shift, _array(uniforms), style.DISCRIMINATOR)
    left.plot(shift, _array(gaussians), "-.", color=style.DISCRIMINATOR, lw=1.6)
    for text, place in (("uniform", (1.2, 0.6)), ("Gaussian", (2.7, 0.38))):
        left.annotate(text, place, color=style.DISCRIMINATOR)
    left.set_ylim(0, 0.82)
    left.set_xlim(0, shift[-1])
    left.set_title("JSD: moved apart, then flat")
    left.set_xlabel("distance of the two laws")
    left.set_ylabel("JSD (nats)")
    draw_heard(right, shift[1:], heard[1:])
    middle = (shift[1:] + shift[:-1]) / 2
    every = slice(2, None, max(1, len(middle) // 24))
    right.plot(middle[every], _array(slope)[every], "s", color=style.DISCRIMINATOR,
               ms=4, mfc="white")  # fmt: skip
    right.annotate(
        "dashes: what G hears\nsquares: slope of 2 JSD", (0.05, 0.22),
        xycoords="axes fraction", color=style.DISCRIMINATOR,
    )  # fmt: skip
    right.set_title("Twice its slope is all that G hears")
    right.set_xlabel("distance (standard deviations)")
    for axes in (left, right):
        axes.set_xticks(np.arange(0, shift[-1] + 1, 2))
    return fig


def _array(values: Any) -> np.ndarray:
    return np.asarray(getattr(values, "detach", lambda: values)(), dtype=float)


def _round(number: float) -> str:
    """Two digits, in words a title can hold: 25 million, 4,100."""
    digits = float(f"{number:.2g}")
    if digits >= 1e6:
        return f"{digits / 1e6:g} million"
    return f"{digits:,.0f}" if digits >= 10 else f"{digits:g}"
