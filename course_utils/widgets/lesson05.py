"""Lesson 5's explorer: one logit in one float type, seen by six forms of one loss."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.figures import style
from course_utils.figures.lesson05 import NOT_FINITE, RIGHT, WRONG

from .canvas import Canvas
from .controls import dropdown, slider
from .explorer import Explorer

Cost = Callable[[Tensor], Tensor]
TYPES = {
    name: getattr(torch, name) for name in ("float16", "bfloat16", "float32", "float64")
}


def _bce(x: Tensor, target: float, cost: Callable[..., Tensor]) -> Tensor:
    return cost(x, torch.full_like(x, target), reduction="none")


def _six_ways(target: float) -> dict[str, Cost]:
    def right(s: Tensor) -> Tensor:  # the probability of what was right
        return s if target else 1 - s

    bce, on_logits = F.binary_cross_entropy, F.binary_cross_entropy_with_logits
    return {
        "log of sigmoid": lambda x: -torch.log(right(x.sigmoid())),
        "epsilon 1e-8": lambda x: -torch.log(right(x.sigmoid()) + 1e-8),
        "clamp 1e-7": lambda x: -torch.log(right(x.sigmoid().clamp(1e-7, 1 - 1e-7))),
        "BCELoss": lambda x: _bce(x.sigmoid(), target, bce),
        "softplus": lambda x: F.softplus(-x if target else x),
        "BCE with logits": lambda x: _bce(x, target, on_logits),
    }


# The cost of a logit where 1 was right, -log s(l), and where 0 was, -log(1 - s(l)).
COSTS_OF_ONE, COSTS_OF_ZERO = _six_ways(1.0), _six_ways(0.0)
SIDES = {
    "1 was right: -log s": (COSTS_OF_ONE, -1.0),
    "0 was right: -log(1 - s)": (COSTS_OF_ZERO, 1.0),
}


def value_and_slope(cost: Cost, logits: Tensor) -> tuple[Tensor, Tensor]:
    """An elementwise cost at each logit (n,), and its slope there, by autograd.

    An undecided logit costs log 2 where 1 was right, and is pushed up with 1/2:

    >>> value, slope = value_and_slope(COSTS_OF_ONE["softplus"], torch.zeros(1))
    >>> round(value.item(), 3), slope.item()
    (0.693, -0.5)
    """
    x = logits.clone().requires_grad_()
    value = cost(x)
    (slope,) = torch.autograd.grad(value.sum(), x)
    return value.detach(), slope


def exact(logits: Tensor, sign: float) -> tuple[Tensor, Tensor]:
    """The cost log(1 + exp(sign * l)) and its slope, (n,) each, in float64."""
    x = sign * logits.double()
    value = x.clamp(min=0) + torch.log1p(torch.exp(-x.abs()))
    return value, sign * torch.sigmoid(x)


def survey(costs: Mapping[str, Cost], logits: Tensor, sign: float) -> dict[str, Any]:
    """For each form, at each logit (n,): RIGHT, WRONG, or NOT_FINITE (infinite or NaN).

    Right is a value within 2 % and 0.02 nats and a slope within 0.02. sign: -1 where 1
    was right, +1 where 0 was.
    """
    wanted, wanted_slope = exact(logits, sign)
    found = {}
    for name, cost in costs.items():
        value, slope = (t.double() for t in value_and_slope(cost, logits))
        near = (value - wanted).abs() <= 0.02 * wanted + 0.02
        right = near & ((slope - wanted_slope).abs() <= 0.02)
        finite = torch.isfinite(value) & torch.isfinite(slope)
        codes = torch.where(right, RIGHT, WRONG)
        found[name] = torch.where(finite, codes, NOT_FINITE).numpy()
    return found


def float_explorer() -> Explorer:
    """A float type, a side and a logit; value and slope of six forms of one cost."""
    names = list(COSTS_OF_ONE)
    fig, panels = style.new_figure(2, height=3.3, sharey=True)
    rows = range(len(names))
    marks = [
        [(axes.plot([], [], "D")[0], axes.text(0, row, "")) for row in rows]
        for axes in panels
    ]
    exact_lines = [axes.axvline(0, color=style.DATA, lw=1.6) for axes in panels]
    _prepare_axes(panels, names)
    dots, texts = zip(*sum(marks, []), strict=True)
    canvas = Canvas(fig, moving=[*exact_lines, *dots, *texts])

    def readings(dtype: str, side: str, logit: float) -> list[tuple[float, float]]:
        x = torch.tensor([logit], dtype=TYPES[dtype])
        pairs = (value_and_slope(cost, x) for cost in SIDES[side][0].values())
        return [(value.item(), slope.item()) for value, slope in pairs]

    def frame(dtype: str, side: str, logit: float) -> bytes:
        true = exact(torch.tensor([logit], dtype=TYPES[dtype]), SIDES[side][1])
        found = zip(*readings(dtype, side, logit), strict=True)
        for panel, (want, column) in enumerate(zip(true, found, strict=True)):
            exact_lines[panel].set_xdata([want.item()] * 2)
            for row, number in enumerate(column):
                _move_mark(marks[panel][row], row, number, want.item(), LIMITS[panel])
        return canvas.png()

    def alt(dtype: str, side: str, logit: float) -> str:
        found = zip(names, readings(dtype, side, logit), strict=True)
        said = "; ".join(
            f"{name} {_text(value)}, slope {_text(slope)}"
            for name, (value, slope) in found
        )
        return f"Logit {logit:g} in {dtype}, where {side[0]} was right: {said}."

    controls = {
        "dtype": dropdown(list(TYPES), "float32", label="float type"),
        "side": dropdown(list(SIDES), label="cost where"),
        "logit": slider(-120.0, 120.0, -40.0, step=0.5, label="logit"),
    }
    return Explorer(frame, controls, alt=alt)


LIMITS = ((-8.0, 135.0), (-1.25, 1.25))  # of values and of slopes on show


def _prepare_axes(panels: Any, names: list[str]) -> None:
    panels[0].set_yticks(range(len(names)), names)
    panels[0].set_ylim(len(names) - 0.5, -0.8)
    words = (
        ("The number you read", "cost (nats)"),
        ("The push that acts", "slope (nats per unit of logit)"),
    )
    for axes, limits, (title, unit) in zip(panels, LIMITS, words, strict=True):
        axes.set(xlim=limits, title=f"{title} (line: the truth)", xlabel=unit)


def _move_mark(
    mark: tuple[Any, Any], row: int, got: float, want: float, limits: tuple
) -> None:
    """Put a mark where a form landed; at the right edge if that is no number."""
    (dot, text), (low, high) = mark, limits
    right = math.isfinite(got) and abs(got - want) <= 0.02 * abs(want) + 0.01
    edge = 0.02 * (high - low)
    x = min(max(got, low + edge), high - edge) if math.isfinite(got) else high - edge
    color = style.DISCRIMINATOR if right else style.NOTICE
    shape, size = ("o", 6) if right else ("X", 9)
    dot.set(data=([x], [row]), color=color, marker=shape, markersize=size)
    side, way = ("left", 1) if x < (low + high) / 2 else ("right", -1)
    text.set(position=(x + way * 1.2 * edge, row - 0.12), ha=side, va="bottom")
    text.set(text=_text(got), color=color)


def _text(number: float) -> str:
    if math.isnan(number):
        return "NaN"
    return "infinite" if math.isinf(number) else f"{number + 0.0:.4g}"
