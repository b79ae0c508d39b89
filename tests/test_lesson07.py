"""Lesson 7: the step against a textbook's, its dashboard, its walk, its claims."""

import copy
import math

import pytest
import torch
import torch.nn.functional as F

from course_utils import data, models, training
from course_utils.exercises import bank
from course_utils.runs import devices, trainer

IMAGES, LABELS = data.load("digits", size=32)
TINY = trainer.Settings(
    base_channels=4, latent_dim=8, steps=20, batch_size=16, log_every=5
)


def answered_step(G, D, optimizer_g, optimizer_d, x_real, z):
    """The answer that the card of exercise 7.2 shows."""
    from course_utils import losses

    scope = {"losses": losses}
    body = bank()["train_step"].answer.replace("\n", "\n    ")
    head = "def step(G, D, optimizer_g, optimizer_d, x_real, z):\n    "
    exec(head + body, scope)
    return scope["step"](G, D, optimizer_g, optimizer_d, x_real, z)


# ---------------------------------------------------------------- one step, three ways


def textbook_step(G, D, optimizer_g, optimizer_d, x_real, z):
    """Probabilities, labels, cross-entropy: nothing of the package's in it."""
    D.zero_grad()
    p_real = torch.sigmoid(D(x_real))
    cost_real = F.binary_cross_entropy(p_real, torch.ones_like(p_real))
    cost_real.backward()
    x_fake = G(z)
    p_fake = torch.sigmoid(D(x_fake.detach()))
    cost_fake = F.binary_cross_entropy(p_fake, torch.zeros_like(p_fake))
    cost_fake.backward()
    optimizer_d.step()
    G.zero_grad()
    p_fake = torch.sigmoid(D(x_fake))
    cost_g = F.binary_cross_entropy(p_fake, torch.ones_like(p_fake))
    cost_g.backward()
    optimizer_g.step()
    return (cost_real + cost_fake).detach(), cost_g.detach()


def played(step, *, width, channels, n=10):
    """Both networks and all losses after ten rounds of a DCGAN in float64."""
    rng = data.rng(5)
    G = models.initialize(models.Generator(6, width, channels, size=32), rng).double()
    D = models.initialize(models.Discriminator(width, channels, size=32), rng).double()
    optimizers = [
        torch.optim.Adam(net.parameters(), 2e-4, (0.5, 0.999)) for net in (G, D)
    ]
    told = []
    for _ in range(n):
        x_real = torch.rand(8, channels, 32, 32, generator=rng).double() * 2 - 1
        z = data.latent(8, 6, rng).double()
        told.append(torch.stack([*step(G, D, *optimizers, x_real, z)]))
    weights = [p.detach().flatten() for net in (G, D) for p in net.parameters()]
    return torch.cat(weights), torch.stack(told)


@pytest.mark.parametrize(("width", "channels"), [(4, 1), (8, 3)])
def test_the_step_of_the_lesson_and_the_packages_are_the_textbooks(width, channels):
    weights, told = played(textbook_step, width=width, channels=channels)
    for step in (answered_step, training.train_step):
        same_weights, same_told = played(step, width=width, channels=channels)
        assert (weights - same_weights).abs().max() < 1e-10
        assert (told - same_told).abs().max() < 1e-10


def test_a_learners_step_trains_as_the_packages_does():
    runs = [
        trainer.Trainer(IMAGES[:64].double(), TINY, step=step)
        for step in (answered_step, training.train_step)
    ]
    for run in runs:
        run.train()
    a, b = (run.samples() for run in runs)
    assert (a - b).abs().max() < 1e-10


def test_a_step_that_cuts_g_off_shows_a_gradient_of_zero():
    def deaf_step(G, D, optimizer_g, optimizer_d, x_real, z):
        x_fake = G(z).detach()
        loss_d = training.discriminator_step_on_logits(D, optimizer_d, x_real, x_fake)
        loss_g = F.softplus(-D(x_fake)).mean()
        optimizer_g.zero_grad()
        loss_g.backward()
        optimizer_g.step()
        return loss_d, loss_g.detach()

    once = trainer.Settings(**{**vars(TINY), "n_generator_steps": 1})
    run = trainer.Trainer(IMAGES[:64], once, step=deaf_step)
    before = copy.deepcopy(run.G)
    run.train()
    assert all(record.norm_g == 0 for record in run.history)
    for old, new in zip(before.parameters(), run.G.parameters(), strict=True):
        assert torch.equal(old, new)
    # Batch normalization's running averages move with every pass all the same.
    assert not torch.equal(before.layers[1].running_mean, run.G.layers[1].running_mean)


def test_two_g_steps_do_gs_half_twice():
    """Counted in passes of G that training makes."""
    passes = []
    for n in (1, 2):
        settings = trainer.Settings(
            **{**vars(TINY), "n_generator_steps": n, "log_every": 20}
        )
        run = trainer.Trainer(IMAGES[:64], settings)
        seen = []
        run.G.register_forward_hook(
            lambda m, i, out, seen=seen: seen.append(out.requires_grad)
        )
        run.train()
        passes.append(sum(seen))
    assert passes == [20, 40]


# ---------------------------------------------------------------- claims of the prose


def test_resumed_from_the_whole_checkpoint_is_the_unbroken_run(tmp_path):
    unbroken, stopped, resumed = (trainer.Trainer(IMAGES, TINY) for _ in range(3))
    unbroken.train()
    stopped.train(until=10)
    stopped.save(tmp_path / "c.pt")
    resumed.load(tmp_path / "c.pt")
    resumed.train()
    for name in ("G", "D", "average"):
        ours, theirs = (getattr(r, name).state_dict() for r in (unbroken, resumed))
        assert all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_a_round_twenty_or_a_hundred_rounds_ago_weighs_a_third():
    assert 0.95**20 == pytest.approx(0.358, abs=1e-3)
    assert 0.99**100 == pytest.approx(0.366, abs=1e-3)


@pytest.mark.parametrize("seed", range(5))
def test_eight_pixels_tell_bytes_over_255_from_tanh(seed):
    G, _ = trainer.networks(trainer.Settings(base_channels=16, seed=seed))
    x_fake = training.sample(G, data.latent(500, 64, data.rng(seed)))
    eight = torch.randperm(32 * 32, generator=data.rng(seed))[:8]
    negative = (x_fake.flatten(1)[:, eight] < 0).any(dim=1)
    assert negative.float().mean() > 0.95
    assert not ((IMAGES + 1) / 2 < 0).any()


def test_weights_and_optimizers_without_the_draws_are_another_run():
    unbroken, stopped, other = (trainer.Trainer(IMAGES, TINY) for _ in range(3))
    unbroken.train()
    stopped.train(until=10)
    other.round = 10
    for part in ("G", "D", "average", "optimizer_g", "optimizer_d"):
        getattr(other, part).load_state_dict(getattr(stopped, part).state_dict())
    other.train()
    assert not torch.equal(unbroken.samples(), other.samples())


def test_learning_rates_are_whole_where_the_averaged_g_is_looked_at():
    settings = trainer.Settings(base_channels=16, steps=450)
    assert 220 <= settings.steps / 2 and settings.average == 0.95


def test_half_way_on_a_straight_line_latents_are_too_short():
    z0, z1 = data.latent(2, 64, data.rng(39))
    typical = data.latent(5000, 64, data.rng(4)).norm(dim=1)
    assert ((z0 + z1) / 2).norm() < typical.min()
    walk = data.spherical_interpolation(z0, z1, 41).norm(dim=1)
    low, high = typical.quantile(0.005), typical.quantile(0.995)
    assert ((walk > low) & (walk < high)).all()


def test_half_way_between_typical_latents_is_a_length_of_5_to_6():
    z = data.latent(5000, 64, data.rng(4))
    middle = ((z[::2] + z[1::2]) / 2).norm(dim=1)
    assert middle.median() == pytest.approx(8 / math.sqrt(2), abs=0.1)


def test_latents_of_64_numbers_have_a_length_near_8():
    lengths = data.latent(5000, 64, data.rng(0)).norm(dim=1)
    assert lengths.mean() == pytest.approx(8, abs=0.1)
    assert lengths.std() < 0.8


def test_bytes_wrap_round_as_the_lesson_says():
    byte = torch.tensor([200], dtype=torch.uint8)
    assert (byte + 100).item() == 44 and (2 * byte).item() == 144
    assert (torch.tensor([3], dtype=torch.uint8) - 128).item() == 131


def test_bfloat16_is_another_arithmetic():
    _, D = trainer.networks(trainer.Settings(base_channels=16))
    x = IMAGES[:64]
    with torch.no_grad():
        exact = copy.deepcopy(D).double()(x.double())
        single, short = D(x).double(), devices.InBfloat16(D)(x).double()
    error_single, error_short = (
        ((y - exact).std() / exact.std()).item() for y in (single, short)
    )
    assert error_single < 1e-5 and 1e-4 < error_short < 0.1


def test_in_training_mode_an_image_depends_on_its_company():
    run = trainer.Trainer(IMAGES, TINY)
    run.train()
    z = data.latent(64, 8, data.rng(0))
    alone = z[:1].expand(64, -1)
    for mode, differs in ((True, True), (False, False)):
        run.G.train(mode)
        with torch.no_grad():
            a, b = run.G(z)[0], run.G(alone)[0]
        assert (not torch.allclose(a, b, atol=1e-5)) == differs
