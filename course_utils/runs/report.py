"""One page about one run: its curves, its samples over time, its numbers, its signs.

    python -m course_utils report runs/mnist

The page is one HTML file with its pictures inside; nothing is fetched, nothing runs.
"""

import base64
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from course_utils import classifier, clinic, data, evaluation, training
from course_utils.figures import curves, style

from . import files
from .trainer import load_generator

PICTURES = 12  # at most, evenly over the run
COMPARED = 1500  # samples, and data, behind the numbers
CURVES = ("loss_d", "loss_g", "d_real", "d_fake", "norm_d", "norm_g")
CLASSIFIERS = ("digits", "mnist")  # sets with a feature space of their own
SCORES = (
    "Fréchet distance", "precision", "recall", "share of classes drawn", "histogram KL",
)  # fmt: skip
CSS = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto;
       padding: 0 1rem; }
td, th { padding: .2rem .8rem .2rem 0; text-align: left; vertical-align: top; }
img { max-width: 100%; }
figure { display: inline-block; margin: 0 1rem 1rem 0; }
figure img { width: 17rem; image-rendering: pixelated; }
"""


def write(folder: Path | str, out: Path | str | None = None) -> Path:
    """Write the page of a run into `out`, or its folder's report.html; the path."""
    run = files.RunFolder(folder)
    config, rows = files.read_checkpoint(run.checkpoint)["config"], run.read_history()
    settings = config["settings"]
    done = rows[-1]["step"] if rows else 0
    title = escape(f"{run.folder.name}: {done} of {settings['steps']} rounds")
    kept = f"{config['images']:,} images"
    about = ", ".join([str(config["data"]), kept, f"{settings['size']} pixels"])
    page = f"""<!doctype html><html lang="en"><head><meta charset="utf-8">
<title>{title}</title><style>{CSS}</style></head><body><h1>{title}</h1>
<p>Data: {escape(about)}; {escape(config["left_out"] or "none left out")}.</p>
<h2>Curves</h2>{_curves(rows)}
<h2>Signs</h2>{_signs(rows)}
<p>Curves suggest; samples decide. Lesson 8 shows what each sign looked like in a
recorded run.</p>
<h2>Samples</h2><p>The same latents each time.</p>{_samples(run)}
<h2>Numbers</h2>{_numbers(run, config)}
<h2>Settings</h2>{_table((name, [value]) for name, value in settings.items())}
</body></html>
"""
    path = Path(out).expanduser() if out else run.folder / "report.html"
    files.write_whole(page.encode(errors="replace"), path)
    return path


def _curves(rows: Sequence[dict]) -> str:
    figure = curves.run_curves([row["step"] for row in rows], _columns(rows))
    alt = "Losses, D's mean outputs and gradient norms over the rounds."
    return (
        f"{_image(style.png(figure), alt)}<p>Dotted: where D answers 1/2 to "
        "everything, its loss is 2 log 2 and G's is log 2. Faint: as recorded; strong: "
        "running means.</p>"
    )


def _signs(rows: Sequence[dict]) -> str:
    columns = {name: torch.tensor(values) for name, values in _columns(rows).items()}
    found = [
        f"<li><b>{escape(fault)}</b>: {escape(sentence)}</li>"
        for fault, sentence in (clinic.likely(columns) if rows else ())
    ]
    return f"<ul>{''.join(found)}</ul>" if found else "<p>None of the known signs.</p>"


def _samples(run: files.RunFolder) -> str:
    paths = sorted(run.samples.glob("round_[0-9]*.png"))
    if not paths:
        return "<p>No picture was drawn.</p>"
    chosen = torch.linspace(0, len(paths) - 1, min(PICTURES, len(paths))).round()
    figures = []
    for path in (paths[int(i)] for i in chosen):
        caption = f"round {int(path.stem.removeprefix('round_'))}"
        image = _image(path.read_bytes(), f"Samples, {caption}.")
        figures.append(f"<figure>{image}<figcaption>{caption}</figcaption></figure>")
    return "".join(figures)


def _numbers(run: files.RunFolder, config: dict[str, Any]) -> str:
    if config["data"] not in CLASSIFIERS:
        return (
            "<p>There is no feature space for these images: the course ships "
            "classifiers for digits and mnist alone.</p>"
        )
    try:
        scores = _scores(run, config)
    except (data.DataError, files.RunError) as error:
        return f"<p>There are none: {escape(str(error))}</p>"
    table = {name: [f"{x:.3g}" for x in found] for name, found in scores.items()}
    return (
        f"{_table([('', SCORES), *table.items()])}<p>{COMPARED} samples against as "
        "many images of the data, in the features of a small classifier. Numbers of "
        "different data sets cannot be compared.</p>"
    )


def _scores(run: files.RunFolder, config: dict[str, Any]) -> dict[str, Sequence[float]]:
    """Scores of the run and of two draws from the data, by name."""
    G, s = load_generator(run.checkpoint)
    images, _ = data.load(config["data"], s.size, s.channels)
    chosen = torch.randperm(len(images), generator=data.rng(0))
    real, other = images[chosen[:COMPARED]], images[chosen[-COMPARED:]]
    judge = classifier.load(config["data"])
    z = data.latent(COMPARED, s.latent_dim, data.rng(99))
    made = torch.cat([training.sample(G, part) for part in z.split(256)])
    copied = evaluation.copies(real, COMPARED, data.rng(1))

    def scored(samples: Tensor) -> Sequence[float]:
        return evaluation.scores(samples, real, classifier=judge)[: len(SCORES)]

    found = {"this run": scored(made), "a copy of the data": scored(copied)}
    if len(images) >= 2 * COMPARED:
        found["other images of the data"] = scored(other)
    return found


def _columns(rows: Sequence[dict]) -> dict[str, list[float]]:
    return {name: [row[name] for row in rows] for name in CURVES}


def _table(rows: Any) -> str:
    """Rows of a name and its values."""
    lines = [
        f"<tr><th>{escape(name)}</th>"
        + "".join(f"<td>{escape(str(value))}</td>" for value in values)
        + "</tr>"
        for name, values in rows
    ]
    return f"<table>{''.join(lines)}</table>"


def _image(content: bytes, alt: str) -> str:
    code = base64.b64encode(content).decode()
    return f'<img alt="{escape(alt)}" src="data:image/png;base64,{code}">'
