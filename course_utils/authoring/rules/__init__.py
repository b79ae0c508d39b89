"""What every lesson keeps to, checked on the notebook file alone: nothing is run.

    python -m course_utils.authoring.rules solutions/02_the_minimax_game.ipynb

Without a name all solutions are read. Each problem names its cell and what to do. The
rules themselves: `form.py` on cells and exercises, `words.py` on language and names,
`outputs.py` on what is stored.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from nbformat import NotebookNode

from .. import notebooks
from . import form, outputs, words  # noqa: F401  (each adds its rules)
from .registry import RULES

__all__ = ["RULES", "main", "problems"]


def problems(notebook: NotebookNode, *, lesson: int) -> list[str]:
    """What is wrong, a sentence each: `cell 'id': what to do (rule)`."""
    return [
        f"cell {cell!r}: {what} ({name})"
        for name, check in RULES.items()
        for cell, what in check(notebook, lesson)
    ]


def main(argv: list[str] | None = None) -> int:
    """Print every problem; 1 where there is one."""
    parser = argparse.ArgumentParser(
        prog="python -m course_utils.authoring.rules",
        description="Check solutions against the rules of a lesson; nothing is run.",
    )
    parser.add_argument("notebooks", nargs="*", type=Path)
    args = parser.parse_args(argv)
    n = 0
    for path in args.notebooks or notebooks.find(notebooks.ROOT / "solutions"):
        try:
            found = problems(notebooks.read(path), lesson=notebooks.number(path))
        except ValueError as error:
            found = [str(error)]
        for what in found:
            print(f"{path.name}, {what}")
        n += len(found)
    print(f"{n} problem{'s' * (n > 1)}" if n else "Every rule is kept.")
    return 1 if n else 0
