"""What a DCGAN is made of, written out, is PyTorch's own."""

import itertools

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_utils import data, layers


def random(*shape, seed=0):
    return torch.randn(shape, generator=data.rng(seed))


def test_sizes_are_torchs():
    ones = lambda n: torch.ones(1, 1, n)  # noqa: E731
    for size, k, stride, pad in itertools.product(
        (4, 7, 12), (1, 3, 4), (1, 2, 3), (0, 1, 2)
    ):
        made = F.conv1d(ones(size), ones(k), None, stride, pad)
        assert made.shape[-1] == layers.conv_output_size(size, k, stride, pad)
        for extra in range(stride):
            if (size - 1) * stride + k + extra > 2 * pad:  # something is left
                made = F.conv_transpose1d(ones(size), ones(k), None, stride, pad, extra)
                got = layers.transposed_conv_output_size(size, k, stride, pad, extra)
                assert made.shape[-1] == got


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("k", [1, 2, 4, 5])
def test_the_matrix_is_the_convolution_and_its_transpose_the_transposed_one(k, stride):
    kernel = torch.arange(1.0, k + 1) - 3  # whole numbers: sums are exact
    M, x = layers.conv_matrix(kernel, 9, stride), torch.arange(9.0) ** 2
    y = F.conv1d(x[None, None], kernel[None, None], stride=stride)[0, 0]
    assert torch.equal(M @ x, y)
    back = F.conv_transpose1d(y[None, None], kernel[None, None], stride=stride)[0, 0]
    assert torch.equal((M.T @ y)[: len(back)], back)
    assert not (M.T @ y)[len(back) :].any()  # numbers that no place of the kernel saw


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kernel", range(1, 7))
def test_overlaps_are_ones_through_ones_and_even_where_the_stride_divides(
    kernel, stride
):
    counts = layers.overlap_count(20, kernel, stride)
    ones = torch.ones(1, 1, 20), torch.ones(1, 1, kernel)
    wanted = F.conv_transpose1d(*ones, stride=stride).flatten()
    assert torch.equal(counts.float(), wanted)
    inner = counts[kernel:-kernel].unique()
    assert (len(inner) == 1) == (kernel % stride == 0)


@pytest.mark.parametrize("eps", [1e-5, 0.1])
def test_batch_norm_is_torchs_in_value_and_slopes(eps):
    given = [random(5, 3, 2, 4), random(3, seed=1), random(3, seed=2)]
    found = []
    for norm in (
        lambda x, w, b: layers.batch_norm(x, w, b, eps),
        lambda x, w, b: F.batch_norm(x, None, None, w, b, True, 0.1, eps),
    ):
        inputs = [t.double().requires_grad_() for t in given]
        y = norm(*inputs)
        weighed = (y * random(*y.shape, seed=3)).sum()
        found.append([y, *torch.autograd.grad(weighed, inputs)])
    for ours, torchs in zip(*found, strict=True):
        torch.testing.assert_close(ours, torchs)


@pytest.mark.parametrize("slope", [0.0, 0.2, 0.9])
def test_leaky_relu_is_torchs(slope):
    x = random(100)
    torch.testing.assert_close(layers.leaky_relu(x, slope), F.leaky_relu(x, slope))


@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.5, 0.99), (0.0, 0.9)])
@pytest.mark.parametrize("size", [1.0, 1e-7])
def test_adam_equals_torchs_to_a_millionth_over_20_steps(betas, size):
    ours, state = random(4, 3), {}
    weight = nn.Parameter(ours.clone())
    torchs = torch.optim.Adam([weight], lr=0.01, betas=betas, eps=1e-8)
    for t in range(20):
        weight.grad = size * random(4, 3, seed=t + 1)
        ours = layers.adam_step(ours, weight.grad, state, 0.01, betas, 1e-8)
        torchs.step()
        torch.testing.assert_close(ours, weight.detach(), rtol=0, atol=1e-6)


ONES = torch.ones(3)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: layers.conv_output_size(3, 5), "does not fit"),
        (lambda: layers.conv_output_size(3, 0), "kernel must be a whole number"),
        (lambda: layers.conv_output_size(3.0, 2), "size must be a whole number"),
        (lambda: layers.conv_output_size(3, 2, 1, -1), "padding must be"),
        (lambda: layers.transposed_conv_output_size(1, 2, 1, 1), "leaves 0 pixels"),
        (lambda: layers.conv_matrix(ONES[None], 4, 1), "a kernel (k,) is wanted"),
        (lambda: layers.leaky_relu(ONES, 1.0), "a slope in [0, 1)"),
        (lambda: layers.batch_norm(ONES[None], ONES, ONES, 0.0), "x (n, c, h, w) is"),
        (lambda: layers.batch_norm(torch.ones(2, 3, 1, 1), ONES[:2], ONES, 0.0),
         "weight (3,) is wanted"),
        (lambda: layers.adam_step(ONES[:2], ONES, {}, 1, (0, 0), 0), "need one shape"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said(call, said):
    with pytest.raises(ValueError) as error:
        call()
    assert said in str(error.value)
