"""Figures of lesson 0."""

from typing import Any

from matplotlib.figure import Figure

from . import style
from .lesson02 import sample_histogram


def before_and_after(x: Any, p_data: Any, before: Any, after: Any) -> Figure:
    """Generated samples (n,), untrained and trained, over the data's density (k,)."""
    fig, axes = style.new_figure(2, height=2.6, sharex=True, sharey=True)
    titles = {"before the game": before, "after the game": after}
    for panel, (title, samples) in zip(axes, titles.items(), strict=True):
        sample_histogram(panel, x, samples, bins=60, alpha=0.35, linewidth=None)
        style.line(panel, x, p_data, style.DATA)
        panel.set(title=title, xlabel="x")
    peak = max(float(max(p_data)), 0.1)
    # The untrained generator's spike goes on above.
    axes[0].set(ylabel="density", ylim=(0, 2.4 * peak))
    style.label(axes[0], -2.9, 1.05 * peak, "data", style.DATA)
    style.label(axes[0], 0.8, 1.9 * peak, "generated", style.GENERATED)
    return fig
