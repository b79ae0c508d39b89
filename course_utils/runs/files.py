"""A run's folder: its settings, history, checkpoint and samples, as files.

    config.json       what was asked for, and with which versions
    history.jsonl     a record a line: losses, D(x), D(G(z)), gradient norms, speed
    checkpoint.pt     all that the next round depends on
    samples/*.png     the same latents through the averaged G as it learns
    .lock             held by the process that trains here; it dies with it

All but the history's newest lines are written whole or not at all, and the history is
cut back to the checkpoint when a run goes on: a process that is killed at any moment
loses the rounds since its last checkpoint and nothing else.
"""

import contextlib
import io
import json
import math
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

import filelock
import torch
from PIL import Image
from torch import Tensor

from course_utils import data, training

from . import checkpoints
from .checkpoints import CheckpointError
from .trainer import Record, Settings, Trainer, TrainingError, load_generator

MOST_SAMPLES = 10_000  # in one picture
CHUNK = 256  # images that are made at once


@dataclass(frozen=True)
class Plan:
    """What a run is to be.

    Args:
        data: an image set's name, or the path of a folder, as `data.load` takes it.
        settings: of the training.
        sample_every: rounds between two pictures; 0: none.
        checkpoint_every: rounds between two checkpoints.

    Raises:
        ValueError: a number of rounds is too small.
    """

    data: str
    settings: Settings
    sample_every: int = 100
    checkpoint_every: int = 100

    def __post_init__(self) -> None:
        for name, least in (("sample_every", 0), ("checkpoint_every", 1)):
            if getattr(self, name) < least:
                given = getattr(self, name)
                raise ValueError(f"{name} must be at least {least}, not {given}")

    def next_stop(self, done: int) -> int:
        """The round after `done` at which something is to be written.

        >>> plan = Plan("digits", Settings(steps=250), sample_every=60)
        >>> [plan.next_stop(done) for done in (0, 60, 100, 240)]
        [60, 100, 120, 250]
        """
        every = [n for n in (self.sample_every, self.checkpoint_every) if n]
        return min(self.settings.steps, *((done // n + 1) * n for n in every))


class Run:
    """The files of one run.

    Args:
        folder: of the run; it need not exist.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder).expanduser()
        self.config = self.folder / "config.json"
        self.history = self.folder / "history.jsonl"
        self.checkpoint = self.folder / "checkpoint.pt"
        self.samples = self.folder / "samples"

    def exists(self) -> bool:
        """Whether the folder holds a run already."""
        files = (self.config, self.history, self.checkpoint)
        return any(os.path.exists(file) for file in files)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes from writing here; the lock dies with its process.

        Raises:
            ValueError: another process writes here.
            CheckpointError: the folder cannot be made or written.
        """
        make_folder(self.folder)
        lock = filelock.FileLock(self.folder / ".lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            raise ValueError(
                f"{self.folder} is being trained by another process: wait for it, or "
                "choose another folder with --out (if there is none, delete its .lock)"
            ) from None
        except NotImplementedError:
            pass  # a file system without locks: two at a time are not noticed
        except OSError as error:
            raise checkpoints.unwritable(self.folder, error) from error
        try:
            yield
        finally:
            lock.release()
            with contextlib.suppress(OSError):  # a run that did not begin leaves none
                if os.listdir(self.folder) == [".lock"]:
                    (self.folder / ".lock").unlink()
                self.folder.rmdir()

    def require_checkpoint(self) -> None:
        """Refuse to begin again where rounds were played.

        Raises:
            CheckpointError: there is a history and no checkpoint.
        """
        if self.checkpoint.exists() or not self.history.exists():
            return
        if self.history.stat().st_size:
            raise CheckpointError(
                f"{self.checkpoint} is missing, and rounds were played: restore it, or "
                "start a new run in another folder"
            )

    def read(self) -> tuple[Plan, int]:
        """The plan of the run that is here, and how many images it has.

        Raises:
            CheckpointError: config.json is missing or broken.
        """
        try:
            config = json.loads(self.config.read_text(encoding="utf-8"))
            rows = {name: config[name] for name in ("data", *_EVERY)}
            settings = Settings(**config["settings"])
            return Plan(**rows, settings=settings), int(config["images"])
        except (FileNotFoundError, NotADirectoryError) as error:
            raise CheckpointError(
                f"{self.folder} holds no run (no config.json): is this the folder that "
                "train wrote?"
            ) from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CheckpointError(
                f"{self.config} cannot be read ({error}). Restore it, or start a new "
                "run in another folder"
            ) from error

    def begin(self, plan: Plan, trainer: Trainer) -> None:
        """Write the plan, and the history as far as the trainer has come.

        Raises:
            CheckpointError: a file or a folder cannot be written.
        """
        make_folder(self.samples)
        config = {
            "data": plan.data,
            "images": len(trainer.images),
            "settings": asdict(plan.settings),
            **{name: getattr(plan, name) for name in _EVERY},
            "device": str(trainer.images.device),
            "processes": trainer.group.size,
            "versions": {name: metadata.version(name) for name in _NAMED},
        }
        text = json.dumps(config, indent=2) + "\n"
        checkpoints.write_bytes(text.encode(), self.config)
        lines = "".join(map(_line, trainer.history))
        checkpoints.write_bytes(lines.encode(), self.history)

    def note(self, record: Record) -> None:
        """Append a record to the history.

        Raises:
            CheckpointError: it cannot be written.
        """
        try:
            with open(self.history, "a", encoding="utf-8") as file:
                file.write(_line(record))
        except OSError as error:
            raise checkpoints.unwritable(self.history, error) from error

    def draw(self, trainer: Trainer) -> Path:
        """A picture of the fixed latents through the averaged G; its path.

        Raises:
            TrainingError: the images have pixels that are no finite numbers.
            CheckpointError: the picture cannot be written.
        """
        path = self.samples / f"round_{trainer.round:06d}.png"
        images = trainer.samples(64)
        if not images.isfinite().all():
            raise TrainingError(
                f"round {trainer.round}: G's images are no longer finite numbers. "
                "Start a new run with lower learning rates"
            )
        write_picture(images, path)
        return path

    def write_due(self, plan: Plan, trainer: Trainer, *, last: bool = False) -> None:
        """The picture and the checkpoint that this round calls for.

        Args:
            plan: of the run.
            trainer: between two rounds.
            last: no round follows for now.

        Raises:
            CheckpointError: a file cannot be written; the last checkpoint is intact.
        """
        done = trainer.round
        if last or done % plan.checkpoint_every == 0:
            trainer.save(self.checkpoint)
        if plan.sample_every and (last or done % plan.sample_every == 0):
            self.draw(trainer)


_EVERY = ("sample_every", "checkpoint_every")
_NAMED = ("course_utils", "torch", "numpy")


# --- Pictures -------------------------------------------------------------------------


def draw_samples(checkpoint: Path, path: Path, *, n: int, seed: int) -> None:
    """New images from a checkpoint's averaged G as one PNG.

    Args:
        checkpoint: to read.
        path: of the picture; its folder is made.
        n: how many, up to 10,000.
        seed: of the latents.

    Raises:
        ValueError: n or the seed is not offered, or path is no PNG's.
        CheckpointError: the checkpoint cannot be read, or the picture not written.
    """
    if not 1 <= n <= MOST_SAMPLES:
        raise ValueError(f"n must be from 1 to {MOST_SAMPLES}, not {n}")
    if not 0 <= seed < 2**32:
        raise ValueError(f"seed must be in [0, 2^32), not {seed}")
    if path.suffix.lower() != ".png":
        raise ValueError(f"{path.name} must end in .png: the picture is a PNG")
    G, settings = load_generator(checkpoint)
    z = data.latent(n, settings.latent_dim, data.rng(seed))
    images = torch.cat([training.sample(G, part) for part in z.split(CHUNK)])
    make_folder(path.parent)
    write_picture(images, path)


def write_picture(images: Tensor, path: Path) -> None:
    """Images side by side in about a square, as one PNG.

    Args:
        images: (n, 1 or 3, size, size) in [-1, 1].
        path: of the file; its folder exists.

    Raises:
        CheckpointError: it cannot be written.
    """
    from course_utils.figures.images import tile  # matplotlib takes a while to import

    mosaic = tile(images.numpy(), columns=math.ceil(math.sqrt(len(images))))
    content = io.BytesIO()
    Image.fromarray((255 * mosaic).round().astype("uint8")).save(content, "PNG")
    checkpoints.write_bytes(content.getvalue(), path)


# --- Files ----------------------------------------------------------------------------


def _line(record: Record) -> str:
    return json.dumps(record._asdict()) + "\n"


def make_folder(folder: Path) -> None:
    """The folder, and those above it.

    Raises:
        CheckpointError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise CheckpointError(f"{folder} is a file: choose another place") from error
    except OSError as error:
        raise checkpoints.unwritable(folder, error) from error
