"""Make the lessons from the solutions: answers blanked, outputs cleared.

    python -m course_utils release                write lessons/
    python -m course_utils release --check        say what would change, write nothing
    python -m course_utils release --graded DIR   write DIR/source/ for nbgrader
"""

from __future__ import annotations

import argparse
import copy
import re
import sys
from collections.abc import Callable
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from . import notebooks
from .notebooks import exercise_name

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
_ANY_MARK = r"(?i:.*#.*\b(?:BEGIN|END)\W*SOLUTION.*)"  # misspelled, too
_REGION = re.compile(rf"^( *){BEGIN}\n((?:(?!{_ANY_MARK}).*\n)*) *{END}$", re.MULTILINE)
_HEADER = re.compile(r"^#+ Exercise .*?(★+)", re.MULTILINE)

# ---------------------------------------------------------------- one notebook


def blank(source: str) -> str:
    """The cell as the learner gets it: a line to replace instead of each region.

    Raises:
        ValueError: a mark is misspelled or has no partner, so an answer would stay.
    """
    stub = _REGION.sub(_line_to_replace, source)
    if mark := re.search(_ANY_MARK, stub):
        raise ValueError(f"`{mark[0].strip()}`: the marks are `{BEGIN}` and `{END}`")
    return stub


def _line_to_replace(region: re.Match) -> str:
    lines = [line.strip() for line in region[2].splitlines()]
    n = sum(bool(line) and not line.startswith("#") for line in lines)
    plural = "" if n == 1 else "s"
    return f"{region[1]}raise NotImplementedError  # about {n} line{plural}"


def release(solution: NotebookNode, *, name: str) -> NotebookNode:
    """The lesson of a solution, as a new notebook.

    Raises:
        ValueError: an answer would stay in the lesson; says in which cell of `name`.
    """
    lesson = _without_outputs(solution)
    for cell in lesson.cells:
        exercise = "exercise" in notebooks.tags(cell)
        try:
            stub = blank(cell.source)
            if exercise and stub == cell.source:
                raise ValueError(f"tagged `exercise` but has no `{BEGIN}`")
            if not exercise and stub != cell.source:
                raise ValueError("holds a solution but is not tagged `exercise`")
        except ValueError as error:
            raise ValueError(f"{name}, cell {cell.id!r}: {error}") from error
        cell.source = stub
    return lesson


def _without_outputs(solution: NotebookNode) -> NotebookNode:
    """A copy, without the cells that only a solution has."""
    notebook = notebooks.tidy(copy.deepcopy(solution))
    notebook.cells = [c for c in notebook.cells if "answer" not in notebooks.tags(c)]
    for cell in notebooks.code_cells(notebook):
        cell.outputs, cell.execution_count = [], None
    return notebook


# ---------------------------------------------------------------- for nbgrader

_CONFIG = """\
c = get_config()  # noqa: F821
c.ClearSolutions.code_stub = {"python": "raise NotImplementedError"}
c.ExecutePreprocessor.timeout = 300
"""
_SETTING = """\
import os

os.environ["COURSE_HIDE_ANSWERS"] = "1"  # the cards show hints, not answers"""
_GRADE = """\
from course_utils.exercises import judge

judge({name}, "{name}").require()"""


def graded(solution: NotebookNode, *, name: str) -> NotebookNode:
    """The variant that nbgrader's `generate_assignment` takes, answers still inside.

    Every exercise is followed by a locked cell, worth a point for each of its stars.
    """
    release(solution, name=name)  # the same complaints
    notebook = _without_outputs(solution)
    first = notebooks.code_cells(notebook)[0]
    cells, points = [], 1
    for cell in notebook.cells:
        if header := _HEADER.search(cell.source):
            points = len(header[1])
        if cell is first:
            cells.append(_locked("graded-setting", _SETTING))
        cells.append(cell)
        if "exercise" in notebooks.tags(cell):
            test = _GRADE.format(name=exercise_name(cell))
            cells.append(_locked(f"grade-{cell.id}", test, points=points))
    notebook.cells = cells
    return notebook


def _locked(name: str, source: str, *, points: int = 0) -> NotebookNode:
    mark = {"grade": points > 0, "grade_id": name, "locked": True, "schema_version": 3}
    mark |= {"cell_type": "code", "solution": False, "task": False}
    mark |= {"points": points} if points else {}
    return new_code_cell(source, id=name, metadata={"nbgrader": mark})


# ---------------------------------------------------------------- all of them


def made(solutions: Path, make: Callable[..., NotebookNode] = release) -> dict:
    """File name -> text of what `release` (or `graded`) makes of every solution.

    Raises:
        ValueError: what is wrong in the solutions, a line for each notebook.
    """
    texts, wrong = {}, []
    for path in notebooks.find(solutions):
        try:
            notebook = make(notebooks.read(path), name=path.name)
            texts[path.name] = notebooks.text(notebook)
        except ValueError as error:
            wrong.append(str(error))
    if wrong:
        raise ValueError("\n".join(wrong))
    return texts


def drift(solutions: Path, lessons: Path) -> list[str]:
    """What differs between the lessons and what the solutions give, in sentences."""
    texts, found = made(solutions), []
    for name, content in texts.items():
        if not (lessons / name).exists():
            found.append(f"{name}: no such lesson yet")
        elif not notebooks.holds(lessons / name, content):
            found.append(f"{name}: differs from its solution")
    for path in notebooks.find(lessons):
        if path.name not in texts:
            found.append(f"{path.name}: has no solution; delete it")
    return found


def main(argv: list[str] | None = None) -> int:
    """The command line; 0 where all went well or nothing differs."""
    parser = argparse.ArgumentParser(prog="python -m course_utils release")
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    parser.add_argument("--graded", type=Path, help="write nbgrader's GRADED/source")
    parser.add_argument("--solutions", type=Path, default=notebooks.ROOT / "solutions")
    parser.add_argument("--lessons", type=Path, default=notebooks.ROOT / "lessons")
    args = parser.parse_args(argv)
    try:
        if args.graded:
            _write_graded(args.solutions, args.graded)
            return 0
        if not args.check:
            for name, content in made(args.solutions).items():
                new = notebooks.write(args.lessons / name, content)
                print(f"{name}: {'written' if new else 'as before'}")
        found = drift(args.solutions, args.lessons)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    print(*found, sep="\n", end="\n" if found else "")
    if args.check:
        print("Run `make lessons`." if found else "Every lesson is its solution's.")
    return int(bool(found))


def _write_graded(solutions: Path, folder: Path) -> None:
    for name, content in made(solutions, graded).items():
        notebooks.write(folder / "source" / Path(name).stem / name, content)
    config = folder / "nbgrader_config.py"
    if not config.exists():
        notebooks.write(config, _CONFIG)
    print(f"{folder / 'source'} is ready. In {folder}, make the class's version with")
    print("  nbgrader generate_assignment ASSIGNMENT   (a folder of source/)")
