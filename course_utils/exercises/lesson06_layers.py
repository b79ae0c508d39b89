"""Lesson 6, second part: batch normalization, leaky ReLU, and a step of Adam."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils import layers

from . import observers
from .engine import Exercise, Mistake, register
from .lesson06 import empty_is_nan
from .wording import CHANGED, CUT_OFF, MOVED

Seen = Iterator[tuple[str, Any]]


def _random(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


# ------------------------------------------------------------- batch normalization


def normalized_and_slopes(
    function: Any, x: Tensor, weight: Tensor, bias: Tensor, eps: float
) -> Seen:
    """The result, and slopes of a *weighed* sum of it: the plain sum has none in x."""
    with empty_is_nan():
        copies = (x.clone(), weight.clone(), bias.clone())
        yield from observers.value(function, *copies, eps)
    inputs = [t.clone().requires_grad_() for t in (x, weight, bias)]
    result = function(*inputs, eps)
    if not (isinstance(result, Tensor) and result.requires_grad):
        yield "slope", CUT_OFF
        return
    total = (result * _random(*result.shape, seed=9)).sum()
    slopes = torch.autograd.grad(total, inputs, allow_unused=True)
    for name, slope in zip(("x", "weight", "bias"), slopes, strict=True):
        yield f"slope in {name}", CUT_OFF if slope is None else slope


def _maps(n: int, c: int, h: int, w: int, *, shift: float = 0.0, eps: float = 1e-5):
    """A probe: activations with another mean and size in each channel."""

    def make() -> tuple:
        channel = torch.arange(1.0, c + 1)[:, None, None]
        x = channel * _random(n, c, h, w) + shift * channel
        weight = 1.5 + 0.5 * torch.arange(c)
        return x, weight, 0.3 - torch.arange(c, dtype=torch.float32), eps

    return make


def _one_image() -> tuple:
    """Five channels, their weights of any sign and size."""
    weight = torch.tensor([-2.0, 3.0, -0.1, 1.0, 4.0])
    return _random(1, 5, 3, 4), weight, torch.linspace(-2, 5, 5), 1e-5


def _far_out() -> tuple:
    """In one channel a single pixel stands 17 standard deviations off."""
    x = _random(3, 2, 10, 10)
    x[1, 1, 4, 4] = 1e3
    return x, torch.tensor([-5.0, 600.0]), torch.tensor([3.0, -400.0]), 1e-5


def _faint() -> tuple:
    """Numbers so small that eps counts beside their variance."""
    x, weight, bias, _ = _maps(3, 2, 3, 3)()
    return 1e-3 * x, weight, bias, 1e-8


def _constant_channel() -> tuple:
    x = _random(3, 2, 2, 2)
    x[:, 1] = 4.0
    return x, torch.ones(2), torch.tensor([0.0, 1.0]), 1e-5


def _normalizer(
    axes: tuple[int, ...] = (0, 2, 3), *, correction: int = 0, cut: bool = False,
    power: float = 0.5, outside: bool = False, no_eps: bool = False,
    centered: bool = True,
) -> Callable[..., Tensor]:  # fmt: skip
    """Batch normalization with one thing changed."""

    def normalize(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
        mean = x.mean(axes, keepdim=True)
        variance = x.var(axes, correction=correction, keepdim=True)
        if cut:
            mean, variance = mean.detach(), variance.detach()
        eps = 0.0 if no_eps else eps
        size = variance.sqrt() + eps if outside else (variance + eps) ** power
        y = (x - mean) / size if centered else x / size
        return weight[:, None, None] * y + bias[:, None, None]

    return normalize


def _by_moments(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    mean = x.mean((0, 2, 3))
    variance = (x**2).mean((0, 2, 3)) - mean**2
    scale = weight / torch.sqrt(variance + eps)
    shift = bias - mean * scale
    return x * scale.view(1, -1, 1, 1) + shift.view(1, -1, 1, 1)


def _as_rows(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    n, c, h, w = x.shape
    rows = x.permute(0, 2, 3, 1).reshape(-1, c)
    rows = (rows - rows.mean(0)) * torch.rsqrt(rows.var(0, unbiased=False) + eps)
    return (weight * rows + bias).view(n, h, w, c).permute(0, 3, 1, 2)


def _module(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    layer = nn.BatchNorm2d(x.shape[1], eps=eps, affine=False)
    return layer(x) * weight.view(-1, 1, 1) + bias.view(-1, 1, 1)


def _last_axis(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    mean = x.mean((0, 2, 3), keepdim=True)
    variance = x.var((0, 2, 3), correction=0, keepdim=True)
    return weight * (x - mean) / torch.sqrt(variance + eps) + bias


def _in_place(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    y = layers.batch_norm(x, weight, bias, eps)
    with torch.no_grad():
        x.copy_(y)
    return y


def _in_place_under_watch(x: Tensor, weight: Tensor, bias: Tensor, eps: float):
    x -= x.mean((0, 2, 3), keepdim=True)
    x /= torch.sqrt(x.var((0, 2, 3), correction=0, keepdim=True) + eps)
    return x * weight[:, None, None] + bias[:, None, None]


def _plain(x: Tensor, eps: float) -> Tensor:
    one = x.new_ones(x.shape[1])
    return layers.batch_norm(x, one, torch.zeros_like(one), eps)


register(
    Exercise(
        name="batch_norm",
        lesson=6,
        reference=layers.batch_norm,
        observe=normalized_and_slopes,
        probes={
            "one channel, two images of one pixel": _maps(2, 1, 1, 1),
            "three channels": _maps(4, 3, 3, 3, shift=2.0),
            "two channels, not square": _maps(3, 2, 2, 5, shift=-1.0),
            "a large eps": _maps(4, 3, 2, 2, eps=0.5),
            "one image, five channels": _one_image,
            "numbers near 1e-3, a small eps": _faint,
            "a channel that is constant": _constant_channel,
        },
        later={"a pixel far out": _far_out},
        accepts=[
            _by_moments,
            _as_rows,
            _module,
            lambda x, w, b, e: F.batch_norm(x, None, None, w, b, True, 0.1, e),
            lambda x, w, b, e: torch.stack(
                [
                    (c - c.mean()) / (c.var(unbiased=False) + e).sqrt() * w[i] + b[i]
                    for i, c in enumerate(x.unbind(1))
                ],
                dim=1,
            ),
        ],
        mistakes=[
            Mistake(
                "divided by n - 1",
                (
                    _normalizer(correction=1),
                    lambda x, w, b, e: (
                        w.view(-1, 1, 1)
                        * (x - x.mean((0, 2, 3), True))
                        / (x.std((0, 2, 3), keepdim=True) ** 2 + e).sqrt()
                        + b.view(-1, 1, 1)
                    ),
                ),
                "torch's `var` and `std` divide by n - 1 unless told otherwise. Batch "
                "normalization divides by n: `correction=0`.",
            ),
            Mistake(
                "eps outside the root",
                (
                    _normalizer(outside=True),
                    lambda x, w, b, e: (
                        w.view(-1, 1, 1)
                        * (x - x.mean((0, 2, 3), True))
                        / (x.std((0, 2, 3), correction=0, keepdim=True) + e)
                        + b.view(-1, 1, 1)
                    ),
                ),
                "You add eps to the standard deviation. Here it belongs to the "
                "variance, inside the root (in Adam it stands outside).",
            ),
            Mistake(
                "no eps",
                _normalizer(no_eps=True),
                "eps has no effect: where a channel is constant you divide 0 by 0. Add "
                "it to the variance.",
            ),
            Mistake(
                "over the batch alone",
                _normalizer((0,)),
                "You average over the images only, so every pixel gets a mean of its "
                "own. A channel's pixels share one mean: average over axes 0, 2 and 3.",
            ),
            Mistake(
                "each image for itself",
                _normalizer((2, 3)),
                "You average over the pixels of each image: that is instance "
                "normalization. Average over the images as well: axes 0, 2 and 3.",
            ),
            Mistake(
                "all channels of an image",
                _normalizer((1, 2, 3)),
                "You average over the channels of each image: that is layer "
                "normalization. Each channel has its own mean, over axes 0, 2 and 3.",
            ),
            Mistake(
                "over everything",
                (_normalizer((0, 1, 2, 3)), _normalizer((0, 1, 2))),
                "One mean serves several channels. Each channel has its own: leave "
                "axis 1 out of the average.",
            ),
            Mistake(
                "statistics cut off",
                _normalizer(cut=True),
                "The values are right, the slopes are not: mean and variance depend on "
                "x, too, and the gradient has to flow through them. Leave out "
                "detach(), no_grad and .item().",
            ),
            Mistake(
                "divided by the variance",
                _normalizer(power=1.0),
                "You divide by the variance; its root, the standard deviation, makes "
                "the spread 1.",
            ),
            Mistake(
                "mean kept",
                _normalizer(centered=False),
                "The spread is 1, the mean is not 0: subtract it first.",
            ),
            Mistake(
                "along the width",
                _last_axis,
                "`weight * ...` lines (c,) up with the *last* axis, the width. Give it "
                "the shape (c, 1, 1): `weight[:, None, None]`.",
            ),
            Mistake(
                "weight and bias unused",
                (
                    lambda x, w, b, e: _plain(x, e),
                    lambda x, w, b, e: _plain(x, e) * w[:, None, None],
                    lambda x, w, b, e: _plain(x, e) + b[:, None, None],
                ),
                "Mean 0 and variance 1 are half of it: then comes times `weight`, plus "
                "`bias`, channel by channel.",
            ),
            Mistake(
                "weight and bias swapped",
                (
                    lambda x, w, b, e: layers.batch_norm(x, b, w, e),
                    lambda x, w, b, e: (
                        (_plain(x, e) + b[:, None, None]) * w[:, None, None]
                    ),
                ),
                "First times `weight`, then plus `bias`.",
            ),
            Mistake(
                "x overwritten",
                (_in_place, _in_place_under_watch),
                "The input is changed in place; its owner still needs it. Make a new "
                "tensor.",
            ),
        ],
        hints=[
            "A channel's mean is taken over all images and all pixels: which three "
            "axes of (n, c, h, w) are those?",
            "`x.mean(dim=(0, 2, 3), keepdim=True)` stays (1, c, 1, 1). Its sibling "
            "`x.var(...)` divides by n - 1 unless `correction=0`.",
            "weight is (c,): which shape does it need beside (n, c, h, w)?",
        ],
        answer="""\
mean = x.mean(dim=(0, 2, 3), keepdim=True)
variance = x.var(dim=(0, 2, 3), correction=0, keepdim=True)
normalized = (x - mean) / torch.sqrt(variance + eps)
return normalized * weight[:, None, None] + bias[:, None, None]""",
        because="Each channel gets mean 0 and variance 1 over the whole batch, then "
        "the spread and the mean that training chooses.",
        praise="That is its training mode, in value and in slope. What it does to a "
        "single image comes on trial below.",
        rtol=2e-5,
        atol=1e-5,
        same=1e-3,
    )
)


# ------------------------------------------------------------------ leaky ReLU


def _numbers(*values: float, slope: float):
    return lambda: (torch.tensor(values), slope)


def bent(function: Any, x: Tensor, slope: float) -> Seen:
    """The result and its slope, which is not judged where x is exactly 0."""
    with empty_is_nan():
        for label, seen in observers.value_and_slope(function, x, slope):
            if label == "slope" and isinstance(seen, Tensor):
                seen = seen.masked_fill(x == 0, 0.0)
            yield label, seen


def _changed(x: Tensor, slope: float) -> Tensor:
    with torch.no_grad():
        x[x < 0] *= slope
    return x


def _changed_under_watch(x: Tensor, slope: float) -> Tensor:
    x[x < 0] *= slope
    return x


register(
    Exercise(
        name="leaky_relu",
        lesson=6,
        reference=layers.leaky_relu,
        observe=bent,
        probes={
            "x (-10, 5), slope 0.2": _numbers(-10.0, 5.0, slope=0.2),
            "x (-2, -0.3, 0.1, 3), slope 0.2": _numbers(-2, -0.3, 0.1, 3, slope=0.2),
            "slope 0.01": _numbers(-5.0, -1.0, 2.0, slope=0.01),
            "slope 0, which is ReLU": _numbers(-5.0, -0.5, 2.0, slope=0.0),
            "slope 0.5, a table": lambda: (
                torch.tensor([[-1.0, 2.0, -3.0], [4.0, -5.0, 6.0]]), 0.5,
            ),
            "far out, (-1e4, 1e4)": _numbers(-1e4, 1e4, slope=0.3),
            "farther out, slope 0": _numbers(-1e6, 1e6, slope=0.0),
            "slope 0.9, positive numbers": _numbers(0.7, 4.0, slope=0.9),
            "close to 0, and 0 itself": _numbers(
                -1e-2, -1e-4, -1e-7, 0.0, 1e-7, 1e-4, 1e-2, slope=0.3
            ),
        },  # fmt: skip
        later={
            "in float64": lambda: (
                torch.tensor([-1 / 3, -1e-60, 0.1], dtype=torch.float64), 0.1,
            ),
        },  # fmt: skip
        accepts=[
            lambda x, a: F.leaky_relu(x, a),
            lambda x, a: nn.LeakyReLU(a)(x),
            lambda x, a: torch.maximum(x, a * x),
            lambda x, a: F.relu(x) - a * F.relu(-x),
            lambda x, a: x.clamp(min=0) + a * x.clamp(max=0),
            lambda x, a: (1 + a) / 2 * x + (1 - a) / 2 * x.abs(),
            lambda x, a: x * ((x > 0) + a * (x <= 0)),
            lambda x, a: torch.where(x < 0, x * a, x),
        ],
        mistakes=[
            Mistake(
                "plain ReLU",
                (lambda x, a: F.relu(x), lambda x, a: x.clamp(min=0)),
                "That is ReLU: below 0 nothing passes, and no gradient either. The "
                "leak is slope * x.",
            ),
            Mistake(
                "the slope is typed in",
                (
                    lambda x, a: F.leaky_relu(x, 0.2),
                    lambda x, a: F.leaky_relu(x),
                ),
                "Your slope is always the same number (torch's default is 0.01). Use "
                "the argument.",
            ),
            Mistake(
                "sign lost",
                (
                    lambda x, a: torch.where(x > 0, x, -a * x),
                    lambda x, a: F.relu(x) + a * F.relu(-x),
                    lambda x, a: torch.where(x > 0, x, a * x.abs()),
                ),
                "Below 0 yours comes out positive. slope * x is negative there, and "
                "stays so.",
            ),
            Mistake(
                "the slope itself",
                (
                    lambda x, a: torch.where(x > 0, x, torch.full_like(x, a)),
                    lambda x, a: x.clamp(min=a),
                    lambda x, a: torch.where(x > 0, x, torch.full_like(x, -a)),
                ),
                "Below 0 you return a constant, so no gradient passes. The slope is "
                "multiplied with x.",
            ),
            Mistake(
                "the leak on both sides",
                (
                    lambda x, a: F.relu(x) + a * x,
                    lambda x, a: torch.where(x > 0, x + a * x, a * x),
                ),
                "Positive numbers get the leak on top: (1 + slope) x. They pass as "
                "they are.",
            ),
            Mistake(
                "the wrong side",
                (
                    lambda x, a: torch.where(x > 0, a * x, x),
                    lambda x, a: torch.minimum(x, a * x),
                ),
                "You damp the positive side. Positive numbers pass as they are; the "
                "negative ones are multiplied by the slope.",
            ),
            Mistake(
                "everything damped",
                lambda x, a: a * x,
                "slope * x everywhere is a straight line: without a bend, ten layers "
                "are worth one. Positive numbers pass as they are.",
            ),
            Mistake(
                "identity",
                (lambda x, a: x + 0, lambda x, a: torch.maximum(x, x / 1e9 - 1e9)),
                "Nothing changes below 0: multiply there by the slope.",
            ),
            Mistake(
                "bent at the slope",
                (
                    lambda x, a: torch.where(x > a, x, a * x),
                    lambda x, a: torch.where(x > 1, x, a * x),
                ),
                "The bend is in the wrong place: it is x > 0 that decides, not the "
                "slope.",
            ),
            Mistake(
                "another bend",
                (
                    lambda x, a: F.elu(x, a),
                    lambda x, a: F.softplus(x),
                    lambda x, a: F.gelu(x),
                    lambda x, a: F.silu(x),
                    lambda x, a: torch.where(x > 0, x, a * (x.exp() - 1)),
                ),
                "That is another activation, curved below 0. Leaky ReLU is two "
                "straight lines.",
            ),
            Mistake(
                "x overwritten",
                (_changed, _changed_under_watch, lambda x, a: F.leaky_relu_(x, a)),
                "The input is changed in place; its owner still needs it, and so does "
                "autograd. Make a new tensor: `torch.where`, for one.",
            ),
        ],
        hints=[
            "Two straight lines meet at 0. `torch.where(condition, a, b)` takes one or "
            "the other, number by number.",
            "For a slope below 1: which of x and slope * x is the larger one, left of "
            "0 and right of it?",
        ],
        answer="return torch.where(x > 0, x, slope * x)",
        because="Right of 0 x is larger than slope * x, left of it smaller.",
        praise="A unit that says no still hands its gradient on, a fifth of it: D "
        "passes G a picture's every fault.",
        elementwise=True,
        rtol=1e-5,
        atol=1e-7,
    )
)


# ------------------------------------------------------------------ Adam

LR, TYPICAL, DCGAN = 0.1, (0.9, 0.999), (0.5, 0.999)


FIRST = _random(3, seed=77)  # where the first probe starts


def steps(
    function: Any, parameter: Tensor, gradients: Tensor, state: dict, lr: float,
    betas: tuple, eps: float,
) -> Seen:  # fmt: skip
    """A parameter's path over some steps; then two by turns, each with its state."""
    state, start, stream = dict(state), parameter, torch.get_rng_state()
    for t, gradient in enumerate(gradients, 1):
        given, slope = parameter.clone(), gradient.clone()
        result = function(given, slope, state, lr, betas, eps)
        for name, seen, kept in (
            ("the parameter", given, parameter), ("the gradient", slope, gradient)
        ):  # fmt: skip
            if not torch.equal(seen, kept):
                yield name, CHANGED
                return
        if t in (1, 2, 3, 10, len(gradients)):
            moved = isinstance(result, Tensor)
            yield f"parameter after step {t}", result.detach() if moved else result
            yield f"it asks for gradients after step {t}", _asks(result)
        if not isinstance(result, Tensor) or result.shape != parameter.shape:
            return
        parameter = result.detach()
    still = torch.equal(stream, torch.get_rng_state())
    yield "global random state", "untouched" if still else MOVED
    pair, states = [start + 1, start + 2], ({}, {})
    for gradient in gradients[:3]:
        for i, factor in enumerate((1, -2)):
            new = function(pair[i], factor * gradient, states[i], lr, betas, eps)
            pair[i] = new.detach()
    yield "two parameters by turns, each with its own state", torch.cat(pair)


def _asks(x: Any) -> bool:
    return isinstance(x, Tensor) and x.requires_grad


def _walk(
    n: int, *shape: int, betas=TYPICAL, eps=1e-8, size=1.0, lr=LR, start=None,
    last=1.0, dtype=torch.float32,
):  # fmt: skip
    """n gradients near `size`, the last one `last` times as large, from a start."""

    def make() -> tuple:
        gradients = size * (_random(n, *shape, seed=n, dtype=dtype) + 0.3)
        gradients[-1] *= last
        begin = FIRST.clone() if n == 21 else _random(*shape, seed=1, dtype=dtype)
        if start is not None:
            begin = torch.full_like(begin, start)
        return begin, gradients, {}, lr, betas, eps

    return make


def _adam(
    *, correct=(True, True), inside=False, early_eps=False, shift=0, frozen=False,
    forget=False, squared=True, rooted=True, sign=-1, swapped=False, heavy=False,
    scaled=True, start_at_gradient=False, no_eps=False, result="new", typed_betas=None,
    keep_corrected=False, of_average=False,
) -> Callable[..., Any]:  # fmt: skip
    """Adam with one thing changed."""

    def step(parameter, gradient, state, lr, betas, eps):
        b1, b2 = typed_betas or (betas[::-1] if swapped else betas)
        eps, lr = (0.0 if no_eps else eps), (lr if scaled else 1.0)
        state = {} if forget else state
        t = state["t"] = 1 if frozen else state.get("t", 0) + 1
        square = gradient**2 if squared else gradient.abs()
        first, second = (gradient, square) if start_at_gradient else (0, 0)
        m = b1 * state.get("m", first) + (1.0 if heavy else 1 - b1) * gradient
        square = m**2 if of_average else square
        v = b2 * state.get("v", second) + (1.0 if heavy else 1 - b2) * square
        state["m"], state["v"] = m, v
        c1 = 1 - b1 ** (t + shift) if correct[0] else 1.0
        c2 = 1 - b2 ** (t + shift) if correct[1] else 1.0
        if c1 == 0 or c2 == 0:
            return parameter * float("nan")
        m_hat, v_hat = m / c1, v / c2
        if keep_corrected:
            state["m"], state["v"] = m_hat, v_hat
        if early_eps:
            size = (v.sqrt() + eps) / c2**0.5
        elif inside:
            size = (v_hat + eps).sqrt()
        else:
            size = (v_hat.sqrt() if rooted else v_hat) + eps
        change = sign * lr * m_hat / size
        return {"new": parameter + change, "change": change, "none": None}[result]

    return step


def _overwriting(parameter, gradient, state, lr, betas, eps):
    new = layers.adam_step(parameter, gradient, state, lr, betas, eps)
    with torch.no_grad():
        return parameter.copy_(new)


def _one_state_for_all() -> Callable[..., Tensor]:
    kept: dict[str, Any] = {}

    def step(parameter, gradient, state, lr, betas, eps):
        if not state and torch.equal(parameter, FIRST):
            kept.clear()  # a new check begins; a learner's cell would begin anew, too
        state["seen"] = True
        return layers.adam_step(parameter, gradient, kept, lr, betas, eps)

    return step


def _global_without_a_look_at_state() -> Callable[..., Tensor]:
    kept: dict[str, Any] = {}
    calls: list[int] = []

    def step(parameter, gradient, state, lr, betas, eps):
        if torch.equal(parameter, FIRST):
            kept.clear()
            calls.clear()
        calls.append(1)
        return layers.adam_step(parameter, gradient, kept, lr, betas, eps)

    return step


def _in_other_words(parameter, gradient, state, lr, betas, eps):
    if not state:
        state.update(step=0, avg=torch.zeros_like(parameter), sq=gradient * 0)
    state["step"] += 1
    state["avg"] = torch.lerp(gradient, state["avg"], betas[0])
    state["sq"].mul_(betas[1]).addcmul_(gradient, gradient, value=1 - betas[1])
    c1, c2 = (1 - b ** state["step"] for b in betas)
    return parameter - lr / c1 * state["avg"] / (state["sq"].sqrt() / c2**0.5 + eps)


def _torchs_own(parameter, gradient, state, lr, betas, eps):
    if not state:
        weight = state["weight"] = nn.Parameter(parameter.clone())
        state["adam"] = torch.optim.Adam([weight], lr=lr, betas=betas, eps=eps)
    state["weight"].grad = gradient
    state["adam"].step()
    return state["weight"].detach().clone()


def _running_products(parameter, gradient, state, lr, betas, eps):
    m, v, p1, p2 = state.get("all", (0.0, 0.0, 1.0, 1.0))
    m, p1 = betas[0] * m + (1 - betas[0]) * gradient, p1 * betas[0]
    v, p2 = betas[1] * v + (1 - betas[1]) * gradient.square(), p2 * betas[1]
    state["all"] = (m, v, p1, p2)
    return parameter - lr * (m / (1 - p1)) / ((v / (1 - p2)) ** 0.5 + eps)


register(
    Exercise(
        name="adam_step",
        lesson=6,
        reference=layers.adam_step,
        observe=steps,
        probes={
            "21 steps, betas (0.9, 0.999)": _walk(21, 3),
            "20 steps, betas (0.5, 0.999)": _walk(20, 3, betas=DCGAN),
            "betas (0, 0.5)": _walk(4, 3, betas=(0.0, 0.5)),
            "gradients near 1e-3, a large eps": _walk(
                5, 3, size=1e-3, eps=1e-3, start=0.01
            ),
            "gradients near 1e-6": _walk(6, 3, size=1e-6, start=0.01),
            "gradients near 1e-10, eps 1e-13": _walk(
                6, 3, size=1e-10, eps=1e-13, start=0.01
            ),
            "lr 0.3, betas (0.95, 0.8)": _walk(4, 3, lr=0.3, betas=(0.95, 0.8)),
            "lr 0.001, gradients near 1e4, the last of 120 much larger": _walk(
                120, 3, lr=1e-3, betas=(0.2, 0.9999), size=1e4, last=1e3, start=0.01
            ),
            "a table": _walk(3, 2, 3),  # last: a memory shared by all would not fit it
        },
        later={
            "in float64, from 1e5 on": _walk(
                3, 2, 3, lr=1e-3, start=1e5, dtype=torch.float64
            ),
        },
        accepts=[_in_other_words, _torchs_own, _running_products],
        mistakes=[
            Mistake(
                "no bias correction",
                _adam(correct=(False, False)),
                "m and v start at 0 and have seen little, v least of all: without the "
                "division by 1 - beta^t the first steps are several times lr.",
            ),
            Mistake(
                "m not corrected",
                _adam(correct=(False, True)),
                "v is corrected, m is not: divide it by 1 - beta1^t.",
            ),
            Mistake(
                "v not corrected",
                _adam(correct=(True, False)),
                "m is corrected, v is not: divide it by 1 - beta2^t, before the root.",
            ),
            Mistake(
                "eps inside the root",
                _adam(inside=True),
                "You add eps to v, inside the root. There 1e-8 counts as 1e-4 beside "
                "the gradient; it belongs outside.",
            ),
            Mistake(
                "eps before the correction",
                _adam(early_eps=True),
                "You add eps to the root of v before v is corrected. That is a form "
                "the paper offers, too, with another eps; here correct v, take the "
                "root, then add.",
                kind="convention",
            ),
            Mistake(
                "no eps",
                _adam(no_eps=True),
                "eps has no effect in yours; it keeps the step small where gradients "
                "are, and a division by 0 away.",
            ),
            Mistake(
                "counts from 0",
                (_adam(shift=-1), _adam(shift=1)),
                "The count is off by one. At the first step t = 1: raise it before "
                "you use it, once a step.",
            ),
            Mistake(
                "t stands still",
                _adam(frozen=True),
                "You correct every step as if it were the first. The divisor is "
                "1 - beta^t, with t counted in `state`.",
            ),
            Mistake(
                "nothing remembered",
                _adam(forget=True),
                "Each step begins with m = v = 0, so every step has length lr. Put m, "
                "v and t back into `state`: it is the same dict at the next call.",
            ),
            Mistake(
                "corrected averages kept",
                _adam(keep_corrected=True),
                "You put the corrected m and v back into `state`, and the next step "
                "corrects them again. Keep the plain averages; correct copies.",
            ),
            Mistake(
                "square of the average",
                _adam(of_average=True),
                "Your v takes the square of m, the average. It averages the squares "
                "of the gradients themselves.",
            ),
            Mistake(
                "no square",
                _adam(squared=False),
                "v averages the gradient's size, and then you take a root. v is the "
                "average of its *square*.",
            ),
            Mistake(
                "no root",
                _adam(rooted=False),
                "You divide by v, a square. Its root has the gradient's unit, and the "
                "step then has lr's.",
            ),
            Mistake(
                "uphill",
                _adam(sign=1),
                "You add the step, and climb. The gradient points uphill: subtract.",
            ),
            Mistake(
                "betas swapped",
                _adam(swapped=True),
                "The betas have changed places: the first is for m, the second for v.",
            ),
            Mistake(
                "betas typed in",
                (_adam(typed_betas=TYPICAL), _adam(typed_betas=DCGAN)),
                "Your betas are always the same. Take them from the argument: GANs "
                "need others than classifiers.",
            ),
            Mistake(
                "a sum for an average",
                _adam(heavy=True),
                "The new gradient enters with weight 1: that is a growing sum. In an "
                "average it has the weight 1 - beta.",
            ),
            Mistake(
                "starts at the gradient",
                (
                    _adam(start_at_gradient=True),
                    _adam(start_at_gradient=True, correct=(False, False)),
                ),
                "Your averages start at the first gradient. Adam's start at 0; that is "
                "what the correction corrects.",
            ),
            Mistake(
                "lr forgotten",
                _adam(scaled=False),
                "lr has no effect: the step is lr times m over the root of v.",
            ),
            Mistake(
                "the change alone",
                (_adam(result="change"), _adam(result="change", sign=1)),
                "You return the change. Wanted is the new parameter.",
            ),
            Mistake(
                "nothing returned",
                (_adam(result="none"), lambda *given: None),
                "Nothing comes back. Return the new parameter (and leave the old one "
                "as it is).",
            ),
            Mistake(
                "parameter overwritten",
                _overwriting,
                "The parameter is changed in place. Here the new one is returned, and "
                "only `state` is changed.",
            ),
            Mistake(
                "one memory for all",
                (_one_state_for_all(), _global_without_a_look_at_state()),
                "Two parameters, each with its own state, disturb each other. What has "
                "to be remembered belongs into the argument `state`, not into a global "
                "or a default.",
            ),
        ],
        hints=[
            "Two running averages: new = beta * old + (1 - beta) * what came in. What "
            "comes into m, and what into v? `state.get('m', 0)` starts at 0.",
            "After t steps the weights in m add up to 1 - beta1^t, not to 1. What "
            "division makes an average of it?",
            "Then: parameter - lr * m_hat / (sqrt(v_hat) + eps).",
        ],
        answer="""\
t = state["t"] = state.get("t", 0) + 1
m = state["m"] = betas[0] * state.get("m", 0) + (1 - betas[0]) * gradient
v = state["v"] = betas[1] * state.get("v", 0) + (1 - betas[1]) * gradient**2
m_hat, v_hat = m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)
return parameter - lr * m_hat / (torch.sqrt(v_hat) + eps)""",
        because="A running mean of the gradient, divided by its running size; both are "
        "divided by the weights they hold so far.",
        praise="Twenty steps agree with `torch.optim.Adam`. A step's length hardly "
        "depends on the gradient's size: lesson 4 saw what that hides.",
        rtol=0.0,  # one float32 path differs from another by its powers of beta
        atol=2e-5,
        same=1e-3,
    )
)
