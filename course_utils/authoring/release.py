"""Make the lessons from the solutions: answers blanked, outputs cleared.

`solutions/` is the only source. The same solution gives the same bytes each time, so
that a test can say which lesson no longer comes from its solution.

    python -m course_utils release                write lessons/
    python -m course_utils release --check        say what would change, write nothing
    python -m course_utils release --graded DIR   write DIR/source/ for nbgrader
"""

from __future__ import annotations

import argparse
import ast
import copy
import re
import sys
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from . import notebooks

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
_ANY_MARK = re.compile(r"#.*\b(BEGIN|END)\W*SOLUTION", re.IGNORECASE)
_EXERCISE = re.compile(
    r"^@(?:exercises\.)?exercise\b.*\n(?:[#@].*\n|\s*\n)*(?:def|class)\s+(\w+)",
    re.MULTILINE,
)
_HEADER = re.compile(r"^#+ Exercise .*?(★+)", re.MULTILINE)

# ---------------------------------------------------------------- one cell


def regions(source: str) -> list[tuple[int, int]]:
    """Where answers stand in a cell: line numbers of each BEGIN and END, from 1.

    Raises:
        ValueError: a marker is misspelled or without its partner, or holds no code.
    """
    found, begin = [], 0
    lines = source.split("\n")
    for i, line in enumerate(lines, 1):
        mark = line.strip()
        if mark == BEGIN and begin:
            raise ValueError(f"line {i}: BEGIN SOLUTION inside a region")
        elif mark == BEGIN:
            begin = i
        elif mark == END and not begin:
            raise ValueError(f"line {i}: END SOLUTION without a BEGIN SOLUTION")
        elif mark == END:
            if not _code_lines(lines[begin : i - 1]):
                raise ValueError(f"line {i}: no code between BEGIN and END SOLUTION")
            found.append((begin, i))
            begin = 0
        elif _ANY_MARK.search(line):
            raise ValueError(f"line {i}: write `{BEGIN}` or `{END}`, not `{mark}`")
    if begin:
        raise ValueError(f"line {begin}: BEGIN SOLUTION without an END SOLUTION")
    return found


def _code_lines(lines: list[str]) -> list[str]:
    """The lines that are neither blank nor a comment."""
    return [ln for ln in lines if ln.strip() and not ln.strip().startswith("#")]


def blank(source: str) -> str:
    """The cell as the learner gets it: a line to replace instead of each region.

    Raises:
        ValueError: the markers do not fit, or a region lies outside a function, where
            a learner who has not come that far could not run the cell.

    >>> print(blank(f'''def half(x):
    ...     {BEGIN}
    ...     y = x / 2
    ...     return y
    ...     {END}'''))
    def half(x):
        raise NotImplementedError  # about 2 lines
    """
    lines, last, result = source.split("\n"), 0, []
    for begin, end in regions(source):
        _require_in_function(source, begin, end)
        marker = lines[begin - 1]
        indent = marker[: len(marker) - len(marker.lstrip())]
        n = len(_code_lines(lines[begin : end - 1]))
        result += lines[last : begin - 1]
        plural = "" if n == 1 else "s"
        result.append(f"{indent}raise NotImplementedError  # about {n} line{plural}")
        last = end
    stub = "\n".join([*result, *lines[last:]])
    _parsed(stub, "without its answer the cell")
    return stub


def _parsed(source: str, what: str) -> ast.Module:
    try:
        return ast.parse(source)
    except SyntaxError as error:
        raise ValueError(f"{what} is not Python: line {error.lineno}") from error


def _require_in_function(source: str, begin: int, end: int) -> None:
    code = [
        i
        for i, line in enumerate(source.split("\n")[begin : end - 1], begin + 1)
        if _code_lines([line])
    ]
    for node in ast.walk(_parsed(source, "the cell")):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if node.body[0].lineno <= code[0] and code[-1] <= node.end_lineno:
                return
    raise ValueError(f"line {begin}: the region lies outside a function")


# ---------------------------------------------------------------- one notebook


def release(solution: NotebookNode, *, name: str) -> NotebookNode:
    """The lesson of a solution, as a new notebook; cell ids and nbgrader's marks stay.

    Args:
        solution: the notebook with its answers.
        name: the file's name, for error messages.

    Raises:
        ValueError: something in the solution is not as it must be; names the cell.
    """
    _require_unique_ids(solution, name)
    lesson = notebooks.tidy(copy.deepcopy(solution))
    lesson.cells = [c for c in lesson.cells if "answer" not in notebooks.tags(c)]
    for cell in lesson.cells:
        with_answer = _has_regions(cell, name)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        if with_answer:
            cell.source = _named(blank, cell, name)
    return lesson


def _require_unique_ids(notebook: NotebookNode, name: str) -> None:
    seen: set[str] = set()
    for cell in notebook.cells:
        if cell.id in seen:
            raise ValueError(f"{name}, cell {cell.id!r}: two cells have this id")
        seen.add(cell.id)


def _has_regions(cell: NotebookNode, name: str) -> bool:
    """Whether this is an exercise with an answer to blank; nothing in between."""
    exercise = cell.cell_type == "code" and "exercise" in notebooks.tags(cell)
    if exercise and not _named(regions, cell, name):
        raise ValueError(
            f"{name}, cell {cell.id!r}: tagged `exercise` but has no `{BEGIN}`"
        )
    if not exercise and _ANY_MARK.search(cell.source):
        raise ValueError(
            f"{name}, cell {cell.id!r}: holds a solution but is not tagged `exercise`"
        )
    return exercise


def _named(check, cell: NotebookNode, name: str):
    try:
        return check(cell.source)
    except ValueError as error:
        raise ValueError(f"{name}, cell {cell.id!r}, {error}") from error


def exercise_name(cell: NotebookNode) -> str:
    """The function or class under `@exercise`, even half-written; "" where none is."""
    found = _EXERCISE.search(cell.source)
    return found[1] if found else ""


# ---------------------------------------------------------------- for nbgrader

_CONFIG = '''\
"""nbgrader's settings for this course; the answers stay in source/."""

c = get_config()  # noqa: F821
c.ClearSolutions.code_stub = {"python": "raise NotImplementedError"}
c.ExecutePreprocessor.timeout = 300
'''
_SETTING = """\
import os

os.environ["COURSE_HIDE_ANSWERS"] = "1"  # the cards show hints, not answers
"""
_GRADE = """\
from course_utils.exercises import judge

judge({name}, "{name}").require()
"""


def graded(solution: NotebookNode, *, name: str) -> NotebookNode:
    """The variant that nbgrader's `generate_assignment` takes, answers still inside.

    Every exercise is followed by a locked cell that is worth as many points as the
    exercise has stars; a locked first cell leaves the answers out of the cards.
    """
    release(solution, name=name)  # the same complaints
    notebook = notebooks.tidy(copy.deepcopy(solution))
    cells, points, hidden = [], 1, False
    for cell in notebook.cells:
        if "answer" in notebooks.tags(cell):
            continue
        if cell.cell_type == "markdown":
            header = _HEADER.search(cell.source)
            points = len(header[1]) if header else points
            cells.append(cell)
            continue
        cell.outputs, cell.execution_count = [], None
        if not hidden:
            cells.append(_locked("graded-setting", _SETTING))
            hidden = True
        cells.append(cell)
        exercise = exercise_name(cell)
        if "exercise" in notebooks.tags(cell) and exercise:
            test = _GRADE.format(name=exercise)
            cells.append(_locked(f"grade-{cell.id}", test, points=points))
            points = 1
    notebook.cells = cells
    return notebook


def _locked(name: str, source: str, *, points: int = 0) -> NotebookNode:
    mark = {
        "cell_type": "code", "grade": points > 0, "grade_id": name, "locked": True,
        "schema_version": 3, "solution": False, "task": False,
    }  # fmt: skip
    if points:
        mark["points"] = points
    return new_code_cell(source.rstrip("\n"), id=name, metadata={"nbgrader": mark})


# ---------------------------------------------------------------- all of them


def released(solutions: Path) -> dict[str, str]:
    """File name -> content of every lesson that the solutions give.

    Raises:
        ValueError: what is wrong in the solutions, a line for each notebook.
    """
    return _each(solutions, release)


def _each(solutions: Path, make) -> dict[str, str]:
    made, wrong = {}, []
    for path in notebooks.find(solutions):
        try:
            made[path.name] = notebooks.text(make(notebooks.read(path), name=path.name))
        except ValueError as error:
            wrong.append(str(error))
    if wrong:
        raise ValueError("\n".join(wrong))
    return made


def drift(solutions: Path, lessons: Path) -> list[str]:
    """What differs between the lessons and what the solutions give, in sentences."""
    made, found = released(solutions), []
    for name, content in made.items():
        path = lessons / name
        if not path.exists():
            found.append(f"{name}: no such lesson yet")
        elif path.read_bytes() != content.encode("utf-8"):
            found.append(f"{name}: differs from its solution{_where(path, content)}")
    for path in notebooks.find(lessons):
        if path.name not in made:
            found.append(f"{path.name}: has no solution; delete it")
    return found


def _where(path: Path, content: str) -> str:
    """The cells that differ, to find the edit that went to the wrong folder."""
    try:
        old = {cell.id: cell for cell in notebooks.read(path).cells}
    except ValueError:
        return ""
    new = {cell.id: cell for cell in notebooks.reads(content).cells}
    ids = [i for i in {**new, **old} if old.get(i) != new.get(i)]
    return f" in {', '.join(ids[:4])}{', ...' if len(ids) > 4 else ''}" if ids else ""


def main(argv: list[str] | None = None) -> int:
    """The command line; 0 where all went well or nothing differs."""
    parser = argparse.ArgumentParser(
        prog="python -m course_utils release",
        description="Make the lessons from the solutions.",
    )
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    parser.add_argument(
        "--graded", metavar="DIR", type=Path, help="write nbgrader's DIR/source instead"
    )
    parser.add_argument("--solutions", type=Path, default=notebooks.ROOT / "solutions")
    parser.add_argument("--lessons", type=Path, default=notebooks.ROOT / "lessons")
    args = parser.parse_args(argv)
    try:
        if args.graded:
            return _write_graded(args.solutions, args.graded)
        if args.check:
            return _check(args.solutions, args.lessons)
        return _write(args.solutions, args.lessons)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1


def _write(solutions: Path, lessons: Path) -> int:
    for name, content in released(solutions).items():
        new = notebooks.write(lessons / name, content)
        print(f"{name}: {'written' if new else 'as before'}")
    stale = drift(solutions, lessons)
    print("\n".join(stale), end="\n" if stale else "")
    return 1 if stale else 0


def _check(solutions: Path, lessons: Path) -> int:
    found = drift(solutions, lessons)
    if found:
        print("\n".join(found))
        print("The lessons come from the solutions: run `make lessons`.")
    else:
        print("Every lesson is what its solution gives.")
    return 1 if found else 0


def _write_graded(solutions: Path, folder: Path) -> int:
    for name, content in _each(solutions, graded).items():
        notebooks.write(folder / "source" / Path(name).stem / name, content)
    config = folder / "nbgrader_config.py"
    if not config.exists():
        notebooks.write(config, _CONFIG)
    print(f"{folder / 'source'} is ready. In {folder}, make the class's version with")
    print("  nbgrader generate_assignment ASSIGNMENT   (a folder of source/)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
