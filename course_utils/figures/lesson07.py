"""Lesson 7: a run as it goes, what G draws in which company, walks, and copies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import style
from .curves import draw_losses, draw_norms, draw_outputs
from .images import draw_images, tile


class Board(NamedTuple):
    """An instrument panel: the figure, and what changes in it from picture to picture.

    panels: axes of the losses, of D's mean outputs, and of the gradients' lengths.
    """

    fig: Figure
    image: Any
    panels: Sequence[Axes]
    caption: Any
    last_step: int

    @property
    def moving(self) -> list[Artist]:
        """The artists to draw anew."""
        return [self.image, *self.panels, self.caption]

    def show(self, records: Sequence[Any], samples: Any, *, columns: int) -> None:
        """Set the curves to a history and the mosaic to new samples."""
        self.image.set_data(tile(samples, columns=columns))
        names = ("loss_d", "loss_g", "d_real", "d_fake", "norm_d", "norm_g")
        values = {name: [getattr(record, name) for record in records] for name in names}
        self.draw([record.step for record in records], values)
        if records:
            last = records[-1]
            self.caption.set_text(
                f"round {last.step}: {last.images_per_second:,.0f} images per second"
            )

    def draw(self, steps: Sequence[float], values: Mapping[str, Any]) -> None:
        """The curves, as `curves.run_curves` has them, one below the other."""
        losses, outputs, norms = self.panels
        for axes in self.panels:
            axes.clear()
        draw_losses(losses, steps, values["loss_d"], values["loss_g"])
        draw_outputs(outputs, steps, values["d_real"], values["d_fake"])
        draw_norms(norms, steps, values["norm_d"], values["norm_g"])
        for axes in self.panels:
            axes.set_xlim(0, self.last_step)
            axes.set_ylabel("")
            axes.set_title(_TITLES[axes.get_title(loc="left")], fontsize=10.5)
        for axes in (losses, outputs):
            axes.set_xlabel("")
            axes.tick_params(labelbottom=False)


_TITLES = {
    "losses": "losses (nats)",
    "what D answers": "what D answers (mean probability)",
    "gradient norms": "lengths of the gradients",
}


def board(samples: Any, *, columns: int, last_step: int) -> Board:
    """An instrument panel before the first round.

    Args:
        samples: (n, channels, size, size) for the mosaic.
        columns: of the mosaic.
        last_step: where the axes end.

    Returns:
        Samples at the left; losses, mean outputs of D, and gradient norms at the right.
    """
    fig, axes = style.new_figure(
        2, rows=1, width=9.2, height=4.9, width_ratios=[1.25, 1]
    )
    axes[1].remove()
    image = draw_images(axes[0], samples, columns=columns)
    axes[0].set_title("Fixed latents, averaged G", fontsize=10.5)
    caption = axes[0].text(
        0, -0.015, "", transform=axes[0].transAxes, va="top", color=style.CAPTION
    )
    cells = axes[1].get_subplotspec().subgridspec(3, 1)
    panels = [fig.add_subplot(cell) for cell in cells]
    made = Board(fig, image, panels, caption, last_step)
    # Curves that end at the right edge: a layout made now leaves room for their names.
    full = {"loss_d": [1.0], "loss_g": [0.5], "d_real": [0.7], "d_fake": [0.3]}
    made.draw([last_step], full | {"norm_d": [10.0], "norm_g": [1.0]})
    return made


def dashboard(
    records: Sequence[Any], samples: Any, *, columns: int = 8, last_step: int
) -> Figure:
    """A run so far: samples, losses, outputs of D and gradients.

    Args:
        records: `trainer.Record`s, oldest first.
        samples: (n, channels, size, size) in [-1, 1], from the same latents each time.
        columns: of the mosaic.
        last_step: where the axes end.
    """
    panel = board(samples, columns=columns, last_step=last_step)
    panel.show(records, samples, columns=columns)
    return panel.fig


def class_shares(
    shares: Mapping[str, Any], *, names: Sequence[str], at_least: float
) -> Figure:
    """How often each class occurs in the data and among samples.

    Args:
        shares: "data" and "samples" -> (k,) shares that sum to 1.
        names: of the k classes.
        at_least: the level below which a class counts as lost.
    """
    fig, axes = style.new_figure(height=2.6)
    x, roles = np.arange(len(names)), {"data": style.DATA, "samples": style.GENERATED}
    for i, (label, role) in enumerate(roles.items()):
        hatch = None if label == "data" else "///"
        axes.bar(
            x + 0.4 * i - 0.2, _array(shares[label]), 0.38, color=role, label=label,
            hatch=hatch, edgecolor="white", linewidth=0,
        )  # fmt: skip
    style.reference_line(axes, at_least, "")
    n_drawn = int((_array(shares["samples"]) >= at_least).sum())
    axes.set_title(f"{n_drawn} of {len(names)} classes above {at_least:.0%} (dotted)")
    axes.set_xticks(x, names)
    axes.set_xlabel("class, as the classifier reads it")
    axes.set_ylabel("share")
    axes.set_ylim(0, 1.25 * max(float(_array(s).max()) for s in shares.values()))
    axes.legend(ncols=2, loc="upper right")
    return fig


def nearest_distances(of_samples: Any, of_data: Any) -> Figure:
    """How far samples are from the data, beside how far data are from each other.

    Args:
        of_samples: (n,) distance of each sample to its nearest training image.
        of_data: (m,) distance of each training image to its nearest other one.
    """
    fig, axes = style.new_figure(height=2.6)
    samples, own = _array(of_samples), _array(of_data)
    bins = np.linspace(0, max(samples.max(), own.max()) * 1.02, 40)
    for values, role, label in (
        (own, style.DATA, "a digit to the nearest other"),
        (samples, style.GENERATED, "a sample to the nearest digit"),
    ):
        axes.hist(
            values, bins, density=True, histtype="step", color=role, lw=2,
            ls=style.DASHES[role], label=label,
        )  # fmt: skip
    axes.axvline(0, color=style.NOTICE, ls=style.DASHES[style.NOTICE])
    axes.annotate(
        "a copy would be here", (0, 0.9), xycoords=("data", "axes fraction"),
        xytext=(5, 0), textcoords="offset points", color=style.NOTICE,
    )  # fmt: skip
    copies = int((samples < 0.5 * own.min()).sum())
    axes.set_title(f"{copies} of {len(samples)} samples are nearly a training image")
    axes.set_xlabel("Euclidean distance (32 x 32 pixels from -1 to 1)")
    axes.set_ylabel("density")
    axes.set_xlim(-0.5, 1.45 * max(samples.max(), own.max()))
    axes.legend(loc="upper right")
    return fig


def walk_lengths(lengths: Mapping[str, Any], typical: Any) -> Figure:
    """The length of the latent along walks, beside lengths that G is trained on.

    Args:
        lengths: name of a walk -> (n,) lengths.
        typical: (m,) lengths of latents drawn from the prior.
    """
    fig, axes = style.new_figure(height=2.7)
    low, high = np.quantile(_array(typical), [0.005, 0.995])
    axes.axhspan(low, high, color=style.REFERENCE, alpha=0.4, lw=0)
    axes.annotate(
        "99 % of the latents in training", (0.02, high), color=style.CAPTION,
        xytext=(0, 3), textcoords="offset points",
    )  # fmt: skip
    roles = (style.GENERATED, style.NOTICE)
    for (name, values), role in zip(lengths.items(), roles, strict=True):
        y = _array(values)
        t = np.linspace(0, 1, len(y))
        axes.plot(t, y, color=role, ls=style.DASHES[role], lw=2)
        middle = len(y) // 2
        axes.annotate(
            name, (0.5, y[middle]), xytext=(0, -14 if role == style.NOTICE else 6),
            textcoords="offset points", ha="center", color=role,
        )  # fmt: skip
    axes.set_ylim(0, 1.2 * high)
    axes.set_xlim(0, 1)
    axes.set_xlabel("share of the way")
    axes.set_ylabel("length of z")
    name, values = min(lengths.items(), key=lambda item: _array(item[1]).min())
    longer = int((_array(typical) > _array(values).min()).sum())
    axes.set_title(
        f"Half way, the {name} is shorter than {longer:,} of {len(typical):,} latents"
    )
    return fig


def _array(x: Any) -> np.ndarray:
    return np.asarray(x, dtype=float)
