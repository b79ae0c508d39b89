"""Lesson 6, first part: sizes of maps, a convolution as a matrix, and overlaps."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils import layers

from .comparing import close
from .engine import Exercise, Mistake, register
from .running import frozen
from .wording import CHANGED


def sizes(*numbers: int) -> Callable[[], tuple]:
    """A probe with whole numbers; those left out take their defaults."""
    return lambda: numbers


def number(function: Any, *numbers: int) -> Iterator[tuple[str, Any]]:
    """The result alone: a layer made to be measured may draw its weights."""
    yield "value", function(*numbers)


@contextlib.contextmanager
def empty_is_nan() -> Iterator[None]:
    """What `torch.empty` returns, often zeros, is NaN and so to be seen."""
    before = torch.are_deterministic_algorithms_enabled()
    only_warns = torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before, warn_only=only_warns)


def tensor(function: Any, *arguments: Any) -> Iterator[tuple[str, Any]]:
    """The result, the inputs, and no seed set; a layer may draw its weights."""
    kept = frozen(arguments)
    ends = []
    for start in (1, 2):
        torch.default_generator.manual_seed(start)
        with empty_is_nan():
            result = function(*arguments)
        ends.append(torch.get_rng_state())
        if start == 1:
            wide = isinstance(kept[0], Tensor) and kept[0].dtype == torch.float64
            yield "all digits of float64" if wide else "value", result
            same = close(frozen(arguments), kept, rtol=0, atol=0)
            yield "its inputs", "unchanged" if same else CHANGED
    yield "the global seed is set", torch.equal(*ends)


# ------------------------------------------------------------------ a convolution


def _fits(size, kernel, stride=1, padding=0):
    """How often the kernel fits, counted by sliding it."""
    starts = range(-padding, size + padding - kernel + 1, stride)
    return len(starts)


register(
    Exercise(
        name="conv_output_size",
        lesson=6,
        reference=layers.conv_output_size,
        observe=number,
        probes={
            "size 5, kernel 3": sizes(5, 3),
            "size 64, kernel 4, stride 2, padding 1": sizes(64, 4, 2, 1),
            "size 9, kernel 3, stride 2, padding 0": sizes(9, 3, 2, 0),
            "size 10, kernel 3, stride 2, padding 0": sizes(10, 3, 2, 0),
            "size 10, kernel 3, stride 2, padding 1": sizes(10, 3, 2, 1),
            "size 5, kernel 3, stride 1, padding 2": sizes(5, 3, 1, 2),
            "size 27, kernel 5, stride 3, padding 2": sizes(27, 5, 3, 2),
            "size 4, kernel 4": sizes(4, 4),
            "size 12, kernel 2, stride 5, padding 1": sizes(12, 2, 5, 1),
            "size 902, kernel 11, stride 7, padding 3": sizes(902, 11, 7, 3),
        },
        accepts=[
            _fits,
            lambda n, k, s=1, p=0: int((n + 2 * p - k) / s) + 1,
            lambda n, k, s=1, p=0: math.floor((n + 2 * p - k) / s + 1),
            lambda n, k, s=1, p=0: (n + 2 * p - k + s) // s,
            lambda n, k, s=1, p=0: -(-(n + 2 * p - k + 1) // s),
            lambda n, k, s=1, p=0: (
                F.conv1d(torch.zeros(1, 1, n), torch.zeros(1, 1, k), None, s, p).numel()
            ),
        ],
        mistakes=[
            Mistake(
                "one place short",
                (
                    lambda n, k, s=1, p=0: (n + 2 * p - k) // s,
                    lambda n, k, s=1, p=0: int((n + 2 * p - k) / s),
                ),
                "One too few: you count the steps of the kernel, and it stands "
                "somewhere before its first step, too. Add that place.",
            ),
            Mistake(
                "not rounded",
                lambda n, k, s=1, p=0: (n + 2 * p - k) / s + 1,
                "`/` makes a float, and a half where the last step does not fit. A "
                "place that the kernel does not reach does not count: round down, "
                "with `//`.",
            ),
            Mistake(
                "rounded up",
                (
                    lambda n, k, s=1, p=0: math.ceil((n + 2 * p - k) / s) + 1,
                    lambda n, k, s=1, p=0: round((n + 2 * p - k) / s + 1 + 1e-9),
                    lambda n, k, s=1, p=0: round((n + 2 * p - k) / s) + 1,
                    lambda n, k, s=1, p=0: round((n + 2 * p - k) / s + 1),
                ),
                "Where the last step is too long, the kernel would hang over the edge. "
                "That place is left out: round down.",
            ),
            Mistake(
                "padding at one edge",
                lambda n, k, s=1, p=0: (n + p - k) // s + 1,
                "Padding stands at both edges: the input grows by twice the padding.",
            ),
            Mistake(
                "padding forgotten",
                lambda n, k, s=1, p=0: (n - k) // s + 1,
                "The padding has no effect in yours. It makes the input larger, at "
                "both edges, before the kernel starts.",
            ),
            Mistake(
                "padding cut off",
                lambda n, k, s=1, p=0: (n - 2 * p - k) // s + 1,
                "Your padding makes the input smaller. That is what it does to a "
                "*transposed* convolution; here it is added at both edges.",
            ),
            Mistake(
                "stride forgotten",
                lambda n, k, s=1, p=0: n + 2 * p - k + 1,
                "That is the number of places one pixel apart. With a stride the "
                "kernel stops only at every stride-th of them.",
            ),
            Mistake(
                "size over stride",
                (
                    lambda n, k, s=1, p=0: n // s,
                    lambda n, k, s=1, p=0: math.ceil(n / s),
                    lambda n, k, s=1, p=0: (n + 2 * p) // s,
                ),
                "The kernel needs room: it cannot start in its own last pixels. Size "
                "over stride is right only where the padding makes up for the kernel.",
            ),
            Mistake(
                "the transposed formula",
                lambda n, k, s=1, p=0: (n - 1) * s - 2 * p + k,
                "That is the transposed convolution, which enlarges. A convolution "
                "asks how often the kernel fits.",
            ),
            Mistake(
                "all divided",
                (
                    lambda n, k, s=1, p=0: (n + 2 * p - k + 1) // s,
                    lambda n, k, s=1, p=0: int((n + 2 * p - k + 1) / s),
                ),
                "The 1 for the first place is divided by the stride as well: add it "
                "after the division.",
            ),
        ],
        hints=[
            "How far can the kernel's first pixel travel, from one end to the other, "
            "with the padding included?",
            "That way is size + 2 padding - kernel. How many whole steps of the stride "
            "fit into it, and how many places are that?",
        ],
        answer="return (size + 2 * padding - kernel) // stride + 1",
        because="The kernel has room for that many whole steps, and one place more.",
        praise="Kernel 4, stride 2, padding 1 halves every even size: that is the step "
        "D takes four times, from 64 pixels to 4.",
    )
)


# ------------------------------------------------------------------ the matrix


def _columns(kernel: Tensor, size: int, stride: int) -> Tensor:
    """A convolution of each unit vector is a column."""
    eye = torch.eye(size, dtype=kernel.dtype)[:, None]
    return F.conv1d(eye, kernel[None, None], stride=stride)[:, 0].T


def _placed(kernel: Tensor, rows: int, columns: int, stride: int) -> Tensor:
    """The kernel in each row, cut off at the edge."""
    matrix = kernel.new_zeros(rows, columns)
    for i in range(rows):
        for j, weight in enumerate(kernel):
            if i * stride + j < columns:
                matrix[i, i * stride + j] = weight
    return matrix


def _padded_rows(kernel: Tensor, size: int, stride: int) -> Tensor:
    out, rows = (size - len(kernel)) // stride + 1, []
    for i in range(out):
        rest = size - i * stride - len(kernel)
        rows.append(F.pad(kernel, (i * stride, rest)))
    return torch.stack(rows)


def _circulant(kernel: Tensor, size: int, stride: int) -> Tensor:
    first = F.pad(kernel, (0, size - len(kernel)))
    return torch.stack([first.roll(i) for i in range(0, size, stride)])


def _out(kernel: Tensor, size: int, stride: int) -> int:
    return (size - len(kernel)) // stride + 1


def _same_size(kernel: Tensor, size: int, stride: int) -> Tensor:
    edge = len(kernel) // 2
    wide = _placed(kernel, (size - 1) // stride + 1, size + 2 * edge, stride)
    return wide[:, edge : edge + size]


def _vector(*values: float, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.tensor(values, dtype=dtype)


register(
    Exercise(
        name="conv_matrix",
        lesson=6,
        reference=layers.conv_matrix,
        observe=tensor,
        probes={
            "kernel (1, 2), size 4, stride 2": lambda: (_vector(1, 2), 4, 2),
            "kernel (1, 2, 3), size 5, stride 1": lambda: (_vector(1, 2, 3), 5, 1),
            "kernel (1, -2, 4), size 8, stride 2": lambda: (_vector(1, -2, 4), 8, 2),
            "kernel (0.5, 3), size 9, stride 3": lambda: (_vector(0.5, 3), 9, 3),
            "a kernel as long as the input": lambda: (_vector(2, 3, 5), 3, 1),
            "a kernel of one number": lambda: (_vector(7), 5, 2),
            "four weights with digits, size 14, stride 5": lambda: (
                _vector(0.1, -1 / 3, 200.3, 0.7), 14, 5,
            ),
        },
        later={
            "a kernel in float64": lambda: (
                _vector(1 / 3, -1000.7, 1e-7, 5e4, 0.1, dtype=torch.float64), 9, 2,
            ),
        },  # fmt: skip
        accepts=[
            _columns,
            _padded_rows,
            lambda k, n, s: torch.eye(n, dtype=k.dtype).unfold(0, len(k), s) @ k,
            lambda k, n, s: _circulant(k, n, s)[: _out(k, n, s)],
        ],
        mistakes=[
            Mistake(
                "flipped",
                (
                    lambda k, n, s: layers.conv_matrix(k.flip(0), n, s),
                    lambda k, n, s: layers.conv_matrix(k, n, s).flip(1),
                    lambda k, n, s: layers.conv_matrix(k, n, s).flip(0),
                ),
                "The kernel runs backward, or the rows do. Signal processing flips the "
                "kernel of a convolution; neural networks do not: the first weight "
                "meets the first number.",
            ),
            Mistake(
                "transposed",
                lambda k, n, s: layers.conv_matrix(k, n, s).T,
                "That is the transposed matrix, (size, out): it enlarges. Wanted is "
                "(out, size), a row for each output.",
            ),
            Mistake(
                "stride forgotten",
                (
                    lambda k, n, s: layers.conv_matrix(k, n, 1),
                    lambda k, n, s: layers.conv_matrix(k, n, 1)[: _out(k, n, s)],
                ),
                "Each row starts one column after the one above. With a stride it "
                "starts `stride` columns later, and there are fewer rows.",
            ),
            Mistake(
                "wraps around",
                (
                    _circulant,
                    lambda k, n, s: torch.stack(
                        [F.pad(k, (0, n - len(k))).roll(i * s) for i in range(n)]
                    ),
                ),
                "In your last rows the kernel leaves at the right and comes back at "
                "the left. Without padding, a place where it does not fit has no row.",
            ),
            Mistake(
                "hangs over",
                (
                    lambda k, n, s: _placed(k, (n - 1) // s + 1, n, s),
                    lambda k, n, s: _placed(k, _out(k, n, s) + 1, n, s),
                ),
                "In your last rows the kernel is cut off by the edge. A place where it "
                "does not fit has no row: there are (size - k) // stride + 1.",
            ),
            Mistake(
                "one row short",
                (
                    lambda k, n, s: layers.conv_matrix(k, n, s)[:-1],
                    lambda k, n, s: _placed(k, (n - len(k)) // s, n, s),
                ),
                "The last row is missing: the kernel fits (size - k) // stride + 1 "
                "times.",
            ),
            Mistake(
                "padded",
                _same_size,
                "The kernel starts left of the edge, as with padding. Without padding "
                "the first row begins with the whole kernel.",
            ),
            Mistake(
                "the products themselves",
                (
                    lambda k, n, s: k.unfold(0, 1, 1).expand(-1, n),
                    lambda k, n, s: k.expand(_out(k, n, s), -1),
                    lambda k, n, s: k.repeat(_out(k, n, s), 1),
                ),
                "Each row is the kernel alone. A row has `size` columns: the kernel "
                "where it stands, and zeros for the numbers it does not see.",
            ),
            Mistake(
                "ones for weights",
                lambda k, n, s: layers.conv_matrix(torch.ones_like(k), n, s),
                "The places are right; the kernel's weights belong there, not ones.",
            ),
            Mistake(
                "always float32",
                lambda k, n, s: layers.conv_matrix(k, n, s).float(),
                "A float64 kernel becomes float32, as in everything new that is not "
                "told its type. `kernel.new_zeros(...)` takes the kernel's.",
            ),
        ],
        hints=[
            "M @ x = the convolution: row i of M says with which weight each number of "
            "x enters output i. Which numbers does output 0 see? And output 1?",
            "Start with zeros, (out, size). In row i the kernel stands from column "
            "i * stride to i * stride + k.",
        ],
        answer="""\
k = len(kernel)
matrix = kernel.new_zeros((size - k) // stride + 1, size)
for i, row in enumerate(matrix):
    row[i * stride : i * stride + k] = kernel
return matrix""",
        because="Output i is the kernel's product with the k numbers from i * stride "
        "on; all others have weight 0.",
        praise="A convolution is a matrix, mostly zeros, with few numbers that repeat. "
        "Whatever matrices can do, it can do: be transposed, for one.",
        rtol=1e-6,
        tolerance={"all digits of float64": (1e-12, 0.0)},
    )
)


# ------------------------------------------------------------------ the transposed one


def _reach(size, kernel, stride=1, padding=0, output_padding=0):
    places = [i * stride + j for i in range(size) for j in range(kernel)]
    return max(places) + 1 - 2 * padding + output_padding


def _transposed(**wrong: Any) -> Callable[..., int]:
    """The size with one of its terms wrong."""

    def size_of(size, kernel, stride=1, padding=0, output_padding=0):
        steps = (size - wrong.get("first", 1)) * stride
        result = steps + wrong.get("cut", -2) * padding
        result += wrong.get("reach", 1) * (kernel - wrong.get("less", 0))
        return result + wrong.get("extra", 1) * output_padding

    return size_of


register(
    Exercise(
        name="transposed_conv_output_size",
        lesson=6,
        reference=layers.transposed_conv_output_size,
        observe=number,
        probes={
            "size 1, kernel 4": sizes(1, 4),
            "size 4, kernel 4, stride 2, padding 1": sizes(4, 4, 2, 1),
            "size 7, kernel 3, stride 2": sizes(7, 3, 2),
            "size 7, kernel 3, stride 2, padding 1, output_padding 1": sizes(
                7, 3, 2, 1, 1
            ),
            "size 5, kernel 6, stride 3, padding 2, output_padding 2": sizes(
                5, 6, 3, 2, 2
            ),
            "size 3, kernel 2, stride 4": sizes(3, 2, 4),
            "size 6, kernel 5, stride 1, padding 2": sizes(6, 5, 1, 2),
            "size 4, kernel 3, stride 2, padding 1": sizes(4, 3, 2, 1),
            "size 6, kernel 1, stride 1, padding 2": sizes(6, 1, 1, 2),
            "size 50, kernel 11, stride 4, padding 3, output_padding 2": sizes(
                50, 11, 4, 3, 2
            ),
        },
        accepts=[
            _reach,
            lambda n, k, s=1, p=0, o=0: n * s - s - p - p + k + o,
            lambda n, k, s=1, p=0, o=0: s * (n - 1) + (k - 1) - 2 * p + o + 1,
            lambda n, k, s=1, p=0, o=0: (
                torch.nn.ConvTranspose1d(1, 1, k, s, p, o)(torch.zeros(1, 1, n)).shape[
                    -1
                ]
                if o < s
                else (n - 1) * s - 2 * p + k + o
            ),
        ],
        mistakes=[
            Mistake(
                "size times stride",
                (
                    lambda n, k, s=1, p=0, o=0: n * s,
                    lambda n, k, s=1, p=0, o=0: n * s + o,
                ),
                "Size times stride is what one *wishes* for. It comes true only where "
                "kernel - stride = 2 padding: what the last kernel adds and the "
                "padding takes has to be counted.",
            ),
            Mistake(
                "one step too many",
                _transposed(first=0),
                "Between `size` places there are size - 1 steps; yours has a step too "
                "many.",
            ),
            Mistake(
                "padding at one edge",
                _transposed(cut=-1),
                "Padding is cut off at both edges of the output: twice.",
            ),
            Mistake(
                "padding added",
                _transposed(cut=2),
                "Here padding makes the map smaller: it undoes what padding does "
                "in the convolution, so it is cut off at both edges.",
            ),
            Mistake(
                "padding forgotten",
                (_transposed(cut=0), _transposed(cut=0, extra=0)),
                "The padding has no effect in yours: it is cut off at both edges of "
                "the output.",
            ),
            Mistake(
                "output_padding forgotten",
                _transposed(extra=0),
                "`output_padding` has no effect in yours: it is added, at one edge.",
            ),
            Mistake(
                "output_padding twice",
                _transposed(extra=2),
                "`output_padding` is added at one edge only: once, not twice.",
            ),
            Mistake(
                "output_padding cut off",
                _transposed(extra=-1),
                "`output_padding` enlarges the output; it is `padding` that is cut "
                "off.",
            ),
            Mistake(
                "the forward formula",
                lambda n, k, s=1, p=0, o=0: (n + 2 * p - k) // s + 1,
                "That is the convolution, which shrinks. Turn it round: which size "
                "would a convolution with these numbers shrink to the one given?",
            ),
            Mistake(
                "kernel less one",
                _transposed(less=1),
                "One too few: the last place itself is covered by the kernel's first "
                "weight, and the kernel reaches `kernel` outputs from there on.",
            ),
            Mistake(
                "kernel cut off",
                (_transposed(reach=-1), _transposed(reach=0)),
                "The last input's kernel still reaches on for `kernel` outputs: they "
                "are added.",
            ),
        ],
        hints=[
            "Each input writes the kernel into the output, `stride` apart. Where does "
            "the last of `size` inputs start to write?",
            "At (size - 1) * stride. How far does its kernel reach, and what do the "
            "two paddings do to the edges?",
        ],
        answer="return (size - 1) * stride - 2 * padding + kernel + output_padding",
        because="The last input starts (size - 1) strides on and reaches a kernel "
        "farther; padding is cut at both edges.",
        praise="1 -> 4 -> 8 -> 16 -> 32 -> 64: with kernel 4, and from the second step "
        "on stride 2 and padding 1, this is the whole generator.",
    )
)


# ------------------------------------------------------------------ overlaps


def counts(function: Any, *arguments: int) -> Iterator[tuple[str, Any]]:
    """The counts, whatever type of number holds them."""
    for label, seen in tensor(function, *arguments):
        if label == "value" and isinstance(seen, Tensor):
            seen = seen.detach().double()
        yield label, seen


def _by_transposing(size: int, kernel: int, stride: int) -> Tensor:
    ones = torch.ones(1, 1, kernel)
    return F.conv_transpose1d(torch.ones(1, 1, size), ones, stride=stride).flatten()


def _one_by_one(size: int, kernel: int, stride: int) -> Tensor:
    out = (size - 1) * stride + kernel
    reached = [
        sum(0 <= o - i * stride < kernel for i in range(size)) for o in range(out)
    ]
    return torch.tensor(reached)


def _wide(size: int, kernel: int, stride: int) -> int:
    return (size - 1) * stride + kernel


def _added(size: int, length: int, stride: int, out: int) -> Tensor:
    result = torch.zeros(max(out, 0))
    for i in range(size):
        result[i * stride : i * stride + length] += 1
    return result


register(
    Exercise(
        name="overlap_count",
        lesson=6,
        reference=layers.overlap_count,
        observe=counts,
        probes={
            "1 input, kernel 3, stride 2": sizes(1, 3, 2),
            "3 inputs, kernel 3, stride 2": sizes(3, 3, 2),
            "4 inputs, kernel 4, stride 2": sizes(4, 4, 2),
            "4 inputs, kernel 3, stride 1": sizes(4, 3, 1),
            "3 inputs, kernel 2, stride 3: gaps": sizes(3, 2, 3),
            "5 inputs, kernel 5, stride 2": sizes(5, 5, 2),
            "12 inputs, kernel 9, stride 1": sizes(12, 9, 1),
        },
        accepts=[
            _by_transposing,
            _one_by_one,
            lambda n, k, s: layers.conv_matrix(torch.ones(k), _wide(n, k, s), s).sum(0),
            lambda n, k, s: (
                F.fold(
                    torch.ones(1, k, n), (1, _wide(n, k, s)), (1, k), stride=(1, s)
                ).flatten()
            ),
        ],
        mistakes=[
            Mistake(
                "reached or not",
                (
                    lambda n, k, s: layers.overlap_count(n, k, s).clamp(max=1),
                    lambda n, k, s: (layers.overlap_count(n, k, s) > 0).float(),
                    lambda n, k, s: torch.ones(_wide(n, k, s)),
                ),
                "You say whether an output is reached; wanted is by how many inputs. "
                "Each input adds a 1 of its own, one after the other: "
                "`counts[places] += 1` adds only one where `places` names a place "
                "twice.",
            ),
            Mistake(
                "everywhere kernel over stride",
                (
                    lambda n, k, s: torch.full((_wide(n, k, s),), k / s),
                    lambda n, k, s: torch.full((_wide(n, k, s),), k // s),
                ),
                "Kernel over stride is the average far from the edges. Single outputs "
                "get a whole number of inputs, and at the edges fewer.",
            ),
            Mistake(
                "the wrong length",
                (
                    lambda n, k, s: _added(n, k, s, n * s),
                    lambda n, k, s: _added(n, k, s, n * s + k),
                    lambda n, k, s: _added(n, k, s, (n - 1) * s),
                    lambda n, k, s: _added(n, k, s, n),
                ),
                "The output has (size - 1) * stride + kernel places: the last input "
                "starts (size - 1) strides on and reaches a kernel farther.",
            ),
            Mistake(
                "stride forgotten",
                (
                    lambda n, k, s: layers.overlap_count(n, k, 1),
                    lambda n, k, s: _added(n, k, 1, _wide(n, k, s)),
                ),
                "Your inputs write one place apart. Input i starts at i * stride.",
            ),
            Mistake(
                "kernel and stride swapped",
                lambda n, k, s: layers.overlap_count(n, s, k),
                "Kernel and stride have changed places: the kernel says how far an "
                "input reaches, the stride how far apart they start.",
            ),
            Mistake(
                "outputs of each input",
                (
                    lambda n, k, s: torch.full((n,), float(k)),
                    lambda n, k, s: layers.conv_matrix(
                        torch.ones(k), _wide(n, k, s), s
                    ).sum(1),
                ),
                "You count how many outputs an input reaches: always `kernel`. Wanted "
                "is the other sum: how many inputs reach each output.",
            ),
            Mistake(
                "a convolution's",
                (
                    lambda n, k, s: layers.conv_matrix(torch.ones(k), n, s).sum(0)
                    if n >= k
                    else torch.zeros(n),
                ),
                "That counts for a convolution of `size` numbers, which shrinks. Here "
                "`size` inputs are enlarged.",
            ),
            Mistake(
                "kernel one short",
                (
                    lambda n, k, s: _added(n, k - 1, s, _wide(n, k, s)),
                    lambda n, k, s: _added(n, k + 1, s, _wide(n, k, s)),
                ),
                "An input reaches `kernel` outputs, from i * stride to i * stride + "
                "kernel - 1; yours reaches one too few or one too many.",
            ),
            Mistake(
                "in two dimensions",
                lambda n, k, s: torch.outer(
                    layers.overlap_count(n, k, s), layers.overlap_count(n, k, s)
                ),
                "That is the picture, in two dimensions. One row of it is asked for: a "
                "vector.",
            ),
            Mistake(
                "shares",
                lambda n, k, s: (
                    layers.overlap_count(n, k, s) / layers.overlap_count(n, k, s).max()
                ),
                "The pattern is right, divided by its largest number. Wanted are the "
                "counts.",
                kind="convention",
            ),
        ],
        hints=[
            "Let each input write, one after the other: which places of the output "
            "does input i reach?",
            "From i * stride on, `kernel` of them. Start with zeros of the output's "
            "length and add 1 there.",
        ],
        answer="""\
counts = torch.zeros((size - 1) * stride + kernel)
for i in range(size):
    counts[i * stride : i * stride + kernel] += 1
return counts""",
        because="Input i writes to `kernel` places from i * stride on; the sum counts "
        "the writers. (Or: the columns' sums of the matrix with a kernel of ones.)",
        praise="Where the stride divides the kernel, all inner counts are equal: our "
        "generator takes kernel 4 with stride 2, not 3 or 5.",
    )
)
