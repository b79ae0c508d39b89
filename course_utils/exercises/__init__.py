"""Exercises that answer: `@exercise` checks a function or class and says what is off.

    from course_utils.exercises import exercise

    @exercise
    def to_unit_range(images): ...

`judge(obj)` is the same check without the card, `bank()` lists every entry, `table(n)`
shows how a lesson's exercises stand.
"""

import os

import torch

from . import bank as _bank  # noqa: F401  each lesson registers its exercises
from .card import Card, exercise, table
from .engine import NotPassed, Verdict, bank, judge

__all__ = ["Card", "NotPassed", "Verdict", "bank", "exercise", "judge", "table"]


def _warm_up() -> None:
    """The first optimizer of a process costs most of a second: here, not in a check."""
    weight = torch.nn.Parameter(torch.zeros(1))
    for optimizer in (torch.optim.SGD([weight], lr=0.0), torch.optim.Adam([weight])):
        weight.grad = torch.zeros(1)
        optimizer.step()


if not os.environ.get("OMP_NUM_THREADS"):
    # On small tensors two threads wait for each other, far longer on a busy machine;
    # the trainer takes all cores for images by itself.
    torch.set_num_threads(1)
_warm_up()
