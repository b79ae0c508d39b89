"""Figures of lesson 0."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from .style import DATA, GENERATED, line, new_figure


def before_and_after(x: Any, p_data: Any, before: Any, after: Any) -> Figure:
    """What a generator draws, untrained and trained, beside the law of the data.

    Args:
        x: (k,) points of the axis.
        p_data: (k,) density of the data there.
        before, after: (n,) generated samples.
    """
    fig, axes = new_figure(2, height=2.6, sharex=True, sharey=True)
    for panel, samples, title in zip(
        axes, (before, after), ("before the game", "after the game"), strict=True
    ):
        panel.hist(
            samples, bins=60, range=(float(x[0]), float(x[-1])), density=True,
            color=GENERATED, alpha=0.35, hatch="//", edgecolor=GENERATED,
        )  # fmt: skip
        line(panel, x, p_data, DATA)
        panel.set_title(title)
        panel.set_xlabel("x")
    axes[0].set_ylabel("density")
    peak = max(float(max(p_data)), 0.1)
    axes[0].set_ylim(0, 2.4 * peak)  # the untrained spike goes on above
    axes[0].annotate("data", (-2.9, 1.05 * peak), color=DATA)
    axes[0].annotate("generated", (0.8, 1.9 * peak), color=GENERATED)
    return fig
