"""What every lesson keeps to, checked on the notebook file alone: nothing is run.

First what nbval lets through, then the few things of form that a reader would miss.
Each rule yields (cell id, what to do); `pytest tests/test_notebooks.py` applies them.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator

from nbformat import NotebookNode

from ...exercises import bank
from .. import notebooks
from ..notebooks import code_cells, exercise_name, tags
from ..release import BEGIN, END
from .words import count_words, prose, unwanted_words

Problems = Iterator[tuple[str, str]]

CODE_LINES, WORDS = 20, 160
_VARYING = {
    "an address": r"\b0x[0-9a-fA-F]{5,}",
    "a path": r"(?<![\w.:/])/(?:home|Users|root|tmp|usr|var|opt|mnt)/[\w./-]+"
    r"|\b[A-Z]:\\[\w.\\-]+",
    "a timing": r"\b\d+(?:\.\d+)?\s?(?:[mµun]?s|secs?|seconds|(?:it|steps|images)/s)\b",
}
_HEADER = re.compile(
    r"^### Exercise (\d+)\.(\d+) +\S.*? +"
    r"\(\d+ minutes?, about \d+ lines?, (?:★☆☆|★★☆|★★★)\)[ \t]*\n+\S",
    re.MULTILINE,
)


def problems(notebook: NotebookNode, *, lesson: int) -> list[str]:
    """What is wrong, a sentence each: `cell 'id': what to do`."""
    found = [problem for rule in RULES for problem in rule(notebook)]
    found += exercises_are_the_banks(notebook, lesson)
    return [f"cell {cell!r}: {what}" for cell, what in found]


# ---------------------------------------------------------------- what is stored


def every_cell_was_run_in_order(notebook: NotebookNode) -> Problems:
    """nbval passes a cell that was never run, whatever it would print."""
    for i, cell in enumerate(code_cells(notebook), 1):
        if cell.execution_count != i:
            yield cell.id, f"executed as {cell.execution_count}, not {i}: run it anew"


def errors_are_announced_and_stored(notebook: NotebookNode) -> Problems:
    """nbval passes a cell tagged `raises-exception` that stopped raising."""
    for cell in code_cells(notebook):
        stored = any(output.output_type == "error" for output in cell.outputs)
        if stored != ("raises-exception" in tags(cell)):
            yield cell.id, "stores an error and has no tag for it, or the reverse"


def outputs_repeat_on_any_machine(notebook: NotebookNode) -> Problems:
    """Nothing on stderr; no address, path, host; a timing in ignored cells only."""
    host = platform.node()
    kinds = _VARYING | ({"a host": re.escape(host)} if len(host) > 5 else {})
    for cell in code_cells(notebook):
        if any(output.get("name") == "stderr" for output in cell.outputs):
            yield cell.id, "prints to stderr: find out why"
        for kind, pattern in kinds.items():
            found = re.search(pattern, _shown(cell))
            ignored = kind == "a timing" and "nbval-ignore-output" in tags(cell)
            if found and not ignored:
                yield cell.id, f"the output holds {kind}, {found[0]!r}: leave it out"


def _shown(cell: NotebookNode) -> str:
    """What the cell shows as text; HTML without its tags."""
    texts = []
    for output in cell.outputs:
        texts += [output.get("text", ""), output.get("evalue", "")]
        for mime, content in output.get("data", {}).items():
            if mime == "text/html":
                content = re.sub(r"<style.*?</style>|<[^>]*>", " ", content, flags=re.S)
            texts.append(content if mime.startswith("text/") else "")
    return "\n".join(texts)


def pictures_are_stored_with_alt_text(notebook: NotebookNode) -> Problems:
    """nbval never compares pictures, so one can be lost without a word."""
    for cell in code_cells(notebook):
        pictures = [out for out in cell.outputs if "image/png" in out.get("data", {})]
        if bool(pictures) != bool({"figure", "widget"} & set(tags(cell))):
            yield cell.id, "a picture and the tag `figure` or `widget` go together"
        for picture in pictures:
            alt = picture.metadata.get("image/png", {}).get("alt", "")
            if len(alt.split()) < 3:
                yield cell.id, "a picture without alt text: `show(fig, alt=...)`"


def exercises_are_solved_and_marked(notebook: NotebookNode) -> Problems:
    """The stored verdict is passed without a remark, and nbgrader knows the cell."""
    for cell in code_cells(notebook):
        exercise = "exercise" in tags(cell)
        if exercise != bool(exercise_name(cell)):
            yield cell.id, "`@exercise` and the tag `exercise` go together"
        want = {"grade": False, "grade_id": cell.id, "locked": False, "solution": True}
        mark = cell.metadata.get("nbgrader", {})
        if not (want.items() <= mark.items() if exercise else mark == {}):
            yield cell.id, f"nbgrader's metadata hold {want}, in exercises only"
        verdicts = [(r["state"], r["mistake"]) for r in notebooks.records([cell])]
        if exercise and verdicts[-1:] != [("passed", None)]:
            yield cell.id, f"the solution is not passed without a remark: {verdicts}"


def exercises_are_the_banks(notebook: NotebookNode, lesson: int) -> Problems:
    """Each of them once, in the bank's order, which is that of the lesson's table."""
    here = [name for cell in code_cells(notebook) if (name := exercise_name(cell))]
    want = [name for name, entry in bank().items() if entry.lesson == lesson]
    if here != want:
        yield notebook.cells[0].id, f"its exercises are {here}, the bank's {want}"


# ---------------------------------------------------------------- form


def code_is_short_plain_python(notebook: NotebookNode) -> Problems:
    """At most 20 lines; no magics; no `;` at the end, which nbval does not know."""
    for cell in code_cells(notebook):
        lines = [line.strip() for line in cell.source.splitlines()]
        n = sum(bool(line) and line not in (BEGIN, END) for line in lines)
        if n > CODE_LINES:
            yield cell.id, f"{n} lines of code: at most {CODE_LINES}; split it"
        if any(line.endswith(";") for line in lines):
            yield cell.id, "a line ends with `;`: write `_ = ...` instead"
        if any(line.startswith(("%", "!")) for line in lines):
            yield cell.id, "plain Python only: no magics, no shell"


def prose_is_short_and_kind(notebook: NotebookNode) -> Problems:
    """At most 160 words before unfolding (sources apart), none of the banned ones."""
    for cell in notebook.cells:
        markdown = cell.cell_type == "markdown"
        if markdown and cell is not notebook.cells[-1]:
            if (n := count_words(cell.source)) > WORDS:
                yield cell.id, f"{n} words: at most {WORDS}; cut or split it"
        comments = " ".join(re.findall(r"#.*", cell.source))
        for what in unwanted_words(prose(cell.source) if markdown else comments):
            yield cell.id, what


def headings_lead_through_the_lesson(notebook: NotebookNode) -> Problems:
    """A question with its minutes first, a recap, the sources last; one title."""
    first, *rest = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    if not re.match(r"# [^\n]+\?\s*\n.*\d+ min", first.source, re.DOTALL):
        yield first.id, "begin with a question and the minutes: `# Can ...?`"
    for cell in rest:
        if re.search(r"^# ", re.sub(r"```.*?```", "", cell.source, flags=re.S), re.M):
            yield cell.id, "only the title has one `#`: write `## ...`"
    if not any(re.search(r"^## .*Recap", cell.source, re.M) for cell in rest):
        yield first.id, "there is no `## Recap`"
    if not re.search(r"^## .*Sources", notebook.cells[-1].source, re.M):
        yield notebook.cells[-1].id, "the last cell is `## Sources`"


def exercises_follow_their_header(notebook: NotebookNode) -> Problems:
    """Numbered in order, with minutes, lines, stars and a sentence of task."""
    number = 0
    for before, cell in zip(notebook.cells, notebook.cells[1:], strict=False):
        if "exercise" in tags(cell):
            number += 1
            header = _HEADER.search(before.source)
            if not header or int(header[2]) != number:
                form = f"Exercise N.{number}  Name   (5 minutes, about 1 line, ★☆☆)"
                yield before.id, f"write `### {form}` and below it what to do"


RULES = (
    every_cell_was_run_in_order,
    errors_are_announced_and_stored,
    outputs_repeat_on_any_machine,
    pictures_are_stored_with_alt_text,
    exercises_are_solved_and_marked,
    code_is_short_plain_python,
    prose_is_short_and_kind,
    headings_lead_through_the_lesson,
    exercises_follow_their_header,
)
