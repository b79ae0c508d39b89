"""The commands that train without a notebook, and sample from what came of it.

    python -m course_utils train --data mnist --size 64 --steps 5000 --out runs/mnist
    python -m course_utils sample runs/mnist --n 64
    python -m course_utils report runs/mnist

The exit status is 0 after a whole run, 130 after Ctrl-C (a checkpoint is written, and
`--resume` goes on from it), 2 if what was asked for is not possible, and 1 if something
went wrong on the way; the last checkpoint is intact in each case.
"""

import argparse
import os
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import NoReturn

import torch
from torch import Tensor
from tqdm import tqdm

from course_utils import data, models
from course_utils.data import DataError
from course_utils.runs import devices, distributed

from .checkpoints import CheckpointError
from .distributed import Alone
from .files import Plan, Run, draw_samples
from .trainer import (
    Record,
    Settings,
    Trainer,
    TrainingError,
    interrupt_kept_waiting,
)

WRONG, ASKED_WRONGLY, STOPPED = 1, 2, 130  # 130: what shells say after Ctrl-C

# What differs from `Settings()` on a CUDA GPU: DCGAN's own width and rates.
GPU = {
    "size": 64, "latent_dim": 100, "base_channels": 64, "batch_size": 128,
    "steps": 5000, "lr_g": 2e-4, "lr_d": 2e-4, "beta2": 0.999, "n_generator_steps": 1,
}  # fmt: skip
HELP = {
    "size": "height and width of the images: 28, 32 or 64",
    "channels": "1 for gray, 3 for color",
    "latent_dim": "numbers in a latent",
    "base_channels": "width of both networks",
    "batch_size": "images in a step, over all processes",
    "steps": "rounds in the whole run",
    "lr_g": "G's learning rate",
    "lr_d": "D's learning rate",
    "beta1": "Adam's, for G and D",
    "beta2": "Adam's, for G and D",
    "n_discriminator_steps": "updates of D in a round",
    "n_generator_steps": "updates of G in a round",
    "average": "share of the old weights in G's running average; 0: none",
    "last_lr": "share of the learning rates that is left at the end of the run",
    "precision": "float32, bfloat16, or auto: bfloat16 where it is fast",
    "batch_norm": "batch normalization in both networks",
    "log_every": "rounds between two records of the history",
    "seed": "of initial weights, batches and latents",
}


def train(argv: list[str]) -> int:
    """Train a DCGAN; files go into a folder, and a bar shows how it stands.

    Args:
        argv: options, as `--help` lists them.

    Returns:
        The exit status.
    """
    return distributed.leave(_explained(lambda: _train(_parser().parse_args(argv))))


def sample(argv: list[str]) -> int:
    """Write images of a trained G as one PNG, and print its path.

    Args:
        argv: the run's folder or a checkpoint, and options.

    Returns:
        The exit status.
    """
    return _explained(lambda: _sample(_sample_parser().parse_args(argv)))


def report(argv: list[str]) -> int:
    """Write one HTML page about a run, and print its path.

    Args:
        argv: the run's folder, and where the page shall be.

    Returns:
        The exit status.
    """
    return _explained(lambda: _report(_report_parser().parse_args(argv)))


# --- train ----------------------------------------------------------------------------


def _train(asked: argparse.Namespace) -> int:
    device = _device(asked.device)
    with distributed.processes(device) as group, ExitStack() as held:
        run, plan, images_before = group.first(lambda: _claimed(asked, device, held))
        images = _images(plan, group)
        if images_before not in (None, len(images)):
            raise ValueError(
                f"{run.folder} was trained on {images_before:,} images, and "
                f"{plan.data} now holds {len(images):,}: restore them, or start a new "
                "run in another folder with --out"
            )
        with devices.out_of_memory_explained(plan.settings.batch_size):
            trainer = Trainer(images, plan.settings, device=device, group=group)
        if group.first(lambda: os.path.exists(run.checkpoint)):
            trainer.load(run.checkpoint)
        return _play(trainer, run, plan)


def _claimed(
    asked: argparse.Namespace, device: torch.device, held: ExitStack
) -> tuple[Run, Plan, int | None]:
    """What `_plan` says, in a folder where from now on nobody else writes."""
    run, *_ = _plan(asked, device)  # a wrong question leaves no folder behind
    held.enter_context(run.held())
    return _plan(asked, device)


def _device(name: str) -> torch.device:
    """The device of this process: under torchrun a GPU each."""
    device = devices.pick(name)
    if distributed.started_by_torchrun():
        if device.type == "cuda" and device.index is None:
            device = devices.pick(f"cuda:{distributed.place()}")
        elif device.type == "mps":
            device = torch.device("cpu")  # gloo knows no other
    if device.type == "cuda":
        torch.cuda.set_device(device)
    return device


def _plan(
    asked: argparse.Namespace, device: torch.device
) -> tuple[Run, Plan, int | None]:
    """The run's folder, what is to be done in it, and on how many images it was."""
    given = vars(asked)
    run = Run(given.get("out") or _folder(given.get("data", "digits")))
    if asked.resume:
        if not run.exists():
            raise ValueError(
                f"{run.folder} holds no run to go on with: leave --resume out"
            )
        before, n_images = run.read()
        run.require_checkpoint()
    else:
        if run.exists():
            raise ValueError(
                f"{run.folder} holds a run already: go on with it by --resume, or "
                "choose another folder with --out"
            )
        before, n_images = _profile(device), None
    settings = {f.name: given[f.name] for f in fields(Settings) if f.name in given}
    if settings.get("precision") == "auto":
        settings["precision"] = devices.fast_precision(device)
    rest = {
        name: given[name]
        for name in ("data", "sample_every", "checkpoint_every")
        if name in given
    }
    if "data" in rest and data.is_path(rest["data"]):  # wherever it is resumed from
        rest["data"] = str(Path(rest["data"]).expanduser().resolve())
    plan = replace(before, settings=replace(before.settings, **settings), **rest)
    if asked.resume and plan.data != before.data:
        raise ValueError(
            f"{run.folder} holds a run on {before.data}, not on {plan.data}: leave "
            "--data out, or choose another folder with --out"
        )
    _require_networks(plan.settings)
    return run, plan, n_images


def _profile(device: torch.device) -> Plan:
    """What is trained where nothing else is asked for."""
    gpu = device.type == "cuda"
    precision = devices.fast_precision(device)
    settings = Settings(**(GPU if gpu else {}), precision=precision)
    every = 500 if gpu else 100
    return Plan("digits", settings, sample_every=every, checkpoint_every=every)


def _folder(name: str) -> Path:
    return Path("runs") / (Path(name).expanduser().resolve().name or "images")


def _require_networks(settings: Settings) -> None:
    """A ValueError before images are fetched, if there are no such networks."""
    width, channels, size = settings.base_channels, settings.channels, settings.size
    try:
        with torch.device("meta"):  # shapes without memory
            models.Generator(settings.latent_dim, width, channels, size=size)
    except (RuntimeError, TypeError, OverflowError) as error:
        raise ValueError(
            f"latent_dim {settings.latent_dim} and base_channels {width} make networks "
            "that no memory could hold"
        ) from error


def _images(plan: Plan, group: Alone) -> Tensor:
    """The images; where they have to be fetched, one process goes first."""
    loaded = []

    def load() -> None:
        s = plan.settings
        loaded.append(data.load(plan.data, s.size, s.channels)[0])

    group.first(load)
    if not loaded:
        load()
    return loaded[0]


def _play(trainer: Trainer, run: Run, plan: Plan) -> int:
    """The loop with its files; they and the bar are the first process's alone."""
    group, steps = trainer.group, plan.settings.steps
    writes = group.rank == 0
    if writes:
        run.begin(plan, trainer)
    with interrupt_kept_waiting() as interrupted:
        stopped = False
        with _watched(trainer, run) as watch:
            if writes and trainer.round == 0:
                run.write_due(plan, trainer)  # a folder without room is known now
            while trainer.round < steps and not stopped:
                whole = trainer.train(plan.next_stop(trainer.round), watch=watch)
                stopped = not whole or group.any(interrupted())
                if writes:
                    last = stopped or trainer.round == steps
                    run.write_due(plan, trainer, last=last)
    done = trainer.round
    if writes:
        _say_how_it_ended(run, done, steps)
    return 0 if done == steps else STOPPED


def _say_how_it_ended(run: Run, done: int, steps: int) -> None:
    folder = shlex.quote(str(run.folder))
    if done < steps:
        print(
            f"Stopped after round {done} of {steps}; it is in {run.checkpoint}. Go on "
            f"with:\n  python -m course_utils train --resume --out {folder}"
        )
    else:
        print(
            f"{done} rounds are done; {run.folder} holds the pictures, the history and "
            f"the checkpoint. New images:\n  python -m course_utils sample {folder}"
        )


@contextmanager
def _watched(trainer: Trainer, run: Run) -> Iterator[Callable[[Record], None] | None]:
    """A bar with D(x), D(G(z)), speed and time left, and the history on disk."""
    if trainer.group.rank:
        yield None
        return
    with tqdm(
        total=trainer.settings.steps, initial=trainer.round, unit="round",
        dynamic_ncols=True, mininterval=0.1 if sys.stderr.isatty() else 10,
    ) as bar:  # fmt: skip

        def watch(record: Record) -> None:
            run.note(record)
            bar.set_postfix_str(
                f"D(x) {record.d_real:.2f}, D(G(z)) {record.d_fake:.2f}, "
                f"{record.images_per_second:,.0f} images/s",
                refresh=False,
            )
            bar.update(record.step - bar.n)

        yield watch


# --- sample ---------------------------------------------------------------------------


def _sample(asked: argparse.Namespace) -> int:
    source = Path(asked.run).expanduser()
    is_file = source.is_file()
    checkpoint = source if is_file else Run(source).checkpoint
    out = asked.out or checkpoint.parent / f"samples_seed_{asked.seed}.png"
    out = Path(out).expanduser()
    draw_samples(checkpoint, out, n=asked.n, seed=asked.seed)
    print(out)
    return 0


# --- report ---------------------------------------------------------------------------


def _report(asked: argparse.Namespace) -> int:
    from .report import write  # matplotlib takes a while to import

    print(write(asked.run, asked.out))
    return 0


# --- Options and errors ---------------------------------------------------------------


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, without the list of all options."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message} (--help lists the options)")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m course_utils train",
        description="Train a DCGAN. Ctrl-C stops it between two rounds with a "
        "checkpoint (exit status 130), and --resume goes on from there.",
        epilog="Options that are left out: a small, quick network on a CPU, DCGAN's "
        "own sizes on a CUDA GPU; with --resume, those of the run.",
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--data", help="digits (the default), mnist, fashion-mnist, or a folder")
    add("--out", help="folder of the run; runs/DATA if left out")
    add("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps")
    add("--resume", action="store_true", default=False, help="go on with the run")
    add("--sample-every", type=int, help="rounds between two pictures; 0: none")
    add("--checkpoint-every", type=int, help="rounds between two checkpoints")
    for field in fields(Settings):
        name, kind = "--" + field.name.replace("_", "-"), type(field.default)
        text = _with_defaults(field.name, field.default)
        if kind is bool:
            add(name, action=argparse.BooleanOptionalAction, help=text)
        elif field.name == "precision":
            add(name, choices=("auto", *devices.PRECISIONS), help=text)
        else:
            add(name, type=kind, help=text)
    return parser


def _with_defaults(name: str, default: object) -> str:
    if name == "precision":
        return HELP[name]
    gpu = f"; on a GPU {GPU[name]}" if name in GPU else ""
    return f"{HELP[name]} ({default}{gpu})"


def _sample_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m course_utils sample",
        description="New images from a run's averaged G, as one PNG.",
        allow_abbrev=False,
    )
    parser.add_argument("run", help="the run's folder, or a checkpoint")
    parser.add_argument("--n", type=int, default=64, help="how many images (64)")
    parser.add_argument("--seed", type=int, default=0, help="of the latents (0)")
    parser.add_argument("--out", help="PNG to write; left out: RUN/samples_seed_S.png")
    return parser


def _report_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m course_utils report",
        description="One HTML page about a run: curves, samples over time, numbers, "
        "likely faults. Its pictures are inside it.",
        allow_abbrev=False,
    )
    parser.add_argument("run", help="the run's folder")
    parser.add_argument("--out", help="HTML to write; left out: RUN/report.html")
    return parser


def _explained(command: Callable[[], int]) -> int:
    """Run a command; what can go wrong becomes a sentence and an exit status."""
    try:
        return command()
    except (ValueError, TrainingError) as error:
        # The same in every process that torchrun started: said once a machine.
        if distributed.place() == 0:
            _complain(error)
        return ASKED_WRONGLY if isinstance(error, ValueError) else WRONG
    except (MemoryError, DataError, CheckpointError, distributed.Elsewhere) as error:
        _complain(error)
        return WRONG
    except KeyboardInterrupt:
        _complain("stopped at once; the last checkpoint, if there is one, is intact")
        return STOPPED


def _complain(message: object) -> None:
    rank = os.environ.get("RANK", "0")
    who = "" if rank == "0" else f"process {rank}: "
    text = str(message)
    print(f"{who}{text}{'' if text.endswith(('.', '?')) else '.'}", file=sys.stderr)
