"""Lesson 7: the step against a textbook's, its dashboard, its walk, its claims."""

import io
import math

import numpy as np
import pytest
import torch
from PIL import Image

from course_utils import data, figures, training, widgets
from course_utils.runs import trainer

IMAGES, LABELS = data.load("digits", size=32)
TINY = trainer.Settings(
    base_channels=4, latent_dim=8, steps=20, batch_size=16, log_every=5
)


# ---------------------------------------------------------------- the dashboard


class FakeRun:
    """A run that only counts."""

    def __init__(self, steps=60):
        self.settings = trainer.Settings(steps=steps)
        self.history = []

    def samples(self, n=64):
        return torch.full((n, 1, 32, 32), len(self.history) / 10)

    def record(self, step, **changes):
        numbers = {"loss_d": 1.4, "loss_g": 0.7, "d_real": 0.6, "d_fake": 0.4}
        numbers |= {"norm_d": 5.0, "norm_g": 0.0, "images_per_second": 100.0}
        self.history.append(trainer.Record(step, **{**numbers, **changes}))
        return self.history[-1]


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def test_the_dashboard_draws_every_twentieth_round_and_the_last():
    run = FakeRun(steps=50)
    board = widgets.Dashboard(run)
    for step in (1, 10, 20, 30, 40, 50):
        board.update(run.record(step))
    assert board.rounds == [0, 20, 40, 50]
    assert len({bytes(p) for p in board.pictures}) == 4


def test_the_dashboard_draws_a_gradient_of_zero_without_complaint():
    run = FakeRun()
    board = widgets.Dashboard(run)
    board.update(run.record(20, norm_g=0.0, loss_d=500.0))
    assert pixels(board.pictures[-1]).shape[2] == 3


def test_a_replay_shows_what_was_drawn_and_says_which_round():
    run = FakeRun()
    board = widgets.Dashboard(run)
    for step in (20, 40):
        board.update(run.record(step))
    replay = board.replay()
    assert "After round 40" in repr(replay)
    assert bytes(replay.image.value) == board.pictures[-1]
    replay.controls["picture"].value = 0
    assert bytes(replay.image.value) == board.pictures[0]


def test_a_replay_before_training_is_told_so():
    with pytest.raises(ValueError, match="train with"):
        widgets.Dashboard(FakeRun()).replay()


def test_the_dashboard_shows_and_updates_one_output(monkeypatch):
    from course_utils.widgets import lesson07

    class Handle:
        updates = 0

        def update(self, bundle, **how):
            assert bundle["image/png"].startswith(b"\x89PNG")
            self.updates += 1

    handle, shown = Handle(), []

    def display(bundle, **how):
        shown.append(bundle)
        return handle

    monkeypatch.setattr(lesson07, "display", display)
    run = FakeRun()
    board = widgets.Dashboard(run)
    board.show()
    for step in (20, 30, 40):
        board.update(run.record(step))
    assert handle.updates == 2 and "2 log 2" in shown[0]["text/plain"]


def test_the_dashboard_follows_a_real_run():
    settings = trainer.Settings(**{**vars(TINY), "steps": 40, "log_every": 10})
    run = trainer.Trainer(IMAGES[:64], settings)
    board = widgets.Dashboard(run, n=8, columns=4)
    assert run.train(watch=board.update)
    assert board.rounds == [0, 20, 40]


def test_the_dashboard_draws_the_curves_of_every_run():
    """A later picture keeps the axes' end and names both players at the curves."""
    run = FakeRun()
    records = [run.record(step) for step in (1, 10, 20)]
    samples = torch.zeros(8, 1, 32, 32)
    figure = figures.dashboard(records, samples, columns=4, last_step=60)
    _, losses_axes, outputs, norms = figure.axes
    for axes, names in (
        (losses_axes, {"D", "G"}),
        (outputs, {"D(x)", "D(G(z))"}),
        (norms, {"D", "G: 0"}),
    ):
        assert names <= {text.get_text() for text in axes.texts}
        assert axes.get_xlim() == (0, 60)


def test_reference_lines_are_computed():
    figure = figures.dashboard([], torch.zeros(8, 1, 32, 32), columns=4, last_step=10)
    losses_axes = figure.axes[1]
    levels = {
        line.get_ydata()[0]
        for line in losses_axes.lines
        if list(line.get_xdata()) == [0, 1]
    }
    assert levels == {2 * math.log(2), math.log(2)}


# ---------------------------------------------------------------- the walk


def walks(n=9):
    z0, z1 = data.latent(2, 8, data.rng(0))
    t = torch.linspace(0, 1, n)[:, None]
    return {
        "great circle": data.spherical_interpolation(z0, z1, n),
        "straight line": (1 - t) * z0 + t * z1,
    }


def test_the_images_of_a_walk_are_the_samples_of_its_latents():
    G, _ = trainer.networks(TINY)
    images = widgets.walk_images(G, walks())
    for name, walk in walks().items():
        assert torch.equal(images[name], training.sample(G, walk))
    assert G.training


def test_the_walk_changes_with_each_control_and_speaks_its_length():
    G, _ = trainer.networks(TINY)
    with torch.no_grad():
        for p in G.parameters():
            p.mul_(20)  # so that images differ
    walk = widgets.latent_walk(G, walks())
    pictures = {bytes(walk.image.value)}
    walk.controls["place"].value = 4
    pictures.add(bytes(walk.image.value))
    walk.controls["walk"].value = "straight line"
    pictures.add(bytes(walk.image.value))
    assert len(pictures) == 3
    assert "place 4 of 8 along the straight line" in walk.message.value


def test_walks_of_two_lengths_are_refused():
    G, _ = trainer.networks(TINY)
    uneven = {"a": torch.zeros(3, 8), "b": torch.zeros(4, 8)}
    with pytest.raises(ValueError, match="one length"):
        widgets.latent_walk(G, uneven)


# ---------------------------------------------------------------- figures


def test_class_shares_counts_the_classes_above_the_level():
    shares = {"data": [0.5, 0.5], "samples": [0.99, 0.01]}
    figure = figures.class_shares(shares, names="ab", at_least=0.02)
    assert figure.axes[0].get_title(loc="left").startswith("1 of 2 classes")


def test_nearest_distances_counts_near_copies():
    own = torch.linspace(4, 9, 50)
    figure = figures.nearest_distances(torch.tensor([0.0, 8.0, 9.0]), own)
    assert figure.axes[0].get_title(loc="left").startswith("1 of 3 samples")


def test_walk_lengths_draws_both_walks_below_the_band():
    lengths = {name: walk.norm(dim=1) for name, walk in walks().items()}
    typical = data.latent(500, 8, data.rng(1)).norm(dim=1)
    figure = figures.walk_lengths(lengths, typical)
    assert len(figure.axes[0].lines) == 2


def test_walk_lengths_counts_the_latents_that_are_longer():
    lengths = {"circle": torch.full((3,), 8.0), "line": torch.tensor([8.0, 5.0, 8.0])}
    figure = figures.walk_lengths(lengths, torch.tensor([4.0, 6.0, 8.0, 9.0]))
    title = figure.axes[0].get_title(loc="left")
    assert title == "Half way, the line is shorter than 3 of 4 latents"
