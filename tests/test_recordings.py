"""The recorded runs: whole, small, and made by the script that is said to make them."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from course_utils import data, recordings
from course_utils.data import DataError
from course_utils.runs import trainer
from data.make import ablation as ablate
from data.make import recordings as record_runs

NAMES = [*record_runs.RUNS, "ring"]


@pytest.fixture(scope="module")
def digits():
    return data.load("digits")[0]


def test_every_run_of_the_script_ships_and_no_other():
    assert recordings.names() == sorted(NAMES)


def test_all_together_stay_below_five_megabytes():
    assert sum(p.stat().st_size for p in recordings.RUNS_DIR.iterdir()) < 5e6


@pytest.mark.parametrize("name", NAMES)
def test_recording_is_whole(name):
    made = recordings.load(name)
    assert set(made.curves) == set(recordings.CURVES)
    for values in made.curves.values():
        assert values.shape == made.steps.shape and values.isfinite().all()
    assert (made.steps.diff() > 0).all() and (made.sample_steps.diff() > 0).all()
    assert len(made.samples) == len(made.sample_steps)
    assert made.samples.isfinite().all()
    for name in ("d_real", "d_fake"):
        assert 0 <= made.curves[name].min() and made.curves[name].max() <= 1


@pytest.mark.parametrize("name", ["healthy", "weak", "wide_init"])
def test_script_starts_as_the_recording_did(name, digits):
    settings, step, change = record_runs.RUNS[name]
    G, D = trainer.networks(settings)
    change(G), change(D)
    run = trainer.Trainer(digits, settings, G=G, D=D, step=step)
    run.train(1)
    kept = recordings.load(name)
    for curve in recordings.CURVES:
        now, then = getattr(run.history[0], curve), kept.curves[curve][0].item()
        assert now == pytest.approx(then, rel=0.02, abs=1e-4), curve
    made = {k: v for k, v in kept.settings.items() if k != "step"}
    assert trainer.Settings(**made) == settings


def test_detached_step_moves_d_and_leaves_g(digits):
    settings = trainer.Settings(base_channels=4, latent_dim=8, steps=1, batch_size=8)
    run = trainer.Trainer(digits[:8], settings, step=record_runs.detached_step)
    before = [p.clone() for p in run.G.parameters()]
    d_before = next(run.D.parameters()).clone()
    run.step(
        run.G, run.D, run.optimizer_g, run.optimizer_d, digits[:8], run.fixed_z[:8]
    )
    assert all(map(torch.equal, before, run.G.parameters()))
    assert not torch.equal(d_before, next(run.D.parameters()))


def test_late_generator_waits_and_then_moves(digits):
    settings = trainer.Settings(
        base_channels=4, latent_dim=8, steps=3, batch_size=8, n_generator_steps=1
    )
    run = trainer.Trainer(
        digits[:16], settings, step=record_runs.LateGenerator(rounds=2)
    )
    weight = next(run.G.parameters())
    before = weight.clone()
    run.train(2)
    assert torch.equal(before, weight)
    run.train(3)
    assert not torch.equal(before, weight)


def test_saving_and_loading_keeps_curves_and_nearly_the_pixels(tmp_path, monkeypatch):
    kept = recordings.load("healthy")
    monkeypatch.setattr(recordings, "RUNS_DIR", tmp_path)
    recordings.save(kept, tmp_path)
    again = recordings.load("healthy")
    for name in recordings.CURVES:
        assert torch.equal(again.curves[name], kept.curves[name])
    assert (again.samples - kept.samples).abs().max() <= 1 / 127.5
    assert again.settings == kept.settings


def test_unknown_and_broken_recordings_get_a_sentence(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="healthy"):
        recordings.load("heathy")
    monkeypatch.setattr(recordings, "RUNS_DIR", tmp_path)
    for content in (b"", b"no archive", (data.DATA_DIR / "digits.npz").read_bytes()):
        (tmp_path / "x.npz").write_bytes(content)
        with pytest.raises(DataError, match="git checkout"):
            recordings.load("x")


def test_last_is_the_mean_of_the_last_quarter():
    made = recordings.Recording(
        "x", torch.arange(8), {"loss_d": torch.arange(8.0)}, torch.zeros(0),
        torch.zeros(0), {},
    )  # fmt: skip
    assert made.last("loss_d") == 6.5


# --- The ablation ---------------------------------------------------------------------


def test_ablation_ships_every_variant_with_three_seeds_or_more():
    table = json.loads(ablate.TARGET.read_text(encoding="utf-8"))
    assert set(table["variants"]) == set(ablate.VARIANTS)
    for name, row in table["variants"].items():
        assert row["says"] == ablate.VARIANTS[name].says
        assert len(row["seeds"]) == len(ablate.SEEDS) >= 3
        for found in row["seeds"]:
            assert all(np.isfinite(value) for value in found.values())
    assert table["machine"] and table["rounds"] == ablate.ROUNDS


@pytest.mark.parametrize("name", ablate.VARIANTS)
def test_variant_plays_a_round_and_differs_from_the_whole(name, digits, monkeypatch):
    monkeypatch.setattr(ablate, "SEEDS", (0,))
    variant = ablate.VARIANTS[name]
    small = dataclasses.replace(variant.settings, steps=1, log_every=1)
    run = ablate.train(dataclasses.replace(variant, settings=small), 0, digits)
    assert run.samples(4).shape == (4, 1, 32, 32) and run.samples(4).abs().max() <= 1
    kinds = [type(m).__name__ for net in (run.G, run.D) for m in net.modules()]
    wanted = {
        "whole": "BatchNorm2d" in kinds and "LeakyReLU" in kinds,
        "norm": "BatchNorm2d" not in kinds,
        "dense_g": "ConvTranspose2d" not in kinds,
        "dense_d": "Conv2d" not in kinds,
        "leaky": "LeakyReLU" not in kinds,
        "beta1": run.optimizer_g.defaults["betas"][0] == 0.9,
        "init": "BatchNorm2d" in kinds and small.beta1 == 0.5,
    }
    assert wanted[name]
