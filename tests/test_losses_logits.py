"""The losses on logits, against float64, hand values and PyTorch's own."""

import math

import pytest
import torch
import torch.nn.functional as F

from course_utils import losses

LOGITS = [-1e4, -120.0, -95.0, -40.0, -20.0, -5.0, 0.0, 5.0, 16.0, 20.0, 40.0, 1e4]
LOG2 = math.log(2)


def exact_cost(logit: float, sign: int) -> float:
    """log(1 + exp(sign * l)) with Python's float64, large part split off by hand."""
    x = sign * logit
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def exact_slope(logit: float, sign: int) -> float:
    """sign * sigmoid(sign * l)."""
    x = sign * logit
    e = math.exp(-abs(x))
    return sign * ((1 if x >= 0 else e) / (1 + e))


def value_and_slope(loss, *batches):
    batches = [b.clone().requires_grad_() for b in batches]
    value = loss(*batches)
    slopes = torch.autograd.grad(value.sum(), batches)
    return value.detach(), *slopes


each_cost = pytest.mark.parametrize(
    ("cost", "sign"),
    [(losses.neg_log_sigmoid, -1), (losses.neg_log_one_minus_sigmoid, 1)],
)
each_logit = pytest.mark.parametrize("logit", LOGITS)


# ---------------------------------------------------------------- one logit


@each_cost
@each_logit
def test_a_cost_agrees_with_float64_from_minus_to_plus_ten_thousand(cost, sign, logit):
    value, slope = value_and_slope(cost, torch.tensor([logit]))
    wanted = exact_cost(logit, sign)
    assert abs(value.item() - wanted) <= 1e-6 * wanted + 1e-37
    assert abs(slope.item() - exact_slope(logit, sign)) <= 1e-6


@each_cost
def test_a_cost_of_nothing_known_is_log_2_with_slope_one_half(cost, sign):
    value, slope = value_and_slope(cost, torch.zeros(3))
    assert torch.allclose(value, torch.full((3,), LOG2))
    assert slope.tolist() == [sign / 2] * 3


@each_cost
def test_a_cost_keeps_shape_and_type_and_leaves_its_input_alone(cost, sign):
    logits = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0))
    before = logits.clone()
    assert cost(logits).shape == logits.shape
    assert torch.equal(logits, before)
    for dtype in (torch.float16, torch.bfloat16, torch.float64):
        assert cost(logits.to(dtype)).dtype == dtype


@each_cost
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_cost_survives_half_precision(cost, sign, dtype):
    logits = torch.tensor(LOGITS).to(dtype)
    value, slope = value_and_slope(cost, logits)
    wanted = torch.tensor([exact_cost(x, sign) for x in logits.tolist()])
    push = torch.tensor([exact_slope(x, sign) for x in logits.tolist()])
    assert torch.allclose(value.float(), wanted, rtol=1e-2, atol=1e-3)
    assert torch.allclose(slope.float(), push, rtol=1e-2, atol=1e-3)


def test_the_twins_mirror_each_other():
    logits = torch.tensor(LOGITS)
    ones = losses.neg_log_sigmoid(-logits)
    assert torch.equal(ones, losses.neg_log_one_minus_sigmoid(logits))


# ---------------------------------------------------------------- the losses

each_loss = pytest.mark.parametrize(
    ("loss", "exact"),
    [
        (losses.generator_loss, lambda x: exact_cost(x, -1)),
        (losses.minimax_generator_loss_from_logits, lambda x: -exact_cost(x, 1)),
        (
            lambda x: losses.discriminator_loss(x, x),
            lambda x: exact_cost(x, -1) + exact_cost(x, 1),
        ),
    ],
    ids=["generator", "minimax", "discriminator"],
)


@each_loss
@each_logit
def test_a_loss_agrees_with_float64(loss, exact, logit):
    assert loss(torch.tensor([logit])).item() == pytest.approx(
        exact(logit), rel=1e-6, abs=1e-6
    )


@each_loss
def test_a_loss_is_the_mean_over_its_batch(loss, exact):
    logits = torch.tensor([-5.0, 4.0, 3.0])
    wanted = sum(map(exact, logits.tolist())) / 3
    assert loss(logits).item() == pytest.approx(wanted, rel=1e-6)
    assert loss(torch.cat([logits, logits])).item() == pytest.approx(wanted, rel=1e-6)


@each_loss
def test_a_loss_is_finite_with_finite_slopes_at_any_logit(loss, exact):
    value, slope = value_and_slope(loss, torch.tensor(LOGITS))
    assert torch.isfinite(value) and torch.isfinite(slope).all()


@each_loss
def test_a_loss_can_be_differentiated_twice(loss, exact):
    logits = torch.tensor(LOGITS, requires_grad=True)
    (slope,) = torch.autograd.grad(loss(logits), logits, create_graph=True)
    (curvature,) = torch.autograd.grad(slope.square().sum(), logits)
    assert torch.isfinite(curvature).all()


def test_discriminator_loss_is_two_log_two_when_fooled():
    loss = losses.discriminator_loss(torch.zeros(8), torch.zeros(3))
    assert loss.item() == pytest.approx(2 * LOG2)


def test_discriminator_loss_is_the_sum_of_two_means_of_unequal_batches():
    real, fake = torch.tensor([-5.0, 4.0, 3.0]), torch.tensor([1.0, -2.0])
    of_real = sum(exact_cost(x, -1) for x in real.tolist()) / 3
    of_fake = sum(exact_cost(x, 1) for x in fake.tolist()) / 2
    loss = losses.discriminator_loss(real, fake)
    assert loss.item() == pytest.approx(of_real + of_fake, rel=1e-6)


def test_discriminator_loss_tells_right_from_wrong():
    right = losses.discriminator_loss(torch.tensor([5.0]), torch.tensor([-5.0]))
    wrong = losses.discriminator_loss(torch.tensor([-5.0]), torch.tensor([5.0]))
    assert (round(right.item(), 4), round(wrong.item(), 3)) == (0.0134, 10.013)


def test_the_minimax_game_is_zero_sum_once_the_real_term_is_put_back():
    real, fake = torch.tensor([0.5, 3.0]), torch.tensor([-1.0, 2.0, 7.0])
    of_g = losses.minimax_generator_loss_from_logits(fake)
    of_g -= losses.neg_log_sigmoid(real).mean()  # E[log D(x)]
    assert (losses.discriminator_loss(real, fake) + of_g).abs() < 1e-6


@pytest.mark.parametrize("logit", [-5.0, 0.0, 5.0])
def test_the_slopes_of_the_two_generator_losses_have_the_ratio_exp_minus_logit(logit):
    batch = torch.tensor([logit])
    _, strong = value_and_slope(losses.generator_loss, batch)
    _, weak = value_and_slope(losses.minimax_generator_loss_from_logits, batch)
    assert (strong / weak).item() == pytest.approx(math.exp(-logit), rel=1e-4)


def test_on_logits_and_on_probabilities_the_losses_agree_where_both_hold():
    real, fake = torch.tensor([-2.0, 0.5, 3.0]), torch.tensor([-1.0, 1.5])
    value = losses.value_function(torch.sigmoid(real), torch.sigmoid(fake))
    assert losses.discriminator_loss(real, fake) == pytest.approx(-value.item())
    minimax = losses.minimax_generator_loss(torch.sigmoid(fake))
    on_logits = losses.minimax_generator_loss_from_logits(fake)
    assert on_logits.item() == pytest.approx(minimax.item())


# ---------------------------------------------------------------- PyTorch's own


def test_the_losses_are_pytorchs_cross_entropy():
    real, fake = torch.tensor([-20.0, 0.0, 3.0]), torch.tensor([40.0, -95.0])
    bce = F.binary_cross_entropy_with_logits
    ones, zeros = torch.ones_like, torch.zeros_like
    wanted = bce(real, ones(real)) + bce(fake, zeros(fake))
    assert torch.allclose(losses.discriminator_loss(real, fake), wanted)
    assert torch.allclose(losses.generator_loss(fake), bce(fake, ones(fake)))
    wanted = -bce(fake, zeros(fake))
    assert torch.allclose(losses.minimax_generator_loss_from_logits(fake), wanted)


def test_bce_with_logits_is_pytorchs_in_value_and_slope_with_soft_targets():
    logits = torch.tensor(LOGITS)
    target = torch.linspace(0, 1, len(LOGITS))
    bce = F.binary_cross_entropy_with_logits
    ours = value_and_slope(lambda x: losses.bce_with_logits(x, target), logits)
    theirs = value_and_slope(lambda x: bce(x, target), logits)
    for a, b in zip(ours, theirs, strict=True):
        assert torch.allclose(a, b, rtol=1e-6, atol=1e-6)


def test_bce_with_logits_by_hand():
    loss = losses.bce_with_logits(torch.tensor([2.0]), torch.tensor([0.25]))
    wanted = 0.25 * exact_cost(2.0, -1) + 0.75 * exact_cost(2.0, 1)
    assert loss.item() == pytest.approx(wanted)


# ---------------------------------------------------------------- log_softmax


def test_log_softmax_is_pytorchs_to_the_precision_of_its_logits():
    logits = torch.tensor(
        [[1e4, 0.0, -1e4], [1e4, 1e4 - 1, 0.0], [-120.0, 0.0, 5.0], [1.0, 2.0, 3.0]]
    )
    ours = losses.log_softmax(logits).double()
    theirs = torch.log_softmax(logits.double(), dim=-1)
    scale = logits.abs().amax(-1, keepdim=True).clamp(min=1)
    assert ((ours - theirs).abs() <= 1e-6 * scale).all()


def test_log_softmax_gives_probabilities_and_ignores_a_common_shift():
    logits = torch.tensor([[0.5, -1.0, 2.0], [300.0, 301.0, 299.0]])
    found = losses.log_softmax(logits)
    assert torch.allclose(found.exp().sum(-1), torch.ones(2))
    assert torch.allclose(found, losses.log_softmax(logits + 64), atol=1e-6)


def test_log_softmax_of_a_logit_beside_zero_is_minus_neg_log_sigmoid():
    logits = torch.tensor([-120.0, -3.0, 0.0, 2.0])
    pairs = torch.stack([logits, torch.zeros(4)], dim=1)
    found = -losses.log_softmax(pairs)[:, 0]
    assert torch.allclose(found, losses.neg_log_sigmoid(logits), atol=1e-6)


def test_log_softmax_has_the_slope_of_its_definition():
    logits = torch.tensor([[0.5, -1.0, 2.0]])
    _, ours = value_and_slope(lambda x: losses.log_softmax(x)[:, 1], logits)
    _, theirs = value_and_slope(lambda x: torch.log_softmax(x, -1)[:, 1], logits)
    assert torch.allclose(ours, theirs)


# ---------------------------------------------------------------- wrong shapes


@pytest.mark.parametrize(
    "call",
    [
        lambda: losses.discriminator_loss(torch.zeros(4, 1), torch.zeros(4)),
        lambda: losses.discriminator_loss(torch.zeros(4), torch.zeros(4, 1)),
        lambda: losses.generator_loss(torch.zeros(4, 1)),
        lambda: losses.minimax_generator_loss_from_logits(torch.tensor(0.0)),
        lambda: losses.bce_with_logits(torch.zeros(4, 1), torch.zeros(4)),
        lambda: losses.bce_with_logits(torch.zeros(4), torch.zeros(3)),
    ],
)
def test_a_batch_of_another_shape_is_refused(call):
    with pytest.raises(ValueError, match=r"shape"):
        call()


def test_the_refusal_names_the_argument_and_its_shape():
    with pytest.raises(ValueError, match=r"fake_logits .* \(4, 1\)"):
        losses.discriminator_loss(torch.zeros(4), torch.zeros(4, 1))
