"""Lesson 4: two wishes of the generator, raced, weighed, and softened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import style

# Two losses, or two schedules, side by side: the old one and the new one.
ROLES = (style.NOTICE, style.GENERATED)


def two_wishes(x_real: Any, made: Mapping[str, Any]) -> Figure:
    """Samples of generators beside each other, over the same data.

    Args:
        x_real: (n, 2) data.
        made: title -> (m, 2) samples.

    Returns:
        A figure with a column for each.
    """
    fig, columns = style.new_figure(
        len(made), height=3.7, sharex=True, sharey=True, squeeze=False
    )
    x_real = _array(x_real)
    for axes, (title, samples) in zip(columns[0], made.items(), strict=True):
        samples = _array(samples)
        axes.plot(*x_real.T, "o", color=style.DATA, ms=3, alpha=0.35, label="data")
        axes.plot(*samples.T, "^", color=style.GENERATED, ms=3.5, alpha=0.6, label="G")
        axes.set_title(title)
        axes.set_aspect("equal")
        axes.set_xlabel("$x_1$")
    columns[0, 0].set_ylabel("$x_2$")
    columns[0, 0].set_xlim(-3, 3)
    columns[0, 0].set_ylim(-3, 3)
    columns[0, 0].legend(loc="upper left", fontsize=9, markerscale=1.6, borderpad=0)
    return fig


def deaf_sides(
    logits: Any, values: Mapping[str, Any], slopes: Mapping[str, Any]
) -> Figure:
    """Two losses and their slopes against D's logit.

    Args:
        logits: (n,) increasing.
        values: name -> (n,) loss in nats.
        slopes: name -> (n,) slope in the logit.

    Returns:
        A figure: the losses at the left, the size of their slopes at the right.
    """
    x = _array(logits)
    fig, (left, right) = style.new_figure(2, height=3.2)
    for role, name in zip(ROLES, values, strict=True):
        value = _array(values[name])
        style.line(left, x, value, role)
        style.line(right, x, np.abs(_array(slopes[name])), role)
        at = int(np.abs(value).argmax())  # its high end
        sign = 1 if at == 0 else -1
        left.annotate(
            name, (x[at], value[at]), xytext=(14 * sign, -2), va="center",
            textcoords="offset points", color=role, ha="left" if at == 0 else "right",
        )  # fmt: skip
    left.set_title("Two ways to want the same")
    left.set_ylabel("G's loss (nats)")
    right.set_title("Each is deaf on one side")
    right.set_ylabel("size of the slope in the logit")
    for axes in (left, right):
        style.reference_line(axes, 0, "", vertical=True)
        axes.set_xlabel("D's logit at G(z): fooled to the right")
    return fig


class Row(NamedTuple):
    """One quantity, followed under several conditions.

    Args:
        x: (k,) where it was looked at.
        y_label: the quantity with its unit.
        columns: title -> name of the kind -> (k, games), two kinds in each.
        level: of a reference line, with its text.
    """

    x: Any
    y_label: str
    columns: Mapping[str, Mapping[str, Any]]
    level: tuple[float, str] | None = None


def side_by_side(rows: Sequence[Row], x_label: str) -> Figure:
    """Two kinds of game, followed step by step: thin lines are games, thick the median.

    Args:
        rows: with equally many columns.
        x_label: of every axis.

    Returns:
        A figure with a row for each quantity and a column for each condition.
    """
    n = len(rows[0].columns)
    fig, grid = style.new_figure(
        n, rows=len(rows), height=0.6 + 2.4 * len(rows), sharey="row", squeeze=False
    )  # fmt: skip
    for line, row in zip(grid, rows, strict=True):
        for axes, (title, kinds) in zip(line, row.columns.items(), strict=True):
            for role, (name, games) in zip(ROLES, kinds.items(), strict=True):
                _draw_games(axes, _array(row.x), _array(games), role, name)
            if row.level:
                _draw_level(axes, *row.level)
            axes.set_title(title)
        line[0].set_ylabel(row.y_label)
    for axes in grid[-1]:
        axes.set_xlabel(x_label)
    handles, names = grid[0, 0].get_legend_handles_labels()
    fig.legend(handles, names, loc="outside upper right", ncols=2, borderpad=0)
    return fig


def _draw_level(axes: Axes, level: float, text: str) -> None:
    """A reference line that is labeled at the right: games set out at the left."""
    style.reference_line(axes, level, "")
    axes.annotate(
        text, (1, level), xytext=(-2, 2), xycoords=("axes fraction", "data"),
        textcoords="offset points", ha="right", color=style.DISCRIMINATOR, fontsize=9,
    )  # fmt: skip


def _draw_games(axes: Axes, x: Any, games: Any, role: str, name: str) -> None:
    dash = style.DASHES[role]
    for one in games.T:
        axes.plot(x, one, dash, color=role, lw=0.8, alpha=0.4)
    middle = np.median(games, axis=1)
    axes.plot(x, middle, dash, color=role, lw=2.2, label=name)


def pull_at_distance(theta: Any, minimax: Any, nonsaturating: Any) -> Figure:
    """How strongly each loss pulls G back, against how far off G is, with D perfect.

    Args:
        theta: (n,) distance from the data, in standard deviations.
        minimax: (n,) size of its gradient.
        nonsaturating: (n,) size of its gradient.

    Returns:
        A figure with both curves, labeled at their ends.
    """
    theta = _array(theta)
    fig, axes = style.new_figure(height=3.2)
    style.line(axes, theta, _array(minimax), style.NOTICE, label="minimax: 2 JSD")
    style.line(
        axes, theta, _array(nonsaturating), style.GENERATED,
        label="non-saturating:\nKL - 2 JSD",
    )  # fmt: skip
    axes.set_xlim(theta[0], theta[-1])
    axes.set_xlabel("distance of G from the data (standard deviations)")
    axes.set_ylabel("gradient (nats)")
    axes.set_title("The farther off, the stronger the new pull, and the weaker the old")
    return fig


def soft_answers(
    x: Any, p_data: Any, p_g: Any, answers: Mapping[str, Any], pulls: Mapping[str, Any]
) -> Figure:
    """The best D for three pairs of targets, and what each leaves G to follow.

    Args:
        x: (n,) places.
        p_data: (n,) density.
        p_g: (n,) density.
        answers: targets -> (n,) D*.
        pulls: targets -> (n,) slope of log D*.

    Returns:
        A figure: the laws and the answers at the left, the pulls at the right.
    """
    x = _array(x)
    fig, (left, right) = style.new_figure(2, height=3.4)
    for density, role, name in ((p_data, style.DATA, "data"), (p_g, ROLES[1], "G")):
        y = _array(density)
        for axes in (left, right):
            axes.fill_between(
                x, y / y.max() * 0.3 * (1 if axes is left else 4.4), color=role,
                alpha=0.13, lw=0,
            )  # fmt: skip
        left.annotate(name, (x[y.argmax()], 0.02), color=role, ha="center")
    looks = (
        {"color": style.REFERENCE, "lw": 6, "solid_capstyle": "butt"},
        {"color": style.DISCRIMINATOR, "lw": 1.4},
        {"color": style.NOTICE, "lw": 1.8, "ls": style.DASHES[style.NOTICE]},
    )
    for look, targets in zip(looks, answers, strict=True):
        left.plot(x, _array(answers[targets]), label=targets, **look)
        right.plot(x, _array(pulls[targets]), label=targets, **look)
    left.set_title("The best D")
    left.set_ylabel("$D^*(x)$, a probability")
    right.set_title("What it tells G to do")
    right.set_ylabel(r"slope of $\log D^*$ (per unit of x)")
    left.legend(title="targets of data, fakes", loc="upper left", fontsize=9)
    for axes in (left, right):
        axes.set_xlabel("x")
    return fig


def _array(values: Any) -> np.ndarray:
    return np.asarray(getattr(values, "detach", lambda: values)(), dtype=float)
