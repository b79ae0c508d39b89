"""Lesson 6: sizes of maps, a convolution as a matrix, batch norm, leaky ReLU, Adam."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils import layers

from .. import observers
from ..comparing import close
from ..running import frozen
from ..text import entry
from ..wording import CHANGED, CUT_OFF

Seen = Iterator[tuple[str, Any]]
NAMES = {"torch": torch, "F": F, "nn": nn, "math": math, "layers": layers}
exercise = partial(entry, names=NAMES, lesson=6)


def given(names, *rows):
    """Probes with whole numbers; those left out take their defaults."""
    probes = {}
    for row in rows:
        pairs = zip(names.split(), row, strict=False)
        probes[", ".join(f"{n} {x}" for n, x in pairs)] = lambda row=row: row
    return probes


def random(*shape, seed=0, dtype=torch.float32):
    """Standard normal numbers, the same each time."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def result(function: Any, *arguments: Any) -> Seen:
    """The result and the inputs; a layer that is made for it may draw its weights.

    Memory that nobody has filled, often zeros, is NaN meanwhile.
    """
    kept, before = frozen(arguments), torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        value = function(*arguments)
    finally:
        torch.use_deterministic_algorithms(before)
    yield "value", value
    same = close(frozen(arguments), kept, rtol=0, atol=0)
    yield "its inputs", "unchanged" if same else CHANGED


# ------------------------------------------------------------------ sizes

exercise(
    r"""
    conv_output_size(size, kernel, stride=1, padding=0)
        return (size + 2 * padding - kernel) // stride + 1

    because: The kernel has room for that many whole steps, and one place more.
    praise: Kernel 4, stride 2, padding 1 halves every even size. D does it four times.
    hint: How far can the kernel's first pixel travel, padding included?
    hint: That way is size + 2 padding - kernel. How many whole steps of the stride fit
      into it, and how many places are that?
    right: return len(range(-padding, size + padding - kernel + 1, stride))
    right: return {int|math.floor}((size + 2 * padding - kernel) / stride + 1)
    right: return (size + 2 * padding - kernel + stride) // stride
    right: return F.conv1d(torch.zeros(1, 1, size), torch.zeros(1, 1, kernel), None,
      stride, padding).numel()

    * one place short: One too few. That counts the steps of the kernel, and it stands
      somewhere before its first step, too. Add that place.
        + 1 ->
    * not rounded: `/` makes a float, and a half where the last step does not fit. A
      place that the kernel does not reach does not count: round down, with `//`.
        // -> /
    * rounded up: Where the last step is too long, that place is left out: round down.
        return {math.ceil|round}((size + 2 * padding - kernel) / stride) + 1
        return round((size + 2 * padding - kernel) / stride + 1)
    * the padding: Padding enlarges the input at both edges: it is added twice.
        2 * padding -> {|0 * |-2 * }padding
    * stride forgotten: These places are one pixel apart. The kernel stops at every
      stride-th of them.
        // stride ->
    * parentheses forgotten: `//` binds more closely than `-`, so only the kernel is
      divided by the stride. The whole way belongs in parentheses.
        (size + 2 * padding - kernel) -> size + 2 * padding - kernel
    * size over stride: The kernel needs room: it cannot start in its own last pixels.
      Size over stride is right only where the padding makes up for the kernel.
        return {size|(size + 2 * padding)} // stride
        return math.ceil(size / stride)
    * all divided: The 1 for the first place is divided, too: add it after the division.
        - kernel) // stride + 1 -> - kernel + 1) // stride
    """,
    reference=layers.conv_output_size,
    observe=result,
    probes=given(
        "size kernel stride padding", (5, 3), (64, 4, 2, 1), (10, 3, 2, 0),
        (10, 3, 2, 1), (5, 3, 1, 2), (27, 5, 3, 2), (4, 4), (12, 2, 5, 1),
        (902, 11, 7, 3),
    ),
)  # fmt: skip

exercise(
    r"""
    transposed_conv_output_size(size, kernel, stride=1, padding=0, output_padding=0)
        return (size - 1) * stride - 2 * padding + kernel + output_padding

    because: The last input starts (size - 1) strides on and reaches a kernel farther;
      padding is cut off at both edges.
    praise: 1 -> 4 -> 8 -> 16 -> 32 -> 64: with kernel 4, and from the second step on
      stride 2 and padding 1, these are the sizes of the whole generator.
    hint: Each input writes the kernel into the output, `stride` apart. Where does the
      last of `size` inputs start to write?
    hint: At (size - 1) * stride. How far does its kernel reach? And the paddings?
    right: return stride * (size - 1) + (kernel - 1) - 2 * padding + output_padding + 1
    right:
      | places = [i * stride + j for i in range(size) for j in range(kernel)]
      | return max(places) + 1 - 2 * padding + output_padding
    right:
      | layer = nn.ConvTranspose1d(1, 1, kernel, stride, padding)
      | return layer(torch.zeros(1, 1, size)).shape[-1] + output_padding

    * size times stride: Size times stride is what one *wishes* for. It comes true only
      where kernel - stride = 2 padding: count what the last kernel adds, and what the
      padding takes.
        return size * stride{| + output_padding}
    * one step too many: Between `size` places there are size - 1 steps; yours has a
      step too many.
        (size - 1) -> size
    * the padding: Padding undoes here what it does in the convolution: it is cut off at
      both edges of the output, which becomes smaller by twice the padding.
        2 * padding -> {|0 * |-2 * }padding
        - 2 * padding -> && + output_padding ->
    * the output_padding: `output_padding` is added at one edge: once, with a plus.
        + output_padding -> {|+ 2 * output_padding|- output_padding}
    * the forward formula: That is the convolution, which shrinks. Turn it round: which
      size would a convolution with these numbers shrink to the one given?
        return (size + 2 * padding - kernel) // stride + 1
    * the last kernel's reach: From the place where the last input starts to write, its
      kernel covers `kernel` outputs, that place included: they are added.
        + kernel ->{| - kernel| + kernel - 1}
    """,
    reference=layers.transposed_conv_output_size,
    observe=result,
    probes=given(
        "size kernel stride padding output_padding", (1, 4), (4, 4, 2, 1), (7, 3, 2),
        (7, 3, 2, 1, 1), (5, 6, 3, 2, 2), (3, 2, 4), (6, 5, 1, 2), (4, 3, 2, 1),
        (6, 1, 1, 2), (50, 11, 4, 3, 2),
    ),
)  # fmt: skip


# ------------------------------------------------------------------ matrix and overlaps

def kernels(*rows):
    """Probes: weights of a kernel, size, stride."""
    labels = [f"kernel {row[0]}, size {row[1]}, stride {row[2]}" for row in rows]
    return {
        label: lambda r=row: (torch.tensor(r[0]), *r[1:])
        for label, row in zip(labels, rows, strict=True)
    }


exercise(
    r"""
    conv_matrix(kernel, size, stride)
        k = len(kernel)
        matrix = kernel.new_zeros((size - k) // stride + 1, size)
        for i, row in enumerate(matrix):
            row[i * stride : i * stride + k] = kernel
        return matrix

    because: Output i is the kernel's product with k numbers, from i * stride on.
    praise: A convolution is a matrix, mostly zeros, with few numbers that repeat.
      Whatever matrices can do, it can do: be transposed, for one.
    hint: M @ x = the convolution: row i of M says with which weight each number of x
      enters output i. Which numbers does output 0 see? And output 1?
    hint: Start with zeros, (out, size). In which column of row i does the kernel start?
    right:
      | eye = torch.eye(size, dtype=kernel.dtype)[:, None]
      | return F.conv1d(eye, kernel[None, None], stride=stride)[:, 0].T
    right:
      | places = range(0, size - len(kernel) + 1, stride)
      | rest = size - len(kernel)
      | return torch.stack([F.pad(kernel, (i, rest - i)) for i in places])
    right:
      return torch.eye(size, dtype=kernel.dtype).unfold(0, len(kernel), stride) @ kernel

    * flipped: The kernel runs backward, or the rows do. Signal processing flips the
      kernel of a convolution; neural networks do not: the first weight meets the first
      number.
        + k] = kernel -> + k] = kernel.flip(0)
        return matrix -> return matrix.flip({0|1})
    * transposed: That is the transposed matrix, (size, out). Wanted is a row for each
      output.
        return matrix -> return matrix.T
    * stride forgotten: Each row starts one column after the one above. With a stride it
      starts `stride` columns later, and there are fewer rows.
        i * stride -> i{| && // stride ->}
    * wraps around: In your last rows the kernel leaves at the right and comes back at
      the left. Without padding, a place where it does not fit has no row.
        | row = F.pad(kernel, (0, size - len(kernel)))
        | return torch.stack([row.roll(i) for i in range(0, size, stride)])
    * hangs over: In your last rows the kernel is cut off by the edge. A place where it
      does not fit has no row: there are (size - k) // stride + 1.
        (size - k) // stride + 1 -> {(size - 1) // stride + 1|(size - k) // stride + 2}
          && + k] = kernel -> + k] = kernel[: max(size - i * stride, 0)]
    * the number of rows: The matrix has a row for each place of the kernel, no more and
      no fewer. It fits (size - k) // stride + 1 times.
        (size - k) // stride + 1 -> {(size - k) // stride|size // stride|size - k + 1}
        return matrix -> return F.pad(matrix, (0, 0, 0, size - len(matrix)))
    * memory that nobody filled: `empty` hands out memory with whatever stands in it.
      Start with zeros.
        new_zeros -> new_empty
    * always float32: A float64 kernel becomes float32, as in everything new that is not
      told its type. `kernel.new_zeros(...)` takes the kernel's.
        kernel.new_zeros -> torch.zeros
    """,
    reference=layers.conv_matrix,
    observe=result,
    probes=kernels(
        ((1.0, 2.0), 4, 2), ((1.0, 2.0, 3.0), 5, 1), ((1.0, -2.0, 4.0), 8, 2),
        ((0.5, 3.0), 9, 3), ((2.0, 3.0, 5.0), 3, 1), ((7.0,), 5, 2),
    ),
    later={"in float64": lambda: (torch.arange(5, dtype=torch.float64) / 3, 9, 2)},
    rtol=1e-12,  # numbers are placed, not computed
    atol=0.0,
)  # fmt: skip


def counts(function: Any, *numbers: int) -> Seen:
    """The counts, whatever type of number holds them."""
    for label, seen in result(function, *numbers):
        numeric = label == "value" and isinstance(seen, Tensor)
        yield label, seen.double() if numeric else seen


exercise(
    r"""
    overlap_count(size, kernel, stride)
        counts = torch.zeros((size - 1) * stride + kernel)
        for i in range(size):
            counts[i * stride : i * stride + kernel] += 1
        return counts

    because: Input i writes to `kernel` places from i * stride on; the sum counts them.
      (Or: the columns' sums of the matrix with a kernel of ones.)
    praise: Where the stride divides the kernel, all inner counts are equal. That is why
      our generator takes kernel 4 with stride 2, not 3 or 5.
    hint: Let each input write: which places of the output does input i reach?
    hint: `kernel` of them, from i * stride on. Start with zeros and add 1 there.
    right:
      | layer = nn.ConvTranspose1d(1, 1, kernel, stride, bias=False)
      | nn.init.ones_(layer.weight)
      | return layer(torch.ones(1, 1, size)).flatten()
    right:
      | out = range((size - 1) * stride + kernel)
      | reached = [[0 <= o - i * stride < kernel for i in range(size)] for o in out]
      | return torch.tensor([sum(row) for row in reached])
    right:
      | wide = (size - 1) * stride + kernel
      | return layers.conv_matrix(torch.ones(kernel), wide, stride).sum(0)

    * reached or not: You say whether an output is reached; wanted is by how many
      inputs. (Where `places` names a place twice, `counts[places] += 1` adds 1 only
      once.)
        += 1 -> = 1
        return torch.ones((size - 1) * stride + kernel)
    * everywhere kernel over stride: Kernel over stride is the average far from the
      edges. Single outputs get a whole number of inputs, and at the edges fewer.
        return torch.full(((size - 1) * stride + kernel,), kernel {/|//} stride)
    * the wrong length: The output has (size - 1) * stride + kernel places: the last
      input starts (size - 1) strides on and reaches a kernel farther.
        (size - 1) * stride + kernel -> size{| * stride| * stride + kernel}
        * stride + kernel) -> * stride)
    * stride forgotten: Your inputs write one place apart. Input i starts at i * stride.
        i * stride -> i{| && * stride + kernel) -> + kernel)}
    * inputs a kernel apart: Your inputs start a kernel apart. The stride says how far
      apart they start, the kernel how many places each of them reaches.
        i * stride : i * stride + kernel -> i * kernel : i * kernel + stride
          {|&& (size - 1) * stride + kernel -> (size - 1) * kernel + stride}
        i * stride -> i * kernel{| && (size - 1) * stride + kernel -> size * kernel}
    * one place too few or too many: An input reaches `kernel` outputs, from i * stride
      to i * stride + kernel - 1; yours reaches one too few or one too many. (A slice
      stops before its end.)
        + kernel] -> + kernel {-|+} 1]
    * in two dimensions: That is the picture, in two dimensions. One row of it is asked
      for: a vector.
        return counts -> return torch.outer(counts, counts)
    ~ shares: The pattern is right, divided by one number. Wanted are the counts.
        return counts -> return counts / counts.{max|sum}()
    """,
    reference=layers.overlap_count,
    observe=counts,
    probes=given(
        "size kernel stride", (1, 3, 2), (3, 3, 2), (4, 4, 2), (4, 3, 1), (3, 2, 3),
        (5, 5, 2), (12, 9, 1),
    ),
)  # fmt: skip


# ------------------------------------------------------------------ layers


def normalized(
    function: Any, x: Tensor, weight: Tensor, bias: Tensor, eps: float
) -> Seen:
    """The result, and slopes of a *weighed* sum of it: the plain sum has none in x."""
    inputs = (x, weight, bias)
    for label, seen in observers.value(function, *map(torch.clone, inputs), eps):
        yield label, seen
        if isinstance(seen, str) and seen == CHANGED:
            return
    inputs = [t.clone().requires_grad_() for t in inputs]
    y = function(*inputs, eps)
    if not (isinstance(y, Tensor) and y.requires_grad):
        yield "slope", CUT_OFF
        return
    total = (y * random(*y.shape, seed=9)).sum()
    slopes = torch.autograd.grad(total, inputs, allow_unused=True)
    for name, slope in zip(("x", "weight", "bias"), slopes, strict=True):
        yield f"slope in {name}", CUT_OFF if slope is None else slope


def maps(n, c, h, w, *, spread=(1, 2, 3), shift=0.0, eps=1e-5):
    """A probe: activations with a spread and a mean for each channel.

    In steps that float32 holds exactly, and so it does a mean of 2^k of them.
    """
    x = torch.tensor(spread[:c])[:, None, None] * random(n, c, h, w)
    x = (64 * x).round() / 64 + shift * torch.arange(1.0, c + 1)[:, None, None]
    weight, bias = 1.5 - torch.arange(c) * 1.0, 0.3 - torch.arange(c) * 1.0
    return lambda: (x.clone(), weight.clone(), bias.clone(), eps)


exercise(
    r"""
    batch_norm(x, weight, bias, eps)
        mean = x.mean(dim=(0, 2, 3), keepdim=True)
        variance = x.var(dim=(0, 2, 3), correction=0, keepdim=True)
        normalized = (x - mean) / torch.sqrt(variance + eps)
        return normalized * weight[:, None, None] + bias[:, None, None]

    because: Each channel gets mean 0 and variance 1 over the whole batch, then the
      spread and the mean that training chooses.
    praise: That is its training mode, in value and in slope. A single image is another
      matter.
    hint: A mean over all images and pixels: which three axes of (n, c, h, w)?
    hint: `x.mean(dim=(0, 2, 3), keepdim=True)` stays (1, c, 1, 1). Its sibling
      `x.var(...)` divides by n - 1 unless `correction=0`.
    hint: weight is (c,): which shape does it need beside (n, c, h, w)?
    right: return F.batch_norm(x, None, None, weight, bias, True, 0.1, eps)
    right:
      | layer = nn.BatchNorm2d(x.shape[1], eps=eps, affine=False)
      | return layer(x) * weight.view(-1, 1, 1) + bias.view(-1, 1, 1)
    right:
      | n, c, h, w = x.shape
      | rows = x.permute(0, 2, 3, 1).reshape(-1, c)
      | rows = (rows - rows.mean(0)) * torch.rsqrt(rows.var(0, unbiased=False) + eps)
      | return (weight * rows + bias).view(n, h, w, c).permute(0, 3, 1, 2)
    right:
      | out = []
      | for c, w, b in zip(x.unbind(1), weight, bias):
      |     out.append((c - c.mean()) / (c.var(correction=0) + eps).sqrt() * w + b)
      | return torch.stack(out, dim=1)

    * divided by n - 1: torch's `var` and `std` divide by n - 1 unless told otherwise.
      Batch normalization divides by n: `correction=0`.
        correction=0, ->
    * eps outside the root: You add eps to the standard deviation. Here it belongs to
      the variance, inside the root (in Adam it stands outside).
        torch.sqrt(variance + eps) -> (torch.sqrt(variance) + eps)
        x.var -> x.std && torch.sqrt(variance + eps) -> (variance + eps)
    * eps not used: The argument eps has no effect. It belongs to the variance, inside
      the root.
        + eps -> + {0|1e-5|1e-8}
    * over other axes: Each channel has one mean, over all images and all pixels: axes
      0, 2 and 3. (Axes 2 and 3 alone make instance normalization; 1, 2 and 3 make layer
      normalization.)
        (0, 2, 3) -> {0|1|(2, 3)|(1, 2, 3)|(0, 1, 2)|(0, 1, 2, 3)}
    * keepdim forgotten: Without `keepdim=True` the mean has shape (c,), and beside (n,
      c, h, w) that lines up with the *last* axis, the width. Keep (1, c, 1, 1).
        , keepdim=True ->
        correction=0, keepdim=True -> correction=0
        /(mean = .*), keepdim=True/ -> \1
    * statistics cut off: The values are right, the slopes are not: mean and variance
      depend on x, too, and the gradient has to flow through them. Leave out detach(),
      no_grad and .item().
        x.mean -> x.detach().mean{| && x.var -> x.detach().var}
        x.var -> x.detach().var
    * divided by the variance: Divide by the root of the variance, taken once. (`std` is
      a root already.)
        torch.sqrt(variance + eps) -> (variance + eps)
        x.var -> x.std
    * along the width: A vector (c,) lines up with the *last* axis, the width. Give
      weight and bias the shape (c, 1, 1): `weight[:, None, None]`.
        weight[:, None, None] -> weight{| && bias[:, None, None] -> bias}
        bias[:, None, None] -> bias
    * weight and bias: Normalized is half of it: then times `weight`, then plus `bias`,
      by channel.
        /return .+/ -> return normalized
        {* weight|+ bias}[:, None, None] ->
        * weight[:, None, None] + bias -> * bias[:, None, None] + weight
        /return .+/ -> return (normalized + bias[:, None, None]) * weight[:, None, None]
    * mean of squares less squared mean: On paper E[x^2] - E[x]^2 is the variance. In
      float32 both are large where the mean is, and their difference keeps few digits or
      none. Subtract the mean, then square.
        /variance = .*/ -> variance = (x**2).mean(dim=(0, 2, 3), keepdim=True) - mean**2
    * x overwritten: The input is changed in place; its owner still needs it. Make a new
      tensor.
        normalized = (x - mean) / -> x -= mean\nnormalized = x /
        /return (.+)/ -> with torch.no_grad(): return x.copy_(\1)
    """,
    reference=layers.batch_norm,
    observe=normalized,
    probes={
        "one channel, two images of one pixel": maps(2, 1, 1, 1),
        "three channels": maps(4, 3, 3, 3, shift=2.0),
        "a single image, not square": maps(1, 2, 2, 5, shift=-1.0),
        "a large eps": maps(4, 3, 2, 2, eps=0.5),
        "a channel that is constant": maps(3, 2, 2, 2, spread=(1, 0), shift=2.0),
    },
    later={"spread 1 around 512": maps(4, 2, 4, 4, spread=(1, 1), shift=512.0)},
    rtol=2e-5,
    atol=1e-5,
    same=1e-3,
)


def numbers(*values, slope, dtype=torch.float32):
    """A probe: one tensor of these numbers."""
    return lambda: (torch.tensor(values, dtype=dtype), slope)


def bent(function: Any, x: Tensor, slope: float) -> Seen:
    """The result and its slope, which is not judged where x is exactly 0."""
    for label, seen in observers.value_and_slope(function, x, slope):
        if label == "slope" and isinstance(seen, Tensor):
            seen = seen.masked_fill(x == 0, 0.0)
        yield label, seen


exercise(
    r"""
    leaky_relu(x, slope)
        return torch.where(x > 0, x, slope * x)

    because: Right of 0 numbers pass as they are, left of it a share `slope` of them.
    praise: A unit with a negative input still hands a gradient on, a fifth of it in
      DCGAN. G learns through D, so every one of D's units should pass some.
    hint: Two straight lines meet at 0. What does `torch.where(condition, a, b)` do?
    hint: Which of x and slope * x is the larger one, left of 0 and right of it?
    right: return {F.leaky_relu(x, slope)|torch.maximum(x, slope * x)}
    right: return F.relu(x) - slope * F.relu(-x)
    right: return x.clamp(min=0) + slope * x.clamp(max=0)
    right: return (1 + slope) / 2 * x + (1 - slope) / 2 * x.abs()
    right: return x * ((x > 0) + slope * (x <= 0))

    * plain ReLU: That is ReLU: below 0 nothing passes, and no gradient either.
        return F.relu(x)
    * the slope is typed in: Your slope is always the same number (torch's default is
      0.01). Use the argument.
        slope * x -> {0.2|0.01} * x
    * sign lost: Below 0 yours comes out positive. slope * x is negative there, and
      stays so.
        slope * x) -> -slope * x)
    * the slope itself: Below 0 you return a constant, so no gradient passes. Multiply
      the slope with x.
        slope * x) -> {slope|-slope})
        return x.clamp(min=slope)
    * the positive side: Positive numbers have to pass as they are, with nothing
      multiplied or added; only the negative ones are multiplied by the slope.
        x > 0 -> x < 0
        return {F.relu(x) + |}slope * x
    * identity: Nothing changes below 0: multiply there by the slope.
        return x
    * another bend: That is another activation, curved below 0. Leaky ReLU is two
      straight lines.
        return F.{elu(x, slope)|softplus(x)|gelu(x)|silu(x)}
    * x overwritten: The input is changed in place; its owner still needs it, and so
      does autograd. Make a new tensor: `torch.where`, for one.
        | x[x < 0] *= slope
        | return x
        return F.leaky_relu_(x, slope)
        | x.data[x < 0] *= slope
        | return x
    """,
    reference=layers.leaky_relu,
    observe=bent,
    probes={
        "x (-10, 5), slope 0.2": numbers(-10.0, 5.0, slope=0.2),
        "x (-2, -0.3, 0.1, 3), slope 0.2": numbers(-2, -0.3, 0.1, 3, slope=0.2),
        "slope 0.01": numbers(-5.0, -1.0, 2.0, slope=0.01),
        "slope 0, which is ReLU": numbers(-5.0, -0.5, 2.0, slope=0.0),
        "slope 0.5, a table": numbers([-1.0, 2.0, -3.0], [4.0, -5.0, 6.0], slope=0.5),
    },
    later={
        "close to 0, and 0 itself": numbers(-1e-2, -1e-4, 0.0, 1e-4, 1e-2, slope=0.3),
        "far out, slope 0": numbers(-1e6, 1e6, slope=0.0),
        "in float64": numbers(-1 / 3, -1e-60, 0.1, slope=0.1, dtype=torch.float64),
    },
    elementwise=True,
)


# ------------------------------------------------------------------ Adam


def steps(
    function: Any, parameter: Tensor, gradients: Tensor, state: dict, lr: float,
    betas: tuple, eps: float,
) -> Seen:  # fmt: skip
    """A parameter's path over some steps, and whether each has a memory of its own."""

    def walk(*pairs: list) -> Tensor:
        """Where the first of the parameters, taken by turns, is after three steps."""
        for gradient in gradients[:3]:
            for pair in pairs:
                new = function(pair[0], pair[1] * gradient, pair[2], lr, betas, eps)
                if new.shape != pair[0].shape:
                    return new
                pair[0] = new.detach()
        return pairs[0][0]

    for t, gradient in enumerate(gradients, 1):
        now, slope = parameter.clone(), gradient.clone()
        new = function(now, slope, state, lr, betas, eps)
        kept = {"parameter": (now, parameter), "gradient": (slope, gradient)}
        for what, pair in kept.items():
            same = torch.equal(*pair)
            yield f"the {what} given", "unchanged" if same else CHANGED
            if not same:
                return
        yield "returned", "a tensor" if isinstance(new, Tensor) else new
        if not isinstance(new, Tensor):
            return
        if t == 1:
            alone = walk([parameter + 1, 1, {}])
            by_turns = walk([parameter + 1, 1, {}], [parameter + 2, -2, {}])
            own = close(by_turns, alone, rtol=1e-5, atol=1e-8)
            yield "a parameter's steps depend on its own state alone", own
            if not own:
                return
        if t in (1, 2, 3, 10, len(gradients)):
            yield f"parameter after step {t}", new
        if new.shape != parameter.shape:
            return
        parameter = new.detach()


def walk_of(n, *shape, betas=(0.9, 0.999), eps=1e-8, size=1.0, lr=0.1, start=None,
            last=1.0, dtype=torch.float32):  # fmt: skip
    """A probe: n gradients near `size`, the last one `last` times as large."""

    def make():
        gradients = size * (random(n, *shape, seed=n, dtype=dtype) + 0.3)
        gradients[-1] *= last
        begin = random(*shape, seed=1, dtype=dtype)
        if start is not None:
            begin = torch.full_like(begin, start)
        return begin, gradients, {}, lr, betas, eps

    return make


exercise(
    r"""
    adam_step(parameter, gradient, state, lr, betas, eps)
        t = state["t"] = state.get("t", 0) + 1
        m = state["m"] = betas[0] * state.get("m", 0) + (1 - betas[0]) * gradient
        v = state["v"] = betas[1] * state.get("v", 0) + (1 - betas[1]) * gradient**2
        m_hat, v_hat = m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)
        return parameter - lr * m_hat / (torch.sqrt(v_hat) + eps)

    because: A running mean of the gradient, divided by its running size; both are
      divided by the sum of the weights they hold so far.
    praise: Twenty steps agree with `torch.optim.Adam`. The length of a step hardly
      depends on the gradient's size, so Adam hides a gradient that has become small.
    hint: Two running averages: new = beta * old + (1 - beta) * what came in. What comes
      into m, and what into v? `state.get('m', 0)` starts at 0.
    hint: After t steps the weights in m add up to 1 - beta1^t, not to 1. So?
    hint: Then: parameter - lr * m_hat / (sqrt(v_hat) + eps).
    edge: Right, but not for very small or very large numbers. Take lr, eps and the
      gradient as they come: no clamp, no second epsilon, no cast.
    right:
      | if not state:
      |     state.update(step=0, avg=torch.zeros_like(parameter), sq=gradient * 0)
      | state["step"] += 1
      | state["avg"] = torch.lerp(gradient, state["avg"], betas[0])
      | state["sq"].mul_(betas[1]).addcmul_(gradient, gradient, value=1 - betas[1])
      | c1, c2 = (1 - b ** state["step"] for b in betas)
      | return parameter - lr / c1 * state["avg"] / (state["sq"].sqrt() / c2**0.5 + eps)
    right:
      | if not state:
      |     weight = state["weight"] = nn.Parameter(parameter.clone())
      |     state["adam"] = torch.optim.Adam([weight], lr=lr, betas=betas, eps=eps)
      | state["weight"].grad = gradient
      | state["adam"].step()
      | return state["weight"].detach().clone()

    * no bias correction: m and v start at 0 and have seen little, v least of all, so
      that early steps get another length than lr. Divide m by 1 - beta1^t, and v by 1 -
      beta2^t before the root.
        m / (1 - betas[0] ** t) -> m{| && v / (1 - betas[1] ** t) -> v}
        v / (1 - betas[1] ** t) -> v
    * eps inside the root: eps belongs outside: inside, 1e-8 counts as 1e-4 beside the
      gradient.
        torch.sqrt(v_hat) + eps -> torch.sqrt(v_hat + eps)
    * no eps: eps has no effect in yours. It keeps steps small where gradients are, and
      prevents a division by 0.
        + eps ->
    * the count of steps: The count of steps is wrong. In 1 - beta^t it is t = 1 at the
      first step, and one more at each: raise it in `state`, before you use it.
        "t", 0 -> "t", 1
        /betas\[(.)\] \*\* t/ -> betas[\1] ** (t + 1)
        state["t"] = state.get("t", 0) + 1 -> state.get("t", 0)\nstate["t"] = t + 1
        /t = .*1$/ -> t = 1
    * nothing remembered: An average begins anew at each step. What the next step needs
      has to be put back into `state`: it is the same dict at the next call.
        state["m"] = -> && state["v"] = ->{| && state["t"] = ->}
        state["{m|v}"] = ->
    * corrected averages kept: You put the corrected m and v back into `state`, and the
      next step corrects them again. Keep the plain averages; correct copies.
        return -> state["m"], state["v"] = m_hat, v_hat\nreturn
    * squares and roots: v averages the *squares* of the gradients themselves, and the
      step is divided by its root, which has the gradient's unit again.
        gradient**2 -> {gradient.abs()|gradient|m**2}
        torch.sqrt(v_hat) -> v_hat
    * uphill: You add the step, and climb. The gradient points uphill: subtract.
        parameter - -> parameter +
    * betas swapped: The betas have changed places: the first is for m, the second for
      v.
        t = state -> betas = betas[::-1]\nt = state
        /m_hat, .+/ -> m_hat, v_hat = m / (1 - betas[1] ** t), v / (1 - betas[0] ** t)
    * betas typed in: Your betas are always the same. Take them from the argument.
        betas[0] -> {0.9|0.5} && betas[1] -> 0.999
    * a sum for an average: The new gradient enters with weight 1. In an average its
      weight is 1 - beta.
        (1 - betas[0]) * ->{| && (1 - betas[1]) * ->}
        (1 - betas[1]) * ->
    * lr forgotten: lr has no effect: the step is lr times m over the root of v.
        lr * ->
    * the change alone: You return the change. Wanted is the new parameter.
        return parameter - -> return{| -}
    * parameter overwritten: The parameter is changed in place. Return a new one; only
      `state` is changed.
        /return parameter - (.+)/ -> parameter -= \1\nreturn parameter
    * one memory for all: Two parameters, each with its own state, disturb each other.
      What has to be remembered belongs into the argument `state`, not into a global or
      a default.
        | kept = {}
        | def adam_step(parameter, gradient, state, lr, betas, eps):
        |     return layers.adam_step(parameter, gradient, kept, lr, betas, eps)
    """,
    reference=layers.adam_step,
    observe=steps,
    probes={
        "21 steps, betas (0.9, 0.999)": walk_of(21, 3),
        "20 steps, betas (0.5, 0.999)": walk_of(20, 3, betas=(0.5, 0.999)),
        "betas (0, 0.5)": walk_of(4, 3, betas=(0.0, 0.5)),
        "a large eps": walk_of(5, 3, size=1e-3, eps=1e-3, start=0.01),
        "lr 0.3, betas (0.95, 0.8)": walk_of(4, 3, lr=0.3, betas=(0.95, 0.8)),
        "a table": walk_of(3, 2, 3),
    },
    edge={
        "gradients near 1e-10": walk_of(6, 3, size=1e-10, eps=1e-13, start=0.01),
        "gradients near 1e4, the last much larger": walk_of(
            120, 3, lr=1e-3, betas=(0.2, 0.9999), size=1e4, last=1e3, start=0.01
        ),
        "from 1e5 on": walk_of(3, 2, lr=1e-3, start=1e5, dtype=torch.float64),
    },
    rtol=0.0,  # one float32 path differs from another by its powers of beta
    atol=2e-5,
    same=1e-3,
)
