"""When two observations, or two whole runs, are the same."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .running import Raised, Run

# Observations with this prefix tell waste from thrift; they can fail nobody.
COST = "cost: "


def close(
    got: Any, want: Any, *, rtol: float, atol: float, elementwise: bool = False
) -> bool:
    """Whether an observation is the wanted one.

    |got - want| <= rtol * scale + atol, where scale is |want| at the element, or the
    largest |want| of the observation. NaN equals NaN, inf equals inf of its sign.
    A wanted float accepts a 0-d tensor; a wanted int a 0-d integer tensor.
    """
    if isinstance(got, Raised) or isinstance(want, Raised):
        both = isinstance(got, Raised) and isinstance(want, Raised)
        return both and got.key == want.key
    if isinstance(want, tuple):
        if not isinstance(got, tuple) or len(got) != len(want):
            return False
        how = {"rtol": rtol, "atol": atol, "elementwise": elementwise}
        return all(close(g, w, **how) for g, w in zip(got, want, strict=True))
    if isinstance(want, Tensor):
        same_kind = isinstance(got, Tensor) and got.dtype == want.dtype
        if not same_kind or got.shape != want.shape:
            return False
        return _near(got, want, rtol, atol, elementwise)
    if isinstance(want, (bool, str)) or want is None:
        return type(got) is type(want) and got == want
    if isinstance(want, numbers.Real):
        number = as_number(got, whole=isinstance(want, numbers.Integral))
        if number is None:
            return False
        a, b = torch.tensor(number).double(), torch.tensor(want).double()
        return _near(a, b, rtol, atol, elementwise)
    return type(got) is type(want) and bool(np.all(got == want))


def distance(got: Any, want: Any) -> float:
    """How far numbers are off, as a share of the largest; inf if of another kind."""
    if isinstance(want, tuple) and isinstance(got, tuple) and len(got) == len(want):
        return max(map(distance, got, want), default=0.0)
    if close(got, want, rtol=0, atol=0):
        return 0.0
    a, b = (torch.as_tensor(x).double() if is_numeric(x) else None for x in (got, want))
    if a is None or b is None or a.shape != b.shape or not a.isfinite().all():
        return math.inf
    return float((a - b).abs().max() / b.abs().max().clamp(min=1e-3))


def is_numeric(value: Any) -> bool:
    """Whether it is a float, or a tensor of floats."""
    return isinstance(value, float) or (
        isinstance(value, Tensor) and value.is_floating_point()
    )


def _near(a: Tensor, b: Tensor, rtol: float, atol: float, elementwise: bool) -> bool:
    if not b.is_floating_point():
        return torch.equal(a, b)
    # NumPy: on a few numbers, compared thousands of times, it is far faster than torch.
    got, want = (t.detach().cpu().double().numpy() for t in (a, b))
    finite = np.isfinite(want)
    if not finite.all():
        rest = ~finite
        if not np.array_equal(finite, np.isfinite(got)):
            return False
        if not np.array_equal(got[rest], want[rest], equal_nan=True):
            return False
        got, want = got[finite], want[finite]
    if not want.size:
        return True
    scale = np.abs(want) if elementwise else np.abs(want).max()
    with np.errstate(over="ignore"):
        return bool((np.abs(got - want) <= rtol * scale + atol).all())


def as_number(value: Any, *, whole: bool) -> float | int | None:
    """A Python number, or None where the value is not one of the wanted kind."""
    if isinstance(value, Tensor):
        if value.dim() or (whole and value.is_floating_point()):
            return None
        value = value.item()
    elif isinstance(value, np.ndarray) and not value.ndim:  # np.where makes them
        value = value.item()
    wanted = numbers.Integral if whole else numbers.Real
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, wanted):
        return None
    return int(value) if whole else float(value)


def differences(
    got: Run, want: Run, is_same: Callable[[tuple[str, str], Any, Any], bool]
) -> list[tuple[str, str]]:
    """Where two runs differ, in the wanted run's order; extra observations last."""
    missing = object()
    wrong = [k for k, w in want.items() if not is_same(k, got.get(k, missing), w)]
    return wrong + [k for k in got if k not in want]


def without_costs(run: Run) -> Run:
    """A run without what only names waste."""
    return {k: v for k, v in run.items() if not k[1].startswith(COST)}


def says_something(value: Any) -> bool:
    """Numbers that are NaN throughout agree with every other NaN: they name nothing."""
    if isinstance(value, tuple):
        return any(map(says_something, value))
    if isinstance(value, Tensor):
        return not bool(torch.isnan(value).all()) or not value.numel()
    if isinstance(value, float):
        return value == value
    return True
