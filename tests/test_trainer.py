"""The trainer: its arithmetic by hand, stopping, going on, and what it refuses."""

import copy
import signal
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from course_utils import data, training
from course_utils.runs import devices, trainer
from course_utils.runs.distributed import Group
from course_utils.runs.files import RunError
from course_utils.runs.trainer import Batches, Settings, Trainer, networks

SMALL = Settings(
    size=28, latent_dim=8, base_channels=4, batch_size=8, steps=6, log_every=2,
    average=0.9,
)  # fmt: skip
PLAIN = replace(SMALL, n_generator_steps=1, last_lr=1.0, steps=3, log_every=1)


@pytest.fixture(scope="module")
def images():
    return data.load("digits", size=28)[0][:44]  # five batches of 8, 4 left out


def everything(t):
    """All tensors that the next round depends on, by name."""
    found = {"latents": t._latents.get_state()}
    for name in ("G", "D", "average"):
        state = getattr(t, name).state_dict()
        found |= {f"{name}.{key}": value for key, value in state.items()}
    for name in ("optimizer_g", "optimizer_d"):
        for i, state in getattr(t, name).state_dict()["state"].items():
            found |= {f"{name}.{i}.{key}": value for key, value in state.items()}
    return found


def assert_same_bits(one, other):
    rows = ([record[:-1] for record in t.history] for t in (one, other))  # no speed
    assert next(rows) == next(rows)
    one, other = everything(one), everything(other)
    assert one.keys() == other.keys()
    assert [key for key in one if not torch.equal(one[key], other[key])] == []


# --- Stopping and going on ------------------------------------------------------------


@pytest.mark.parametrize(("precision", "at"), [("float32", 4), ("bfloat16", 1)])
def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(
    images, tmp_path, precision, at
):
    settings = replace(SMALL, precision=precision, n_discriminator_steps=2)
    whole, first, second = (Trainer(images, settings) for _ in range(3))
    assert whole.train() and first.train(at)
    first.save(tmp_path / "checkpoint.pt")
    second.load(tmp_path / "checkpoint.pt")
    assert second.round == at and second.train()
    assert_same_bits(whole, second)
    assert [record.step for record in second.history] == [1, 2, 4, 6]


def test_how_often_is_recorded_changes_nothing_but_the_history(images):
    """So measuring D(x) and D(G(z)) leaves the running statistics as they were."""
    often, seldom = (Trainer(images, replace(SMALL, log_every=n)) for n in (1, 6))
    assert often.train() and seldom.train()
    often.history[:] = [often.history[0], often.history[-1]]
    assert_same_bits(often, seldom)


def test_an_interrupt_ends_after_the_round_and_train_goes_on(images):
    def interrupted_step(*arguments):
        if stopped.round == 2:
            stopped.step = training.train_step
            signal.raise_signal(signal.SIGINT)
        return training.train_step(*arguments)

    before = signal.getsignal(signal.SIGINT)
    whole, last = Trainer(images, SMALL), []
    stopped = Trainer(images, SMALL, step=interrupted_step)
    assert whole.train()
    assert not stopped.train(after_round=last.append)
    assert stopped.round == 3 and last == [False, False, True]
    assert signal.getsignal(signal.SIGINT) is before
    assert stopped.train()
    assert_same_bits(whole, stopped)


def test_a_second_interrupt_is_not_held_back():
    with trainer.interrupt_held_back() as interrupted:
        signal.raise_signal(signal.SIGINT)
        assert interrupted()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_a_longer_run_may_go_on_and_another_may_not(images, tmp_path):
    path = tmp_path / "checkpoint.pt"
    Trainer(images, SMALL).save(path)
    Trainer(images, replace(SMALL, steps=8)).load(path)
    other = Trainer(images, replace(SMALL, lr_g=1e-4, seed=3))
    found = r"lr_g: 0.002 there, 0.0001 here, seed: 0 there, 3 here"
    with pytest.raises(ValueError, match=found):
        other.load(path)


def test_missing_broken_and_foreign_checkpoints_are_told_apart(images, tmp_path):
    t, path = Trainer(images, SMALL), tmp_path / "checkpoint.pt"

    def refused(says):
        with pytest.raises(RunError, match=says):
            t.load(path)

    refused("there is no checkpoint")
    t.save(path)
    content = torch.load(path, weights_only=True)
    path.write_bytes(path.read_bytes()[:-1000])
    refused("cannot be read as a checkpoint")
    torch.save({"G": {}}, path)
    refused("no checkpoint of this version")

    class Trap:  # a pickle that would run code when it is read
        def __reduce__(self):
            return open, (str(tmp_path / "trap"), "w")

    torch.save({"format": 1, "G": Trap()}, path)
    refused("cannot be read as a checkpoint")
    assert not (tmp_path / "trap").exists()
    for part in ("history", "latents", "settings", "G", "round"):
        torch.save({key: x for key, x in content.items() if key != part}, path)
        refused("was written for other networks")


def test_a_generator_is_loaded_alone_and_a_foreign_one_refused(images, tmp_path):
    t, path = Trainer(images, SMALL), tmp_path / "checkpoint.pt"
    t.train(2)
    t.save(path)
    G, settings = trainer.load_generator(path)
    assert settings == SMALL and not G.training
    assert torch.equal(training.sample(G, t.fixed_z[:4]), t.samples(4))
    own = torch.nn.Sequential(networks(SMALL)[0])  # as a learner's own G may be
    Trainer(images, SMALL, G=own).save(path)
    with pytest.raises(RunError, match="another G"):
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


@pytest.mark.parametrize("n_generator_steps", [1, 2])
def test_it_computes_what_the_textbook_does_in_float64(images, n_generator_steps):
    """Against contiguous tensors, plain Adam, BCE, and no parameter ever frozen."""
    images = images.double()
    settings = replace(PLAIN, n_generator_steps=n_generator_steps)
    ours = Trainer(images, settings)
    ours.train()
    assert ours.G.layers[3].weight.is_contiguous(memory_format=torch.channels_last)
    G, D = (network.double() for network in networks(settings))
    plain = {"betas": (0.5, 0.99), "foreach": False, "fused": False}
    optimizer_g = torch.optim.Adam(G.parameters(), 2e-3, **plain)
    optimizer_d = torch.optim.Adam(D.parameters(), 1e-3, **plain)
    batches, latents = Batches(44, 8, seed=0), data.rng(1)
    for k in range(settings.steps):
        z = data.latent(8, 8, latents).double()
        textbook_step(G, D, optimizer_g, optimizer_d, images[batches(k)], z)
        for _ in range(n_generator_steps - 1):
            optimizer_g.zero_grad()
            F.softplus(-D(G(data.latent(8, 8, latents).double()))).mean().backward()
            optimizer_g.step()
    for network, other in ((ours.G, G), (ours.D, D)):
        pairs = zip(network.parameters(), other.parameters(), strict=True)
        assert all(torch.allclose(a, b, rtol=0, atol=1e-10) for a, b in pairs)


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


@pytest.mark.parametrize(("n", "batch_size"), [(11, 4), (4, 4)])
def test_batches_show_every_image_at_most_once_a_pass(n, batch_size):
    batches, again = Batches(n, batch_size, seed=5), Batches(n, batch_size, seed=5)
    in_a_pass, orders = n // batch_size, []
    for number in range(3):
        found = [batches(number * in_a_pass + k) for k in range(in_a_pass)]
        orders.append(torch.cat(found))
        assert len(orders[-1].unique()) == in_a_pass * batch_size
    assert not torch.equal(orders[0], orders[1])
    assert torch.equal(again(2 * in_a_pass), orders[2][:batch_size])  # in any order


def test_samples_are_made_in_eval_mode_each_by_itself(images):
    t = Trainer(images, SMALL)
    t.train(2)
    assert torch.allclose(t.samples(3), t.samples(64)[:3], atol=1e-6)
    assert t.samples(300, seed=1).shape == (300, 1, 28, 28)
    assert not torch.equal(t.samples(5, seed=1), t.samples(5, seed=2))
    assert t.G.training and t.samples(5).abs().max() <= 1


@pytest.mark.parametrize(("set_by_user", "inside"), [(None, 3), ("1", 1)])
def test_it_trains_on_every_core_unless_the_user_says_how_many(
    images, monkeypatch, set_by_user, inside
):
    seen, before = [], torch.get_num_threads()

    def step(*arguments):
        seen.append(torch.get_num_threads())
        return training.train_step(*arguments)

    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if set_by_user:
        monkeypatch.setenv("OMP_NUM_THREADS", set_by_user)
    monkeypatch.setattr(devices, "cores", lambda: 3)
    torch.set_num_threads(1)
    Trainer(images, replace(SMALL, steps=1), step=step).train()
    assert seen == [inside] and torch.get_num_threads() == 1
    torch.set_num_threads(before)


# --- What goes wrong ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "wrong", "says"),
    [
        ("lr_d", float("nan"), r"lr_d must be in \(0, 1\], not nan"),
        ("beta2", 1.0, r"beta2 must be in \[0, 1\), not 1.0"),
        ("precision", "float16", "precision must be float32 or bfloat16"),
        ("seed", -1, "seed must be in"),
    ],
)
def test_settings_that_make_no_run_are_refused(name, wrong, says):
    with pytest.raises(ValueError, match=says):
        replace(SMALL, **{name: wrong})


def test_images_that_do_not_fit_are_refused(images):
    with pytest.raises(ValueError, match=r"\(n, 1, 28, 28\) are wanted"):
        Trainer(torch.zeros(44, 1, 32, 32), SMALL)
    with pytest.raises(ValueError, match="7 images do not fill a batch of 8"):
        Trainer(images[:7], SMALL)
    with pytest.raises(ValueError, match="8 cannot be shared equally by 3 processes"):
        Trainer(images, SMALL, group=Group(0, 3))


def test_nan_stops_the_run_and_is_not_saved(images, tmp_path):
    t, path = Trainer(images, replace(SMALL, log_every=1)), tmp_path / "checkpoint.pt"
    with torch.no_grad():
        next(t.G.parameters()).fill_(float("nan"))
    with pytest.raises(RunError, match="round 1: .* no longer a finite number"):
        t.train()
    with pytest.raises(RunError, match="nothing was saved"):
        t.save(path)
    assert not path.exists()


def test_another_error_than_lack_of_memory_stays_as_it_is(images):
    def step(*_):
        raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="^shapes do not fit$"):
        Trainer(images, SMALL, step=step).train()
