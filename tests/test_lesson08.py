"""Lesson 8: recordings, numbers its prose relies on."""

import json
import math

import numpy as np
import pytest
import torch

from course_utils import (
    classifier,
    clinic,
    data,
    evaluation,
    recordings,
)
from course_utils.exercises import judge, lesson08_clinic

CLINIC = clinic.CLINIC
GALLERY = ("high_rates", "flat_norms", "late_generator")


@pytest.fixture(scope="module")
def recorded():
    return {letter: clinic.run(letter) for letter in CLINIC}


def spread(samples):
    return samples.std(dim=0).mean().item()


# ---------------------------------------------------------------- the recordings


def test_the_clinic_s_runs_were_sampled_at_the_same_rounds(recorded):
    assert len({tuple(run.sample_steps.tolist()) for run in recorded.values()}) == 1


def test_the_clinic_s_files_are_small():
    sizes = [p.stat().st_size for p in recordings.RUNS_DIR.glob("*.npz")]
    assert sum(sizes) < 5e6


def test_overpowered_and_detach_differ_in_g_s_gradient_and_in_its_samples(recorded):
    strong, cut = recorded["D"], recorded["G"]
    for curve in ("loss_d", "d_real", "d_fake"):
        assert abs(strong.last(curve) - cut.last(curve)) < 0.01
    assert (cut.curves["norm_g"] == 0).all() and (strong.curves["norm_g"] > 1).all()
    assert torch.equal(cut.samples[0], cut.samples[-1])
    assert (strong.samples[-1] - strong.samples[0]).abs().mean() > 0.1


def test_the_collapsed_run_sits_on_the_levels_and_the_healthy_one_does_not(recorded):
    level = {"loss_d": 2 * math.log(2), "loss_g": math.log(2)}
    for curve, value in level.items():
        assert abs(recorded["H"].last(curve) - value) < 0.03
        assert abs(recorded["C"].last(curve) - value) > 0.3
    alike, unlike = (spread(recorded[letter].samples[-1]) for letter in "HC")
    assert alike < 0.1 < 0.3 < unlike
    late = recorded["H"].curves["loss_d"][recorded["H"].steps > 100]
    assert ((late - level["loss_d"]).abs() < 0.1).float().mean() > 0.9


def test_only_wide_weights_start_with_a_large_loss(recorded):
    first = {letter: run.curves["loss_d"][0].item() for letter, run in recorded.items()}
    assert first.pop("F") > 3
    assert all(1 < loss < 2 for loss in first.values()), first


@pytest.mark.parametrize("name", GALLERY)
def test_the_warnings_did_not_come_true(name):
    run = recordings.load(name)
    found = clinic.words(clinic.signs(run.curves))
    assert clinic.disagreements(found, "healthy") == []
    assert spread(run.samples[-1]) > 0.25


def test_the_ring_s_samples_go_round_while_the_losses_stand_still():
    ring = recordings.load("ring")
    assert abs(ring.last("loss_d") - 2 * math.log(2)) < 0.02
    assert abs(ring.last("d_real") - 0.5) < 0.02
    means = ring.samples[35:41].mean(dim=1)
    angle = torch.atan2(means[:, 1], means[:, 0])
    steps = torch.remainder(angle.diff(), 2 * math.pi)
    assert (steps > 0.3).all() and 4 < steps.sum() < 2.5 * math.pi
    met = [
        evaluation.modes_covered(x, data.ring().centers, 0.25)
        for x in ring.samples[35:41]
    ]
    assert max(met) < 4


# ---------------------------------------------------------------- the clinic's card


@pytest.mark.parametrize("letter", CLINIC)
@pytest.mark.parametrize("said", clinic.LABELS)
def test_a_card_names_the_run_and_a_sign_and_never_the_right_label(letter, said):
    if said == CLINIC[letter]:
        return
    verdict = judge(lambda run: said if run == letter else CLINIC[run], "diagnose")
    assert verdict.mistake == f"run {letter} taken for {said}"
    assert f"Run {letter} is not '{said}'." in verdict.message
    assert CLINIC[letter] not in verdict.message.replace(said, "")
    assert any(curve in verdict.message for curve in clinic.CURVE.values())


def test_a_partly_right_answer_is_told_about_its_first_wrong_run():
    table = CLINIC | {"C": "weak", "F": "healthy", "H": "detach"}
    assert judge(lambda run: table[run], "diagnose").mistake == "run C taken for weak"


def test_a_label_that_is_none_is_said_to_be_none():
    table = CLINIC | {"B": "broken"}
    verdict = judge(lambda run: table[run], "diagnose")
    assert verdict.mistake is None
    assert lesson08_clinic.NO_LABEL in verdict.message and "run B" in verdict.message
    assert "one_pass" not in verdict.message


# ---------------------------------------------------------------- numbers of the prose


def test_two_batches_of_one_loss_and_other_answers():
    softplus = torch.nn.functional.softplus
    fake = torch.tensor([-5.0, -5.0, 2.7, 2.7])
    loss = softplus(torch.full((4,), -5.0)).mean() + softplus(fake).mean()
    assert loss.item() == pytest.approx(2 * math.log(2), abs=1e-2)
    assert torch.sigmoid(torch.tensor(5.0)).item() == pytest.approx(0.99, abs=5e-3)


@pytest.fixture(scope="module")
def digits():
    images, labels = data.load("digits")
    small, _ = data.load("digits", size=8)
    seer = classifier.load("digits")
    return images, labels, small, seer, seer.features(images)


@pytest.mark.parametrize("seed", range(5))
def test_the_same_law_scores_ten_times_worse_with_25_images(digits, seed):
    *_, found = digits
    order = torch.randperm(len(found), generator=data.rng(100 + seed))

    def halves(n):
        return evaluation.frechet_distance(found[order[:n]], found[order[n : 2 * n]])

    assert halves(25) > 10 * halves(800)


@pytest.mark.parametrize("seed", range(5))
def test_the_class_gaussians_beat_the_dcgan_by_score(digits, seed):
    images, labels, small, seer, found = digits
    (part, part_labels), _ = data.split(small, labels)
    (train, _), _ = data.split(images, labels)
    drawn_8x8 = evaluation.class_gaussians(part, part_labels, 1500, data.rng(seed))
    score = evaluation.frechet_distance(
        seer.features(classifier.to_gray32(drawn_8x8)), seer.features(train)
    )
    table = json.loads((data.DATA_DIR / "ablation.json").read_text())
    assert score < min(s["frechet"] for s in table["variants"]["whole"]["seeds"])
    bare = (drawn_8x8 == -1).double().mean().item()
    assert bare < 0.6 * (part == -1).double().mean().item()


@pytest.mark.parametrize("seed", range(5))
def test_memorization_of_copies_gaussians_and_fresh_draws(digits, seed):
    images, labels, small, *_ = digits
    (half, half_labels), (other, _) = data.split(images, labels, heldout=898, seed=seed)
    half, half_labels = half[:898], half_labels[:898]
    copied = evaluation.copies(half, 200, data.rng(seed))
    assert evaluation.memorization_score(copied, half, other) > 0.99
    (part, _), _ = data.split(small, labels, heldout=898, seed=seed)
    draws = evaluation.class_gaussians(part[:898], half_labels, 300, data.rng(seed))
    lean = evaluation.memorization_score(classifier.to_gray32(draws), half, other)
    assert 0.5 < lean < 0.75


def test_scores_rank_as_the_eye_does_and_d_s_loss_does_not_once_the_clinic_joins():
    panel = clinic.panel()

    def rho(name):
        return clinic.rank_correlation(
            panel.places, [row[name] for row in panel.numbers]
        )

    assert rho("frechet") > 0.9 and rho("precision") < -0.9 and rho("recall") < -0.8
    assert rho("loss_d") < -0.5
    losses = [row["loss_d"] for row in panel.numbers]
    losses += [clinic.run(letter).last("loss_d") for letter in "EH"]
    places = [*panel.places, 11.5, 11.5]
    assert abs(clinic.rank_correlation(places, losses)) < 0.2


def test_two_steps_of_g_at_equal_cost_differ_less_than_the_seeds():
    table = json.loads((data.DATA_DIR / "two_steps.json").read_text())
    one, two = (
        [s["frechet"] for s in table[name]["seeds"]]
        for name in ("one step of G", "two steps of G")
    )
    assert abs(np.mean(one) - np.mean(two)) < min(np.ptp(one), np.ptp(two))
    spent = [
        sum(s["cpu_seconds"] for s in table[name]["seeds"])
        for name in ("one step of G", "two steps of G")
    ]
    assert 0.75 < spent[1] / spent[0] < 1


def test_the_ablation_shows_what_the_verdict_says():
    table = json.loads((data.DATA_DIR / "ablation.json").read_text())
    assert "CPU" in table["machine"]
    assert all(len(v["seeds"]) >= 3 for v in table["variants"].values())
    distance = {
        name: [s["frechet"] for s in v["seeds"]]
        for name, v in table["variants"].items()
    }
    whole = distance["whole"]
    assert min(distance["norm"]) > 2 * max(whole)
    assert min(distance["dense_g"]) > max(distance["norm"])
    assert min(distance["beta1"]) > max(distance["dense_g"])
    assert max(distance["leaky"]) < max(whole)
    assert max(distance["dense_d"]) > 10 * min(distance["dense_d"])
    pairs = zip(sorted(distance["init"]), sorted(whole), strict=True)
    assert all(1.8 < x / w < 3.5 for x, w in pairs)
    worst = max(distance, key=lambda name: min(distance[name]))
    assert worst == "beta1"


def test_by_round_two_steps_of_g_look_better():
    table = json.loads((data.DATA_DIR / "two_steps.json").read_text())
    two = [s["frechet"] for s in table["two steps of G"]["seeds"]]
    panel = clinic.panel()
    found = dict(zip(panel.names, panel.numbers, strict=True))
    one = [
        found[name]["frechet"]
        for name in ("one step of G", "one step of G, another seed")
    ]  # seeds 0 and 1, after as many rounds
    assert all(t < o for t, o in zip(two, one, strict=False))
