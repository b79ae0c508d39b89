"""Notebooks on disk: found, read, and written in one form, so that diffs are small."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[2]
RECORD = "application/vnd.course.exercise+json"

_KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
_NOTEBOOK_METADATA = {"kernelspec": _KERNEL, "language_info": {"name": "python"}}
_CELL_METADATA = ("tags", "nbgrader", "jupyter", "editable", "deletable")
_WIDGET = "application/vnd.jupyter.widget-view+json"  # names a model that is gone
_EXERCISE = re.compile(
    r"^@(?:exercises\.)?exercise\b.*\n(?:[#@].*\n|\s*\n)*(?:def|class)\s+(\w+)",
    re.MULTILINE,
)


def find(folder: Path) -> list[Path]:
    """The numbered notebooks of a folder, in order: 00_start_here.ipynb, ..."""
    return sorted(folder.glob("[0-9][0-9]_*.ipynb"))


def number(path: Path) -> int:
    """The lesson's number, from its file name."""
    return int(path.name[:2])


def read(path: Path) -> NotebookNode:
    """A notebook of format 4.5; ValueError if it is none, or a cell's id is no id."""
    try:
        notebook = nbformat.v4.reads_json(path.read_text(encoding="utf-8"))
        form = notebook.nbformat, notebook.nbformat_minor
        ids = [cell.get("id") for cell in notebook.cells]
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"{path.name} is not a notebook: {error}") from error
    if form < (4, 5) or None in ids:
        raise ValueError(f"{path.name} has cells without ids: save it in format 4.5")
    if double := [name for name in ids if ids.count(name) > 1]:
        raise ValueError(f"{path.name} has two cells with the id {double[0]!r}")
    return notebook


def tidy(notebook: NotebookNode) -> NotebookNode:
    """In place: without whatever differs between machines, editors and runs."""
    notebook.metadata = nbformat.from_dict(_NOTEBOOK_METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for cell in notebook.cells:
        kept = {k: v for k in _CELL_METADATA if (v := cell.metadata.get(k))}
        cell.metadata = nbformat.from_dict(kept)
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(_WIDGET, None)
            output.get("metadata", {}).pop(_WIDGET, None)
            output.pop("transient", None)
    return notebook


def text(notebook: NotebookNode) -> str:
    """The file's content; ValueError if the notebook breaks Jupyter's format."""
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        raise ValueError(str(error).splitlines()[0]) from error
    return nbformat.writes(notebook, version=nbformat.NO_CONVERT) + "\n"


def holds(path: Path, content: str) -> bool:
    """Whether a file has this text; Git may have given it the system's line ends."""
    return path.exists() and path.read_text(encoding="utf-8") == content


def write(path: Path, content: str) -> bool:
    """Whether the file changed; written beside it and renamed, never half."""
    if holds(path, content):
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_text(content, encoding="utf-8", newline="\n")
    os.replace(partial, path)
    return True


def tags(cell: NotebookNode) -> list[str]:
    """The cell's tags; empty where it has none."""
    return list(cell.metadata.get("tags", []))


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """The code cells, in order."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def exercise_name(cell: NotebookNode) -> str:
    """The function or class under `@exercise`, even half-written; "" where none is."""
    found = _EXERCISE.search(cell.source)
    return found[1] if found else ""


def records(cells: Iterable[NotebookNode]) -> list[dict[str, Any]]:
    """What exercises left in stored outputs: exercise, state, mistake, probes."""
    return [
        output["data"][RECORD]
        for cell in cells
        for output in cell.get("outputs", [])
        if RECORD in output.get("data", {})
    ]
