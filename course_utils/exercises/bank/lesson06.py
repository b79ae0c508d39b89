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
    """The result and the inputs; a layer that is made for it may draw its weights."""
    for label, seen in observers.value(function, *arguments):
        if label != "global random state":
            yield label, seen


# ------------------------------------------------------------------ sizes

exercise(
    r"""
    conv_output_size(size, kernel, stride=1, padding=0)
        return (size + 2 * padding - kernel) // stride + 1

    because: The kernel has room for that many whole steps, and one place more.
    praise: Kernel 4, stride 2, padding 1 halves every even size. D does it four times.
    hint: How far can the kernel's first pixel travel, padding included?
    hint: How many whole strides fit into size + 2 padding - kernel?
    right: return len(range(-padding, size + padding - kernel + 1, stride))
    right: return {int|math.floor}((size + 2 * padding - kernel) / stride + 1)

    * one place short: The place before the kernel's first step counts, too.
        + 1 ->
    * not rounded: `/` makes a float. Round down, with `//`.
        // -> /
    * rounded up: Where the last step is too long, there is no place: round down.
        return {math.ceil|round}((size + 2 * padding - kernel) / stride) + 1
        return round((size + 2 * padding - kernel) / stride + 1)
    * all divided: The 1 for the first place is divided, too: add it after the division.
        - kernel) // stride + 1 -> - kernel + 1) // stride
    * the padding: Padding enlarges the input at both edges: it is added twice.
        2 * padding -> {|0 * |-2 * }padding
    * stride forgotten: The kernel stops at every stride-th pixel, not at each.
        // stride ->
    * parentheses forgotten: `//` divides only the kernel here: parentheses are missing.
        (size + 2 * padding - kernel) -> size + 2 * padding - kernel
    * size over stride: It is right only where the padding makes up for the kernel.
        return {size // stride|(size + 2 * padding) // stride|math.ceil(size / stride)}
    """,
    reference=layers.conv_output_size,
    observe=result,
    probes=given(
        "size kernel stride padding", (5, 3), (64, 4, 2, 1), (10, 3, 2, 0),
        (10, 3, 2, 1), (5, 3, 1, 2), (27, 5, 3, 2), (4, 4), (12, 2, 5, 1),
        (902, 11, 7, 3),
    ),
)  # fmt: skip


def kernels(*rows):
    """Probes: weights of a kernel, size, stride."""
    label = "kernel {}, size {}, stride {}".format
    return {label(*r): lambda r=r: (torch.tensor(r[0]), *r[1:]) for r in rows}


exercise(
    r"""
    conv_matrix(kernel, size, stride)
        k = len(kernel)
        matrix = kernel.new_zeros((size - k) // stride + 1, size)
        for i, row in enumerate(matrix):
            row[i * stride : i * stride + k] = kernel
        return matrix

    because: Output i is the kernel's product with k numbers, from i * stride on.
    praise: A convolution is a matrix, and can be transposed, as every matrix can.
    hint: Row i of M weighs the numbers for output i. Which ones does output 1 see?
    hint: Start with zeros, (out, size). In which column of row i does the kernel start?
    right:
      | places = range(0, size - len(kernel) + 1, stride)
      | rest = size - len(kernel)
      | return torch.stack([F.pad(kernel, (i, rest - i)) for i in places])
    right:
      return torch.eye(size, dtype=kernel.dtype).unfold(0, len(kernel), stride) @ kernel

    * flipped: The kernel runs backward, or the rows do. In neural networks, unlike
      signal processing, the first weight meets the first number.
        + k] = kernel -> + k] = kernel.flip(0)
        return matrix -> return matrix.flip({0|1})
    * transposed: That is the transposed matrix. Wanted is a row for each output.
        return matrix -> return matrix.T
    * stride forgotten: Each row starts one column after the one above. With a stride it
      starts `stride` columns later, and there are fewer rows.
        i * stride -> i{| && // stride ->}
    * the number of rows: A row for each place where the whole kernel fits, and no more:
      (size - k) // stride + 1. It does not hang over, or come back at the left.
        (size - k) // stride + 1 -> {(size - k) // stride|size // stride|size - k + 1}
        return matrix -> return F.pad(matrix, (0, 0, 0, size - len(matrix)))
        (size - k) // stride + 1 -> {(size - 1) // stride + 1|(size - k) // stride + 2}
          && + k] = kernel -> + k] = kernel[: max(size - i * stride, 0)]
        | row = F.pad(kernel, (0, size - len(kernel)))
        | return torch.stack([row.roll(i) for i in range(0, size, stride)])
    * always float32: A float64 kernel becomes float32. `kernel.new_zeros` does not.
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

exercise(
    r"""
    transposed_conv_output_size(size, kernel, stride=1, padding=0, output_padding=0)
        return (size - 1) * stride - 2 * padding + kernel + output_padding

    because: The last input starts (size - 1) strides on; padding is cut off twice.
    praise: Kernel 4, stride 2, padding 1 doubles every size. G does it four times.
    hint: Each input writes the kernel, `stride` apart. Where does the last one start?
    hint: At (size - 1) * stride. How far does its kernel reach? And the paddings?
    right: return stride * (size - 1) + (kernel - 1) - 2 * padding + output_padding + 1
    right:
      | layer = nn.ConvTranspose1d(1, 1, kernel, stride, padding)
      | return layer(torch.zeros(1, 1, size)).shape[-1] + output_padding

    * size times stride: Size times stride holds only where kernel - stride = 2 padding.
        return size * stride{| + output_padding}
    * one step too many: Between `size` places there are size - 1 steps.
        (size - 1) -> size
    * the padding: Padding is cut off here, at both edges of the output.
        2 * padding -> {|0 * |-2 * }padding
        - 2 * padding -> && + output_padding ->
    * the output_padding: `output_padding` is added at one edge: once, with a plus.
        + output_padding -> {|+ 2 * output_padding|- output_padding}
    * the forward formula: That is the convolution, which shrinks. Turn it round.
        return (size + 2 * padding - kernel) // stride + 1
    * the last kernel's reach: The last input writes to `kernel` outputs: add them.
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


def counts(function: Any, *numbers: int) -> Seen:
    """The counts, whatever type of number holds them."""
    for label, seen in result(function, *numbers):
        yield label, seen.double() if isinstance(seen, Tensor) else seen


exercise(
    r"""
    overlap_count(size, kernel, stride)
        counts = torch.zeros((size - 1) * stride + kernel)
        for i in range(size):
            counts[i * stride : i * stride + kernel] += 1
        return counts

    because: Input i writes to `kernel` places from i * stride on; the sum counts them.
    praise: Kernel 4 with stride 2 makes all inner counts equal, as in our generator.
    hint: Let each input write: which places of the output does input i reach?
    hint: `kernel` of them, from i * stride on. Start with zeros and add 1 there.
    right:
      | layer = nn.ConvTranspose1d(1, 1, kernel, stride, bias=False)
      | nn.init.ones_(layer.weight)
      | return layer(torch.ones(1, 1, size)).flatten()
    right:
      | wide = (size - 1) * stride + kernel
      | return layers.conv_matrix(torch.ones(kernel), wide, stride).sum(0)

    * reached or not: You say whether an output is reached; wanted is by how many
      inputs. (`counts[places] += 1` adds only 1 to a place that is named twice.)
        += 1 -> = 1
        return torch.ones((size - 1) * stride + kernel)
    * everywhere kernel over stride: Kernel over stride is the average far from the
      edges. Single outputs get a whole number of inputs, and at the edges fewer.
        return torch.full(((size - 1) * stride + kernel,), kernel {/|//} stride)
    ~ shares: The pattern is right, divided by one number. Wanted are the counts.
        return counts -> return counts / counts.{max|sum}()
    * the wrong length: The output has (size - 1) * stride + kernel places.
        (size - 1) * stride + kernel -> size{| * stride| * stride + kernel}
        * stride + kernel) -> * stride)
    * stride forgotten: Your inputs write one place apart. Input i starts at i * stride.
        i * stride -> i{| && * stride + kernel) -> + kernel)}
    * inputs a kernel apart: They start a stride apart and reach `kernel` places.
        i * stride : i * stride + kernel -> i * kernel : i * kernel + stride
        i * stride -> i * kernel{| && (size - 1) * stride + kernel -> size * kernel}
    * one place too few or too many: An input reaches `kernel` outputs from i * stride
      on.
        + kernel] -> + kernel {-|+} 1]
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
    copies = x.clone(), weight.clone(), bias.clone()
    seen = dict(observers.value(function, *copies, eps))
    yield from seen.items()
    if seen["its inputs"] == CHANGED:
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


def maps(n, c, h, w, *, spread=(1, 2, 3), shift=0.0, eps=1e-5):
    """A probe: activations with a spread and a mean for each channel."""
    x = torch.tensor(spread[:c])[:, None, None] * random(n, c, h, w)
    x = (64 * x).round() / 64  # which float32 still holds exactly beside the shift
    x += shift * torch.arange(1.0, c + 1)[:, None, None]
    weight, bias = 1.5 - torch.arange(c) * 1.0, 0.3 - torch.arange(c) * 1.0
    return lambda: (x.clone(), weight.clone(), bias.clone(), eps)


exercise(
    r"""
    batch_norm(x, weight, bias, eps)
        mean = x.mean(dim=(0, 2, 3), keepdim=True)
        variance = x.var(dim=(0, 2, 3), correction=0, keepdim=True)
        normalized = (x - mean) / torch.sqrt(variance + eps)
        return normalized * weight[:, None, None] + bias[:, None, None]

    because: Each channel gets mean 0 and variance 1, then what training chooses.
    praise: That is its training mode. A single image is another matter.
    hint: A mean over which three axes of (n, c, h, w)? Which shape does weight need?
    hint: `x.mean(axes, keepdim=True)` is (1, c, 1, 1); `x.var` needs `correction=0`.
    right: return F.batch_norm(x, None, None, weight, bias, True, 0.1, eps)
    right:
      | n, c, h, w = x.shape
      | rows = x.permute(0, 2, 3, 1).reshape(-1, c)
      | rows = (rows - rows.mean(0)) * torch.rsqrt(rows.var(0, unbiased=False) + eps)
      | return (weight * rows + bias).view(n, h, w, c).permute(0, 3, 1, 2)

    * divided by n - 1: `var` and `std` divide by n - 1, unless `correction=0`.
        correction=0, ->
    * eps outside the root: Here eps is added to the variance, inside the root.
        torch.sqrt(variance + eps) -> (torch.sqrt(variance) + eps)
        x.var -> x.std && torch.sqrt(variance + eps) -> (variance + eps)
    * eps not used: The argument eps has no effect. It is added inside the root.
        + eps -> + {0|1e-5|1e-8}
    * over other axes: A channel's mean goes over images and pixels: axes 0, 2 and 3.
        (0, 2, 3) -> {0|1|(2, 3)|(1, 2, 3)|(0, 1, 2)|(0, 1, 2, 3)}
    * keepdim forgotten: Without `keepdim=True` the mean has shape (c,), which lines up
      with the *last* axis of (n, c, h, w), the width. Keep (1, c, 1, 1).
        , keepdim=True ->
        correction=0, keepdim=True -> correction=0
        /(mean = .*), keepdim=True/ -> \1
    * statistics cut off: The values are right, the slopes are not: mean and variance
      depend on x, too. Leave out detach(), no_grad and .item().
        x.mean -> x.detach().mean{| && x.var -> x.detach().var}
        x.var -> x.detach().var
    * divided by the variance: Divide by the variance's root, once. (`std` is one.)
        torch.sqrt(variance + eps) -> (variance + eps)
        x.var -> x.std
    * along the width: Weight and bias need the shape (c, 1, 1): `[:, None, None]`.
        weight[:, None, None] -> weight{| && bias[:, None, None] -> bias}
        bias[:, None, None] -> bias
    * weight and bias: Normalized, then times `weight`, then plus `bias`, by channel.
        /return .+/ -> return normalized
        {* weight|+ bias}[:, None, None] ->
        * weight[:, None, None] + bias -> * bias[:, None, None] + weight
        /return .+/ -> return (normalized + bias[:, None, None]) * weight[:, None, None]
    * mean of squares less squared mean: Subtract the mean, then square: in float32 the
      difference of two large numbers keeps few digits.
        /variance = .*/ -> variance = (x**2).mean(dim=(0, 2, 3), keepdim=True) - mean**2
    * x overwritten: The input is changed in place; its owner still needs it.
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


exercise(
    r"""
    leaky_relu(x, slope)
        return torch.where(x > 0, x, slope * x)

    because: Right of 0 numbers pass as they are, left of it a share `slope` of them.
    praise: A unit with a negative input still hands a gradient on, and G learns by it.
    hint: Two straight lines meet at 0. What does `torch.where(condition, a, b)` do?
    hint: Which of x and slope * x is the larger one, left of 0 and right of it?
    right: return {F.leaky_relu(x, slope)|torch.maximum(x, slope * x)}
    right: return F.relu(x) - slope * F.relu(-x)
    right: return x * ((x > 0) + slope * (x <= 0))

    * plain ReLU: That is ReLU: below 0 nothing passes, and no gradient either.
        return F.relu(x)
    * the slope is typed in: Your slope is always the same number. Use the argument.
        slope * x -> {0.2|0.01} * x
    * sign lost: Below 0 yours comes out positive; slope * x is negative there.
        slope * x) -> -slope * x)
    * the slope itself: Below 0 you return a constant. Multiply the slope with x.
        slope * x) -> {slope|-slope})
        return x.clamp(min=slope)
    * the positive side: Only negative numbers are multiplied by the slope.
        x > 0 -> x < 0
        return {F.relu(x) + |}slope * x
    * identity: Nothing changes below 0: multiply there by the slope.
        return x
    * another bend: That is another activation, curved below 0. Leaky ReLU is two lines.
        return F.{elu(x, slope)|softplus(x)|gelu(x)|silu(x)}
    * x overwritten: x is changed in place; its owner still needs it.
        | x{|.data}[x < 0] *= slope
        | return x
        return F.leaky_relu_(x, slope)
    """,
    reference=layers.leaky_relu,
    observe=observers.value_and_slope,
    probes={
        "x (-10, 5), slope 0.2": numbers(-10.0, 5.0, slope=0.2),
        "x (-2, -0.3, 0.1, 3), slope 0.2": numbers(-2, -0.3, 0.1, 3, slope=0.2),
        "slope 0, which is ReLU": numbers(-5.0, -0.5, 2.0, slope=0.0),
        "slope 0.5, a table": numbers([-1.0, 2.0, -3.0], [4.0, -5.0, 6.0], slope=0.5),
    },
    later={
        "close to 0": numbers(-1e-2, -1e-4, 1e-4, 1e-2, slope=0.3),
        "in float64": numbers(-1 / 3, -1e-60, 0.1, slope=0.1, dtype=torch.float64),
    },
    elementwise=True,
)


def steps(
    function: Any, parameter: Tensor, gradients: Tensor, state: dict, *how: Any
) -> Seen:
    """A parameter's path over some steps, and whether each has a memory of its own."""
    alone, _, again = (
        function(parameter.clone(), factor * gradients[0], {}, *how)
        for factor in (1, -2, 1)
    )
    own = close(again, alone, rtol=1e-5, atol=1e-8)
    yield "a parameter's steps depend on its own state alone", own
    for t, gradient in enumerate(gradients if own else [], 1):
        given = parameter.clone(), gradient.clone()
        seen = dict(observers.value(function, *given, state, *how))
        new = seen["value"]
        yield "its inputs", seen["its inputs"]
        if t in (1, 2, 3, 10, len(gradients)):
            yield f"parameter after step {t}", new
        good = isinstance(new, Tensor) and new.shape == parameter.shape
        if not good or seen["its inputs"] == CHANGED:
            return
        parameter = new.detach()


def walk_of(n, *shape, betas=(0.9, 0.999), eps=1e-8, size=1.0, lr=0.1, **options):
    """A probe: n gradients near `size`, the last one `last` times as large."""

    def make(start=None, last=1.0, dtype=torch.float32):
        gradients = size * (random(n, *shape, seed=n, dtype=dtype) + 0.3)
        gradients[-1] *= last
        begin = random(*shape, seed=1, dtype=dtype)
        if start is not None:
            begin = torch.full_like(begin, start)
        return begin, gradients, {}, lr, betas, eps

    return partial(make, **options)


exercise(
    r"""
    adam_step(parameter, gradient, state, lr, betas, eps)
        t = state["t"] = state.get("t", 0) + 1
        m = state["m"] = betas[0] * state.get("m", 0) + (1 - betas[0]) * gradient
        v = state["v"] = betas[1] * state.get("v", 0) + (1 - betas[1]) * gradient**2
        m_hat, v_hat = m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)
        return parameter - lr * m_hat / (torch.sqrt(v_hat) + eps)

    because: Running means of the gradient and its square, each over its weights' sum.
    praise: A step's length hardly depends on the gradient's: Adam hides small ones.
    hint: Two running averages: new = beta * old + (1 - beta) * what came in. What comes
      into m, and what into v? `state.get('m', 0)` starts at 0.
    hint: After t steps the weights in m add up to 1 - beta1^t, not to 1. Divide by
      that, then: parameter - lr * m_hat / (sqrt(v_hat) + eps).
    edge: Right, but not for extreme numbers: no clamp, no second epsilon, no cast.
    right:
      | if not state:
      |     state.update(step=0, avg=torch.zeros_like(parameter), sq=gradient * 0)
      | state["step"] += 1
      | state["avg"] = torch.lerp(gradient, state["avg"], betas[0])
      | state["sq"].mul_(betas[1]).addcmul_(gradient, gradient, value=1 - betas[1])
      | c1, c2 = (1 - b ** state["step"] for b in betas)
      | return parameter - lr / c1 * state["avg"] / (state["sq"].sqrt() / c2**0.5 + eps)

    * no bias correction: m and v start at 0, so that early steps get another length
      than lr. Divide m by 1 - beta1^t, and v by 1 - beta2^t before the root.
        m / (1 - betas[0] ** t) -> m{| && v / (1 - betas[1] ** t) -> v}
        v / (1 - betas[1] ** t) -> v
    * eps inside the root: eps belongs outside: inside, 1e-8 counts as 1e-4.
        torch.sqrt(v_hat) + eps -> torch.sqrt(v_hat + eps)
    * no eps: eps has no effect in yours. It is added to the root of v.
        + eps ->
    * the count of steps: t is 1 at the first step: raise it in `state`, before its use.
        "t", 0 -> "t", 1
        /betas\[(.)\] \*\* t/ -> betas[\1] ** (t + 1)
        /t = .*1$/ -> t = 1
    * nothing remembered: Put back into `state` what the next step needs.
        state["m"] = -> && state["v"] = ->{| && state["t"] = ->}
        state["{m|v}"] = ->
    * squares and roots: v averages squared gradients; its root is what divides.
        gradient**2 -> {gradient.abs()|gradient|m**2}
        torch.sqrt(v_hat) -> v_hat
    * uphill: You add the step, and climb. The gradient points uphill: subtract.
        parameter - -> parameter +
    * betas swapped: The first beta is for m, the second for v.
        t = state -> betas = betas[::-1]\nt = state
    * a sum for an average: In an average the new gradient's weight is 1 - beta, not 1.
        (1 - betas[0]) * ->{| && (1 - betas[1]) * ->}
        (1 - betas[1]) * ->
    * lr forgotten: lr has no effect: the step is lr times m over the root of v.
        lr * ->
    * the change alone: You return the change. Wanted is the new parameter.
        return parameter - -> return{| -}
    * parameter overwritten: The parameter is changed in place. Return a new one.
        /return parameter - (.+)/ -> parameter -= \1{|\nreturn parameter}
    * one memory for all: Remember in the argument `state`, not in a global or default.
        | kept = {}
        | def adam_step(parameter, gradient, state, lr, betas, eps):
        |     return layers.adam_step(parameter, gradient, kept, lr, betas, eps)
    """,
    reference=layers.adam_step,
    observe=steps,
    probes={
        "21 steps, betas (0.9, 0.999)": walk_of(21, 3),
        "20 steps, lr 0.3, betas (0.5, 0.8)": walk_of(20, 3, betas=(0.5, 0.8), lr=0.3),
        "a large eps": walk_of(5, 3, size=1e-3, eps=1e-3, start=0.01),
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
