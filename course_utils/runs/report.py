"""One page about one run: its curves, its samples over time, its numbers, its signs.

The page is one HTML file with its pictures inside; nothing is fetched, nothing runs.
"""

import base64
from collections.abc import Iterable, Sequence
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
SCORES = (
    "Fréchet distance", "precision", "recall", "share of classes drawn", "histogram KL",
)  # fmt: skip
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<title>{title}</title><style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; }}
td, th {{ padding: .2rem .8rem .2rem 0; text-align: left; }}
img {{ max-width: 100%; }}
figure {{ display: inline-block; margin: 0 1rem 1rem 0; }}
figure img {{ width: 17rem; image-rendering: pixelated; }}
</style></head><body><h1>{title}</h1><p>Data: {about}.</p>
<h2>Curves</h2>{curves}<p>Dotted: where D answers 1/2 to everything, its loss is 2 log 2
and G's is log 2. Faint: as recorded; strong: running means.</p>
<h2>Signs</h2>{signs}<p>Curves suggest; samples decide. Lesson 8 shows what each sign
looked like in a recorded run.</p>
<h2>Samples</h2><p>The same latents each time.</p>{samples}
<h2>Numbers</h2>{numbers}
<h2>Settings</h2>{settings}
</body></html>
"""


def write(folder: Path | str) -> Path:
    """Write the page of a run into its folder's report.html; the path."""
    run = files.RunFolder(folder)
    config, rows = files.read_checkpoint(run.checkpoint)["config"], run.read_history()
    settings = config["settings"]
    about = [config["data"], f"{settings['size']} pixels"]
    about += [config["left_out"] or f"{config['images']:,} images"]
    columns = {name: [row[name] for row in rows] for name in CURVES}
    figure = curves.run_curves([row["step"] for row in rows], columns)
    page = PAGE.format(
        title=escape(f"{run.folder.name}: {rows[-1]['step'] if rows else 0} of "
                     f"{settings['steps']} rounds"),
        about=escape(", ".join(about)),
        curves=_image(style.png(figure), "Losses, mean outputs of D, gradient norms."),
        signs=_signs(columns) if rows else "<p>Nothing was recorded yet.</p>",
        samples=_samples(run),
        numbers=_numbers(run, config),
        settings=_table((name, [value]) for name, value in settings.items()),
    )  # fmt: skip
    path = run.folder / "report.html"
    files.write_whole(page.encode(errors="replace"), path)
    return path


def _signs(columns: dict[str, list[float]]) -> str:
    likely = clinic.likely({name: torch.tensor(x) for name, x in columns.items()})
    if not likely:
        return "<p>None of the known signs.</p>"
    return _table((fault, [sentence]) for fault, sentence in likely)


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
    if config["data"] not in ("digits", "mnist"):
        return (
            "<p>There is no feature space for these images: the course ships "
            "classifiers for digits and mnist alone.</p>"
        )
    try:
        scores = _scores(run, config)
    except (data.DataError, files.RunError) as error:
        return f"<p>There are none: {escape(str(error))}</p>"
    rows = [(name, [f"{x:.3g}" for x in found]) for name, found in scores.items()]
    return (
        f"{_table([('', SCORES), *rows])}<p>{COMPARED} samples against as many images "
        "of the data, in the features of a small classifier. Numbers of different data "
        "sets cannot be compared.</p>"
    )


def _scores(run: files.RunFolder, config: dict[str, Any]) -> dict[str, Sequence[float]]:
    """Scores of the run and of draws from the data, by name."""
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


def _table(rows: Iterable[tuple[str, Sequence[Any]]]) -> str:
    """Rows of a name and its values."""
    lines = []
    for name, values in rows:
        cells = "".join(f"<td>{escape(str(value))}</td>" for value in values)
        lines.append(f"<tr><th>{escape(name)}</th>{cells}</tr>")
    return f"<table>{''.join(lines)}</table>"


def _image(content: bytes, alt: str) -> str:
    code = base64.b64encode(content).decode()
    return f'<img alt="{escape(alt)}" src="data:image/png;base64,{code}">'
