"""Every explorer of the course on small data, a cell each."""

import ast
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

SETUP = """
import torch
from course_utils import clinic, data, models, widgets
from course_utils.runs import trainer

rng = data.rng(0)
images, labels = data.load("digits", size=8)
"""
EXPLORERS = {
    "shrinkage": "widgets.shrinkage_explorer(images.flatten(1), labels)",
    "minimax_game": "widgets.minimax_game()",
    "spinning_game": "widgets.spinning_game()",
    "saturation": "widgets.saturation_explorer()",
    "race_replay": """
settings = [
    (steps, loss, optimizer) for steps in (0, 100)
    for loss in ("minimax", "non-saturating") for optimizer in ("SGD", "Adam")
]
races = {s: torch.rand(21, 6, 40, 1, generator=rng).cumsum(0) / 5 for s in settings}
widgets.race_replay(races, data.gaussian(3.0, 0.5).sample(40, rng), every=10)
""",
    "floats": "widgets.float_explorer()",
    "convolution": "widgets.convolution_explorer()",
    "dashboard": """
digits, _ = data.load("digits", size=32)
small = trainer.Settings(base_channels=4, batch_size=16, steps=20)
run = trainer.Trainer(digits[:64], small)
dashboard = widgets.Dashboard(run)
run.train(watch=dashboard.update)
dashboard.replay()
""",
    "latent_walk": """
z = data.latent(2, run.settings.latent_dim, rng)
t = torch.linspace(0, 1, 21)[:, None]
straight = {"straight line": (1 - t) * z[0] + t * z[1]}
circle = {"great circle": data.spherical_interpolation(z[0], z[1], 21)}
widgets.latent_walk(run.average, straight | circle)
""",
    "curve_reader": "widgets.curve_reader({k: clinic.run(k) for k in 'CH'})",
}


def explorer_notebook(*more: str) -> NotebookNode:
    """A notebook of them all, and of other cells below."""
    sources = (SETUP, *EXPLORERS.values(), *more)
    return new_notebook(cells=[new_code_cell(source) for source in sources])


def make_explorers() -> dict[str, Any]:
    """The explorers themselves, by name."""
    names: dict[str, Any] = {}
    exec(SETUP, names)
    made = {}
    for name, source in EXPLORERS.items():
        *lines, last = ast.parse(source).body
        exec(compile(ast.Module(lines, []), name, "exec"), names)
        made[name] = eval(ast.unparse(last), names)
    return made
