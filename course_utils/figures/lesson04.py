"""Lesson 4: two losses of the generator, in games, as slopes, and with soft targets."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import style
from .curves import Curves
from .style import array

# Two losses, or two schedules, side by side: the old one and the new one.
ROLES = (style.NOTICE, style.GENERATED)


def two_wishes(x_real: Any, made: Mapping[str, Any]) -> Figure:
    """Samples of generators, title -> (m, 2), a panel each, over the data (n, 2)."""
    fig, columns = style.new_figure(len(made), height=3.7, **style.SAME)
    for axes, (title, samples) in zip(columns[0], made.items(), strict=True):
        data, fakes = array(x_real).T, array(samples).T
        axes.plot(*data, "o", color=style.DATA, ms=3, alpha=0.35, label="data")
        axes.plot(*fakes, "^", color=style.GENERATED, ms=3.5, alpha=0.6, label="G")
        axes.set(title=title, aspect="equal", xlabel="$x_1$")
    first = columns[0, 0]
    first.set(ylabel="$x_2$", xlim=(-3, 3), ylim=(-3, 3))
    first.legend(loc="upper left", fontsize=9, markerscale=1.6, borderpad=0)
    return fig


def deaf_sides(logits: Any, values: Curves, slopes: Curves) -> Figure:
    """Two losses and the size of their slopes, name -> (n,), by D's logit (n,)."""
    x = array(logits)
    fig, (left, right) = style.new_figure(2, height=3.2)
    for role, name in zip(ROLES, values, strict=True):
        value = array(values[name])
        style.line(left, x, value, role)
        style.line(right, x, np.abs(array(slopes[name])), role)
        i = int(np.abs(value).argmax())  # its high end
        offset, side = ((14, -2), "left") if i == 0 else ((-14, -2), "right")
        style.label(left, x[i], value[i], name, role, offset, va="center", ha=side)
    left.set(title="Two ways to want the same", ylabel="G's loss (nats)")
    right.set(title="Each is deaf on one side", ylabel="size of the slope in the logit")
    for axes in (left, right):
        axes.axvline(0, color=style.REFERENCE, ls=":", lw=1.2, zorder=0)
        axes.set_xlabel("D's logit at G(z): fooled to the right")
    return fig


class Row(NamedTuple):
    """One quantity at x (k,): title of a column -> kind of game -> (k, games)."""

    x: Any
    y_label: str
    columns: Mapping[str, Curves]
    level: tuple[float, str] | None = None


def side_by_side(rows: Sequence[Row], x_label: str) -> Figure:
    """A line of axes for each row: thin lines are games, thick ones lower medians."""
    fig, grid = style.new_figure(
        len(rows[0].columns), rows=len(rows), height=0.6 + 2.4 * len(rows),
        sharey="row", squeeze=False,
    )  # fmt: skip
    for cells, row in zip(grid, rows, strict=True):
        for axes, (title, kinds) in zip(cells, row.columns.items(), strict=True):
            for role, (name, games) in zip(ROLES, kinds.items(), strict=True):
                _draw_games(axes, array(row.x), array(games), role, name)
            if row.level:
                style.reference_line(
                    axes, *row.level, offset=(-2, 2), va="baseline",
                    color=style.DISCRIMINATOR, **style.AT_THE_RIGHT,
                )  # fmt: skip
            axes.set_title(title)
        cells[0].set_ylabel(row.y_label)
    for axes in grid[-1]:
        axes.set_xlabel(x_label)
    handles, names = grid[0, 0].get_legend_handles_labels()
    fig.legend(handles, names, loc="outside upper right", ncols=2, borderpad=0)
    return fig


def _draw_games(axes: Axes, x: Any, games: Any, role: str, name: str) -> None:
    look = {"color": role, "ls": style.DASHES[role]}
    middle = np.quantile(games, 0.5, axis=1, method="lower")
    axes.plot(x, games, lw=0.8, alpha=0.4, **look)
    axes.plot(x, middle, lw=2.2, label=name, **look)


def pull_at_distance(theta: Any, minimax: Any, nonsaturating: Any) -> Figure:
    """The size (n,) of both losses' gradients by G's distance (n,), with D perfect."""
    theta = array(theta)
    peak = theta[array(minimax).argmax()]
    fig, axes = style.new_figure(height=3.2)
    for y, role, label in (
        (minimax, style.NOTICE, "minimax: 2 JSD"),
        (nonsaturating, style.GENERATED, "non-saturating:\nKL - 2 JSD"),
    ):
        style.line(axes, theta, array(y), role, label=label)
    axes.set(
        xlim=(theta[0], theta[-1]), ylabel="gradient (nats per standard dev.)",
        xlabel="distance of G from the data (standard deviations)",
        title=f"Past {peak:.1f} minimax fades; the non-saturating gradient grows",
    )  # fmt: skip
    return fig


def soft_answers(
    x: Any, p_data: Any, p_g: Any, answers: Curves, slopes: Curves
) -> Figure:
    """The best D and the slope of log D*, targets -> (n,), over both laws (n,)."""
    x = array(x)
    fig, (left, right) = style.new_figure(2, height=3.4)
    for density, role, name in ((p_data, style.DATA, "data"), (p_g, ROLES[1], "G")):
        y = array(density)
        for axes, height in ((left, 0.3), (right, 1.32)):
            axes.fill_between(x, y / y.max() * height, color=role, alpha=0.13, lw=0)
        style.label(left, x[y.argmax()], 0.02, name, role, ha="center")
    looks = (
        {"color": style.REFERENCE, "lw": 6, "solid_capstyle": "butt"},
        {"color": style.DISCRIMINATOR, "lw": 1.4},
        {"color": style.NOTICE, "lw": 1.8, "ls": style.DASHES[style.NOTICE]},
    )
    for look, targets in zip(looks, answers, strict=True):
        left.plot(x, array(answers[targets]), label=targets, **look)
        right.plot(x, array(slopes[targets]), label=targets, **look)
    left.set(title="The best D", xlabel="x", ylabel="$D^*(x)$, a probability")
    right.set(title="What it tells G to do", xlabel="x")
    right.set_ylabel(r"slope of $\log D^*$ (per unit of x)")
    left.legend(title="targets of data, fakes", loc="upper left", fontsize=9)
    return fig
