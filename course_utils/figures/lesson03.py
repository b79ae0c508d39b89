"""Lesson 3: how much gradient a good discriminator leaves for the generator."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import style
from .style import array

FLOOR = 1e-47  # where "exactly zero" is drawn on a log axis


def heard_against_distance(distance: Any, slope: Any) -> Figure:
    """The slope (n,) that a perfect D leaves for G, by distance of the laws (n,)."""
    distance, slope = array(distance), array(slope)
    fig, axes = style.new_figure(height=3.0)
    draw_slope_against_distance(axes, distance, slope)
    ratio = slope.max() / slope[-1]
    axes.set_title(f"Far off, G hears {style.rounded(ratio)} times less than near by")
    return fig


def draw_slope_against_distance(axes: Axes, distance: Any, slope: Any) -> None:
    """The curve of `heard_against_distance`, on given axes."""
    style.line(axes, distance, slope, style.GENERATED)
    peak, end = (slope.argmax(), (0, 9), "center"), (-1, (-9, -4), "right")
    for i, offset, side in (peak, end):
        axes.plot(distance[i], slope[i], "D", color=style.NOTICE, ms=6, zorder=3)
        text = np.format_float_positional(slope[i], precision=2, fractional=False)
        place = distance[i], slope[i]
        style.label(axes, *place, text, style.DISCRIMINATOR, offset, ha=side)
    axes.set(
        yscale="log", ylim=(slope[-1] / 5, slope.max() * 12),
        xlabel="distance from G to the data (standard deviations)",
        ylabel="slope of G's loss\n(nats per standard deviation)",
    )  # fmt: skip


def learned_and_bayes(x: Any, cases: Mapping[str, Mapping[str, Any]]) -> Figure:
    """What D learned, beside Bayes' posterior, which is drawn where samples are.

    cases: title of a column -> "p_data", "p_g", "learned", "bayes", (n,) each.
    """
    x = array(x)
    fig, grid = style.new_figure(
        len(cases), rows=2, height=4.2, sharex=True, sharey="row", squeeze=False
    )
    for (above, below), (title, case) in zip(grid.T, cases.items(), strict=True):
        for key, role, name, side, ha in (
            ("p_data", style.DATA, "data", 7, "left"),
            ("p_g", style.GENERATED, "G", -7, "right"),
        ):
            y = array(case[key])
            style.line(above, x, y, role)
            above.fill_between(x, y, color=role, alpha=0.12)
            style.label(above, x[y.argmax()], y.max(), name, role, (side, -2), ha=ha)
        above.set_title(title)
        has_samples = array(case["p_data"]) + array(case["p_g"]) > 1e-3
        bayes = np.where(has_samples, array(case["bayes"]), np.nan)
        below.plot(x, bayes, color=style.REFERENCE, lw=6, solid_capstyle="butt")
        style.line(below, x, array(case["learned"]), style.DISCRIMINATOR)
        below.set_xlabel("x")
    grid[0, 0].set_ylabel("density (per unit)")
    grid[1, 0].set_ylabel("probability of real")
    text, place = "thin: D, trained\nthick: Bayes", {"xycoords": "axes fraction"}
    style.label(grid[1, 0], 0.45, 0.4, text, style.DISCRIMINATOR, **place)
    return fig


def starvation(steps: Sequence[int], near: Any, far: Any) -> Figure:
    """Gradient norms (seeds, k) of a frozen G by D's steps (k,), laws near or far."""
    steps, near, far = array(steps), array(near), array(far)
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
    fall = style.rounded(np.median(far.max(axis=1) / far[:, -1]))
    axes.set_xlabel("steps that D has trained, G frozen")
    axes.set_ylabel("gradient norm at G's weights")
    axes.set_title(f"Separated: {fall} times below its loudest. Overlap: more")
    return fig


def down_to_zero(
    trained: tuple[Any, Any], shifted: tuple[Any, Any], theory: tuple[Any, Any]
) -> Figure:
    """Gradient norm at G's weights against D's mean logit, until float32 ends.

    Each argument is (logits, norms), (k,) each: as training went, as D's logits are
    lowered by hand, and of the line exp(logit). A norm of exactly 0 lies on the
    figure's floor.
    """
    fig, axes = style.new_figure(height=3.4)
    x, y = map(array, theory)
    axes.plot(x, y, ":", color=style.DISCRIMINATOR, lw=1.6, zorder=1)
    place, text = (x[len(x) // 2], y[len(x) // 2]), "theory: in step with exp(logit)"
    style.label(axes, *place, text, style.DISCRIMINATOR, (8, 6))
    look = {"color": style.GENERATED, "ls": ""}
    axes.plot(*map(array, trained), marker="^", ms=6, label="D as it trains", **look)
    x, y = map(array, shifted)
    some, none = y > 0, y == 0
    axes.plot(x[some], y[some], marker="o", ms=3.5, mfc="none",
              label="D's logits lowered by hand", **look)  # fmt: skip
    axes.plot(x[none], np.full(none.sum(), FLOOR), "D", color=style.NOTICE, ms=5,
              label="exactly 0")  # fmt: skip
    axes.set(yscale="log", ylim=(FLOOR / 30, 100), yticks=[1e-45, 1e-30, 1e-15, 1])
    axes.invert_xaxis()
    axes.set_xlabel("mean logit of D(G(z)): surer of a fake to the right")
    axes.set_ylabel("gradient norm at G's weights")
    axes.legend(loc="lower left")
    if none.any():
        axes.set_title(f"At a mean logit of {x[none].max():.0f} nothing is left")
    return fig


def flat_divergence(
    shift: Any, uniforms: Any, gaussians: Any, slope: Any, twice_jsd_slope: Any
) -> Figure:
    """JSD (n,) of uniforms and of Gaussians by their distance (n,), and its slope.

    slope: (n,) of `heard_against_distance`; twice_jsd_slope: (n - 1,), midway.
    """
    shift, slope = array(shift), array(slope)
    fig, (left, right) = style.new_figure(2, height=3.4)
    style.reference_line(left, np.log(2), "log 2")
    style.line(left, shift, array(uniforms), style.DISCRIMINATOR)
    left.plot(shift, array(gaussians), "-.", color=style.DISCRIMINATOR, lw=1.6)
    style.label(left, 1.2, 0.6, "uniform", style.DISCRIMINATOR)
    style.label(left, 2.7, 0.38, "Gaussian", style.DISCRIMINATOR)
    left.set(
        ylim=(0, 0.82), xlim=(0, shift[-1]), title="JSD: moved apart, then flat",
        xlabel="distance of the two laws", ylabel="JSD (nats)",
    )  # fmt: skip
    draw_slope_against_distance(right, shift[1:], slope[1:])
    middle = (shift[1:] + shift[:-1]) / 2
    every = slice(2, None, max(1, len(middle) // 24))
    right.plot(middle[every], array(twice_jsd_slope)[every], "s", ms=4, mfc="white",
               color=style.DISCRIMINATOR)  # fmt: skip
    text = "dashes: what G hears\nsquares: slope of 2 JSD"
    place = {"xycoords": "axes fraction"}
    style.label(right, 0.05, 0.22, text, style.DISCRIMINATOR, **place)
    right.set_title("Twice its slope is all that G hears")
    right.set_xlabel("distance (standard deviations)")
    for axes in (left, right):
        axes.set_xticks(np.arange(0, shift[-1] + 1, 2))
    return fig
