"""Numbers that a lesson's prose states and no cell prints: a test for each claim."""

import json
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from course_utils import (
    clinic,
    data,
    evaluation,
    losses,
    models,
    recordings,
    training,
)
from course_utils.runs import trainer

FLOAT64 = torch.float64
LOG2, LOG4 = math.log(2), math.log(4)


def slope(function: Callable, x: torch.Tensor) -> torch.Tensor:
    """By autograd, at each element by itself."""
    x = x.clone().requires_grad_()
    return torch.autograd.grad(function(x).sum(), x)[0]


# --- Lesson 1 -------------------------------------------------------------------------


def test_1_the_valley_deepens_with_the_distance_of_the_modes():
    for distance, depth in ((2, 11.4), (3, 567), (5, 1.5e8)):
        p = data.two_gaussians(-distance / 2, distance / 2)
        valley, mode = p.density(torch.tensor([[0.0], [distance / 2]]))
        assert (mode / valley).item() == pytest.approx(depth, rel=0.02)


def test_1_the_sum_over_all_images_takes_585_years():
    assert 2**64 / 1e9 / (365 * 24 * 3600) == pytest.approx(585, abs=0.5)


# --- Lesson 2 -------------------------------------------------------------------------


def test_2_a_sample_needs_no_weighting_by_its_density():
    p, answer = data.two_gaussians(), lambda x: torch.sigmoid(x.flatten() - 0.5).log()
    x, grid = p.sample(400_000, data.rng(0)), torch.linspace(-6, 6, 4001).double()
    want = (p.density(grid[:, None]) * answer(grid)).sum().item() * 12 / 4000
    assert answer(x).mean().item() == pytest.approx(want, abs=5e-3)
    assert abs((p.density(x) * answer(x)).mean().item() - want) > 0.1


def test_2_one_mean_over_a_mixed_batch_makes_its_balance_the_prior():
    answers = torch.linspace(0.01, 0.99, 99)
    targets = torch.cat([torch.ones(300), torch.zeros(100)])
    two = [losses.value_function(a.expand(300), a.expand(100)) for a in answers]
    one = [-losses.binary_cross_entropy(a.expand(400), targets) for a in answers]
    best = [answers[torch.stack(values).argmax()].item() for values in (two, one)]
    assert best == pytest.approx([0.5, 0.75])


@pytest.mark.parametrize("seed", range(3))
def test_2_a_d_loss_near_log_4_is_no_proof_that_g_is_right(seed):
    rng = data.rng(seed)
    G = models.mlp_generator(1, 1, generator=rng)
    D = models.mlp_discriminator(1, generator=rng)
    with torch.no_grad():  # untrained
        x_fake = G(data.latent(5000, 1, rng))
        x_real = data.two_gaussians().sample(5000, rng)
        loss = losses.discriminator_loss(D(x_real), D(x_fake))
    assert abs(loss.item() - LOG4) < 0.1
    grid = torch.linspace(-5, 5, 401)
    p_g = evaluation.smoothed_density(x_fake[:, 0], grid, 0.05)
    p_data = data.two_gaussians().density(grid[:, None])
    assert losses.jensen_shannon(p_data, p_g, 0.025) > 0.9 * LOG2


# --- Lesson 3 -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "last"),
    [
        (lambda x: torch.log(1 - torch.sigmoid(x)), -88.5),  # exp(-l) overflows
        (lambda x: -F.softplus(x), -103.0),  # exp(l) underflows
    ],
)
def test_3_float32_ends_where_the_lesson_says(loss, last):
    assert slope(loss, torch.tensor([last])).item() != 0
    assert slope(loss, torch.tensor([last - 1.5])).item() == 0


# --- Lesson 4 -------------------------------------------------------------------------


def test_4_the_slopes_of_the_two_losses_have_the_ratio_exp_of_minus_the_logit():
    logits = torch.tensor([-20.0, -3.0, 0.0, 5.0, 20.0], dtype=FLOAT64)
    new = slope(lambda x: F.softplus(-x), logits)
    old = slope(lambda x: -F.softplus(x), logits)
    torch.testing.assert_close(new / old, torch.exp(-logits))
    assert new[3].item() == pytest.approx(-0.0067, abs=5e-5)
    assert -1 / new[4].item() == pytest.approx(500e6, rel=0.05)


def test_4_with_d_held_fixed_the_gradient_is_that_of_kl_minus_twice_jsd():
    x = torch.linspace(-14, 14, 14001, dtype=FLOAT64)[:, None]
    p_data = data.gaussian(0, 1).density(x)

    def height(theta, share):
        p_g = data.gaussian(theta, 1).density(x)
        kl = (torch.xlogy(p_g, p_g) - torch.xlogy(p_g, p_data)).sum() * 0.002
        return (kl - share * losses.jensen_shannon(p_data, p_g, 0.002)).item()

    for theta in (-3.0, -1.0, 0.5, 2.0):
        p_g = data.gaussian(theta, 1).density(x)
        weight = torch.sigmoid(theta * x - theta**2 / 2).flatten()
        fixed = theta * (p_g * weight).sum().item() * 0.002
        rise = (height(theta + 1e-3, 2) - height(theta - 1e-3, 2)) / 2e-3
        assert fixed == pytest.approx(rise, abs=1e-5)
        if theta == -1:
            assert fixed == pytest.approx(-0.602, abs=1e-3)
            moving = (height(theta + 1e-3, 1) - height(theta - 1e-3, 1)) / 2e-3
            assert moving == pytest.approx(-0.801, abs=1e-3)


@pytest.mark.parametrize(("mass", "nonsense_is_dearer"), [(1e-6, True), (1e-2, False)])
def test_4_the_new_loss_charges_more_for_what_the_data_never_do(
    mass, nonsense_is_dearer
):
    p = torch.tensor([0.5, 0.5, mass])
    gap, nonsense = (
        2 * torch.xlogy((p + q) / 2, (p + q) / 2 / p).sum()
        for q in (torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.45, 0.45, 0.1]))
    )
    assert bool(nonsense > gap) is nonsense_is_dearer


def test_4_the_circles_on_the_ring_do_not_meet():
    assert torch.pdist(data.ring().centers).min() > 2 * 0.6


# --- Lesson 5 -------------------------------------------------------------------------


def test_5_numbers_of_floating_point():
    assert round(math.exp(20) / 1e6) == 485
    one = torch.tensor(1.0)
    below = torch.nextafter(one, torch.tensor(0.0))
    assert (one - below).item() == pytest.approx(5.96e-8, rel=1e-3)
    x = torch.tensor([24 * LOG2 - 0.01, 24 * LOG2 + 0.01])
    assert (torch.sigmoid(x) == 1).tolist() == [False, True]
    assert math.log(65504) == pytest.approx(11.09, abs=0.005)
    assert 1000 / math.log(10) > 400  # zeros of the logistic function at -1000
    assert torch.tensor(1e-8).half() == 0 and torch.tensor(1 - 1e-7).bfloat16() == 1
    stuck = [round(-math.log(e), 3) for e in (1e-8, 1e-7, 1e-6)]
    assert stuck == [18.421, 16.118, 13.816]


@pytest.mark.parametrize(
    ("dtype", "bits_of_one", "binary_digits"),
    [(torch.bfloat16, 0x3F80, 8), (torch.float16, 0x3C00, 11)],
)
def test_5_most_small_floats_lie_below_one_half_and_a_sigmoid_soon_rounds_to_one(
    dtype, bits_of_one, binary_digits
):
    held = torch.arange(1, bits_of_one, dtype=torch.int16).view(dtype).double()
    assert 15_000 < len(held) < 16_500 and held.max() < 1
    assert (held < 0.5).double().mean() > 0.9
    middle = math.log(2 ** (binary_digits + 1) - 1)  # of the last gap below 1
    x = torch.arange(0, 10, 1 / 16).to(dtype)
    assert middle < x[torch.sigmoid(x) == 1][0].item() < middle + 1 / 16


def test_5_slopes_of_the_usual_patches():
    plain = lambda x: -torch.log(torch.sigmoid(x))  # noqa: E731
    x = torch.tensor([-11.0, -11.125], dtype=torch.float16)
    assert plain(x).isfinite().all()
    assert slope(plain, x).isfinite().tolist() == [True, False]
    bce = lambda x: F.binary_cross_entropy(torch.sigmoid(x), torch.ones(1))  # noqa: E731
    want = -math.exp(-40) / 1e-12
    assert slope(bce, torch.tensor([-40.0])).item() == pytest.approx(want, rel=1e-3)
    for e in (1e-4, 1e-8, 1e-12):  # half of the slope is left at log e
        patched = lambda x, e=e: -torch.log(torch.sigmoid(x) + e)  # noqa: E731
        at = torch.tensor([math.log(e)])
        assert slope(patched, at).item() == pytest.approx(-0.5, abs=1e-3)


def test_5_a_last_layer_of_zeros_never_learns_if_the_corner_is_typed_with_relu():
    x = torch.randn(8, 3, generator=data.rng(0))
    typed = lambda x: F.relu(-x) + torch.log1p(torch.exp(-x.abs()))  # noqa: E731
    for cost, learns in ((typed, False), (lambda x: F.softplus(-x), True)):
        loss = lambda w, cost=cost: cost(x[:4] @ w) + cost(-x[4:] @ w)  # noqa: E731
        assert bool(slope(loss, torch.zeros(3)).abs().max() > 0.01) is learns


# --- Lesson 6 -------------------------------------------------------------------------


def test_6_epsilon_inside_the_root_counts_as_its_root():
    for g, wanted in ((1e-3, 0.995), (1e-4, 0.707), (1e-5, 0.100)):
        assert g / math.sqrt(g**2 + 1e-8) == pytest.approx(wanted, abs=1e-3)


# --- Lesson 7 -------------------------------------------------------------------------


def test_7_a_round_twenty_or_a_hundred_rounds_ago_weighs_a_third():
    assert [0.95**20, 0.99**100] == pytest.approx([0.358, 0.366], abs=1e-3)


def test_7_eight_pixels_tell_bytes_over_255_from_tanh():
    G, _ = trainer.networks(trainer.Settings(base_channels=16))
    x_fake = training.sample(G, data.latent(500, 64, data.rng(0)))
    eight = torch.randperm(32 * 32, generator=data.rng(0))[:8]
    assert (x_fake.flatten(1)[:, eight] < 0).any(dim=1).float().mean() > 0.95


def test_7_latents_of_64_numbers_have_a_length_near_8_and_their_middles_5_to_6():
    z = data.latent(5000, 64, data.rng(4))
    typical, middle = z.norm(dim=1), ((z[::2] + z[1::2]) / 2).norm(dim=1)
    assert typical.mean() == pytest.approx(8, abs=0.1) and typical.std() < 0.8
    assert middle.median() == pytest.approx(8 / math.sqrt(2), abs=0.1)
    z0, z1 = data.latent(2, 64, data.rng(39))
    assert ((z0 + z1) / 2).norm() < typical.min()
    walk = data.spherical_interpolation(z0, z1, 41).norm(dim=1)
    low, high = typical.quantile(0.005), typical.quantile(0.995)
    assert ((walk > low) & (walk < high)).all()


def test_7_bytes_wrap_round():
    byte = torch.tensor([200], dtype=torch.uint8)
    assert ((byte + 100).item(), (2 * byte).item()) == (44, 144)
    assert (torch.tensor([3], dtype=torch.uint8) - 128).item() == 131


# --- Lesson 8 -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recorded():
    return {letter: clinic.run(letter) for letter in clinic.CLINIC}


def spread(samples):
    return samples.std(dim=0).mean().item()


def test_8_overpowered_and_detach_differ_in_gs_gradient_and_in_its_samples(recorded):
    strong, cut = recorded["D"], recorded["G"]
    for curve in ("loss_d", "d_real", "d_fake"):
        assert abs(strong.last(curve) - cut.last(curve)) < 0.01
    assert (cut.curves["norm_g"] == 0).all() and (strong.curves["norm_g"] > 1).all()
    assert torch.equal(cut.samples[0], cut.samples[-1])
    assert (strong.samples[-1] - strong.samples[0]).abs().mean() > 0.1


def test_8_the_collapsed_run_sits_on_the_levels_and_draws_one_image(recorded):
    healthy, collapsed = recorded["C"], recorded["H"]
    for curve, level in {"loss_d": LOG4, "loss_g": LOG2}.items():
        assert abs(collapsed.last(curve) - level) < 0.03
        assert abs(healthy.last(curve) - level) > 0.3
    assert spread(collapsed.samples[-1]) < 0.1 < 0.3 < spread(healthy.samples[-1])
    late = collapsed.curves["loss_d"][collapsed.steps > 100]
    assert ((late - LOG4).abs() < 0.1).float().mean() > 0.9


@pytest.mark.parametrize("name", ["high_rates", "flat_norms", "late_generator"])
def test_8_the_warnings_did_not_come_true(name):
    run = recordings.load(name)
    found = clinic.words(clinic.signs(run.curves))
    assert clinic.disagreements(found, "healthy") == []
    assert spread(run.samples[-1]) > 0.25


def test_8_two_batches_of_one_loss_and_other_answers():
    fake = torch.tensor([-5.0, -5.0, 2.7, 2.7])
    loss = losses.discriminator_loss(torch.full((4,), 5.0), fake)
    assert loss.item() == pytest.approx(LOG4, abs=1e-2)


def ranked(name):
    panel = clinic.panel()
    return clinic.rank_correlation(panel.places, [row[name] for row in panel.numbers])


def test_8_scores_rank_as_the_eye_does_and_ds_loss_only_until_the_clinic_joins():
    assert ranked("frechet") > 0.9 and ranked("precision") < -0.9
    assert ranked("recall") < -0.8 and ranked("loss_d") < -0.5
    panel = clinic.panel()
    found = [row["loss_d"] for row in panel.numbers]
    found += [clinic.run(letter).last("loss_d") for letter in "EH"]
    places = [*panel.places, 11.5, 11.5]
    assert abs(clinic.rank_correlation(places, found)) < 0.2


def table(file, part=None):
    """Variant -> Fréchet distances of its seeds."""
    content = json.loads((data.DATA_DIR / file).read_text(encoding="utf-8"))
    rows = content["variants"] if part else content
    return {name: [s["frechet"] for s in row["seeds"]]
            for name, row in rows.items() if "seeds" in row}  # fmt: skip


def test_8_the_ablation_shows_what_the_verdict_says():
    distance = table("ablation.json", "variants")
    whole = distance["whole"]
    assert min(distance["norm"]) > 2 * max(whole)
    assert min(distance["dense_g"]) > max(distance["norm"])
    assert min(distance["beta1"]) > max(distance["dense_g"])
    assert max(distance["leaky"]) < max(whole)
    assert max(distance["dense_d"]) > 10 * min(distance["dense_d"])
    pairs = zip(sorted(distance["init"]), sorted(whole), strict=True)
    assert all(1.8 < x / w < 3.5 for x, w in pairs)


def test_8_two_steps_of_g_at_equal_cost_differ_less_than_the_seeds():
    found = table("two_steps.json")
    one, two = found["one step of G"], found["two steps of G"]
    assert abs(np.mean(one) - np.mean(two)) < min(np.ptp(one), np.ptp(two))
    panel = clinic.panel()
    by_round = dict(zip(panel.names, panel.numbers, strict=True))
    rounds = ("one step of G", "one step of G, another seed")  # seeds 0 and 1
    assert all(t < by_round[n]["frechet"] for t, n in zip(two, rounds, strict=False))
