"""The trainer: its arithmetic by hand, stopping, going on, and what it refuses."""

import copy
import signal
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from course_utils import data, training
from course_utils.runs import devices, trainer
from course_utils.runs.checkpoints import CheckpointError
from course_utils.runs.trainer import (
    Batches,
    Settings,
    Trainer,
    TrainingError,
    networks,
)

SMALL = Settings(
    size=28, latent_dim=8, base_channels=4, batch_size=8, steps=6, log_every=2,
    lr_g=2e-3, lr_d=1e-3, average=0.9,
)  # fmt: skip
PLAIN = replace(SMALL, n_generator_steps=1, last_lr=1.0, steps=10, log_every=1)


@pytest.fixture(scope="module")
def images():
    return data.load("digits", size=28)[0][:44]  # five batches of 8, 4 left out


def everything(t):
    """All tensors that the next round depends on, by name."""
    found = {}
    for name in ("G", "D", "average"):
        state = getattr(t, name).state_dict()
        found |= {f"{name}.{key}": value for key, value in state.items()}
    for name in ("optimizer_g", "optimizer_d"):
        for i, state in getattr(t, name).state_dict()["state"].items():
            found |= {f"{name}.{i}.{key}": value for key, value in state.items()}
    return found | {"latents": t._latents.get_state()}


def assert_same_bits(one, other):
    one, other = everything(one), everything(other)
    assert one.keys() == other.keys()
    assert [key for key in one if not torch.equal(one[key], other[key])] == []


def assert_close(network, other, atol=1e-10):
    pairs = zip(network.parameters(), other.parameters(), strict=True)
    assert all(torch.allclose(a, b, rtol=0, atol=atol) for a, b in pairs)


def without_speed(history):
    return [record[:-1] for record in history]


# --- Stopping and going on ------------------------------------------------------------


@pytest.mark.parametrize("precision", devices.PRECISIONS)
@pytest.mark.parametrize("at", [1, 4])
def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(
    images, tmp_path, precision, at
):
    settings = replace(SMALL, precision=precision, n_discriminator_steps=2)
    whole, first, second = (Trainer(images, settings) for _ in range(3))
    assert whole.train()
    first.train(at)
    first.save(tmp_path / "checkpoint.pt")
    second.load(tmp_path / "checkpoint.pt")
    assert second.round == at and second.train()
    assert_same_bits(whole, second)
    assert without_speed(whole.history) == without_speed(second.history)
    assert [record.step for record in second.history] == [1, 2, 4, 6]


def test_how_often_is_recorded_changes_nothing_but_the_history(images):
    """So measuring D(x) and D(G(z)) leaves the running statistics as they were."""
    often, seldom = (Trainer(images, replace(SMALL, log_every=n)) for n in (1, 6))
    often.train()
    seldom.train()
    assert_same_bits(often, seldom)
    assert len(often.history) == 6 and len(seldom.history) == 2
    assert without_speed(often.history)[-1] == without_speed(seldom.history)[-1]


def test_an_interrupt_ends_between_rounds_and_train_goes_on(images):
    def stop_after_four(record):
        if record.step == 4 and not stopped.history[4:]:
            signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    settings = replace(SMALL, log_every=1)
    whole, stopped = Trainer(images, settings), Trainer(images, settings)
    assert whole.train()
    assert not stopped.train(watch=stop_after_four)
    assert stopped.round == 4
    assert signal.getsignal(signal.SIGINT) is before
    assert stopped.train()
    assert_same_bits(whole, stopped)


def test_an_interrupt_in_a_round_without_a_record_ends_after_that_round(images):
    def interrupted_step(*arguments):
        if t.round == 2:
            signal.raise_signal(signal.SIGINT)
        return training.train_step(*arguments)

    t = Trainer(images, replace(SMALL, log_every=6), step=interrupted_step)
    assert not t.train()
    assert t.round == 3


def test_no_interrupt_is_lost_between_two_calls_of_train(images):
    t = Trainer(images, SMALL)
    with trainer.interrupt_kept_waiting() as interrupted:
        assert t.train(2) and not interrupted()
        signal.raise_signal(signal.SIGINT)
        assert interrupted() and not t.train(6)
    assert t.round == 3 and t.train()  # at its first look; afterwards it is forgotten


def test_a_second_interrupt_is_not_held_back():
    with trainer.interrupt_kept_waiting():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_a_longer_run_may_go_on_and_another_may_not(images, tmp_path):
    path = tmp_path / "checkpoint.pt"
    t = Trainer(images, SMALL)
    t.train(3)
    t.save(path)
    longer = Trainer(images, replace(SMALL, steps=8))
    longer.load(path)
    assert longer.train() and longer.round == 8
    other = Trainer(images, replace(SMALL, lr_g=1e-4, seed=3))
    found = r"lr_g: 0.002 there, 0.0001 here, seed: 0 there, 3 here"
    with pytest.raises(ValueError, match=found):
        other.load(path)
    with pytest.raises(ValueError, match="steps: 6 there, 2 here"):
        Trainer(images, replace(SMALL, steps=2)).load(path)


def test_a_missing_and_a_broken_checkpoint_are_said_to_be_so(images, tmp_path):
    t, path = Trainer(images, SMALL), tmp_path / "checkpoint.pt"
    with pytest.raises(CheckpointError, match="there is no checkpoint"):
        t.load(path)
    t.save(path)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(CheckpointError, match="cannot be read as a checkpoint"):
        t.load(path)
    torch.save({"G": {}}, path)
    with pytest.raises(CheckpointError, match="no checkpoint that this version"):
        t.load(path)


def test_a_generator_is_loaded_alone_and_a_foreign_one_refused(images, tmp_path):
    t, path = Trainer(images, SMALL), tmp_path / "checkpoint.pt"
    t.train(2)
    t.save(path)
    G, settings = trainer.load_generator(path)
    assert settings == SMALL and not G.training
    assert torch.equal(training.sample(G, t.fixed_z[:4]), t.samples(4))
    own = torch.nn.Sequential(networks(SMALL)[0])  # as a learner's own G may be
    Trainer(images, SMALL, G=own).save(path)
    with pytest.raises(CheckpointError, match="another G"):
        trainer.load_generator(path)


# --- The arithmetic -------------------------------------------------------------------


def textbook_step(G, D, optimizer_g, optimizer_d, x_real, z):
    """The step as DCGAN examples write it: a sigmoid, BCE, every gradient computed."""
    real, fake = torch.ones(len(x_real)).to(x_real), torch.zeros(len(z)).to(z)
    optimizer_d.zero_grad()
    x_fake = G(z)
    loss_real = F.binary_cross_entropy(torch.sigmoid(D(x_real)), real)
    loss_fake = F.binary_cross_entropy(torch.sigmoid(D(x_fake.detach())), fake)
    loss_d = loss_real + loss_fake
    loss_d.backward()
    optimizer_d.step()
    optimizer_g.zero_grad()
    loss_g = F.binary_cross_entropy(torch.sigmoid(D(x_fake)), real)
    loss_g.backward()
    optimizer_g.step()
    return loss_d.detach(), loss_g.detach()


def test_the_textbook_step_and_ours_agree_in_float64(images):
    ours = Trainer(images.double(), PLAIN)
    theirs = Trainer(images.double(), PLAIN, step=textbook_step)
    ours.train()
    theirs.train()
    assert len(ours.history) == 10
    for a, b in zip(ours.history, theirs.history, strict=True):
        assert a[:-1] == pytest.approx(b[:-1], rel=0, abs=1e-10)
    assert_close(ours.G, theirs.G)
    assert_close(ours.D, theirs.D)


def test_memory_order_fused_adam_and_freezing_change_nothing_in_float64(images):
    """Against a loop with contiguous tensors and Adam's plain form."""
    images = images.double()
    ours = Trainer(images, PLAIN)
    ours.train()
    assert ours.G.layers[3].weight.is_contiguous(memory_format=torch.channels_last)
    G, D = (network.double() for network in networks(PLAIN))
    plain = {"betas": (0.5, 0.99), "foreach": False, "fused": False}
    optimizer_g = torch.optim.Adam(G.parameters(), 2e-3, **plain)
    optimizer_d = torch.optim.Adam(D.parameters(), 1e-3, **plain)
    batches, latents = Batches(44, 8, seed=0), data.rng(1)
    for k in range(10):
        z = data.latent(8, 8, latents).double()
        textbook_step(G, D, optimizer_g, optimizer_d, images[batches(k)], z)
    assert_close(ours.G, G)
    assert_close(ours.D, D)


def test_two_g_steps_are_a_step_and_one_more_on_new_latents(images):
    images, settings = images.double(), replace(PLAIN, n_generator_steps=2, steps=2)
    ours = Trainer(images, settings)
    ours.train()
    G, D = (network.double() for network in networks(settings))
    optimizer_g = torch.optim.Adam(G.parameters(), 2e-3, (0.5, 0.99))
    optimizer_d = torch.optim.Adam(D.parameters(), 1e-3, (0.5, 0.99))
    batches, latents = Batches(44, 8, seed=0), data.rng(1)
    for k in range(2):
        z, new = (data.latent(8, 8, latents).double() for _ in range(2))
        textbook_step(G, D, optimizer_g, optimizer_d, images[batches(k)], z)
        optimizer_g.zero_grad()
        F.softplus(-D(G(new))).mean().backward()
        optimizer_g.step()
    assert_close(ours.G, G)
    assert_close(ours.D, D)


def test_the_averaged_weights_are_those_of_the_formula(images):
    """a <- 0.9 a + 0.1 w after each round, from the initial weights on."""
    t = Trainer(images, SMALL)
    want = [p.detach().clone() for p in t.G.parameters()]
    for k in range(1, 5):
        t.train(k)
        pairs = zip(want, t.G.parameters(), strict=True)
        want = [0.9 * a + 0.1 * w.detach() for a, w in pairs]
    pairs = zip(t.average.parameters(), want, strict=True)
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in pairs)
    pairs = zip(t.average.buffers(), t.G.buffers(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_without_an_average_the_samples_are_of_g_itself(images):
    t = Trainer(images, replace(SMALL, average=0.0))
    t.train(2)
    assert t.average is t.G and t.G.training
    assert torch.equal(t.samples(5), training.sample(t.G, t.fixed_z[:5]))
    assert t.G.training


def test_learning_rates_stay_for_half_a_run_and_fall_on_a_line(images):
    seen = []

    def step(G, D, optimizer_g, optimizer_d, x_real, z):
        seen.append([o.param_groups[0]["lr"] for o in (optimizer_g, optimizer_d)])
        return torch.zeros(()), torch.zeros(())

    Trainer(images, replace(SMALL, steps=8, last_lr=0.2), step=step).train()
    # Before round r = 0, ..., 7: 1 up to r = 4, then 1 - 0.8 (r - 4) / 4.
    want = [1, 1, 1, 1, 1, 0.8, 0.6, 0.4]
    assert [g / 2e-3 for g, _ in seen] == pytest.approx(want)
    assert [d / 1e-3 for _, d in seen] == pytest.approx(want)


def test_a_record_holds_what_a_hand_finds(images):
    """Losses, D(x) and D(G(z)) from before the round, and the gradients' lengths."""
    t = Trainer(images.double(), replace(PLAIN, steps=1))
    before = copy.deepcopy((t.G, t.D))
    t.train()
    (record,) = t.history
    x_real = images.double()[Batches(44, 8, seed=0)(0)]
    z = data.latent(8, 8, data.rng(1)).double()
    with torch.no_grad():
        G, D = copy.deepcopy(before)
        real, fake = torch.sigmoid(D(x_real)), torch.sigmoid(D(G(z)))
    assert record.d_real == pytest.approx(real.mean().item(), abs=1e-12)
    assert record.d_fake == pytest.approx(fake.mean().item(), abs=1e-12)
    want = -(real.log().mean() + (1 - fake).log().mean()).item()
    assert record.loss_d == pytest.approx(want, abs=1e-12)
    G, D = before
    loss = F.softplus(-D(x_real)).mean() + F.softplus(D(G(z).detach())).mean()
    gradient = torch.autograd.grad(loss, list(D.parameters()))
    length = sum(g.square().sum() for g in gradient).sqrt().item()
    assert record.norm_d == pytest.approx(length, rel=1e-12)
    # G's gradient came through the new D; the last backward left it in place.
    length = sum(p.grad.square().sum() for p in t.G.parameters()).sqrt().item()
    assert record.norm_g == pytest.approx(length, rel=1e-12)
    assert record.images_per_second > 0 and record.step == 1


@pytest.mark.parametrize(("n", "batch_size"), [(12, 4), (11, 4), (4, 4)])
def test_batches_show_every_image_at_most_once_a_pass(n, batch_size):
    batches, again = Batches(n, batch_size, seed=5), Batches(n, batch_size, seed=5)
    in_a_pass = n // batch_size
    orders = []
    for number in range(3):
        found = [batches(number * in_a_pass + k) for k in range(in_a_pass)]
        orders.append(torch.cat(found))
        assert len(orders[-1].unique()) == in_a_pass * batch_size
    if n > batch_size:
        assert not torch.equal(orders[0], orders[1])
    assert torch.equal(again(2 * in_a_pass), orders[2][:batch_size])  # in any order


def test_samples_are_made_in_eval_mode_each_by_itself(images):
    t = Trainer(images, SMALL)
    t.train(2)
    assert torch.allclose(t.samples(3), t.samples(64)[:3], atol=1e-6)
    assert t.samples(300, seed=1).shape == (300, 1, 28, 28)
    assert torch.equal(t.samples(5, seed=1), t.samples(5, seed=1))
    assert not torch.equal(t.samples(5, seed=1), t.samples(5, seed=2))
    assert t.G.training and t.samples(5).abs().max() <= 1


# --- What goes wrong ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"steps": 0}, "steps must be at least 1, not 0"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
        ({"latent_dim": 0}, "latent_dim must be at least 1"),
        ({"n_generator_steps": 0}, "n_generator_steps must be at least 1"),
        ({"lr_g": 0.0}, "lr_g must be between 0 and 1"),
        ({"lr_d": float("nan")}, "lr_d must be between 0 and 1, not nan"),
        ({"beta2": 1.0}, r"beta2 must be in \[0, 1\)"),
        ({"average": -0.1}, r"average must be in \[0, 1\)"),
        ({"last_lr": 0.0}, r"last_lr must be in \(0, 1\]"),
        ({"precision": "float16"}, "precision must be one of"),
        ({"seed": -1}, "seed must be in"),
    ],
)
def test_settings_that_make_no_run_are_refused(wrong, says):
    with pytest.raises(ValueError, match=says):
        replace(SMALL, **wrong)


def test_images_that_do_not_fit_are_refused(images):
    with pytest.raises(ValueError, match=r"\(n, 1, 28, 28\) are wanted"):
        Trainer(torch.zeros(44, 1, 32, 32), SMALL)
    with pytest.raises(ValueError, match="7 images do not fill a batch of 8"):
        Trainer(images[:7], SMALL)


def test_nan_stops_the_run_and_is_not_saved(images, tmp_path):
    t, path = Trainer(images, replace(SMALL, log_every=1)), tmp_path / "checkpoint.pt"
    t.train(2)
    t.save(path)
    kept = path.read_bytes()
    with torch.no_grad():
        next(t.G.parameters()).fill_(float("nan"))
    with pytest.raises(TrainingError, match="round 3: .* no longer a finite number"):
        t.train()
    with pytest.raises(TrainingError, match="nothing was saved"):
        t.save(path)
    assert path.read_bytes() == kept


@pytest.mark.parametrize(
    "message", ["CUDA out of memory. Tried to allocate", "can't allocate memory"]
)
def test_out_of_memory_is_explained(images, message):
    def step(*_):
        raise RuntimeError(message)

    with pytest.raises(MemoryError, match="out of memory at batch size 8: try half"):
        Trainer(images, SMALL, step=step).train()


def test_another_error_in_a_step_stays_itself(images):
    def step(*_):
        raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes do not fit"):
        Trainer(images, SMALL, step=step).train()
