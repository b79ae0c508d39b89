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
CHANCE = "in standard errors; chance makes 1 or 2"


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


def gaussian_law(
    function: Any, mean: Tensor, covariance: Tensor, n: int, generator: torch.Generator
) -> Seen:
    """A sampler's law: moments of whitened draws, in standard errors.

    The large sample is drawn in one call; what a second call does is asked of small
    ones. Compare with rtol 0 and atol 7 (standard errors), so that any right way to
    draw passes and none by luck.
    """
    kept, state = frozen((mean, covariance)), torch.get_rng_state()
    seed = generator.initial_seed()
    x = function(mean, covariance, n, generator)
    yield "returned", _returned(x)
    if not isinstance(x, Tensor) or x.shape != (n, len(mean)):
        return
    yield "type", str(x.dtype)
    unchanged = all(map(_same, frozen((mean, covariance)), kept))
    yield "its inputs", "unchanged" if unchanged else CHANGED
    still = torch.equal(state, torch.get_rng_state())
    yield "global random state", "untouched" if still else MOVED
    yield from _new_draws(lambda n, g: function(*map(torch.clone, kept), n, g), seed)
    yield from _moments(_whitened(x, *kept))
    alone = [function(*map(torch.clone, kept), 1, generator) for _ in range(100)]
    yield "returned for n = 1", _returned(alone[0])
    if {_returned(x) for x in alone} == {f"a tensor of shape (1, {len(mean)})"}:
        white = _whitened(torch.cat(alone), *kept)
        finite = bool(white.isfinite().all())
        yield "numbers for n = 1", "finite" if finite else "NaN or infinite"
        excess = (white.square().mean(0) - 1) * (len(white) / 2) ** 0.5
        yield f"spread of 100 single images, {CHANCE}", excess


def _new_draws(draw: Any, seed: int, n: int = 50) -> Seen:
    """Whether the generator alone decides, and moves on from call to call."""
    generator = torch.Generator().manual_seed(seed)
    first, second, third = (frozen(draw(n, generator)) for _ in range(3))
    again = draw(n, torch.Generator().manual_seed(seed))
    yield "same generator, same samples", torch.equal(first, again)
    new = not (torch.equal(first, second) or torch.equal(second, third))
    yield "next call, new samples", new


def _whitened(x: Tensor, mean: Tensor, covariance: Tensor) -> Tensor:
    """Independent standard normal numbers, (n, d), if the law is the wanted one."""
    root = torch.linalg.cholesky(covariance.double())
    centered = (x.double() - mean.double()).T
    return torch.linalg.solve_triangular(root, centered, upper=False).T


def _moments(white: Tensor) -> Seen:
    n = len(white)
    unit = torch.eye(white.shape[1], dtype=torch.float64)
    spread = (n / (1 + unit)).sqrt()  # 1 / standard error of each entry
    yield f"mean of the draws, {CHANCE}", white.mean(0) * n**0.5
    yield f"covariance of the draws, {CHANCE}", (white.T @ white / n - unit) * spread
    yield f"fourth moment, {CHANCE}", ((white**4).mean(0) - 3) * (n / 96) ** 0.5
    a, b = white[: n // 2], white[n // 2 : 2 * (n // 2)]
    yield f"first half with second, {CHANCE}", (a * b).mean(0) * len(a) ** 0.5
    pairs = white[1:] * white[:-1]
    yield f"each row with the next, {CHANCE}", pairs.mean(0) * len(pairs) ** 0.5
    # One number for each row: sorting numbers is fast, sorting rows is not.
    names = white @ torch.arange(1, white.shape[1] + 1).double().sqrt()
    yield "rows that differ", len(names.unique())


def _returned(x: Any) -> str | None:
    if x is None or isinstance(x, Tensor):
        return None if x is None else f"a tensor of shape {tuple(x.shape)}"
    return f"no tensor: of type {type(x).__name__}"


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
