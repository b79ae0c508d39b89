"""Rules on stored outputs: what nbval does not see, and what no machine repeats."""

from __future__ import annotations

import platform
import re

from nbformat import NotebookNode

from .. import notebooks
from ..release import exercise_name
from .registry import Problems, rule

_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{5,}")
_PATH = re.compile(
    r"(?<![\w.:/])/(?:home|Users|root|tmp|usr|var|opt|mnt|work|content|private)/[\w./-]+"
    r"|\b[A-Z]:\\[\w.\\-]+"
)
_TIMING = re.compile(
    r"\b\d+(?:\.\d+)?\s?(?:ms|µs|us|ns|s|sec|secs|seconds|it/s|steps/s|images/s)\b"
)


@rule
def every_cell_was_run_in_order(notebook: NotebookNode, lesson: int) -> Problems:
    for i, cell in enumerate(notebooks.code_cells(notebook), 1):
        if cell.execution_count != i:
            ran = cell.execution_count or "never"
            yield cell.id, f"executed as {ran}, not {i}: run the notebook from the top"
            return


@rule
def errors_are_announced_and_stored(notebook: NotebookNode, lesson: int) -> Problems:
    for cell in notebooks.code_cells(notebook):
        errors = [o for o in cell.outputs if o.output_type == "error"]
        announced = "raises-exception" in notebooks.tags(cell)
        if errors and not announced:
            yield cell.id, f"it fails with {errors[0].ename}: mend it"
        elif announced and not errors:
            yield cell.id, "tagged `raises-exception` but stores no error: run it"


@rule
def nothing_is_on_stderr(notebook: NotebookNode, lesson: int) -> Problems:
    for cell in notebooks.code_cells(notebook):
        for output in cell.outputs:
            if output.output_type == "stream" and output.name == "stderr":
                said = output.text.strip()[:120]
                yield cell.id, f"it says on stderr {said!r}: find out why"


@rule
def outputs_repeat_on_any_machine(notebook: NotebookNode, lesson: int) -> Problems:
    for cell in notebooks.code_cells(notebook):
        ignored = "nbval-ignore-output" in notebooks.tags(cell)
        for text in _texts(cell):
            for kind, found in _varying(text):
                if not (ignored and kind == "a timing"):
                    yield cell.id, f"the output holds {kind}, {found!r}: leave it out"


def _varying(text: str):
    for kind, pattern in (
        ("an address", _ADDRESS), ("a path", _PATH), ("a timing", _TIMING)
    ):  # fmt: skip
        match = pattern.search(text)
        if match:
            yield kind, match[0]
    host = platform.node()
    if len(host) > 5 and host != "localhost" and host in text:
        yield "the name of a machine", host


def _texts(cell: NotebookNode) -> list[str]:
    """What the cell shows as text; HTML without its tags."""
    texts = []
    for output in cell.outputs:
        texts.append(output.get("text", ""))
        texts.append(output.get("evalue", ""))
        for mime, content in output.get("data", {}).items():
            if mime == "text/html":
                content = re.sub(r"<style.*?</style>", " ", content, flags=re.S)
                texts.append(re.sub(r"<[^>]*>", " ", content))
            elif mime.startswith("text/"):
                texts.append(content)
    return texts


def _images(cell: NotebookNode) -> list[tuple[str, NotebookNode]]:
    return [
        (mime, output)
        for output in cell.outputs
        for mime in output.get("data", {})
        if mime.startswith("image/")
    ]


@rule
def pictures_have_alt_text(notebook: NotebookNode, lesson: int) -> Problems:
    for cell in notebooks.code_cells(notebook):
        for mime, output in _images(cell):
            alt = output.get("metadata", {}).get(mime, {}).get("alt", "")
            if len(alt.split()) < 3:
                yield cell.id, "a picture without alt text: use `show(fig, alt=...)`"
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and re.search(r"!\[\s*\]\(", cell.source):
            yield cell.id, "a picture without alt text: `![what it shows](...)`"


@rule
def a_cell_shows_one_figure_and_is_tagged(
    notebook: NotebookNode, lesson: int
) -> Problems:
    for cell in notebooks.code_cells(notebook):
        n, kinds = len(_images(cell)), {"figure", "widget"} & set(notebooks.tags(cell))
        if n > 1:
            yield cell.id, f"{n} pictures: one figure a cell"
        if n and not kinds:
            yield cell.id, "it shows a picture: tag it `figure` or `widget`"
        if kinds and not n:
            kind = " and ".join(sorted(kinds))
            yield cell.id, f"tagged `{kind}` but stores no picture: run it"


@rule
def exercises_are_solved(notebook: NotebookNode, lesson: int) -> Problems:
    for cell in notebooks.code_cells(notebook):
        if "exercise" not in notebooks.tags(cell):
            continue
        found = notebooks.records([cell])
        if not found or found[-1]["state"] != "passed":
            state = found[-1]["state"] if found else "without a record"
            yield cell.id, f"the solution's {exercise_name(cell)} is {state}"
        elif found[-1]["mistake"]:
            yield cell.id, f"the solution makes a mistake: {found[-1]['mistake']}"
