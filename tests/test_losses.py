"""The formulas on probabilities: hand values, PyTorch's own, and closed forms."""

import math

import pytest
import torch
import torch.nn.functional as F

from course_utils import data, losses

FLOAT64 = torch.float64
LOG2 = math.log(2)


def row(*values):
    return torch.tensor(values, dtype=FLOAT64)


# --- Cross-entropy --------------------------------------------------------------------


def test_cross_entropy_is_minus_the_log_of_what_the_truth_was_given():
    got = losses.binary_cross_entropy(row(0.8, 0.8), row(1.0, 0.0)).item()
    assert got == pytest.approx(-(math.log(0.8) + math.log(0.2)) / 2)


def test_cross_entropy_agrees_with_pytorch_soft_targets_included():
    p, t = torch.rand(50, generator=data.rng(0)), torch.rand(50, generator=data.rng(1))
    want = F.binary_cross_entropy(p, t)
    assert torch.isclose(losses.binary_cross_entropy(p, t), want)


def test_cross_entropy_is_the_mean_negative_log_likelihood_of_a_bernoulli_law():
    p, t = row(0.3, 0.9, 0.5), row(0.0, 1.0, 1.0)
    want = -torch.distributions.Bernoulli(probs=p).log_prob(t).mean()
    assert torch.isclose(losses.binary_cross_entropy(p, t), want)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.7])
def test_the_cheapest_single_answer_is_the_share_of_real_ones(share):
    answers = torch.linspace(0.01, 0.99, 99, dtype=FLOAT64)
    cost = [losses.binary_cross_entropy(a[None], row(share)).item() for a in answers]
    cheapest = answers[torch.tensor(cost).argmin()].item()
    assert cheapest == pytest.approx(share, abs=1e-9)


def test_shapes_that_would_broadcast_are_refused():
    with pytest.raises(ValueError, match="one shape"):
        losses.binary_cross_entropy(row(0.5, 0.5), row(1.0))
    with pytest.raises(ValueError, match=r"not \(2, 1\)"):
        losses.value_function(row(0.5, 0.5)[:, None], row(0.5))


# --- The value function ---------------------------------------------------------------


def test_value_is_minus_log_4_when_d_is_fooled():
    half = torch.full((5,), 0.5)
    assert losses.value_function(half, half[:2]).item() == pytest.approx(-math.log(4))


def test_value_is_a_sum_of_two_means_whatever_the_batches_sizes():
    real, fake = row(0.9, 0.6), row(0.1, 0.4, 0.2, 0.7, 0.3)
    want = sum(map(math.log, (0.9, 0.6))) / 2
    want += sum(math.log(1 - d) for d in fake.tolist()) / 5
    assert losses.value_function(real, fake).item() == pytest.approx(want)
    repeated = losses.value_function(real.repeat(3), fake)
    assert repeated.item() == pytest.approx(want)


def test_value_is_the_negative_of_the_discriminators_loss_on_logits():
    real, fake = row(2.0, -1.0, 0.5), row(-3.0, 0.2)
    got = losses.value_function(torch.sigmoid(real), torch.sigmoid(fake))
    assert torch.isclose(got, -losses.discriminator_loss(real, fake))


def best_constant(loss):
    q = torch.linspace(0.01, 0.99, 99, dtype=FLOAT64)
    return q[torch.stack([loss(a) for a in q]).argmin()].item()


def test_one_mean_over_a_mixed_batch_makes_its_balance_the_prior():
    def two_means(q):
        return -losses.value_function(q.expand(300), q.expand(100))

    def one_mean(q):
        targets = torch.cat([torch.ones(300), torch.zeros(100)]).to(FLOAT64)
        return losses.binary_cross_entropy(q.expand(400), targets)

    assert best_constant(two_means) == pytest.approx(0.5)
    assert best_constant(one_mean) == pytest.approx(0.75)


def test_the_two_losses_cancel_once_the_real_term_is_put_back():
    real, fake = row(0.9, 0.6), row(0.1, 0.4)
    loss_d = -losses.value_function(real, fake)
    loss_g = losses.minimax_generator_loss(fake)
    assert (loss_d + loss_g).abs() > 0.1
    assert (loss_d + loss_g + real.log().mean()).abs() < 1e-12


# --- The best D -----------------------------------------------------------------------


def test_best_d_is_the_share_of_data():
    got = losses.optimal_discriminator(row(1.0, 3.0, 0.0, 2.0), row(1.0, 1.0, 1.0, 0.0))
    assert got.tolist() == [0.5, 0.75, 0.0, 1.0]


def test_best_d_needs_no_epsilon_far_out_and_says_half_where_nothing_is():
    p, q = torch.tensor([1e-30, 0.0]), torch.tensor([3e-30, 0.0])
    assert losses.optimal_discriminator(p, q).tolist() == pytest.approx([0.25, 0.5])


def test_best_d_is_bayes_rule_with_a_prior_of_one_half():
    x = torch.linspace(-4, 4, 33, dtype=FLOAT64)[:, None]
    p, q = data.two_gaussians().density(x), data.gaussian(0.5, 1.0).density(x)
    logits = torch.stack([p.log() + math.log(0.5), q.log() + math.log(0.5)])
    assert torch.allclose(losses.optimal_discriminator(p, q), logits.softmax(0)[0])


@pytest.mark.parametrize("p, q", [(0.3, 0.1), (0.2, 0.7), (1.0, 1.0)])
def test_no_other_answer_gives_a_point_more_value(p, q):
    d = torch.linspace(0.001, 0.999, 999, dtype=FLOAT64)
    gain = p * d.log() + q * (1 - d).log()
    want = losses.optimal_discriminator(row(p), row(q)).item()
    assert d[gain.argmax()].item() == pytest.approx(want, abs=1e-3)


# --- The divergence -------------------------------------------------------------------

DX = 0.001


def boxes(shift):
    """U[0, 1] and its shift, on a grid of cell centers."""
    x = torch.arange(0, 4, DX, dtype=FLOAT64) + DX / 2
    inside = (x < 1), (x > shift) & (x < shift + 1)
    return tuple(box.to(FLOAT64) for box in inside)


@pytest.mark.parametrize("shift", [0.0, 0.25, 0.5, 1.0, 2.5])
def test_divergence_of_shifted_boxes_is_log_2_times_their_shift(shift):
    got = losses.jensen_shannon(*boxes(shift), DX).item()
    assert got == pytest.approx(LOG2 * min(shift, 1), abs=1e-9)


def gaussians(distance):
    x = torch.arange(-10, 14, DX, dtype=FLOAT64)[:, None]
    return tuple(data.gaussian(m, 1.0).density(x) for m in (0.0, distance))


def test_divergence_of_near_gaussians_is_an_eighth_of_the_squared_distance():
    # To second order any smooth shift costs Fisher information / 8: 1/8 for N(., 1).
    for distance in (0.05, 0.1):
        got = losses.jensen_shannon(*gaussians(distance), DX).item()
        assert got == pytest.approx(distance**2 / 8, rel=2e-3)


def test_divergence_is_symmetric_and_between_0_and_log_2():
    for distance in (0.0, 1.0, 4.0):
        p, q = gaussians(distance)
        there, back = losses.jensen_shannon(p, q, DX), losses.jensen_shannon(q, p, DX)
        assert torch.isclose(there, back)
        assert -1e-9 <= there.item() <= LOG2


def test_divergence_agrees_with_monte_carlo():
    p_law, q_law = data.two_gaussians(), data.gaussian(0.5, 1.0)

    def half(law):  # KL of a law to the average of both, over its own draws
        x = law.sample(200_000, data.rng(0)).double()
        m = (p_law.density(x) + q_law.density(x)) / 2
        return (law.log_density(x) - m.log()).mean().item()

    x = torch.arange(-8, 8, DX, dtype=FLOAT64)[:, None]
    got = losses.jensen_shannon(p_law.density(x), q_law.density(x), DX).item()
    assert got == pytest.approx((half(p_law) + half(q_law)) / 2, abs=3e-3)


@pytest.mark.parametrize("distance", [0.0, 0.5, 1.0, 3.0])
def test_the_best_d_turns_the_value_into_the_divergence(distance):
    p, q = gaussians(distance)
    d = losses.optimal_discriminator(p, q)
    value = (torch.xlogy(p, d) + torch.xlogy(q, 1 - d)).sum().item() * DX
    divergence = losses.jensen_shannon(p, q, DX).item()
    assert value == pytest.approx(2 * divergence - math.log(4), abs=1e-6)
