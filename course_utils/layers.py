"""What a DCGAN is made of, written out: sizes, matrices, normalization, Adam.

PyTorch has all of it, faster; here it can be read. The tests hold each function to
PyTorch's own.
"""

from typing import Any

import torch
from torch import Tensor

from course_utils.checks import require_whole

# --- Sizes and matrices ---------------------------------------------------------------


def conv_output_size(size: int, kernel: int, stride: int = 1, padding: int = 0) -> int:
    """Side of the map that a convolution makes, in pixels.

    floor((size + 2 padding - kernel) / stride) + 1: how often the kernel fits.

    Args:
        size, kernel: sides of the input and of the kernel, in pixels.
        stride, padding: pixels from one place to the next, and added at each edge.
    Raises: ValueError: a size below 1, padding below 0, or a kernel that does not fit.
    Source: Dumoulin & Visin 2016, relationship 6.

    (64 + 2 - 4) / 2 + 1:
    >>> conv_output_size(64, 4, stride=2, padding=1)
    32
    """
    require_whole(1, size=size, kernel=kernel, stride=stride)
    require_whole(0, padding=padding)
    room = size + 2 * padding - kernel
    if room < 0:
        raise ValueError(
            f"a kernel of {kernel} does not fit into {size} + 2 * {padding} pixels"
        )
    return room // stride + 1


def transposed_conv_output_size(
    size: int, kernel: int, stride: int = 1, padding: int = 0, output_padding: int = 0
) -> int:
    """Side of the map that a transposed convolution makes, in pixels.

    (size - 1) stride - 2 padding + kernel + output_padding: the input's places stand
    `stride` apart, the last one's kernel reaches on, and padding is cut off.

    Args:
        size, kernel: sides of the input and of the kernel, in pixels.
        stride: pixels between the places of two neighboring inputs.
        padding: pixels cut off at each edge of the output.
        output_padding: pixels added at one edge, to choose among the sizes that a
            convolution of this stride shrinks to the same.
    Raises: ValueError: a size below 1, a padding below 0, or nothing is left.
    Source: Dumoulin & Visin 2016, relationship 14.

    (4 - 1) * 2 - 2 + 4:
    >>> transposed_conv_output_size(4, 4, stride=2, padding=1)
    8
    """
    require_whole(1, size=size, kernel=kernel, stride=stride)
    require_whole(0, padding=padding, output_padding=output_padding)
    result = (size - 1) * stride - 2 * padding + kernel + output_padding
    if result < 1:
        raise ValueError(f"a padding of {padding} leaves {result} pixels")
    return result


def conv_matrix(kernel: Tensor, size: int, stride: int = 1) -> Tensor:
    """The matrix M with M @ x = the convolution of x, in one dimension.

    Row i holds the kernel from column i * stride on, and zeros elsewhere. "Convolution"
    is what neural networks call so: the kernel is not flipped. M.T enlarges: it is the
    transposed convolution.

    Args: kernel (k,); size, numbers in x; stride, columns from one row to the next.
    Returns: (out, size) of the kernel's type, out = conv_output_size(size, k, stride).
    Raises: ValueError: the kernel is not (k,), or does not fit.
    Source: Dumoulin & Visin 2016, section 4.1.

    >>> conv_matrix(torch.tensor([1, 2]), size=4, stride=2)
    tensor([[1, 2, 0, 0],
            [0, 0, 1, 2]])
    """
    if kernel.dim() != 1:
        raise ValueError(f"a kernel (k,) is wanted, not {tuple(kernel.shape)}")
    k = len(kernel)
    matrix = kernel.new_zeros(conv_output_size(size, k, stride), size)
    for i, row in enumerate(matrix):
        row[i * stride : i * stride + k] = kernel
    return matrix


def overlap_count(size: int, kernel: int, stride: int) -> Tensor:
    """How many inputs of a transposed convolution reach each output, in one dimension.

    Input i reaches the outputs i * stride to i * stride + kernel - 1. Away from the
    edges the counts repeat with the stride; they are all equal where the stride divides
    the kernel, else they make the checkerboard.

    Args: size, how many inputs; kernel, outputs that one input reaches; stride.
    Returns: ((size - 1) * stride + kernel,) whole numbers.
    Raises: ValueError: a number is below 1.
    Source: Odena et al. 2016, "Deconvolution and Checkerboard Artifacts".

    >>> overlap_count(3, kernel=3, stride=2)
    tensor([1, 1, 2, 1, 2, 1, 1])
    """
    counts = torch.zeros(transposed_conv_output_size(size, kernel, stride)).long()
    for i in range(size):
        counts[i * stride : i * stride + kernel] += 1
    return counts


# --- Layers, and the optimizer --------------------------------------------------------


def batch_norm(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    """Each channel with mean 0 and variance 1 over the batch, then scaled and shifted.

    weight * (x - mean) / sqrt(variance + eps) + bias, mean and variance over all images
    and pixels of a channel, as in training; the variance is divided by their number.

    Args: x (n, c, h, w); weight, bias (c,), the new standard deviations and means; eps
        inside the root, so that a constant channel divides by more than 0.
    Returns: (n, c, h, w).
    Raises: ValueError: x is not four-dimensional, or weight or bias is not (c,).
    Source: Ioffe & Szegedy 2015, Algorithm 1.

    One channel, two images of one pixel:
    >>> x = torch.tensor([1.0, 3.0]).view(2, 1, 1, 1)
    >>> batch_norm(x, torch.tensor([5.0]), torch.tensor([10.0]), 0.0).flatten()
    tensor([ 5., 15.])
    """
    if x.dim() != 4:
        raise ValueError(f"x (n, c, h, w) is wanted, not {tuple(x.shape)}")
    for name, given in (("weight", weight), ("bias", bias)):
        if given.shape != x.shape[1:2]:
            wanted = tuple(x.shape[1:2])
            raise ValueError(f"{name} {wanted} is wanted, not {tuple(given.shape)}")
    variance, mean = torch.var_mean(x, dim=(0, 2, 3), correction=0, keepdim=True)
    normalized = (x - mean) / torch.sqrt(variance + eps)
    return normalized * weight[:, None, None] + bias[:, None, None]


def leaky_relu(x: Tensor, slope: float) -> Tensor:
    """x where it is positive, slope times x elsewhere.

    Args: x, any shape; slope, at least 0 and below 1; 0 is ReLU.
    Returns: The same shape.
    Raises: ValueError: the slope is outside [0, 1).
    Source: Maas et al. 2013, section 2.

    _relu(torch.tensor([-10.0, 5.0]), 0.2)
    tensor([-2.,  5.])
    """
    if not 0 <= slope < 1:
        raise ValueError(f"a slope in [0, 1) is wanted, not {slope}")
    return torch.where(x > 0, x, slope * x)


def adam_step(
    parameter: Tensor,
    gradient: Tensor,
    state: dict[str, Any],
    lr: float,
    betas: tuple[float, float],
    eps: float,
) -> Tensor:
    """One step of Adam: the gradient's running mean over its running size.

    m and v are running averages of the gradient and of its square. Both start at 0,
    so at step t they are divided by 1 - beta^t, the weights that they hold so far:
    parameter - lr (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps).

    Args:
        parameter, gradient: of one shape.
        state: {} before the first step; keeps m, v and t from step to step.
        lr: length of a step whose gradients agree.
        betas: weight of the old in the two averages.
        eps: outside the root; where gradients are smaller, steps shrink.
    Returns: The new parameter; the old one is not changed.
    Raises: ValueError: the two shapes differ.
    Source: Kingma & Ba 2014, Algorithm 1.

    The first step has length lr, whatever the gradient's size:
    >>> tiny = torch.tensor([1e-3, -1e-5])
    >>> adam_step(torch.zeros(2), tiny, {}, 0.1, (0.9, 0.999), 0.0)
    tensor([-0.1000,  0.1000])
    """
    if parameter.shape != gradient.shape:
        shapes = f"{tuple(parameter.shape)} and {tuple(gradient.shape)}"
        raise ValueError(f"parameter and gradient need one shape, not {shapes}")
    beta1, beta2 = betas
    t = state["t"] = state.get("t", 0) + 1
    m = state["m"] = beta1 * state.get("m", 0) + (1 - beta1) * gradient
    v = state["v"] = beta2 * state.get("v", 0) + (1 - beta2) * gradient**2
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    return parameter - lr * m_hat / (torch.sqrt(v_hat) + eps)
