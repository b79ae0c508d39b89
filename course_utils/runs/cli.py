"""The commands that train without a notebook, and sample from the result.

    python -m course_utils train --data mnist --size 64 --steps 5000 --out runs/mnist
    python -m course_utils sample runs/mnist --n 64
    python -m course_utils report runs/mnist

The exit status is 0 after a whole run, 130 after Ctrl-C (a checkpoint is written, and
`--resume` goes on from it), 2 if what was asked for is not possible, and 1 if something
went wrong on the way; the last checkpoint is intact in each case.
"""

import argparse
import io
import math
import os
import shlex
import sys
from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, NoReturn

import torch
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from course_utils import __version__, data, training

from . import devices, distributed, files
from .files import RunError, RunFolder
from .trainer import Record, Settings, Trainer, load_generator

WRONG, ASKED_WRONGLY, STOPPED = 1, 2, 130  # 130: what shells say after Ctrl-C
MOST_SAMPLES = 10_000  # in one picture

# What differs from `Settings()` on a CUDA GPU: DCGAN's own width and rates.
GPU = {
    "size": 64, "latent_dim": 100, "base_channels": 64, "batch_size": 128,
    "steps": 5000, "lr_g": 2e-4, "lr_d": 2e-4, "beta2": 0.999, "n_generator_steps": 1,
}  # fmt: skip


def train(argv: list[str]) -> int:
    """Train a DCGAN: files go into a folder, a bar shows progress; the exit status."""
    return distributed.end_process(_explained(_train, _train_parser(), argv))


def sample(argv: list[str]) -> int:
    """Write images of a trained G as one PNG and print its path; the exit status."""
    return _explained(_sample, _sample_parser(), argv)


def report(argv: list[str]) -> int:
    """Write one HTML page about a run and print its path; the exit status."""
    return _explained(_report, _report_parser(), argv)


# --- train ----------------------------------------------------------------------------


def _train(asked: argparse.Namespace) -> int:
    device = _device(asked.device)
    with distributed.joined(device) as group:
        run, config = group.from_main(lambda: _planned(asked, device))
        settings = Settings(**config["settings"])
        images = _images(config["data"], settings, group)
        if config.setdefault("images", len(images)) != len(images):
            raise ValueError(
                f"{run.folder} was trained on {config['images']:,} images, and "
                f"{config['data']} now holds {len(images):,}: restore them, or start "
                "a new run in another folder with --out"
            )
        with devices.out_of_memory_explained(settings.batch_size):
            trainer = Trainer(images, settings, device=device, group=group)
        if group.from_main(run.checkpoint.exists):
            trainer.load(run.checkpoint)
        if group.is_main:
            whole = _train_with_files(trainer, run, config)
        else:
            whole = trainer.train()
    return 0 if whole else STOPPED


def _device(name: str) -> torch.device:
    """The device of this process: under torchrun a GPU each."""
    device = devices.pick(name)
    if distributed.launched():
        if device.type == "cuda" and device.index is None:
            device = devices.pick(f"cuda:{distributed.local_rank()}")
        elif device.type == "mps":
            device = torch.device("cpu")  # gloo knows no other
    if device.type == "cuda":
        torch.cuda.set_device(device)
    return device


def _planned(
    asked: argparse.Namespace, device: torch.device
) -> tuple[RunFolder, dict[str, Any]]:
    """The run's folder, and what is asked for there: data, settings, files."""
    given = vars(asked)
    name = given.get("data", "digits")
    if data.is_path(name):  # wherever it is resumed from
        name = str(Path(name).expanduser().resolve())
    run = RunFolder(given.get("out") or Path("runs", Path(name).name))
    config = _old_config(run) if asked.resume else _new_config(run, name, device)
    if "data" in given and name != config["data"]:
        raise ValueError(
            f"{run.folder} holds a run on {config['data']}, not on {name}: leave "
            "--data out, or choose another folder with --out"
        )
    names = [field.name for field in fields(Settings) if field.name in given]
    config["settings"] |= {name: given[name] for name in names}
    Settings(**config["settings"])  # refuses what makes no run
    for every, least in (("sample_every", 0), ("checkpoint_every", 1)):
        config[every] = given.get(every, config[every])
        if config[every] < least:
            raise ValueError(f"{every} must be at least {least}, not {config[every]}")
    return run, config


def _old_config(run: RunFolder) -> dict[str, Any]:
    if not run.exists():
        raise ValueError(f"{run.folder} holds no run to go on with: leave --resume out")
    content = files.read_checkpoint(run.checkpoint)
    if "config" not in content:
        raise RunError(f"{run.checkpoint} was not written by train")
    return content["config"]


def _new_config(run: RunFolder, name: str, device: torch.device) -> dict[str, Any]:
    """What is trained where nothing else is asked for."""
    if run.exists():
        raise ValueError(
            f"{run.folder} holds a run already: go on with it by --resume, or choose "
            "another folder with --out"
        )
    gpu, precision = device.type == "cuda", devices.fast_precision(device)
    settings = Settings(**(GPU if gpu else {}), precision=precision)
    every = 500 if gpu else 100
    return {
        "data": name, "settings": asdict(settings),
        "sample_every": every, "checkpoint_every": every,
    }  # fmt: skip


def _images(name: str, settings: Settings, group: distributed.Group) -> Tensor:
    """The images; where they have to be fetched, one process goes first."""
    loaded = []

    def load() -> None:
        loaded.append(data.load(name, settings.size, settings.channels)[0])

    group.from_main(load)
    if not loaded:
        load()
    return loaded[0]


def _train_with_files(trainer: Trainer, run: RunFolder, config: dict) -> bool:
    """The loop with its files and its bar; whether it came to its end."""
    config["left_out"] = data.left_out(config["data"])
    if config["left_out"]:
        print(f"{config['left_out']}.", flush=True)
    config |= {
        "device": str(trainer.images.device), "processes": trainer.group.world_size,
        "course_utils": __version__, "torch": str(torch.__version__),
    }  # fmt: skip
    steps = trainer.settings.steps
    with tqdm(
        total=steps, initial=trainer.round, unit="round",
        dynamic_ncols=True, mininterval=0.1 if sys.stderr.isatty() else 10,
    ) as bar:  # fmt: skip
        if trainer.round == 0:
            _write_due(trainer, run, config)  # a folder without room is known now
        run.write_config(config)
        try:
            trainer.train(
                watch=lambda record: _show(bar, record),
                after_round=lambda last: _write_due(trainer, run, config, last),
            )
        finally:
            run.write_history(trainer.history)  # also what led to a NaN
    folder, done = shlex.quote(str(run.folder)), trainer.round
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
    return done == steps


def _write_due(
    trainer: Trainer, run: RunFolder, config: dict, last: bool = False
) -> bool:
    """Write the checkpoint and the picture that are due; whether there was one."""
    done, sample_every = trainer.round, config["sample_every"]
    saves = last or done % config["checkpoint_every"] == 0
    draws = sample_every > 0 and (last or done % sample_every == 0)
    if saves:
        trainer.save(run.checkpoint, config=config)
        run.write_history(trainer.history)
    if draws:
        _write_picture(trainer.samples(), run.samples / f"round_{done:06d}.png")
    return saves or draws


def _show(bar: tqdm, record: Record) -> None:
    bar.set_postfix_str(
        f"D(x) {record.d_real:.2f}, D(G(z)) {record.d_fake:.2f}, "
        f"{record.images_per_second:,.0f} images/s",
        refresh=False,
    )
    bar.update(record.step - bar.n)


# --- sample and report ----------------------------------------------------------------


def _sample(asked: argparse.Namespace) -> int:
    source = Path(asked.run).expanduser()
    checkpoint = source if source.is_file() else RunFolder(source).checkpoint
    out = asked.out or checkpoint.parent / f"samples_seed_{asked.seed}.png"
    out = Path(out).expanduser()
    if not 1 <= asked.n <= MOST_SAMPLES:
        raise ValueError(f"n must be from 1 to {MOST_SAMPLES}, not {asked.n}")
    if out.suffix.lower() != ".png":
        raise ValueError(f"{out.name} must end in .png: the picture is a PNG")
    G, settings = load_generator(checkpoint)
    z = data.latent(asked.n, settings.latent_dim, data.rng(asked.seed))
    _write_picture(torch.cat([training.sample(G, part) for part in z.split(256)]), out)
    print(out)
    return 0


def _write_picture(images: Tensor, path: Path) -> None:
    """Images in [-1, 1] side by side in about a square, as one PNG."""
    from course_utils.figures.images import tile  # matplotlib takes a while to import

    if not images.isfinite().all():
        raise RunError(
            "G's images are no longer finite numbers: start a new run with lower "
            "learning rates"
        )
    mosaic = tile(images.numpy(), columns=math.ceil(math.sqrt(len(images))))
    content = io.BytesIO()
    Image.fromarray((255 * mosaic).round().astype("uint8")).save(content, "PNG")
    files.write_whole(content.getbuffer(), path)


def _report(asked: argparse.Namespace) -> int:
    from .report import write  # matplotlib takes a while to import

    print(write(asked.run, asked.out))
    return 0


# --- Options and errors ---------------------------------------------------------------


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, without the list of all options."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message} (--help lists the options)")


def _parser(command: str, description: str, **options: Any) -> _Parser:
    name = f"python -m course_utils {command}"
    return _Parser(prog=name, description=description, allow_abbrev=False, **options)


def _train_parser() -> _Parser:
    parser = _parser(
        "train",
        "Train a DCGAN. Ctrl-C stops it between two rounds with a checkpoint (exit "
        "status 130), and --resume goes on from there.",
        epilog="Options that are left out: a small, quick network on a CPU, DCGAN's "
        "own sizes on a CUDA GPU; with --resume, those of the run.",
        argument_default=argparse.SUPPRESS,
    )
    add = parser.add_argument
    add("--data", help="digits (the default), mnist, fashion-mnist, or a folder")
    add("--out", help="folder of the run; runs/DATA if left out")
    add("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps")
    add("--resume", action="store_true", default=False, help="go on with the run")
    add("--sample-every", type=int, help="rounds between two pictures; 0: none")
    add("--checkpoint-every", type=int, help="rounds between two checkpoints")
    for field in fields(Settings):
        kind = {"type": type(field.default)}
        if kind["type"] is bool:
            kind = {"action": argparse.BooleanOptionalAction}
        default = f"{field.default}"
        if field.name == "precision":
            default = "bfloat16 where it is fast"
        elif field.name in GPU:
            default += f"; on a GPU {GPU[field.name]}"
        text = f"{field.metadata['help']} ({default})"
        add("--" + field.name.replace("_", "-"), help=text, **kind)
    return parser


def _sample_parser() -> _Parser:
    parser = _parser("sample", "New images from a run's averaged G, as one PNG.")
    add = parser.add_argument
    add("run", help="the run's folder, or a checkpoint")
    add("--n", type=int, default=64, help="how many images (64)")
    add("--seed", type=int, default=0, help="of the latents (0)")
    add("--out", help="PNG to write; left out: RUN/samples_seed_S.png")
    return parser


def _report_parser() -> _Parser:
    parser = _parser("report", "One HTML page about a run, its pictures inside it.")
    parser.add_argument("run", help="the run's folder")
    parser.add_argument("--out", help="HTML to write; left out: RUN/report.html")
    return parser


def _explained(
    command: Callable[[argparse.Namespace], int], parser: _Parser, argv: list[str]
) -> int:
    """Run a command; what can go wrong becomes a sentence and an exit status."""
    try:
        return command(parser.parse_args(argv))
    except (ValueError, MemoryError, RunError, data.DataError) as error:
        _complain(error)
        return ASKED_WRONGLY if isinstance(error, ValueError) else WRONG
    except KeyboardInterrupt:
        _complain("stopped at once; the last checkpoint, if there is one, is intact")
        return STOPPED


def _complain(message: object) -> None:
    """Print a sentence on stderr; what all processes meet alike, once a machine."""
    rank = distributed.local_rank()
    if rank and not isinstance(message, MemoryError):
        return
    who = f"process {os.environ['RANK']}: " if rank else ""
    text = str(message)
    print(f"{who}{text}{'' if text.endswith(('.', '?')) else '.'}", file=sys.stderr)
