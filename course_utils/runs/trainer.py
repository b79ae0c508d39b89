"""The trainer: the two players' steps in a loop that can be watched, stopped, resumed.

Everything that decides a run is in its `Settings` and its images: on one machine's CPU
two runs with the same settings agree bit for bit, however often one of them was
stopped.
"""

import copy
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from course_utils import data, models, training

from . import checkpoints, devices
from .distributed import Alone

Step = Callable[..., tuple[Tensor, Tensor]]  # as `training.train_step`


class TrainingError(RuntimeError):
    """Training cannot go on; the message says why and what to do."""


@dataclass(frozen=True)
class Settings:
    """Everything that decides a run besides its images.

    The defaults train a small DCGAN on the digits in about a minute on two cores.

    Args:
        size, channels: of the images.
        latent_dim, base_channels: of the networks, as `models.Generator` has them.
        batch_size: images in a step.
        steps: rounds in the whole run.
        lr_g, lr_d, beta1, beta2: Adam's, for G and D; the betas serve both.
        n_discriminator_steps, n_generator_steps: updates of each in a round.
        average: share of the old weights in G's running average, each round; 0: none.
        last_lr: both learning rates stay up to half of the run, then fall on a line to
            this share of themselves at its end; 1: they never fall.
        precision: "float32" or "bfloat16", of the convolutions.
        batch_norm: in both networks.
        log_every: rounds between two records.
        seed: of initial weights, batches and latents.
    """

    size: int = 32
    channels: int = 1
    latent_dim: int = 64
    base_channels: int = 24
    batch_size: int = 64
    steps: int = 1200
    lr_g: float = 2e-3
    lr_d: float = 1e-3
    beta1: float = 0.5
    beta2: float = 0.99
    n_discriminator_steps: int = 1
    n_generator_steps: int = 2
    average: float = 0.95
    last_lr: float = 0.05
    precision: str = "float32"
    batch_norm: bool = True
    log_every: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        for name in (
            "channels", "latent_dim", "base_channels", "batch_size", "steps",
            "n_discriminator_steps", "n_generator_steps", "log_every",
        ):  # fmt: skip
            _require(getattr(self, name) >= 1, name, "at least 1", self)
        _require(0 <= self.seed < 2**32, "seed", "in [0, 2^32)", self)
        for name in ("lr_g", "lr_d"):
            _require(0 < getattr(self, name) < 1, name, "between 0 and 1", self)
        for name in ("beta1", "beta2", "average"):
            _require(0 <= getattr(self, name) < 1, name, "in [0, 1)", self)
        _require(0 < self.last_lr <= 1, "last_lr", "in (0, 1]", self)
        known = self.precision in devices.PRECISIONS
        _require(known, "precision", f"one of {devices.PRECISIONS}", self)


def _require(holds: bool, name: str, wanted: str, settings: Settings) -> None:
    if not holds:
        raise ValueError(f"{name} must be {wanted}, not {getattr(settings, name)!r}")


class Record(NamedTuple):
    """One row of a run's history.

    step: rounds done, this one included. loss_d, loss_g: in nats, each before its own
    update. d_real, d_fake: mean D(x) and D(G(z)) before the round, as probabilities.
    norm_d, norm_g: length of the gradient that moved D and G. images_per_second: since
    the record before.
    """

    step: int
    loss_d: float
    loss_g: float
    d_real: float
    d_fake: float
    norm_d: float
    norm_g: float
    images_per_second: float


def networks(settings: Settings) -> tuple[models.Generator, models.Discriminator]:
    """G and D of a run, with DCGAN's initial weights, on the CPU."""
    shape = {"size": settings.size, "batch_norm": settings.batch_norm}
    width, channels = settings.base_channels, settings.channels
    G = models.Generator(settings.latent_dim, width, channels, **shape)
    D = models.Discriminator(width, channels, **shape)
    generator = data.rng(settings.seed)
    return models.initialize(G, generator), models.initialize(D, generator)


class Batches:
    """Which images are in which batch: a new order in each pass, the rest left out.

    The k-th batch depends on the seed and k alone, so a resumed run needs no more than
    its count.

    >>> batches = Batches(5, batch_size=2, seed=0)
    >>> len(torch.cat([batches(0), batches(1)]).unique())
    4
    """

    def __init__(self, n: int, batch_size: int, seed: int) -> None:
        self.n, self.batch_size, self.seed = n, batch_size, seed
        self.in_a_pass = n // batch_size
        self._pass, self._order = -1, torch.empty(0)

    def __call__(self, k: int) -> Tensor:
        """(batch_size,) indices of batch k = 0, 1, 2, ..."""
        number, place = divmod(k, self.in_a_pass)
        if number != self._pass:
            generator = data.rng(1_000_003 * (self.seed + 1) + number)
            self._order = torch.randperm(self.n, generator=generator)
            self._pass = number
        start = place * self.batch_size
        return self._order[start : start + self.batch_size]


class Trainer:
    """Two networks, their optimizers, and the loop.

    Args:
        images: (n, channels, size, size) in [-1, 1]; moved to the device once. Their
            type becomes that of the networks.
        settings: of the run.
        G, D: networks to train in place; those of `networks(settings)` if None.
        step: one round of the game, with the arguments and results of
            `training.train_step`: the place for a step of your own.
        device: where to train.
        group: of processes that share the work; `Alone()` if None.

    Raises:
        ValueError: the images do not fit the settings, or are fewer than a batch, or
            a batch has no equal parts for the processes.

    >>> settings = Settings(base_channels=4, latent_dim=8, steps=2, batch_size=8)
    >>> trainer = Trainer(torch.zeros(16, 1, 32, 32), settings)
    >>> trainer.train()
    True
    >>> trainer.round, trainer.samples(3).shape
    (2, torch.Size([3, 1, 32, 32]))
    """

    def __init__(
        self,
        images: Tensor,
        settings: Settings,
        *,
        G: nn.Module | None = None,
        D: nn.Module | None = None,
        step: Step = training.train_step,
        device: torch.device | str = "cpu",
        group: Alone | None = None,
    ) -> None:
        _require_images(images, settings)
        self.settings, self.step = settings, step
        self.group = group or Alone()
        _require_equal_parts(settings.batch_size, self.group.size)
        self.images = images.to(device)
        # channels_last: the order in memory that convolutions are fastest in.
        place = {"device": device, "dtype": images.dtype}
        place |= {"memory_format": torch.channels_last}
        new_g, new_d = networks(settings)
        self.G, self.D = (G or new_g).to(**place), (D or new_d).to(**place)
        self.average = copy.deepcopy(self.G).eval() if settings.average else self.G
        self.optimizer_g = adam(self.G, settings.lr_g, settings)
        self.optimizer_d = adam(self.D, settings.lr_d, settings)
        self._norms = _GradientNorms(g=self.optimizer_g, d=self.optimizer_d)
        # What the steps call: the same weights, dressed for precision and company.
        self._G = self.group.shared(in_precision(self.G, settings))
        self._D = self.group.shared(in_precision(self.D, settings))
        self._latents = data.rng(settings.seed + 1)
        self._batches = Batches(len(images), settings.batch_size, settings.seed)
        self._batches_drawn = 0
        self.fixed_z = data.latent(64, settings.latent_dim, data.rng(settings.seed + 2))
        self.round = 0
        self.history: list[Record] = []

    # --- the loop ---

    def train(
        self, until: int | None = None, *, watch: Callable[[Record], None] | None = None
    ) -> bool:
        """Play rounds; Ctrl-C, or the notebook's stop button, ends between two of them.

        Args:
            until: the round to stop at; the end of the run if None.
            watch: called with each new record.

        Returns:
            True if it came there, False if it was stopped; call again to go on.

        Raises:
            TrainingError: a loss is no longer a finite number.
            MemoryError: the batch does not fit; the message says what to change.
        """
        end = self.settings.steps if until is None else min(until, self.settings.steps)
        every, batch_size = self.settings.log_every, self.settings.batch_size
        with (
            interrupt_kept_waiting() as interrupted,
            devices.out_of_memory_explained(batch_size),
        ):
            started, clock = self.round, _now()
            while self.round < end:
                next_round = self.round + 1
                due = next_round % every == 0 or next_round in (1, self.settings.steps)
                row = self._play_round(measured=due)
                if not due:
                    if self.group.size == 1 and interrupted():
                        return False
                    continue
                images = (self.round - started) * batch_size
                record = Record(self.round, *row, images / (_now() - clock))
                self.history.append(record)
                _require_finite(record)
                if watch:
                    watch(record)
                if self.group.any(interrupted()):
                    return False
                started, clock = self.round, _now()  # without what watching took
        return True

    def _play_round(self, *, measured: bool) -> tuple[float, ...]:
        """Updates of D, the step, updates of G, the average; a row if measured."""
        s, G, D = self.settings, self._G, self._D
        self._set_learning_rates()
        for _ in range(s.n_discriminator_steps - 1):
            x_fake = G(self._next_z()).detach()
            x_real = self._next_batch()
            training.discriminator_step_on_logits(D, self.optimizer_d, x_real, x_fake)
        x_real, z = self._next_batch(), self._next_z()
        probabilities = self._mean_outputs(x_real, z) if measured else ()
        with self._norms.taken(measured):
            found = self.step(G, D, self.optimizer_g, self.optimizer_d, x_real, z)
        for _ in range(s.n_generator_steps - 1):
            x_fake = G(self._next_z())
            training.generator_step_on_logits(D, self.optimizer_g, x_fake)
        self._update_average()
        self.round += 1
        if not measured:
            return ()
        row = [*found, *probabilities, self._norms.d, self._norms.g]
        return tuple(self.group.mean(torch.stack([_scalar(x) for x in row])).tolist())

    def _next_batch(self) -> Tensor:
        chosen = self._batches(self._batches_drawn)
        self._batches_drawn += 1
        x_real = self.images[self.group.part(chosen).to(self.images.device)]
        return x_real.contiguous(memory_format=torch.channels_last)

    def _next_z(self) -> Tensor:
        s = self.settings
        z = data.latent(s.batch_size, s.latent_dim, self._latents)
        return self.group.part(z).to(self.images)

    def _set_learning_rates(self) -> None:
        s = self.settings
        second_half = max(0.0, 2 * self.round / s.steps - 1)  # 0 until half, then to 1
        share = 1 + (s.last_lr - 1) * second_half
        for optimizer, lr in ((self.optimizer_g, s.lr_g), (self.optimizer_d, s.lr_d)):
            for group in optimizer.param_groups:
                group["lr"] = share * lr

    @torch.no_grad()
    def _update_average(self) -> None:
        if self.average is self.G:
            return
        old, new = list(self.average.parameters()), list(self.G.parameters())
        torch._foreach_lerp_(old, new, 1 - self.settings.average)
        # Statistics of batch normalization are averages already.
        for ours, theirs in zip(self.average.buffers(), self.G.buffers(), strict=True):
            ours.copy_(theirs)

    @torch.no_grad()
    def _mean_outputs(self, x_real: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """Mean D(x) and D(G(z)) in training mode, no running statistic touched."""
        x_fake = without_a_trace(self.G, z)
        real_logits = without_a_trace(self.D, x_real)
        fake_logits = without_a_trace(self.D, x_fake)
        return real_logits.sigmoid().mean(), fake_logits.sigmoid().mean()

    # --- what came of it ---

    def samples(self, n: int = 64, *, seed: int | None = None) -> Tensor:
        """Images from the averaged G, on the CPU.

        Args:
            n: how many.
            seed: of new latents; None: the run's fixed latents, at most 64.

        Returns:
            (n, channels, size, size) in [-1, 1].
        """
        z = self.fixed_z[:n]
        if seed is not None:
            z = data.latent(n, self.settings.latent_dim, data.rng(seed))
        parts = z.to(self.images).split(256)
        return torch.cat([training.sample(self.average, part).cpu() for part in parts])

    def save(self, path: Path | str) -> None:
        """Write a checkpoint: all that the next round depends on, and the history.

        Raises:
            TrainingError: a weight is no longer finite; the old checkpoint stays.
            checkpoints.CheckpointError: the file cannot be written; likewise.
        """
        for name, network in (("G", self.G), ("D", self.D)):
            if not all(bool(p.isfinite().all()) for p in network.parameters()):
                raise TrainingError(
                    f"a weight of {name} is no longer a finite number at round "
                    f"{self.round}; nothing was saved, the last checkpoint stands"
                )
        content = {
            "settings": asdict(self.settings),
            "round": self.round,
            "batches_drawn": self._batches_drawn,
            "latents": self._latents.get_state(),
            "history": [tuple(record) for record in self.history],
            **{name: part.state_dict() for name, part in self._parts().items()},
        }
        checkpoints.write(content, Path(path))

    def load(self, path: Path | str) -> None:
        """Go on where a checkpoint was written.

        Raises:
            checkpoints.CheckpointError: the file is missing or broken, or holds
                something else than these networks.
            ValueError: it belongs to a run with other settings; only `steps` may be
                larger, and the learning rates then follow the new length.
        """
        content = self.group.first(lambda: checkpoints.read(Path(path)))
        try:
            before, done = content["settings"], content["round"]
            _require_same_run(before, self.settings, done, path)
            self._restore(content)
        except (KeyError, TypeError, AttributeError, RuntimeError) as error:
            raise checkpoints.CheckpointError(
                f"{path} was written for other networks or by another version of the "
                "course: start a new run in another folder"
            ) from error

    def _restore(self, content: dict[str, Any]) -> None:
        for name, part in self._parts().items():
            part.load_state_dict(content[name])
        self.round, self._batches_drawn = content["round"], content["batches_drawn"]
        self._latents.set_state(content["latents"])
        self.history[:] = [Record(*row) for row in content["history"]]

    def _parts(self) -> dict[str, nn.Module | torch.optim.Optimizer]:
        return {
            "G": self.G,
            "D": self.D,
            "average": self.average,
            "optimizer_g": self.optimizer_g,
            "optimizer_d": self.optimizer_d,
        }


def load_generator(path: Path | str) -> tuple[models.Generator, Settings]:
    """The averaged G of a checkpoint, in eval mode on the CPU, and its run's settings.

    Raises:
        checkpoints.CheckpointError: the file is missing or broken, or holds another
            network than `models.Generator`.
    """
    content = checkpoints.read(Path(path))
    try:
        settings = Settings(**content["settings"])
        G, _ = networks(settings)
        G.load_state_dict(content["average"])
    except (KeyError, TypeError, RuntimeError) as error:
        raise checkpoints.CheckpointError(
            f"{path} holds another G than the course's; load it where that one is made"
        ) from error
    return G.eval(), settings


# --- parts of the loop ----------------------------------------------------------------


class _GradientNorms:
    """Length of the gradient that each optimizer steps with, whoever calls `step`."""

    def __init__(self, **optimizers: torch.optim.Optimizer) -> None:
        self._on = False
        for name, optimizer in optimizers.items():
            setattr(self, name, 0.0)
            optimizer.register_step_pre_hook(self._hook(name))

    def _hook(self, name: str) -> Callable[..., None]:
        def measure(optimizer: torch.optim.Optimizer, *_: object) -> None:
            if self._on:
                weights = [p for g in optimizer.param_groups for p in g["params"]]
                gradients = [p.grad for p in weights if p.grad is not None]
                setattr(self, name, torch.nn.utils.get_total_norm(gradients))

        return measure

    @contextmanager
    def taken(self, on: bool) -> Iterator[None]:
        """Measure inside, if `on`; an optimizer that does not step has norm 0."""
        self._on = on
        self.d = self.g = 0.0
        try:
            yield
        finally:
            self._on = False


class _Interrupt:
    """Notes the first Ctrl-C; a second one is not held back."""

    came = False

    def __call__(self, number: int, frame: object) -> None:
        if self.came:
            raise KeyboardInterrupt
        self.came = True


@contextmanager
def interrupt_kept_waiting() -> Iterator[Callable[[], bool]]:
    """Hold Ctrl-C back; what it yields says whether one came.

    Inside another one the outer keeps the word, so that none is lost between two calls
    of `Trainer.train`.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False  # only the main thread hears signals
    elif isinstance(before, _Interrupt):
        yield lambda: before.came
    else:
        note = _Interrupt()
        signal.signal(signal.SIGINT, note)
        try:
            yield lambda: note.came
        finally:
            signal.signal(signal.SIGINT, before)


def adam(network: nn.Module, lr: float, settings: Settings) -> torch.optim.Adam:
    """Adam with the settings' betas; one pass over the weights where that exists."""
    device = next(network.parameters()).device.type
    betas = (settings.beta1, settings.beta2)
    fused = device in ("cpu", "cuda")
    return torch.optim.Adam(network.parameters(), lr, betas, fused=fused)


def in_precision(network: nn.Module, settings: Settings) -> nn.Module:
    """The network as the steps call it, in the settings' precision; same weights."""
    half = settings.precision == "bfloat16"
    return devices.InBfloat16(network) if half else network


def without_a_trace(network: nn.Module, x: Tensor) -> Tensor:
    """What a network returns, its buffers left as they were."""
    copies = {name: buffer.clone() for name, buffer in network.named_buffers()}
    return torch.func.functional_call(network, copies, (x,))


def _scalar(x: Tensor | float) -> Tensor:
    return torch.as_tensor(x, dtype=torch.float64).detach().reshape(()).cpu()


def _now() -> float:
    devices.synchronize()
    return time.perf_counter()


def _require_finite(record: Record) -> None:
    if not all(math.isfinite(value) for value in record):
        raise TrainingError(
            f"round {record.step}: a loss or a gradient is no longer a finite number "
            f"(D's loss {record.loss_d:.3g}, G's loss {record.loss_g:.3g}). Start a "
            "new run with lower learning rates"
        )


def _require_images(images: Tensor, settings: Settings) -> None:
    wanted = (settings.channels, settings.size, settings.size)
    if images.dim() != 4 or images.shape[1:] != wanted:
        raise ValueError(
            f"images of shape (n, {', '.join(map(str, wanted))}) are wanted, "
            f"not {tuple(images.shape)}"
        )
    if len(images) < settings.batch_size:
        raise ValueError(
            f"{len(images)} images do not fill a batch of {settings.batch_size}: "
            "choose a smaller batch_size"
        )


def _require_equal_parts(batch_size: int, processes: int) -> None:
    if batch_size % processes:
        raise ValueError(
            f"a batch of {batch_size} cannot be shared equally by {processes} "
            f"processes: choose a multiple of {processes}"
        )


def _require_same_run(
    then: dict, settings: Settings, played: int, path: Path | str
) -> None:
    now = asdict(settings)
    longer = now["steps"] >= played
    differ = [k for k in now if then.get(k) != now[k] and not (k == "steps" and longer)]
    if differ:
        pairs = ", ".join(
            f"{k}: {then.get(k)!r} there, {now[k]!r} here" for k in differ
        )
        raise ValueError(f"{path} belongs to a run with other settings ({pairs})")
