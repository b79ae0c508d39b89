"""The commands that train without a notebook, and sample from the result.

    python -m course_utils train --data mnist --size 64 --steps 5000 --out runs/mnist
    python -m course_utils sample runs/mnist --n 64
    python -m course_utils report runs/mnist

The exit status is 0 after a whole run, 130 after Ctrl-C (a checkpoint is written, and
`--resume` goes on from it), 2 if what was asked for is not possible, and 1 if something
went wrong on the way; the last checkpoint is intact in each case.
"""

import argparse
import functools
import io
import math
import shlex
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from course_utils import __version__, data, training

from . import devices, distributed, files
from .files import RunError, RunFolder
from .trainer import Record, Settings, Trainer, load_generator

WRONG, ASKED_WRONGLY, STOPPED = 1, 2, 130  # 130: what shells say after Ctrl-C

# What differs from `Settings()` on a CUDA GPU: DCGAN's own width and rates.
GPU = {
    "size": 64, "latent_dim": 100, "base_channels": 64, "batch_size": 128,
    "steps": 5000, "lr_g": 2e-4, "lr_d": 2e-4, "beta2": 0.999, "n_generator_steps": 1,
    "save_every": 500,
}  # fmt: skip


def train(argv: list[str]) -> int:
    """Train a DCGAN: files go into a folder, a bar shows progress; the exit status."""
    parser = _parser("train", "--data NAME --out FOLDER [--size N] [--steps N] ...")
    add = parser.add_argument
    add("--data", help="digits (the default), mnist, fashion-mnist, or a folder")
    add("--out", help="folder of the run; runs/DATA if left out")
    add("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps")
    add("--resume", action="store_true", default=False, help="go on with the run")
    for field in fields(Settings):
        kind = {"type": type(field.default)}
        if kind["type"] is bool:
            kind = {"action": argparse.BooleanOptionalAction}
        default = f"{field.default}"
        if field.name in GPU:
            default += f"; on a GPU {GPU[field.name]}"
        text = f"{field.metadata['help']} ({default})"
        add("--" + field.name.replace("_", "-"), help=text, **kind)
    return distributed.end_process(_explained(_train, parser.parse_args(argv)))


def sample(argv: list[str]) -> int:
    """Write images of a trained G as one PNG and print its path; the exit status."""
    parser = _parser("sample", "RUN [--n N] [--seed S]")
    parser.add_argument("run", help="the run's folder")
    parser.add_argument("--n", type=int, default=64, help="how many images (64)")
    parser.add_argument("--seed", type=int, default=0, help="of the latents (0)")
    return _explained(_sample, parser.parse_args(argv))


def report(argv: list[str]) -> int:
    """Write one HTML page about a run and print its path; the exit status."""
    parser = _parser("report", "RUN")
    parser.add_argument("run", help="the run's folder")
    return _explained(_report, parser.parse_args(argv))


def _parser(command: str, usage: str) -> argparse.ArgumentParser:
    """Options that are left out are not set; a wrong one is told in two lines."""
    prog = f"python -m course_utils {command}"
    return argparse.ArgumentParser(
        prog=prog,
        usage=f"{prog} {usage} (--help: all options)",
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
    )


def _explained(command: Callable, asked: argparse.Namespace) -> int:
    """Run a command; what can go wrong becomes a sentence and an exit status."""
    try:
        return command(asked)
    except (ValueError, MemoryError, RunError, data.DataError) as error:
        text = str(error)
        # What all processes meet alike is said once a machine; memory is each one's.
        if distributed.local_rank() == 0 or isinstance(error, MemoryError):
            print(text if text.endswith((".", "?")) else f"{text}.", file=sys.stderr)
        return ASKED_WRONGLY if isinstance(error, ValueError) else WRONG
    except KeyboardInterrupt:
        print("stopped; the last checkpoint, if any, is intact.", file=sys.stderr)
        return STOPPED


# --- train ----------------------------------------------------------------------------


def _train(asked: argparse.Namespace) -> int:
    device = devices.pick(asked.device)
    if device.type == "cuda":
        if device.index is None:  # under torchrun a GPU each
            device = devices.pick(f"cuda:{distributed.local_rank()}")
        torch.cuda.set_device(device)
    with distributed.joined(device) as group, ExitStack() as stack:
        run, config = group.from_main(lambda: _planned(asked, device))
        settings = Settings(**config["settings"])
        wanted = config["data"], settings.size, settings.channels
        load = functools.cache(lambda: data.load(*wanted)[0])
        group.from_main(lambda: load() is None)  # what has to be fetched is, once
        images = load()
        with devices.out_of_memory_explained(settings.batch_size):
            trainer = Trainer(images, settings, device=device, group=group)
        group.from_main(lambda: stack.enter_context(run.locked()))
        if group.from_main(run.checkpoint.exists):
            trainer.load(run.checkpoint)
        if group.is_main:
            whole = _train_with_files(trainer, run, config)
        else:
            whole = trainer.train()
    return 0 if whole else STOPPED


def _planned(
    asked: argparse.Namespace, device: torch.device
) -> tuple[RunFolder, dict[str, Any]]:
    """The run's folder, and what is asked for there: data and settings."""
    given = vars(asked)
    name = given.get("data", "digits")
    if data.is_path(name):  # wherever it is resumed from
        name = str(Path(name).expanduser().resolve())
    run = RunFolder(given.get("out") or Path("runs", Path(name).name))
    if asked.resume:
        config = _old_config(run)
    elif run.exists():
        raise ValueError(
            f"{run.folder} holds a run already: go on with it by --resume, or choose "
            "another folder with --out"
        )
    else:
        profile = GPU if device.type == "cuda" else {}
        settings = Settings(**profile, precision=devices.fast_precision(device))
        config = {"data": name, "settings": asdict(settings)}
    if "data" in given and name != config["data"]:
        raise ValueError(
            f"{run.folder} holds a run on {config['data']}, not on {name}: leave "
            "--data out, or choose another folder with --out"
        )
    config["settings"] |= {k: v for k, v in given.items() if k in config["settings"]}
    Settings(**config["settings"])  # refuses what makes no run
    return run, config


def _old_config(run: RunFolder) -> dict[str, Any]:
    if not run.exists():
        raise ValueError(f"{run.folder} holds no run to go on with: leave --resume out")
    content = files.read_checkpoint(run.checkpoint)
    if "config" not in content:
        raise RunError(f"{run.checkpoint} was not written by train")
    return content["config"]


def _train_with_files(trainer: Trainer, run: RunFolder, config: dict) -> bool:
    """The loop with its files and its bar; whether it came to its end."""
    config["left_out"] = data.left_out(config["data"])
    if config["left_out"]:
        print(f"{config['left_out']}.", flush=True)
    config |= {
        "images": len(trainer.images), "device": str(trainer.images.device),
        "processes": trainer.group.world_size, "course_utils": __version__,
        "torch": str(torch.__version__),
    }  # fmt: skip
    steps = trainer.settings.steps
    with tqdm(
        total=steps, initial=trainer.round, unit="round",
        dynamic_ncols=True, mininterval=0.1 if sys.stderr.isatty() else 10,
    ) as bar:  # fmt: skip
        if trainer.round == 0:
            _save(trainer, run, config)  # a folder without room is known now
        run.write_config(config)
        try:
            whole = trainer.train(
                watch=lambda record: _show(bar, record),
                after_round=lambda last: _save(trainer, run, config, last),
            )
        finally:
            run.write_history(trainer.history)  # also what led to a NaN
    folder = shlex.quote(str(run.folder))
    print(f"{trainer.round} of {steps} rounds are in {run.folder}.", end=" ")
    if whole:
        print(f"New images:\n  python -m course_utils sample {folder}")
    else:
        print(f"Go on with:\n  python -m course_utils train --resume --out {folder}")
    return whole


def _save(trainer: Trainer, run: RunFolder, config: dict, last: bool = False) -> bool:
    """Write checkpoint, history and picture if they are due; whether they were."""
    due = last or trainer.round % trainer.settings.save_every == 0
    if due:
        trainer.save(run.checkpoint, config=config)
        run.write_history(trainer.history)
        picture = run.samples / f"round_{trainer.round:06d}.png"
        _write_picture(trainer.samples(), picture)
    return due


def _show(bar: tqdm, record: Record) -> None:
    bar.set_postfix_str(
        f"D(x) {record.d_real:.2f}, D(G(z)) {record.d_fake:.2f}, "
        f"{record.images_per_second:,.0f} images/s",
        refresh=False,
    )
    bar.update(record.step - bar.n)


# --- sample and report ----------------------------------------------------------------


def _sample(asked: argparse.Namespace) -> int:
    run = RunFolder(asked.run)
    if asked.n < 1:
        raise ValueError(f"n must be at least 1, not {asked.n}")
    G, settings = load_generator(run.checkpoint)
    z = data.latent(asked.n, settings.latent_dim, data.rng(asked.seed))
    out = run.folder / f"samples_seed_{asked.seed}.png"
    _write_picture(torch.cat([training.sample(G, part) for part in z.split(256)]), out)
    print(out)
    return 0


def _write_picture(images: Tensor, path: Path) -> None:
    """Images in [-1, 1] side by side in about a square, as one PNG."""
    from course_utils.figures.images import tile  # matplotlib takes a while to import

    mosaic = tile(images.numpy(), columns=math.ceil(math.sqrt(len(images))))
    content = io.BytesIO()
    Image.fromarray((255 * mosaic).round().astype("uint8")).save(content, "PNG")
    files.write_whole(content.getbuffer(), path)


def _report(asked: argparse.Namespace) -> int:
    from .report import write  # matplotlib takes a while to import

    print(write(asked.run))
    return 0
