"""What to look at while an answer runs: each observer yields (observation, value)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

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
        yield "slope", slopes if len(slopes) > 1 else slopes[0]
    else:
        yield "slope", CUT_OFF


def gaussian_law(
    function: Any, mean: Tensor, covariance: Tensor, n: int, seed: int
) -> Seen:
    """A sampler's law: moments of whitened draws, in standard errors.

    Compare with rtol 0 and atol 8 (standard errors), so that any right way to draw
    passes and none by luck.
    """
    generator, state = torch.Generator().manual_seed(seed), torch.get_rng_state()
    x = function(mean, covariance, n, generator)
    yield "value", x if not isinstance(x, Tensor) else tuple(x.shape)
    if not isinstance(x, Tensor) or x.shape != (n, len(mean)):
        return
    yield "type", str(x.dtype)
    still = torch.equal(state, torch.get_rng_state())
    yield "global random state", "untouched" if still else MOVED
    again = function(mean, covariance, n, torch.Generator().manual_seed(seed))
    yield "same generator, same samples", torch.equal(x, again)
    other = function(mean, covariance, n, generator)
    yield "next call, new samples", not torch.equal(x, other)
    yield "rows differ", len(torch.unique(x[:100], dim=0)) == min(n, 100)
    root = torch.linalg.cholesky(covariance.double())
    centered = (x.double() - mean.double()).T
    white = torch.linalg.solve_triangular(root, centered, upper=False).T
    unit = torch.eye(len(mean), dtype=torch.float64)
    spread = (n / (1 + unit)).sqrt()  # 1 / standard error of each entry
    yield "mean, in standard errors", white.mean(0) * n**0.5
    yield "covariance, in standard errors", (white.T @ white / n - unit) * spread
    fourth = (white**4).mean(0) - 3
    yield "fourth moment, in standard errors", fourth * (n / 96) ** 0.5


def _same(a: Any, b: Any) -> bool:
    return close(a, b, rtol=0, atol=0) if isinstance(b, Tensor) else True


def _copies(arguments: tuple) -> tuple:
    return tuple(a.clone() if isinstance(a, Tensor) else a for a in arguments)


def _is_float(x: Any) -> bool:
    return isinstance(x, Tensor) and x.is_floating_point()
