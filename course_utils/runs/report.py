"""One page about one run: its curves, its samples over time, its numbers, its signs.

    python -m course_utils report runs/mnist

The page is one HTML file with its pictures inside; nothing is fetched, nothing runs.
"""

import base64
import html
import json
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from course_utils import classifier, clinic, data, evaluation, training
from course_utils.figures import curves, style

from . import checkpoints
from .files import Plan, Run, make_folder
from .trainer import Record, load_generator

PICTURES = 12  # at most, evenly over the run
COMPARED = 1500  # samples, and data, behind the numbers
CURVES = ("loss_d", "loss_g", "d_real", "d_fake", "norm_d", "norm_g")
CLASSIFIERS = ("digits", "mnist")  # sets with a feature space of their own
CSS = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto;
       padding: 0 1rem; }
table { border-collapse: collapse; }
td, th { padding: .2rem .8rem .2rem 0; text-align: left; vertical-align: top; }
img { max-width: 100%; }
figure { display: inline-block; margin: 0 1rem 1rem 0; }
figcaption { opacity: .7; }
.samples img { width: 17rem; image-rendering: pixelated; }
"""


def write(folder: Path | str, out: Path | str | None = None) -> Path:
    """Write the page of a run.

    Args:
        folder: of the run, as `train` made it.
        out: the file; report.html in the run's folder if None.

    Returns:
        The file's path.

    Raises:
        CheckpointError: the run, or a part of it, is missing or broken, or the page
            cannot be written.
    """
    run = Run(folder)
    plan, _ = run.read()
    records = read_history(run.history)
    page = "\n".join(
        [
            _head(run, plan, records),
            _curves_part(records),
            _signs_part(records),
            _samples_part(run),
            _numbers_part(run, plan),
            _settings_part(plan),
            "</body></html>\n",
        ]
    )
    path = Path(out).expanduser() if out else run.folder / "report.html"
    make_folder(path.parent)
    checkpoints.write_bytes(page.encode(errors="replace"), path)
    return path


def read_history(path: Path) -> list[Record]:
    """The records of a history file; a last line that was cut short is left out.

    Raises:
        CheckpointError: the file is missing, or a line before the last is broken.
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise checkpoints.CheckpointError(
            f"{path} cannot be read ({error.strerror}): is {path.parent} the folder of "
            "a run?"
        ) from error
    records = []
    for i, line in enumerate(lines):
        try:
            records.append(Record(**json.loads(line)))
        except (ValueError, TypeError) as error:
            if i < len(lines) - 1:
                raise checkpoints.CheckpointError(
                    f"line {i + 1} of {path} is broken; go on with the run (--resume) "
                    "and the file is written anew"
                ) from error
    return records


# --- Parts of the page ----------------------------------------------------------------


def _head(run: Run, plan: Plan, records: Sequence[Record]) -> str:
    done = records[-1].step if records else 0
    title = html.escape(f"{run.folder.name}: {done} of {plan.settings.steps} rounds")
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{title}</title><style>{CSS}</style></head><body><h1>{title}</h1>"
        f"<p>Data: {html.escape(plan.data)}, {plan.settings.size} pixels, "
        f"{'color' if plan.settings.channels == 3 else 'gray'}.</p>"
    )


def _curves_part(records: Sequence[Record]) -> str:
    if not records:
        return "<h2>Curves</h2><p>No round has been recorded yet.</p>"
    steps = [record.step for record in records]
    figure = curves.run_curves(steps, _columns(records))
    alt = "Losses, D's mean outputs and gradient norms over the rounds."
    return (
        f"<h2>Curves</h2>{_image(style.png(figure), alt)}<p>Dotted: where D answers "
        "1/2 to everything, its loss is 2 log 2 and G's is log 2. Faint: as recorded; "
        "strong: running means.</p>"
    )


def _signs_part(records: Sequence[Record]) -> str:
    if not records:
        return ""
    tensors = {k: torch.tensor(v) for k, v in _columns(records).items()}
    rows = [
        f"<li><b>{html.escape(fault)}</b>: {html.escape(sentence)}</li>"
        for fault, sentence in clinic.likely(tensors)
    ]
    found = f"<ul>{''.join(rows)}</ul>" if rows else "<p>None of the known signs.</p>"
    return (
        f"<h2>Signs</h2>{found}<p>Curves suggest; samples decide. Lesson 8 shows what "
        "each sign looked like in a recorded run.</p>"
    )


def _samples_part(run: Run) -> str:
    paths = sorted(
        path
        for path in run.samples.glob("round_*.png")
        if path.stem.removeprefix("round_").isdigit()
    )
    if not paths:
        return "<h2>Samples</h2><p>No picture was drawn.</p>"
    chosen = torch.linspace(0, len(paths) - 1, min(PICTURES, len(paths))).round()
    figures = []
    for path in (paths[int(i)] for i in chosen):
        caption = f"round {int(path.stem.removeprefix('round_'))}"
        image = _image(path.read_bytes(), f"Samples, {caption}.")
        figures.append(f"<figure>{image}<figcaption>{caption}</figcaption></figure>")
    return (
        f'<h2>Samples</h2><p>The same latents each time.</p><div class="samples">'
        f"{''.join(figures)}</div>"
    )


def _numbers_part(run: Run, plan: Plan) -> str:
    if plan.data not in CLASSIFIERS:
        return (
            "<h2>Numbers</h2><p>There is no feature space for these images: the course "
            "ships classifiers for digits and mnist alone.</p>"
        )
    if not run.checkpoint.exists():
        return "<h2>Numbers</h2><p>There is no checkpoint yet.</p>"
    try:
        numbers = _numbers(run, plan)
    except (data.DataError, checkpoints.CheckpointError) as error:
        return f"<h2>Numbers</h2><p>There are none: {html.escape(str(error))}</p>"
    rows = "".join(
        f"<tr><th>{html.escape(name)}</th>"
        + "".join(f"<td>{value:.3g}</td>" for value in found)
        + "</tr>"
        for name, found in numbers.items()
    )
    heads = "".join(f"<th>{html.escape(name)}</th>" for name in ("", *_SCORES))
    return (
        f"<h2>Numbers</h2><table><tr>{heads}</tr>{rows}</table><p>{COMPARED} samples "
        "against as many images of the data, in the features of a small classifier. "
        "Numbers of different data sets cannot be compared.</p>"
    )


_SCORES = (
    "Fréchet distance", "precision", "recall", "share of classes drawn", "histogram KL",
)  # fmt: skip


def _numbers(run: Run, plan: Plan) -> dict[str, Sequence[float]]:
    """Scores of the run and of two draws from the data, by name."""
    s = plan.settings
    images, _ = data.load(plan.data, s.size, s.channels)
    chosen = torch.randperm(len(images), generator=data.rng(0))
    real, other = images[chosen[:COMPARED]], images[chosen[-COMPARED:]]
    judge = classifier.load(plan.data)
    G, _ = load_generator(run.checkpoint)
    z = data.latent(COMPARED, s.latent_dim, data.rng(99))
    made = torch.cat([training.sample(G, part) for part in z.split(256)])

    def scored(samples: Tensor) -> Sequence[float]:
        return evaluation.scores(samples, real, classifier=judge)[: len(_SCORES)]

    copied = evaluation.copies(real, COMPARED, data.rng(1))
    found = {"this run": scored(made)}
    found["a copy of the data"] = scored(copied)
    if len(images) >= 2 * COMPARED:
        found["other images of the data"] = scored(other)
    return found


def _settings_part(plan: Plan) -> str:
    rows = "".join(
        f"<tr><th>{name}</th><td>{html.escape(str(value))}</td></tr>"
        for name, value in vars(plan.settings).items()
    )
    return f"<h2>Settings</h2><table>{rows}</table>"


def _columns(records: Sequence[Record]) -> dict[str, list[float]]:
    return {name: [getattr(record, name) for record in records] for name in CURVES}


def _image(content: bytes, alt: str) -> str:
    code = base64.b64encode(content).decode()
    return f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{code}">'
