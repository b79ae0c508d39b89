"""Getting started: one small exercise, to see how exercises answer."""

import torch

from .. import observers
from ..text import entry


def given(*values, shape=(-1,), dtype=torch.float32):
    """A probe: one tensor of these numbers."""
    return lambda: (torch.tensor(values, dtype=dtype).reshape(shape),)


entry(
    """
    to_unit_range(images)
        return (images + 1) / 2

    because: Adding 1 moves [-1, 1] to [0, 2]; halving makes it [0, 1].
    praise: Every image in this course goes through this line before you see it.
    hint: Where must -1 go, and where must 1 go? A straight line does both.
    hint: Shift so that the smallest value is 0. How wide is the range then?
    right: return images / 2 + 0.5
    right: return images.add(1).div(2)
    right: return ((images + 1) / 2).clamp(0, 1)

    * changed in place: The numbers are right, but `+=`, `/=` and `add_` write into the
      tensor that came in: the caller's images are gone. Build a new one: `images + 1`.
        (images + 1) -> images.add_(1)
    * stretched contrast: What you are given is stretched to its own darkest and
      brightest pixel. The map must be the same for all images: -1 goes to 0, 1 goes
      to 1.
        return (images - images.min()) / (images.max() - images.min())
    * clipped: All below 0 is cut to black, half of the ink. Shift and scale the range.
        return images.{clamp(0, 1)|relu()}
    * halved first: This shifts by a whole 1 after halving: [0.5, 1.5]. Shift first.
        (images + 1) / 2 -> images / 2 + 1
    * halved the 1 alone: `/` binds tighter than `+`. Put the sum in parentheses.
        (images + 1) / 2 -> images + 1 / 2
    * minus for plus: That is [-1, 0]: the shift goes down. Which number should be 0?
        images + 1 -> images - 1
    * the inverse: That maps [0, 1] to [-1, 1]: the way back. You want the other way.
        (images + 1) / 2 -> 2 * images - 1
    * shifted only: -1 does go to 0, but 1 goes to 2: the range is twice as wide.
        (images + 1) / 2 -> images + 1
    * halved only: The width is right, the place is not: it lies in [-1/2, 1/2].
        images + 1 -> images
    * negative: The range is right and the image is a negative: -1 should become 0.
        images + 1 -> 1 - images
    * pixel values: These are pixel values from 0 to 255; wanted is 0 to 1.
        / 2 -> / 2 * 255
    """,
    names={"torch": torch},
    lesson=0,
    observe=observers.value,
    elementwise=True,
    probes={
        "black, gray and white": given(-1.0, 0.0, 1.0),
        "dark pixels only": given(-0.9, -0.5, -0.2),
        "in float64": given(-1.0, 0.3, 0.123456789, dtype=torch.float64),
        "an image of 2x2": given(-1.0, -0.5, 0.2, 0.8, shape=(1, 2, 2)),
    },
)
