"""The losses: hand values, PyTorch's own, closed forms, and logits far out."""

import math

import pytest
import torch
import torch.nn.functional as F

from course_utils import data, losses

FLOAT64 = torch.float64
LOG2 = math.log(2)
LOGITS = [-1e4, -200.0, -95.0, -40.0, -20.0, -5.0, 0.0, 5.0, 16.0, 20.0, 200.0, 1e4]


def row(*values):
    return torch.tensor(values, dtype=FLOAT64)


# --- On probabilities -----------------------------------------------------------------


def test_losses_on_probabilities_by_hand():
    p, t = row(0.8, 0.8), row(1.0, 0.0)
    cost = -(math.log(0.8) + math.log(0.2)) / 2
    assert losses.binary_cross_entropy(p, t).item() == pytest.approx(cost)
    real, fake = row(0.9, 0.6), row(0.1, 0.4, 0.2)
    of_real = (math.log(0.9) + math.log(0.6)) / 2
    of_fake = (math.log(0.9) + math.log(0.6) + math.log(0.8)) / 3
    value = losses.value_function(real, fake)
    assert value.item() == pytest.approx(of_real + of_fake)
    assert losses.minimax_generator_loss(fake).item() == pytest.approx(of_fake)
    flipped = -(math.log(0.1) + math.log(0.4) + math.log(0.2)) / 3
    assert losses.nonsaturating_generator_loss(fake).item() == pytest.approx(flipped)


def test_losses_on_probabilities_are_pytorchs():
    p, t = (torch.rand(50, generator=data.rng(seed), dtype=FLOAT64) for seed in (0, 1))
    ones, zeros, bce = torch.ones_like(p), torch.zeros_like(p), F.binary_cross_entropy
    assert torch.isclose(losses.binary_cross_entropy(p, t), bce(p, t))
    assert torch.isclose(losses.nonsaturating_generator_loss(p), bce(p, ones))
    assert torch.isclose(losses.minimax_generator_loss(p), -bce(p, zeros))
    assert torch.isclose(losses.value_function(p, t), -bce(p, ones) - bce(t, zeros))


def test_the_optimal_d_is_bayes_rule_and_no_answer_gives_more_value():
    x = torch.linspace(-4, 4, 33, dtype=FLOAT64)[:, None]
    p, q = data.two_gaussians().density(x), data.gaussian(0.5, 1.0).density(x)
    best = losses.optimal_discriminator(p, q)
    assert torch.allclose(best, torch.stack([p.log(), q.log()]).softmax(0)[0])
    answers = torch.linspace(0.001, 0.999, 999, dtype=FLOAT64)
    for a, b in ((1.0, 0.0), (0.9, 0.0), (0.9, 0.1)):  # targets of data and of fakes
        soft = losses.smoothed_optimal_discriminator(p, q, a, b)
        gain = (a * p + b * q)[:, None] * answers.log()
        gain = gain + ((1 - a) * p + (1 - b) * q)[:, None] * (1 - answers).log()
        found = answers[gain.argmax(1)]
        assert (found - soft.clamp(0.001, 0.999)).abs().max() < 1e-3
    assert torch.equal(losses.smoothed_optimal_discriminator(p, q, 1.0, 0.0), best)
    far_out = losses.optimal_discriminator(row(1e-300, 0.0), row(3e-300, 0.0))
    assert far_out.tolist() == pytest.approx([0.25, 0.5])


# --- The divergence -------------------------------------------------------------------

DX = 0.001


@pytest.mark.parametrize("shift", [0.0, 0.25, 1.0, 2.5])
def test_divergence_of_shifted_uniforms_is_log_2_times_their_shift(shift):
    x = torch.arange(0, 4, DX, dtype=FLOAT64) + DX / 2
    p, q = ((x > at) & (x < at + 1) for at in (0, shift))
    got = losses.jensen_shannon(p.to(FLOAT64), q.to(FLOAT64), DX).item()
    assert got == pytest.approx(LOG2 * min(shift, 1), abs=1e-9)


@pytest.mark.parametrize("distance", [0.0, 0.1, 1.0, 3.0])
def test_divergence_of_gaussians_is_symmetric_and_the_value_of_the_optimal_d(distance):
    x = torch.arange(-10, 14, DX, dtype=FLOAT64)[:, None]
    p, q = (data.gaussian(m, 1.0).density(x) for m in (0.0, distance))
    got = losses.jensen_shannon(p, q, DX)
    assert torch.isclose(got, losses.jensen_shannon(q, p, DX), atol=1e-12)
    assert -1e-9 <= got <= LOG2
    if distance == 0.1:  # to second order: Fisher information / 8, here 1/8
        assert got.item() == pytest.approx(distance**2 / 8, rel=2e-3)
    d = losses.optimal_discriminator(p, q)
    value = (torch.xlogy(p, d) + torch.xlogy(q, 1 - d)).sum().item() * DX
    assert value == pytest.approx(2 * got.item() - 2 * LOG2, abs=1e-6)


# --- On logits ------------------------------------------------------------------------


def exact_cost(logit: float, sign: int) -> float:
    """log(1 + exp(sign * l)) with Python's float64, large part split off by hand."""
    x = sign * logit
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def exact_slope(logit: float, sign: int) -> float:
    """sign * sigmoid(sign * l)."""
    x = sign * logit
    e = math.exp(-abs(x))
    return sign * ((1 if x >= 0 else e) / (1 + e))


def value_and_slope(loss, logits):
    logits = logits.clone().requires_grad_()
    value = loss(logits)
    return value.detach(), torch.autograd.grad(value.sum(), logits)[0]


each_cost = pytest.mark.parametrize(
    ("cost", "sign"),
    [(losses.neg_log_sigmoid, -1), (losses.neg_log_one_minus_sigmoid, 1)],
)


@each_cost
def test_a_cost_agrees_with_float64_from_minus_to_plus_ten_thousand(cost, sign):
    value, slope = value_and_slope(cost, torch.tensor(LOGITS))
    for v, s, logit in zip(value.tolist(), slope.tolist(), LOGITS, strict=True):
        wanted = exact_cost(logit, sign)
        assert abs(v - wanted) <= 1e-6 * wanted + 1e-37
        assert abs(s - exact_slope(logit, sign)) <= 1e-6
    assert slope[LOGITS.index(0.0)] == sign / 2


@each_cost
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_cost_survives_half_precision_and_keeps_shape_and_type(cost, sign, dtype):
    logits = torch.tensor(LOGITS).to(dtype)
    value, slope = value_and_slope(cost, logits)
    wanted = torch.tensor([exact_cost(x, sign) for x in logits.tolist()])
    push = torch.tensor([exact_slope(x, sign) for x in logits.tolist()])
    assert torch.allclose(value.float(), wanted, rtol=1e-2, atol=1e-3)
    assert torch.allclose(slope.float(), push, rtol=1e-2, atol=1e-3)
    assert cost(logits.view(3, 4)).shape == (3, 4) and value.dtype == dtype


each_loss = pytest.mark.parametrize(
    ("loss", "exact"),
    [
        (losses.generator_loss, lambda x: exact_cost(x, -1)),
        (losses.minimax_generator_loss_from_logits, lambda x: -exact_cost(x, 1)),
        (
            lambda x: losses.discriminator_loss(x, x.flip(0)[:3]),
            lambda x: exact_cost(x, -1) + exact_cost(x, 1),
        ),
    ],
    ids=["generator", "minimax", "discriminator"],
)


@each_loss
def test_a_loss_is_exact_at_each_logit_and_the_mean_over_its_batch(loss, exact):
    for logit in LOGITS:
        got = loss(torch.tensor([logit])).item()
        assert got == pytest.approx(exact(logit), rel=1e-6, abs=1e-6)
    logits = torch.tensor([-5.0, 4.0, 3.0])
    wanted = sum(map(exact, logits.tolist())) / 3
    assert loss(logits).item() == pytest.approx(wanted, rel=1e-6)


@each_loss
def test_a_loss_has_finite_slopes_and_curvatures_at_any_logit(loss, exact):
    logits = torch.tensor(LOGITS, requires_grad=True)
    value = loss(logits)
    (slope,) = torch.autograd.grad(value, logits, create_graph=True)
    (curvature,) = torch.autograd.grad(slope.square().sum(), logits)
    assert all(torch.isfinite(x).all() for x in (value, slope, curvature))


def test_losses_on_logits_are_pytorchs_in_value_and_slope():
    logits, target = torch.tensor(LOGITS), torch.linspace(0, 1, len(LOGITS))
    bce = F.binary_cross_entropy_with_logits
    ones, zeros = torch.ones_like(logits), torch.zeros_like(logits)
    for ours, theirs in (
        (lambda x: losses.bce_with_logits(x, target), lambda x: bce(x, target)),
        (lambda x: losses.discriminator_loss(x, -x), lambda x: 2 * bce(x, ones)),
        (losses.generator_loss, lambda x: bce(x, ones)),
        (losses.minimax_generator_loss_from_logits, lambda x: -bce(x, zeros)),
    ):
        pairs = zip(value_and_slope(ours, logits), value_and_slope(theirs, logits),
                    strict=True)  # fmt: skip
        assert all(torch.allclose(a, b, rtol=1e-6, atol=1e-6) for a, b in pairs)


def test_log_softmax_is_pytorchs_to_the_precision_of_its_logits():
    logits = torch.tensor(
        [[1e4, 0.0, -1e4], [1e4, 1e4 - 1, 0.0], [-200.0, 0.0, 5.0], [1.0, 2.0, 3.0]]
    )
    ours = losses.log_softmax(logits).double()
    theirs = torch.log_softmax(logits.double(), dim=-1)
    scale = logits.abs().amax(-1, keepdim=True).clamp(min=1)
    assert ((ours - theirs).abs() <= 1e-6 * scale).all()
    _, slope = value_and_slope(lambda x: losses.log_softmax(x)[:, 1], logits[2:])
    _, want = value_and_slope(lambda x: torch.log_softmax(x, -1)[:, 1], logits[2:])
    assert torch.allclose(slope, want)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: losses.discriminator_loss(torch.zeros(4), torch.zeros(4, 1)),
         r"fake_logits must have shape \(n,\), not \(4, 1\)"),
        (lambda: losses.generator_loss(torch.zeros(4, 1)), r"fake_logits .* \(4, 1\)"),
        (lambda: losses.minimax_generator_loss_from_logits(torch.tensor(0.0)), "shape"),
        (lambda: losses.minimax_generator_loss(torch.zeros(4, 1)), "fake_probability"),
        (lambda: losses.nonsaturating_generator_loss(torch.zeros(4, 1)), "fake_prob"),
        (lambda: losses.value_function(torch.zeros(4, 1), torch.zeros(4)), "real_prob"),
        (lambda: losses.binary_cross_entropy(torch.zeros(2), torch.zeros(1)),
         r"probability and target must have one shape, not \(2,\) and \(1,\)"),
        (lambda: losses.bce_with_logits(torch.zeros(4), torch.zeros(3)), "one shape"),
    ],
)  # fmt: skip
def test_batches_that_would_broadcast_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
