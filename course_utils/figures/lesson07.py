"""Lesson 7: a run as it goes, classes, copies, and walks through the latents."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from . import style
from .curves import ROLES, Curves, draw_curves
from .images import draw_images, tile
from .style import array

_TITLES = (
    "losses (nats)", "what D answers (mean probability)", "lengths of the gradients",
)  # fmt: skip


class Board:
    """Samples (n, c, h, h) at the left, a run's curves up to last_step at the right."""

    def __init__(self, samples: Any, *, columns: int, last_step: int) -> None:
        self.fig, (left, right) = style.new_figure(
            2, width=9.2, height=4.9, width_ratios=[1.25, 1]
        )
        self.columns, self.last_step = columns, last_step
        self.image = draw_images(left, samples, columns=columns)
        left.set_title("Fixed latents, averaged G", fontsize=10.5)
        look = {"transform": left.transAxes, "va": "top", "color": style.CAPTION}
        self.caption = left.text(0, -0.015, "", **look)
        right.remove()
        cells = right.get_subplotspec().subgridspec(3, 1)
        self.panels = [self.fig.add_subplot(cell) for cell in cells]
        self.moving = [self.image, *self.panels, self.caption]
        # Curves that end at the right edge: a layout made now leaves room for names.
        ends = ([1.0], [0.5], [0.7], [0.3], [10.0], [1.0])
        self.draw([last_step], dict(zip(ROLES, ends, strict=True)))

    def show(self, records: Sequence[Any], samples: Any) -> None:
        """Set the curves to a history and the mosaic to new samples."""
        self.image.set_data(tile(samples, columns=self.columns))
        curves = {name: [getattr(r, name) for r in records] for name in ROLES}
        self.draw([record.step for record in records], curves)
        if records:
            last = records[-1]
            self.caption.set_text(
                f"round {last.step}: {last.images_per_second:,.0f} images per second"
            )

    def draw(self, steps: Sequence[float], curves: Mapping[str, Any]) -> None:
        """The curves, as `curves.run_curves` has them, one below the other."""
        for axes in self.panels:
            axes.clear()
        draw_curves(self.panels, steps, curves)
        for axes, title in zip(self.panels, _TITLES, strict=True):
            axes.set(xlim=(0, self.last_step), ylabel="")
            axes.set_title(title, fontsize=10.5)
        for axes in self.panels[:2]:
            axes.set_xlabel("")
            axes.tick_params(labelbottom=False)


def class_shares(shares: Curves, *, names: Sequence[str], at_least: float) -> Figure:
    """Shares (k,) of the classes in "data" and "samples"; a class below is lost."""
    data, fakes = array(shares["data"]), array(shares["samples"])
    x = np.arange(len(names))
    fig, axes = style.new_figure(height=2.6)
    look = {"width": 0.38, "edgecolor": "white", "linewidth": 0}
    axes.bar(x - 0.2, data, color=style.DATA, label="data", **look)
    look |= {"color": style.GENERATED, "hatch": "///"}
    axes.bar(x + 0.2, fakes, label="samples", **look)
    style.reference_line(axes, at_least)
    n_drawn = int((fakes >= at_least).sum())
    axes.set_xticks(x, names)
    axes.set(
        title=f"{n_drawn} of {len(names)} classes above {at_least:.0%} (dotted)",
        xlabel="class, as the classifier reads it", ylabel="share",
        ylim=(0, 1.25 * max(data.max(), fakes.max())),
    )  # fmt: skip
    axes.legend(ncols=2, loc="upper right")
    return fig


def nearest_distances(of_samples: Any, of_data: Any) -> Figure:
    """Distances to the nearest other training image: of samples (n,), of data (m,)."""
    fig, axes = style.new_figure(height=2.6)
    samples, own = array(of_samples), array(of_data)
    farthest = max(samples.max(), own.max())
    bins = np.linspace(0, farthest * 1.02, 40)
    for values, role, label in (
        (own, style.DATA, "a digit to the nearest other"),
        (samples, style.GENERATED, "a sample to the nearest digit"),
    ):
        look = {"color": role, "lw": 2, "ls": style.DASHES[role], "label": label}
        axes.hist(values, bins, density=True, histtype="step", **look)
    axes.axvline(0, color=style.NOTICE, ls=style.DASHES[style.NOTICE])
    place = {"offset": (5, 0), "xycoords": ("data", "axes fraction")}
    style.label(axes, 0, 0.9, "a copy would be here", style.NOTICE, **place)
    copies = int((samples < 0.5 * own.min()).sum())
    axes.set(
        title=f"{copies} of {len(samples)} samples are nearly a training image",
        xlabel="Euclidean distance (32 x 32 pixels from -1 to 1)", ylabel="density",
        xlim=(-0.5, 1.45 * farthest),
    )  # fmt: skip
    axes.legend(loc="upper right")
    return fig


def walk_lengths(lengths: Mapping[str, Any], typical: Any) -> Figure:
    """Lengths of z along walks, name -> (n,), and typical ones (m,) in training."""
    fig, axes = style.new_figure(height=2.7)
    typical = array(typical)
    low, high = np.quantile(typical, [0.005, 0.995])
    axes.axhspan(low, high, color=style.REFERENCE, alpha=0.4, lw=0)
    text = "99 % of the latents in training"
    style.label(axes, 0.02, high, text, style.CAPTION, (0, 3))
    looks = ((style.GENERATED, 6), (style.NOTICE, -14))
    shortest = {}
    for (name, values), (role, rise) in zip(lengths.items(), looks, strict=True):
        y = array(values)
        t = np.linspace(0, 1, len(y))
        axes.plot(t, y, color=role, ls=style.DASHES[role], lw=2)
        style.label(axes, 0.5, y[len(y) // 2], name, role, (0, rise), ha="center")
        shortest[name] = y.min()
    name = min(shortest, key=shortest.get)
    longer = int((typical > shortest[name]).sum())
    axes.set(ylim=(0, 1.2 * high), xlim=(0, 1))
    axes.set(xlabel="share of the way", ylabel="length of z")
    most = f"{longer:,} of {len(typical):,} latents"
    axes.set_title(f"Half way, the {name} is shorter than {most}")
    return fig
