"""The trainer: the two players' steps in a loop that can be watched, stopped, resumed.

On one machine's CPU two runs with the same settings and images agree bit for bit,
however often one of them was stopped.
"""

import copy
import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from course_utils import data, models, training

from . import devices, files
from .distributed import Group
from .files import RunError

Step = Callable[..., tuple[Tensor, Tensor]]  # as `training.train_step`


COUNT, SHARE, RATE = "at least 1", "in [0, 1)", "in (0, 1]"
_ALLOWS = {
    COUNT: lambda value: value >= 1,
    SHARE: lambda value: 0 <= value < 1,
    RATE: lambda value: 0 < value <= 1,
    "in [0, 2^32)": lambda value: 0 <= value < 2**32,
    "float32 or bfloat16": lambda value: value in devices.PRECISIONS,
    "True or False": lambda value: True,
}


def _setting(default: Any, must_be: str, meaning: str) -> Any:
    return field(default=default, metadata={"must_be": must_be, "help": meaning})


@dataclass(frozen=True)
class Settings:
    """Everything that decides a run besides its images; a ValueError if it makes none.

    The defaults train a small DCGAN on the digits in about a minute on two cores.
    """

    size: int = _setting(32, COUNT, "height and width of the images: 28, 32 or 64")
    channels: int = _setting(1, COUNT, "1 for gray, 3 for color")
    latent_dim: int = _setting(64, COUNT, "numbers in a latent")
    base_channels: int = _setting(24, COUNT, "width of both networks")
    batch_size: int = _setting(64, COUNT, "images in a step, over all processes")
    steps: int = _setting(1200, COUNT, "rounds in the whole run")
    lr_g: float = _setting(2e-3, RATE, "G's learning rate")
    lr_d: float = _setting(1e-3, RATE, "D's learning rate")
    beta1: float = _setting(0.5, SHARE, "Adam's, for G and D")
    beta2: float = _setting(0.99, SHARE, "Adam's, for G and D")
    n_discriminator_steps: int = _setting(1, COUNT, "updates of D in a round")
    n_generator_steps: int = _setting(2, COUNT, "updates of G in a round")
    average: float = _setting(0.95, SHARE, "old weights' share in G's average; 0: none")
    # Both learning rates stay up to half of the run, then fall on a line to this share.
    last_lr: float = _setting(0.05, RATE, "share of the learning rates at the end")
    precision: str = _setting("float32", "float32 or bfloat16", "of the convolutions")
    batch_norm: bool = _setting(True, "True or False", "whether it is in both networks")
    log_every: int = _setting(10, COUNT, "rounds between two records of the history")
    save_every: int = _setting(100, COUNT, "rounds between checkpoints, and pictures")
    seed: int = _setting(0, "in [0, 2^32)", "of initial weights, batches and latents")

    def __post_init__(self) -> None:
        for one in fields(self):
            value, must_be = getattr(self, one.name), one.metadata["must_be"]
            if not _ALLOWS[must_be](value):
                raise ValueError(f"{one.name} must be {must_be}, not {value!r}")


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


def adam(network: nn.Module, lr: float, settings: Settings) -> torch.optim.Adam:
    """Adam with the settings' betas; one pass over the weights where that exists."""
    fused = next(network.parameters()).device.type in ("cpu", "cuda")
    betas = (settings.beta1, settings.beta2)
    return torch.optim.Adam(network.parameters(), lr, betas, fused=fused)


def in_precision(network: nn.Module, settings: Settings) -> nn.Module:
    """The network as the steps call it, in the settings' precision; same weights."""
    half = settings.precision == "bfloat16"
    return devices.InBfloat16(network) if half else network


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
        self._pass, self._order = -1, torch.empty(0)

    def __call__(self, k: int) -> Tensor:
        """(batch_size,) indices of batch k = 0, 1, 2, ..."""
        number, place = divmod(k, self.n // self.batch_size)
        if number != self._pass:
            generator = data.rng(1_000_003 * (self.seed + 1) + number)
            self._order = torch.randperm(self.n, generator=generator)
            self._pass = number
        return self._order[place * self.batch_size :][: self.batch_size]


class Trainer:
    """Two networks, their optimizers, and the loop.

    Args:
        images: (n, channels, size, size) in [-1, 1]; a ValueError if they do not fit
            the settings. Their type becomes that of the networks.
        settings: of the run.
        G, D: networks to train in place; those of `networks(settings)` if None.
        step: one round of the game, with the arguments and results of
            `training.train_step`: the place for a step of your own.
        device: where to train.
        group: of processes that share the work; this process alone if None.

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
        group: Group | None = None,
    ) -> None:
        self.settings, self.step = settings, step
        self.group = group or Group()
        _require_batches(images, settings, self.group.world_size)
        self.images = images.to(device)
        # channels_last: the order in memory that convolutions are fastest in.
        kind = {"device": device, "dtype": images.dtype}
        kind |= {"memory_format": torch.channels_last}
        new_g, new_d = networks(settings)
        self.G, self.D = (G or new_g).to(**kind), (D or new_d).to(**kind)
        self.average = copy.deepcopy(self.G).eval() if settings.average else self.G
        self.optimizer_g = adam(self.G, settings.lr_g, settings)
        self.optimizer_d = adam(self.D, settings.lr_d, settings)
        for optimizer in (self.optimizer_g, self.optimizer_d):
            optimizer.register_step_pre_hook(self._before_step)
        self._norms: dict | None = None  # by optimizer, in a round that is recorded
        # What the steps call: the same weights, in the run's precision.
        self._G, self._D = (
            in_precision(self.group.with_shared_statistics(network), settings)
            for network in (self.G, self.D)
        )
        self._latents = data.rng(settings.seed + 1)
        self._batches = Batches(len(images), settings.batch_size, settings.seed)
        self._batches_drawn = 0
        self.fixed_z = data.latent(64, settings.latent_dim, data.rng(settings.seed + 2))
        self.round = 0
        self.history: list[Record] = []

    def train(
        self,
        until: int | None = None,
        *,
        watch: Callable[[Record], object] | None = None,
        after_round: Callable[[bool], bool] | None = None,
    ) -> bool:
        """Play rounds; Ctrl-C, or the notebook's stop button, ends between two of them.

        Args:
            until: the round to stop at; the end of the run if None.
            watch: called with each new record.
            after_round: called after each round with whether it is the last for now;
                returns whether it took time that is no training.

        Returns:
            True if it came there, False if it was stopped; call again to go on.

        Raises:
            RunError: a loss is no longer a finite number.
            MemoryError: the batch does not fit; the message says what to change.
        """
        end = self.settings.steps if until is None else min(until, self.settings.steps)
        every, batch_size = self.settings.log_every, self.settings.batch_size
        with (
            interrupt_held_back() as interrupted,
            devices.out_of_memory_explained(batch_size),
            devices.threads_for_training(),
        ):
            started, clock, stop = self.round, _now(), False
            while self.round < end and not stop:
                next_round = self.round + 1
                due = next_round % every == 0 or next_round in (1, self.settings.steps)
                row = self._play_round(measured=due)
                if due:
                    images = (self.round - started) * batch_size
                    record = Record(self.round, *row, images / (_now() - clock))
                    self.history.append(record)
                    if not all(map(math.isfinite, record)):
                        raise RunError(
                            f"round {self.round}: a loss or a gradient is no longer a "
                            "finite number: start a new run with lower learning rates"
                        )
                    if watch:
                        watch(record)
                # Asking other processes takes time: at records only.
                if due or self.group.world_size == 1:
                    stop = self.group.any(interrupted())
                wrote = after_round and after_round(stop or self.round == end)
                if due or wrote:
                    started, clock = self.round, _now()
        return self.round >= end

    def _play_round(self, *, measured: bool) -> list[float]:
        """Updates of D, the step, updates of G, the average; a row if measured."""
        s, G, D = self.settings, self._G, self._D
        self._set_learning_rates()
        for _ in range(s.n_discriminator_steps - 1):
            x_fake = G(self._next_z()).detach()
            x_real = self._next_batch()
            training.discriminator_step_on_logits(D, self.optimizer_d, x_real, x_fake)
        x_real, z = self._next_batch(), self._next_z()
        probabilities = self._mean_outputs(x_real, z) if measured else ()
        self._norms = {} if measured else None
        losses = self.step(G, D, self.optimizer_g, self.optimizer_d, x_real, z)
        norms, self._norms = self._norms, None
        for _ in range(s.n_generator_steps - 1):
            x_fake = G(self._next_z())
            training.generator_step_on_logits(D, self.optimizer_g, x_fake)
        self._update_average()
        self.round += 1
        if not measured:
            return []
        norms = [norms.get(one, 0.0) for one in (self.optimizer_d, self.optimizer_g)]
        row = [torch.as_tensor(x).item() for x in (*losses, *probabilities, *norms)]
        return self.group.mean(torch.tensor(row, dtype=torch.float64)).tolist()

    def _before_step(self, optimizer: torch.optim.Optimizer, *_: object) -> None:
        """Average an optimizer's gradient over the processes, and note its length."""
        weights = optimizer.param_groups[0]["params"]
        gradients = [p.grad for p in weights if p.grad is not None]
        self.group.average_(gradients)
        if self._norms is not None:
            self._norms[optimizer] = torch.nn.utils.get_total_norm(gradients)

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

    def samples(self, n: int = 64, *, seed: int | None = None) -> Tensor:
        """(n, channels, size, size) images in [-1, 1] from the averaged G, on the CPU.

        Without a seed they are those of the run's fixed latents, at most 64.
        """
        z = self.fixed_z[:n]
        if seed is not None:
            z = data.latent(n, self.settings.latent_dim, data.rng(seed))
        parts = z.to(self.images).split(256)
        return torch.cat([training.sample(self.average, part).cpu() for part in parts])

    def save(self, path: Path | str, **notes: Any) -> None:
        """Write all that the next round depends on, the history, and plain notes.

        A RunError if a weight is no longer finite, or the file cannot be written; the
        old checkpoint stays.
        """
        for name, network in (("G", self.G), ("D", self.D)):
            if not all(bool(p.isfinite().all()) for p in network.parameters()):
                raise RunError(
                    f"a weight of {name} is no longer a finite number at round "
                    f"{self.round}; nothing was saved, the last checkpoint stands"
                )
        content = {
            "settings": asdict(self.settings),
            "round": self.round,
            "batches_drawn": self._batches_drawn,
            "latents": self._latents.get_state(),
            "history": [tuple(record) for record in self.history],
            **{name: getattr(self, name).state_dict() for name in PARTS},
            **notes,
        }
        files.write_checkpoint(content, Path(path))

    def load(self, path: Path | str) -> None:
        """Go on where a checkpoint was written.

        Of the settings only `steps` may be larger, and the learning rates then follow
        the new length; else a ValueError. A RunError if the file cannot be used.
        """
        content = self.group.from_main(lambda: files.read_checkpoint(Path(path)))
        try:
            _require_same_run(content["settings"], self.settings, content["round"])
            for name in PARTS:
                getattr(self, name).load_state_dict(content[name])
            self.round, self._batches_drawn = content["round"], content["batches_drawn"]
            self._latents.set_state(content["latents"])
            self.history[:] = [Record(*row) for row in content["history"]]
        except (KeyError, TypeError, AttributeError, RuntimeError) as error:
            raise RunError(
                f"{path} was written for other networks or by another version of the "
                "course: start a new run in another folder"
            ) from error


PARTS = ("G", "D", "average", "optimizer_g", "optimizer_d")


def load_generator(path: Path | str) -> tuple[models.Generator, Settings]:
    """The averaged G of a checkpoint, in eval mode, and its run's settings."""
    content = files.read_checkpoint(Path(path))
    try:
        settings = Settings(**content["settings"])
        G, _ = networks(settings)
        G.load_state_dict(content["average"])
    except (KeyError, TypeError, RuntimeError) as error:
        raise RunError(f"{path} holds another G than the course's") from error
    return G.eval(), settings


@contextmanager
def interrupt_held_back() -> Iterator[Callable[[], bool]]:
    """Hold the first Ctrl-C back; what it yields says whether one came."""
    came = []

    def note(number: int, frame: object) -> None:
        if came:
            raise KeyboardInterrupt
        came.append(number)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(came)
    finally:
        signal.signal(signal.SIGINT, before)


def without_a_trace(network: nn.Module, x: Tensor) -> Tensor:
    """What a network returns, its buffers left as they were."""
    copies = {name: buffer.clone() for name, buffer in network.named_buffers()}
    return torch.func.functional_call(network, copies, (x,))


def _now() -> float:
    devices.synchronize()
    return time.perf_counter()


def _require_batches(images: Tensor, settings: Settings, processes: int) -> None:
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
    if settings.batch_size % processes:
        raise ValueError(
            f"a batch of {settings.batch_size} cannot be shared equally by "
            f"{processes} processes: choose a multiple of {processes}"
        )


def _require_same_run(then: dict, settings: Settings, played: int) -> None:
    now = asdict(settings)
    longer = now["steps"] >= played
    differ = [k for k in now if then.get(k) != now[k] and not (k == "steps" and longer)]
    if differ:
        pairs = [f"{k}: {then.get(k)!r} there, {now[k]!r} here" for k in differ]
        raise ValueError(f"the run there has other settings ({', '.join(pairs)})")
