"""Lesson 6: sizes of maps, a convolution as a matrix, batch norm, leaky ReLU, Adam."""

from __future__ import annotations

import math
from collections.abc import Iterator
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


def given(*arguments):
    """A probe with whole numbers; those left out take their defaults."""
    return lambda: arguments


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

entry(
    r"""
    conv_output_size(size, kernel, stride=1, padding=0)
        return (size + 2 * padding - kernel) // stride + 1

    because: The kernel has room for that many whole steps, and one place more.
    praise: Kernel 4, stride 2, padding 1 halves every even size. D takes that step four
      times, from 64 pixels to 4.
    hint: How far can the kernel's first pixel travel, from one end to the other, with
      the padding included?
    hint: That way is size + 2 padding - kernel. How many whole steps of the stride fit
      into it, and how many places are that?
    right: return len(range(-padding, size + padding - kernel + 1, stride))
    right: return int((size + 2 * padding - kernel) / stride) + 1
    right: return math.floor((size + 2 * padding - kernel) / stride + 1)
    right: return (size + 2 * padding - kernel + stride) // stride
    right: return F.conv1d(torch.zeros(1, 1, size), torch.zeros(1, 1, kernel), None,
        stride, padding).numel()

    * one place short
        + 1 ->
      One too few. That counts the steps of the kernel, and it stands somewhere before
      its first step, too. Add that place.
    * two places too many
        + 1 -> + 2
      One too many: the places are the whole steps, and the one before the first step.
    * not rounded
        // -> /
      `/` makes a float, and a half where the last step does not fit. A place that the
      kernel does not reach does not count: round down, with `//`.
    * rounded up
        return {math.ceil|round}((size + 2 * padding - kernel) / stride) + 1
        return round((size + 2 * padding - kernel) / stride + 1)
      Where the last step is too long, the kernel would hang over the edge. That place
      is left out: round down.
    * padding at one edge
        2 * padding -> padding
      Padding stands at both edges: the input grows by twice the padding.
    * padding forgotten
        + 2 * padding ->
      The padding has no effect in yours. It makes the input larger, at both edges,
      before the kernel starts.
    * padding cut off
        + 2 * -> - 2 *
      Your padding makes the input smaller. That is what it does to a *transposed*
      convolution; here it is added at both edges.
    * stride forgotten
        // stride ->
      That is the number of places one pixel apart. With a stride the kernel stops only
      at every stride-th of them.
    * parentheses forgotten
        (size + 2 * padding - kernel) -> size + 2 * padding - kernel
      `//` binds more closely than `-`: only the kernel is divided by the stride. Set
      the whole way, size + 2 padding - kernel, in parentheses.
    * size over stride
        return {size|(size + 2 * padding)} // stride
        return math.ceil(size / stride)
      The kernel needs room: it cannot start in its own last pixels. Size over stride is
      right only where the padding makes up for the kernel.
    * the transposed formula
        return (size - 1) * stride - 2 * padding + kernel
      That is the transposed convolution, which enlarges. A convolution asks how often
      the kernel fits.
    * all divided
        - kernel) // stride + 1 -> - kernel + 1) // stride
      The 1 for the first place is divided by the stride as well: add it after the
      division.
    """,
    names=NAMES,
    lesson=6,
    reference=layers.conv_output_size,
    observe=result,
    probes={
        "size 5, kernel 3": given(5, 3),
        "size 64, kernel 4, stride 2, padding 1": given(64, 4, 2, 1),
        "size 10, kernel 3, stride 2, padding 0": given(10, 3, 2, 0),
        "size 10, kernel 3, stride 2, padding 1": given(10, 3, 2, 1),
        "size 5, kernel 3, stride 1, padding 2": given(5, 3, 1, 2),
        "size 27, kernel 5, stride 3, padding 2": given(27, 5, 3, 2),
        "size 4, kernel 4": given(4, 4),
        "size 12, kernel 2, stride 5, padding 1": given(12, 2, 5, 1),
    },
)

entry(
    r"""
    transposed_conv_output_size(size, kernel, stride=1, padding=0, output_padding=0)
        return (size - 1) * stride - 2 * padding + kernel + output_padding

    because: The last input starts (size - 1) strides on and reaches a kernel farther;
      padding is cut off at both edges.
    praise: 1 -> 4 -> 8 -> 16 -> 32 -> 64: with kernel 4, and from the second step on
      stride 2 and padding 1, these are the sizes of the whole generator.
    hint: Each input writes the kernel into the output, `stride` apart. Where does the
      last of `size` inputs start to write?
    hint: At (size - 1) * stride. How far does its kernel reach, and what do the two
      paddings do to the edges?
    right: return stride * (size - 1) + (kernel - 1) - 2 * padding + output_padding + 1
    right:
      | places = [i * stride + j for i in range(size) for j in range(kernel)]
      | return max(places) + 1 - 2 * padding + output_padding
    right:
      | numbers = kernel, stride, padding, output_padding
      | layer = nn.ConvTranspose1d(1, 1, *numbers, dilation=max(output_padding, 1))
      | made = layer(torch.zeros(1, 1, size)).shape[-1]
      | return made - (layer.dilation[0] - 1) * (kernel - 1)

    * size times stride
        return size * stride{| + output_padding}
      Size times stride is what one *wishes* for. It comes true only where kernel -
      stride = 2 padding: count what the last kernel adds, and what the padding takes.
    * one step too many
        (size - 1) -> size
      Between `size` places there are size - 1 steps; yours has a step too many.
    * padding at one edge
        2 * padding -> padding
      Padding is cut off at both edges of the output: twice.
    * padding added
        - 2 -> + 2
      Here padding makes the map smaller: it undoes what padding does in the
      convolution, so it is cut off at both edges.
    * padding forgotten
        - 2 * padding ->
        - 2 * padding -> && + output_padding ->
      The padding has no effect in yours: it is cut off at both edges of the output.
    * output_padding forgotten
        + output_padding ->
      `output_padding` has no effect in yours: it is added, at one edge.
    * output_padding twice
        + output_padding -> + 2 * output_padding
      `output_padding` is added at one edge only: once, not twice.
    * output_padding cut off
        + output_padding -> - output_padding
      `output_padding` enlarges the output; it is `padding` that is cut off.
    * the forward formula
        return (size + 2 * padding - kernel) // stride + 1
      That is the convolution, which shrinks. Turn it round: which size would a
      convolution with these numbers shrink to the one given?
    * kernel less one
        + kernel -> + kernel - 1
      One too few: the last place itself is covered by the kernel's first weight, and
      the kernel reaches `kernel` outputs from there on.
    * kernel cut off
        + kernel -> - kernel
        + kernel ->
      The last input's kernel reaches on for `kernel` outputs: they are added.
    """,
    names=NAMES,
    lesson=6,
    reference=layers.transposed_conv_output_size,
    observe=result,
    probes={
        "size 1, kernel 4": given(1, 4),
        "size 4, kernel 4, stride 2, padding 1": given(4, 4, 2, 1),
        "size 7, kernel 3, stride 2": given(7, 3, 2),
        "size 7, kernel 3, stride 2, padding 1, output_padding 1": given(7, 3, 2, 1, 1),
        "size 5, kernel 6, stride 3, padding 2, output_padding 2": given(5, 6, 3, 2, 2),
        "size 3, kernel 2, stride 4": given(3, 2, 4),
        "size 6, kernel 5, stride 1, padding 2": given(6, 5, 1, 2),
    },
)


# ------------------------------------------------------------------ matrix and overlaps


def with_kernel(*weights, size, stride, dtype=torch.float32):
    """A probe: a kernel of these weights."""
    return lambda: (torch.tensor(weights, dtype=dtype), size, stride)


entry(
    r"""
    conv_matrix(kernel, size, stride)
        k = len(kernel)
        matrix = kernel.new_zeros((size - k) // stride + 1, size)
        for i, row in enumerate(matrix):
            row[i * stride : i * stride + k] = kernel
        return matrix

    because: Output i is the kernel's product with the k numbers from i * stride on; all
      others have weight 0.
    praise: A convolution is a matrix, mostly zeros, with few numbers that repeat.
      Whatever matrices can do, it can do: be transposed, for one.
    hint: M @ x = the convolution: row i of M says with which weight each number of x
      enters output i. Which numbers does output 0 see? And output 1?
    hint: Start with zeros, (out, size). In row i the kernel stands from column i *
      stride to i * stride + k.
    right:
      | eye = torch.eye(size, dtype=kernel.dtype)[:, None]
      | return F.conv1d(eye, kernel[None, None], stride=stride)[:, 0].T
    right:
      | rows = []
      | for start in range(0, size - len(kernel) + 1, stride):
      |     rows.append(F.pad(kernel, (start, size - start - len(kernel))))
      | return torch.stack(rows)
    right:
      return torch.eye(size, dtype=kernel.dtype).unfold(0, len(kernel), stride) @ kernel
    right:
      | row = F.pad(kernel, (0, size - len(kernel)))
      | places = range(0, size - len(kernel) + 1, stride)
      | return torch.stack([row.roll(i) for i in places])

    * flipped
        + k] = kernel -> + k] = kernel.flip(0)
        return matrix -> return matrix.flip({0|1})
      The kernel runs backward, or the rows do. Signal processing flips the kernel of a
      convolution; neural networks do not: the first weight meets the first number.
    * transposed
        return matrix -> return matrix.T
      That is the transposed matrix, (size, out): it enlarges. Wanted is (out, size), a
      row for each output.
    * stride forgotten
        i * stride -> i
        i * stride -> i && // stride ->
      Each row starts one column after the one above. With a stride it starts `stride`
      columns later, and there are fewer rows.
    * wraps around
        | row, out = F.pad(kernel, (0, size - len(kernel))), range(size)
        | return torch.stack([row.roll(i) for i in range(0, size, stride)])
        | row = F.pad(kernel, (0, size - len(kernel)))
        | return torch.stack([row.roll(i * stride) for i in range(size)])
      In your last rows the kernel leaves at the right and comes back at the left.
      Without padding, a place where it does not fit has no row.
    * hangs over
        (size - k) // stride + 1 -> {(size - 1) // stride + 1|(size - k) // stride + 2}
          && + k] = kernel -> + k] = kernel[: max(size - i * stride, 0)]
      In your last rows the kernel is cut off by the edge. A place where it does not fit
      has no row: there are (size - k) // stride + 1.
    * too many rows
        (size - k) // stride + 1 -> {size // stride|size - k + 1|(size - k) // stride + 2}
        new_zeros((size - k) // stride + 1, -> new_zeros(size,
        return matrix -> return F.pad(matrix, (0, 0, 0, size - len(matrix)))
      The matrix has a row for each place of the kernel, and more rows than that. The
      kernel fits (size - k) // stride + 1 times.
    * one row short
        // stride + 1 -> // stride
      The last row is missing: the kernel fits (size - k) // stride + 1 times.
    * padded
        | eye = torch.eye(size, dtype=kernel.dtype)[:, None]
        | wide = F.conv1d(eye, kernel[None, None], None, stride, len(kernel) // 2)
        | return wide[:, 0, : (size - 1) // stride + 1].T
      The kernel starts left of the edge, as with padding. Without padding the first row
      begins with the whole kernel.
    * the products themselves
        return kernel.expand((size - len(kernel)) // stride + 1, -1)
      Each row is the kernel alone. A row has `size` columns: the kernel where it
      stands, and zeros for the numbers it does not see.
    * ones for weights
        + k] = kernel -> + k] = 1
      The places are right; the kernel's weights belong there, not ones.
    * returned inside the loop
        /^return matrix/ ->     return matrix
      Only the first row is filled: the `return` stands inside the loop. Move it to the
      left, below `for`.
    * memory that nobody filled
        new_zeros -> new_empty
      `empty` hands out memory with whatever stands in it, zeros or not. Start with
      zeros: `kernel.new_zeros(...)`.
    * always float32
        kernel.new_zeros -> torch.zeros
      A float64 kernel becomes float32, as in everything new that is not told its type.
      `kernel.new_zeros(...)` takes the kernel's.
    """,
    names=NAMES,
    lesson=6,
    reference=layers.conv_matrix,
    observe=result,
    probes={
        "kernel (1, 2), size 4, stride 2": with_kernel(1, 2, size=4, stride=2),
        "kernel (1, 2, 3), size 5, stride 1": with_kernel(1, 2, 3, size=5, stride=1),
        "kernel (1, -2, 4), size 8, stride 2": with_kernel(1, -2, 4, size=8, stride=2),
        "kernel (0.5, 3), size 9, stride 3": with_kernel(0.5, 3, size=9, stride=3),
        "a kernel as long as the input": with_kernel(2, 3, 5, size=3, stride=1),
        "a kernel of one number": with_kernel(7, size=5, stride=2),
    },
    later={
        "a kernel in float64": with_kernel(
            1 / 3, -1000.7, 1e-7, 5e4, 0.1, size=9, stride=2, dtype=torch.float64
        ),
    },
    rtol=1e-12,  # numbers are placed, not computed
    atol=0.0,
)


def counts(function: Any, *numbers: int) -> Seen:
    """The counts, whatever type of number holds them."""
    for label, seen in result(function, *numbers):
        numeric = label == "value" and isinstance(seen, Tensor)
        yield label, seen.double() if numeric else seen


entry(
    r"""
    overlap_count(size, kernel, stride)
        counts = torch.zeros((size - 1) * stride + kernel)
        for i in range(size):
            counts[i * stride : i * stride + kernel] += 1
        return counts

    because: Input i writes to `kernel` places from i * stride on; the sum counts the
      inputs that write there. (Or: the columns' sums of the matrix with a kernel of
      ones.)
    praise: Where the stride divides the kernel, all inner counts are equal. That is why
      our generator takes kernel 4 with stride 2, not 3 or 5.
    hint: Let each input write, one after the other: which places of the output does
      input i reach?
    hint: From i * stride on, `kernel` of them. Start with zeros of the output's length
      and add 1 there.
    right:
      | ones = torch.ones(1, 1, size), torch.ones(1, 1, kernel)
      | return F.conv_transpose1d(*ones, stride=stride).flatten()
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

    * reached or not
        += 1 -> = 1
        return counts -> return torch.ones((size - 1) * stride + kernel)
      You say whether an output is reached; wanted is by how many inputs. Each input
      adds a 1 of its own, one after the other: `counts[places] += 1` adds only one
      where `places` names a place twice.
    * everywhere kernel over stride
        return torch.full(((size - 1) * stride + kernel,), kernel {/|//} stride)
      Kernel over stride is the average far from the edges. Single outputs get a whole
      number of inputs, and at the edges fewer.
    * the wrong length
        (size - 1) * stride + kernel -> {size * stride|size * stride + kernel}
        (size - 1) * stride + kernel -> {(size - 1) * stride|size}
      The output has (size - 1) * stride + kernel places: the last input starts (size -
      1) strides on and reaches a kernel farther.
    * stride forgotten
        i * stride -> i
        i * stride -> i && * stride + kernel) -> + kernel)
      Your inputs write one place apart. Input i starts at i * stride.
    * kernel and stride swapped
        (size - 1) * stride + kernel -> (size - 1) * kernel + stride
          && i * stride : i * stride + kernel -> i * kernel : i * kernel + stride
        i * stride : i * stride + kernel -> i * kernel : i * kernel + stride
      Kernel and stride have changed places: the kernel says how far an input reaches,
      the stride how far apart they start.
    * a kernel apart
        i * stride : i * stride -> i * kernel : i * kernel
        i * stride : i * stride -> i * kernel : i * kernel
          && (size - 1) * stride + kernel -> size * kernel
      Your inputs start a kernel apart, so that none of them overlap. Input i starts at
      i * stride, and reaches `kernel` places from there.
    * outputs of each input
        return torch.full((size,), float(kernel))
      You count how many outputs an input reaches: always `kernel`. Wanted is the other
      sum: how many inputs reach each output.
    * a convolution's
        | counts = torch.zeros(size)
        | for start in range(0, size - kernel + 1, stride):
        |     counts[start : start + kernel] += 1
        | return counts
      That counts for a convolution of `size` numbers, which shrinks. Here `size` inputs
      are enlarged.
    * kernel one short
        + kernel] -> + kernel {-|+} 1]
      An input reaches `kernel` outputs, from i * stride to i * stride + kernel - 1;
      yours reaches one too few or one too many. (A slice stops before its end.)
    * returned inside the loop
        /^return counts/ ->     return counts
      Only the first input is counted: the `return` stands inside the loop. Move it to
      the left, below `for`.
    * in two dimensions
        return counts -> return torch.outer(counts, counts)
      That is the picture, in two dimensions. One row of it is asked for: a vector.
    ~ shares
        return counts -> return counts / counts.{max()|sum()|mean()}
      The pattern is right, divided by one number. Wanted are the counts.
    """,
    names=NAMES,
    lesson=6,
    reference=layers.overlap_count,
    observe=counts,
    probes={
        "1 input, kernel 3, stride 2": given(1, 3, 2),
        "3 inputs, kernel 3, stride 2": given(3, 3, 2),
        "4 inputs, kernel 4, stride 2": given(4, 4, 2),
        "4 inputs, kernel 3, stride 1": given(4, 3, 1),
        "3 inputs, kernel 2, stride 3: gaps": given(3, 2, 3),
        "5 inputs, kernel 5, stride 2": given(5, 5, 2),
    },
)


# ------------------------------------------------------------------ layers


def normalized(
    function: Any, x: Tensor, weight: Tensor, bias: Tensor, eps: float
) -> Seen:
    """The result, and slopes of a *weighed* sum of it: the plain sum has none in x."""
    copies = (x.clone(), weight.clone(), bias.clone())
    for label, seen in observers.value(function, *copies, eps):
        yield label, seen
        if isinstance(seen, str) and seen == CHANGED:
            return
    inputs = [t.clone().requires_grad_() for t in (x, weight, bias)]
    y = function(*inputs, eps)
    if not (isinstance(y, Tensor) and y.requires_grad):
        yield "slope", CUT_OFF
        return
    total = (y * random(*y.shape, seed=9)).sum()
    slopes = torch.autograd.grad(total, inputs, allow_unused=True)
    for name, slope in zip(("x", "weight", "bias"), slopes, strict=True):
        yield f"slope in {name}", CUT_OFF if slope is None else slope


def maps(n, c, h, w, *, shift=0.0, eps=1e-5):
    """A probe: activations with another mean and size in each channel."""

    def make():
        channel = torch.arange(1.0, c + 1)[:, None, None]
        x = channel * random(n, c, h, w) + shift * channel
        weight = 1.5 + 0.5 * torch.arange(c)
        return x, weight, 0.3 - torch.arange(c, dtype=torch.float32), eps

    return make


def constant_channel():
    """One of two channels is 4 everywhere."""
    x = random(3, 2, 2, 2)
    x[:, 1] = 4.0
    return x, torch.ones(2), torch.tensor([0.0, 1.0]), 1e-5


def far_from_0():
    """Near 512, in steps that float32 holds exactly, and so it does their mean."""
    x = 512 + (64 * random(4, 2, 4, 4)).round() / 64
    return x, torch.tensor([1.0, -2.0]), torch.tensor([0.0, 1.0]), 1e-5


entry(
    r"""
    batch_norm(x, weight, bias, eps)
        mean = x.mean(dim=(0, 2, 3), keepdim=True)
        variance = x.var(dim=(0, 2, 3), correction=0, keepdim=True)
        normalized = (x - mean) / torch.sqrt(variance + eps)
        return normalized * weight[:, None, None] + bias[:, None, None]

    because: Each channel gets mean 0 and variance 1 over the whole batch, then the
      spread and the mean that training chooses.
    praise: That is its training mode, in value and in slope. What it does to a single
      image comes on trial below.
    hint: A channel's mean is taken over all images and all pixels: which three axes of
      (n, c, h, w) are those?
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

    * divided by n - 1
        correction=0, ->
      torch's `var` and `std` divide by n - 1 unless told otherwise. Batch normalization
      divides by n: `correction=0`.
    * eps outside the root
        torch.sqrt(variance + eps) -> (torch.sqrt(variance) + eps)
        x.var -> x.std && torch.sqrt(variance + eps) -> (variance + eps)
      You add eps to the standard deviation. Here it belongs to the variance, inside the
      root (in Adam it stands outside).
    * no eps
        variance + eps -> variance
      eps has no effect: where a channel is constant you divide 0 by 0. Add it to the
      variance.
    * eps typed in
        + eps -> + 1e-{5|8}
      Your eps is always the same number. Take it from the argument.
    * over the batch alone
        dim=(0, 2, 3) -> dim=0
      You average over the images only, so every pixel gets a mean of its own. A
      channel's pixels share one mean: average over axes 0, 2 and 3.
    * across the channels
        dim=(0, 2, 3) -> dim=1
      You average over axis 1, the channels, at each pixel. It is the other way round:
      each channel keeps a mean of its own, over axes 0, 2 and 3.
    * each image for itself
        (0, 2, 3) -> (2, 3)
      You average over the pixels of each image: that is instance normalization. Average
      over the images as well: axes 0, 2 and 3.
    * all channels of an image
        (0, 2, 3) -> (1, 2, 3)
      You average over the channels of each image: that is layer normalization. Each
      channel has its own mean, over axes 0, 2 and 3.
    * over everything
        (0, 2, 3) -> {(0, 1, 2, 3)|(0, 1, 2)}
      One mean serves several channels. Each channel has its own: leave axis 1 out of
      the average.
    * keepdim forgotten
        , keepdim=True ->
        correction=0, keepdim=True -> correction=0
        /(mean = .*), keepdim=True/ -> \1
      Without `keepdim=True` the mean has shape (c,), and beside (n, c, h, w) that lines
      up with the *last* axis, the width. Keep (1, c, 1, 1).
    * statistics cut off
        x.mean -> x.detach().mean && x.var -> x.detach().var
        x.{mean|var} -> x.detach().{mean|var}
      The values are right, the slopes are not: mean and variance depend on x, too, and
      the gradient has to flow through them. Leave out detach(), no_grad and .item().
    * divided by the variance
        torch.sqrt(variance + eps) -> (variance + eps)
      You divide by the variance; its root, the standard deviation, makes the spread 1.
    * the root of the standard deviation
        x.var -> x.std
      `std` is the root of the variance already, and you take another root of it. Use
      `x.var(...)`, or square what `std` gives.
    * mean kept
        (x - mean) -> x
      The spread is 1, the mean is not 0: subtract it first.
    * along the width
        weight[:, None, None] -> weight && bias[:, None, None] -> bias
        {weight|bias}[:, None, None] -> {weight|bias}
      A vector (c,) lines up with the *last* axis, the width. Give weight and bias the
      shape (c, 1, 1): `weight[:, None, None]`.
    * weight and bias unused
        /return .+/ -> return normalized
        * weight[:, None, None] ->
        + bias[:, None, None] ->
      Mean 0 and variance 1 are half of it: then comes times `weight`, plus `bias`,
      channel by channel.
    * weight and bias swapped
        /return .+/ -> return normalized * bias[:, None, None] + weight[:, None, None]
        /return .+/ -> return (normalized + bias[:, None, None]) * weight[:, None, None]
      First times `weight`, then plus `bias`.
    * mean of squares less squared mean
        /variance = .*/ -> variance = (x**2).mean(dim=(0, 2, 3), keepdim=True) - mean**2
      On paper E[x^2] - E[x]^2 is the variance. In float32 both are large where the mean
      is, and their difference keeps few digits or none. Subtract the mean first, then
      square.
    * x overwritten
        normalized = (x - mean) / -> x -= mean\nnormalized = x /
      The input is changed in place; its owner still needs it. Make a new tensor.
    """,
    names=NAMES,
    lesson=6,
    reference=layers.batch_norm,
    observe=normalized,
    probes={
        "one channel, two images of one pixel": maps(2, 1, 1, 1),
        "three channels": maps(4, 3, 3, 3, shift=2.0),
        "two channels, not square": maps(3, 2, 2, 5, shift=-1.0),
        "a large eps": maps(4, 3, 2, 2, eps=0.5),
        "a channel that is constant": constant_channel,
    },
    later={"numbers near 512 that spread by 1": far_from_0},
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


entry(
    r"""
    leaky_relu(x, slope)
        return torch.where(x > 0, x, slope * x)

    because: Right of 0 x passes as it is, left of it a `slope`-th part.
    praise: A unit with a negative input still hands its gradient on, a fifth of it in
      DCGAN. G learns through D, so every one of D's units has to pass some.
    hint: Two straight lines meet at 0. `torch.where(condition, a, b)` takes one or the
      other, number by number.
    hint: For a slope below 1: which of x and slope * x is the larger one, left of 0 and
      right of it?
    right: return F.leaky_relu(x, slope)
    right: return nn.LeakyReLU(slope)(x)
    right: return torch.maximum(x, slope * x)
    right: return F.relu(x) - slope * F.relu(-x)
    right: return x.clamp(min=0) + slope * x.clamp(max=0)
    right: return (1 + slope) / 2 * x + (1 - slope) / 2 * x.abs()
    right: return x * ((x > 0) + slope * (x <= 0))

    * plain ReLU
        return F.relu(x)
      That is ReLU: below 0 nothing passes, and no gradient either. The leak is slope *
      x.
    * the slope is typed in
        slope * x -> {0.2|0.01} * x
      Your slope is always the same number (torch's default is 0.01). Use the argument.
    * sign lost
        slope * x) -> -slope * x)
      Below 0 yours comes out positive. slope * x is negative there, and stays so.
    * the slope itself
        slope * x) -> {slope|-slope})
        return x.clamp(min=slope)
      Below 0 you return a constant, so no gradient passes. The slope is multiplied with
      x.
    * x over slope
        slope * x -> x / slope
      Below 0 you divide by the slope, which makes numbers larger. The leak is a small
      part of x: slope * x.
    * the leak on both sides
        return F.relu(x) + slope * x
      Positive numbers get the leak on top: (1 + slope) x. They pass as they are.
    * the wrong side
        x > 0 -> x < 0
      You damp the positive side. Positive numbers pass as they are; the negative ones
      are multiplied by the slope.
    * everything damped
        return slope * x
      slope * x everywhere is a straight line: without a bend, ten layers are worth one.
      Positive numbers pass as they are.
    * identity
        return x
      Nothing changes below 0: multiply there by the slope.
    * bent at the slope
        x > 0 -> x > {slope|1}
      The bend is in the wrong place: it is x > 0 that decides, not the slope.
    * another bend
        return F.elu(x, slope)
        return F.{softplus|gelu|silu}(x)
      That is another activation, curved below 0. Leaky ReLU is two straight lines.
    * x overwritten
        | x[x < 0] *= slope
        | return x
        return F.leaky_relu_(x, slope)
        | x.data[x < 0] *= slope
        | return x
      The input is changed in place; its owner still needs it, and so does autograd.
      Make a new tensor: `torch.where`, for one.
    """,
    names=NAMES,
    lesson=6,
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
        "in float64": numbers(-1 / 3, -1e-60, 0.1, slope=0.1, dtype=torch.float64),
    },
    elementwise=True,
)


# ------------------------------------------------------------------ Adam

TYPICAL, DCGAN = (0.9, 0.999), (0.5, 0.999)


def steps(
    function: Any, parameter: Tensor, gradients: Tensor, state: dict, lr: float,
    betas: tuple, eps: float,
) -> Seen:  # fmt: skip
    """A parameter's path over some steps, and whether each has a memory of its own."""

    def walk(pairs: list) -> Tensor:
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
        if not (torch.equal(now, parameter) and torch.equal(slope, gradient)):
            yield "the parameter and the gradient given", CHANGED
            return
        if t == 1 and isinstance(new, Tensor):
            alone = walk([[parameter + 1, 1, {}]])
            two = walk([[parameter + 1, 1, {}], [parameter + 2, -2, {}]])
            own = alone.shape == two.shape and alone.allclose(two, equal_nan=True)
            yield "a parameter's steps depend on its own state alone", own
            if not own:
                return
        if t in (1, 2, 3, 10, len(gradients)):
            yield f"parameter after step {t}", new
        if not isinstance(new, Tensor) or new.shape != parameter.shape:
            return
        parameter = new.detach()


def walk_of(
    n, *shape, betas=TYPICAL, eps=1e-8, size=1.0, lr=0.1, start=None, last=1.0,
    dtype=torch.float32,
):  # fmt: skip
    """A probe: n gradients near `size`, the last one `last` times as large."""

    def make():
        gradients = size * (random(n, *shape, seed=n, dtype=dtype) + 0.3)
        gradients[-1] *= last
        begin = random(*shape, seed=1, dtype=dtype)
        if start is not None:
            begin = torch.full_like(begin, start)
        return begin, gradients, {}, lr, betas, eps

    return make


entry(
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
    hint: After t steps the weights in m add up to 1 - beta1^t, not to 1. What division
      makes an average of it?
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
    right:
      | m, v, p1, p2 = state.get("all", (0.0, 0.0, 1.0, 1.0))
      | m, p1 = betas[0] * m + (1 - betas[0]) * gradient, p1 * betas[0]
      | v, p2 = betas[1] * v + (1 - betas[1]) * gradient.square(), p2 * betas[1]
      | state["all"] = (m, v, p1, p2)
      | return parameter - lr * (m / (1 - p1)) / ((v / (1 - p2)) ** 0.5 + eps)

    * no bias correction
        /m_hat, v_hat = .+/ -> m_hat, v_hat = m, v
      m and v start at 0 and have seen little, v least of all: without the division by 1
      - beta^t the first steps have another length than lr.
    * m not corrected
        m / (1 - betas[0] ** t) -> m
      v is corrected, m is not: divide it by 1 - beta1^t.
    * v not corrected
        v / (1 - betas[1] ** t) -> v
      m is corrected, v is not: divide it by 1 - beta2^t, before the root.
    * eps inside the root
        torch.sqrt(v_hat) + eps -> torch.sqrt(v_hat + eps)
      You add eps to v, inside the root. There 1e-8 counts as 1e-4 beside the gradient;
      it belongs outside.
    ~ eps before the correction
        torch.sqrt(v_hat) + eps -> (torch.sqrt(v) + eps) / (1 - betas[1] ** t) ** 0.5
      You add eps to the root of v before v is corrected. That is a form the paper
      offers, too, with another eps; here correct v, take the root, then add.
    * no eps
        + eps ->
      eps has no effect in yours; it keeps the step small where gradients are, and a
      division by 0 away.
    * counts from 0
        state.get("t", 0) -> state.get("t", 1)
        /betas\[(.)\] \*\* t/ -> betas[\1] ** (t + 1)
        state["t"] = state.get("t", 0) + 1 -> state.get("t", 0)\nstate["t"] = t + 1
      The count is off by one. At the first step t = 1: raise it before you use it, once
      a step.
    * t stands still
        /t = .*1$/ -> t = 1
      You correct every step as if it were the first. The divisor is 1 - beta^t, with t
      counted in `state`.
    * nothing remembered
        state["m"] = -> && state["v"] = ->
        state["{m|v}"] = ->
        state["t"] = -> && state["m"] = -> && state["v"] = ->
      An average begins anew at each step. What the next step needs has to be put back
      into `state`: it is the same dict at the next call.
    * corrected averages kept
        return -> state["m"], state["v"] = m_hat, v_hat\nreturn
      You put the corrected m and v back into `state`, and the next step corrects them
      again. Keep the plain averages; correct copies.
    * square of the average
        gradient**2 -> m**2
      Your v takes the square of m, the average. It averages the squares of the
      gradients themselves.
    * no square
        gradient**2 -> {gradient.abs()|gradient}
      v averages the gradient itself, and then you take a root. v is the average of its
      *square*.
    * no root
        torch.sqrt(v_hat) -> v_hat
      You divide by v, a square. Its root has the gradient's unit, and the step then has
      lr's.
    * uphill
        parameter - -> parameter +
      You add the step, and climb. The gradient points uphill: subtract.
    * betas swapped
        t = state -> betas = betas[::-1]\nt = state
        /m_hat, v_hat = .+/ -> m_hat, v_hat = m / (1 - betas[1] ** t), v / (1 -
          betas[0] ** t)
      The betas have changed places: the first is for m, the second for v.
    * betas typed in
        betas[0] -> {0.9|0.5} && betas[1] -> 0.999
      Your betas are always the same. Take them from the argument: GANs need others than
      classifiers.
    * a sum for an average
        (1 - betas[0]) * ->
        (1 - betas[1]) * ->
        (1 - betas[0]) * -> && (1 - betas[1]) * ->
      The new gradient enters with weight 1: that is a growing sum. In an average it has
      the weight 1 - beta.
    * starts at the gradient
        "m", 0 -> "m", gradient && "v", 0 -> "v", gradient**2
        "m", 0 -> "m", gradient && "v", 0 -> "v", gradient**2
          && /m_hat, v_hat = .+/ -> m_hat, v_hat = m, v
      Your averages start at the first gradient. Adam's start at 0; that is what the
      correction corrects.
    * lr forgotten
        lr * ->
      lr has no effect: the step is lr times m over the root of v.
    * the change alone
        return parameter - -> return
        return parameter - -> return -
      You return the change. Wanted is the new parameter.
    * nothing returned
        return parameter -> parameter = parameter
      Nothing comes back. Return the new parameter (and leave the old one as it is).
    * parameter overwritten
        /return parameter - (.+)/ -> parameter -= \1\nreturn parameter
      The parameter is changed in place. Here the new one is returned, and only `state`
      is changed.
    * one memory for all
        | kept = {}
        | def adam_step(parameter, gradient, state, lr, betas, eps):
        |     return layers.adam_step(parameter, gradient, kept, lr, betas, eps)
      Two parameters, each with its own state, disturb each other. What has to be
      remembered belongs into the argument `state`, not into a global or a default.
    """,
    names=NAMES,
    lesson=6,
    reference=layers.adam_step,
    observe=steps,
    probes={
        "21 steps, betas (0.9, 0.999)": walk_of(21, 3),
        "20 steps, betas (0.5, 0.999)": walk_of(20, 3, betas=DCGAN),
        "betas (0, 0.5)": walk_of(4, 3, betas=(0.0, 0.5)),
        "gradients near 1e-3, a large eps": walk_of(
            5, 3, size=1e-3, eps=1e-3, start=0.01
        ),
        "lr 0.3, betas (0.95, 0.8)": walk_of(4, 3, lr=0.3, betas=(0.95, 0.8)),
        "a table": walk_of(3, 2, 3),
    },
    edge={
        "gradients near 1e-10, eps 1e-13": walk_of(
            6, 3, size=1e-10, eps=1e-13, start=0.01
        ),
        "lr 0.001, gradients near 1e4, the last of 120 much larger": walk_of(
            120, 3, lr=1e-3, betas=(0.2, 0.9999), size=1e4, last=1e3, start=0.01
        ),
        "in float64, from 1e5 on": walk_of(
            3, 2, 3, lr=1e-3, start=1e5, dtype=torch.float64
        ),
    },
    rtol=0.0,  # one float32 path differs from another by its powers of beta
    atol=2e-5,
    same=1e-3,
)
