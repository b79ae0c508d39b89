"""Lesson 0: one small exercise, to see how exercises answer."""

import torch
from torch import Tensor

from . import observers
from .engine import Exercise, Mistake, register


def to_unit_range(images: Tensor) -> Tensor:
    """Images in [-1, 1] as brightness in [0, 1], for display: (x + 1) / 2."""
    return (images + 1) / 2


def _images(*values: float, shape: tuple[int, ...] = (-1,)):
    return lambda: (torch.tensor(values).reshape(shape),)


def _stretched(x: Tensor) -> Tensor:
    return (x - x.min()) / (x.max() - x.min())


def _in_place(x: Tensor) -> Tensor:
    x += 1
    x /= 2
    return x


register(
    Exercise(
        name="to_unit_range",
        lesson=0,
        reference=to_unit_range,
        observe=observers.value,
        probes={
            "black, gray and white": _images(-1.0, 0.0, 1.0),
            "dark pixels only": _images(-0.9, -0.5, -0.2),
            "in float64": lambda: (
                torch.tensor([-1.0, 0.3, 0.123456789], dtype=torch.float64),
            ),
            "two images of 2x2": _images(
                -1.0, -0.5, 0.0, 0.5, 1.0, 0.2, -0.2, 0.8, shape=(2, 1, 2, 2)
            ),
        },
        accepts=[
            lambda x: x / 2 + 0.5,
            lambda x: x.add(1).div(2),
            lambda x: ((x + 1) / 2).clamp(0, 1),
            lambda x: torch.lerp(torch.zeros_like(x), torch.ones_like(x), (x + 1) / 2),
        ],
        mistakes=[
            Mistake(
                "changed in place",
                _in_place,
                "The numbers are right, and the caller's images are gone: `+=` and "
                "`/=` write into the tensor that came in. Build a new one: `x + 1`.",
            ),
            Mistake(
                "stretched contrast",
                _stretched,
                "What you are given is stretched to its own darkest and brightest "
                "pixel, so soft and bold ink look alike. The map must be the same for "
                "all images: -1 goes to 0, 1 goes to 1.",
            ),
            Mistake(
                "clipped",
                (lambda x: x.clamp(0, 1), lambda x: torch.relu(x)),
                "Everything below 0 is cut to black: half of the ink is lost. Shift "
                "and scale the range; there is nothing to cut.",
            ),
            Mistake(
                "absolute value",
                lambda x: x.abs(),
                "Black (-1) and white (+1) both land on 1. The map has to keep the "
                "order of the pixels.",
            ),
            Mistake(
                "halved first",
                lambda x: x / 2 + 1,
                "Halved first, then shifted by a whole 1: that gives [0.5, 1.5]. Shift "
                "by 1 and then halve, or halve and shift by 1/2.",
            ),
            Mistake(
                "halved the 1 alone",
                lambda x: x + 1 / 2,
                "`x + 1 / 2` is x plus a half: `/` binds tighter than `+`. Put the sum "
                "in parentheses.",
            ),
            Mistake(
                "minus for plus",
                lambda x: (x - 1) / 2,
                "That is [-1, 0]: the shift went down. Which number has to become 0?",
            ),
            Mistake(
                "the inverse",
                lambda x: 2 * x - 1,
                "That maps [0, 1] to [-1, 1]: the way back. You want the other way.",
            ),
            Mistake(
                "shifted only",
                lambda x: x + 1,
                "-1 does go to 0, but 1 goes to 2: the range is twice as wide.",
            ),
            Mistake(
                "halved only",
                lambda x: x / 2,
                "The width is right, the place is not: the result lies in [-1/2, 1/2].",
            ),
            Mistake(
                "negative",
                lambda x: (1 - x) / 2,
                "The range is right and the image is a negative: -1 should become 0.",
            ),
            Mistake(
                "pixel values",
                (lambda x: (x + 1) * 127.5, lambda x: (x + 1) / 2 * 255),
                "These are pixel values from 0 to 255; wanted is 0 to 1.",
            ),
            Mistake(
                "logistic function",
                torch.sigmoid,
                "The logistic function squeezes [-1, 1] into [0.27, 0.73]. The map you "
                "want is a straight line.",
            ),
        ],
        hints=[
            "Where must -1 go, and where must 1 go? A straight line does both.",
            "Shift so that the smallest value is 0. How wide is the range then?",
        ],
        answer="return (images + 1) / 2",
        because="Adding 1 moves [-1, 1] to [0, 2]; halving makes it [0, 1].",
        praise="Every image in this course goes through this line before you see it.",
        elementwise=True,
    )
)
