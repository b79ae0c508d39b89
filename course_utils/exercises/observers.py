"""What to look at while an answer runs: each observer yields (observation, value)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .comparing import close
from .running import frozen
from .wording import CHANGED, CUT_OFF, MOVED

Seen = Iterator[tuple[str, Any]]


def value(function: Any, *arguments: Any) -> Seen:
    """The result; whether the inputs and the global random state are left alone."""
    kept, state = frozen(arguments), torch.get_rng_state()
    yield "value", function(*arguments)
    unchanged = all(map(_same, frozen(arguments), kept))
    yield "its inputs", "unchanged" if unchanged else CHANGED
    still = torch.equal(state, torch.get_rng_state())
    yield "global random state", "untouched" if still else MOVED


def value_and_slope(function: Any, *arguments: Any) -> Seen:
    """The result, and the gradient of its sum in every float tensor given."""
    yield from value(function, *_copies(arguments))
    arguments = _copies(arguments)
    inputs = [a for a in arguments if _is_float(a)]
    for x in inputs:
        x.requires_grad_()
    result = function(*arguments)
    if isinstance(result, Tensor) and result.requires_grad:
        slopes = torch.autograd.grad(result.sum(), inputs, allow_unused=True)
        slopes = tuple(CUT_OFF if slope is None else slope for slope in slopes)
        yield "slope", slopes if len(slopes) > 1 else slopes[0]
    else:
        yield "slope", CUT_OFF


def _same(a: Any, b: Any) -> bool:
    return close(a, b, rtol=0, atol=0) if isinstance(b, Tensor) else True


def _copies(arguments: tuple) -> tuple:
    return tuple(a.clone() if isinstance(a, Tensor) else a for a in arguments)


def _is_float(x: Any) -> bool:
    return isinstance(x, Tensor) and x.is_floating_point()


def numbers(function: Any, *arguments: Any) -> Seen:
    """As `value`, with 0-dimensional tensors as the floats they hold.

    First whether the result is NaN, which a mistake can be known by.
    """
    seen = dict(value(function, *arguments))
    result = seen["value"] = plain(seen["value"])
    yield "NaN", isinstance(result, float) and math.isnan(result)
    yield from seen.items()


def plain(result: Any) -> Any:
    """0-dimensional tensors and NumPy numbers as Python numbers; lists as tuples."""
    if isinstance(result, tuple | list):
        return tuple(map(plain, result))
    if isinstance(result, Tensor | np.generic) and not result.ndim:
        return result.item()
    return result
