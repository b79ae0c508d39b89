"""Rules on the form of a lesson: its cells, its parts, its exercises, its sizes."""

from __future__ import annotations

import ast
import re

from nbformat import NotebookNode

from .. import notebooks
from ..release import BEGIN, END, blank, exercise_name
from .registry import Problems, rule

TAGS = {
    "setup", "predict", "exercise", "answer", "figure", "widget", "loop", "slow",
    "hide-input", "raises-exception", "nbval-ignore-output",
}  # fmt: skip
CODE_LINES, LONG_CODE_LINES, SETUP_LINES = 15, 20, 10
WORDS = 160
RUN_OF_CODE = 2

# ---------------------------------------------------------------- the cells' form


@rule
def ids_are_kebab_case_and_unique(notebook: NotebookNode, lesson: int) -> Problems:
    seen = set()
    for cell in notebook.cells:
        if cell.id in seen:
            yield cell.id, "two cells have this id: rename one"
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", cell.id):
            yield cell.id, "write the id in kebab-case: slope-of-the-log"
        seen.add(cell.id)


@rule
def tags_are_known(notebook: NotebookNode, lesson: int) -> Problems:
    for cell in notebook.cells:
        for tag in sorted(set(notebooks.tags(cell)) - TAGS):
            known = ", ".join(sorted(TAGS))
            yield cell.id, f"no tag is called {tag!r}; there are {known}"


@rule
def no_cell_is_empty(notebook: NotebookNode, lesson: int) -> Problems:
    for cell in notebook.cells:
        if not cell.source.strip():
            yield cell.id, "the cell is empty: delete it"


@rule
def code_is_plain_python(notebook: NotebookNode, lesson: int) -> Problems:
    for cell in notebooks.code_cells(notebook):
        try:
            ast.parse(cell.source)
        except SyntaxError as error:
            yield cell.id, f"line {error.lineno} is not Python (no magics, no shell)"


@rule
def no_line_ends_with_a_semicolon(notebook: NotebookNode, lesson: int) -> Problems:
    for cell in notebooks.code_cells(notebook):
        for i, line in enumerate(cell.source.split("\n"), 1):
            if line.rstrip().endswith(";"):
                yield cell.id, f"line {i} ends with `;`: write `_ = ...` instead"


@rule
def nbgrader_knows_the_exercises(notebook: NotebookNode, lesson: int) -> Problems:
    for cell in notebook.cells:
        mark = cell.metadata.get("nbgrader")
        exercise = "exercise" in notebooks.tags(cell)
        if not exercise and mark:
            yield cell.id, "not an exercise: remove nbgrader's metadata"
        elif exercise:
            want = {
                "grade": False, "grade_id": cell.id, "locked": False,
                "schema_version": 3, "solution": True, "task": False,
            }  # fmt: skip
            if {k: (mark or {}).get(k) for k in want} != want:
                yield cell.id, f"set the metadata `nbgrader` to {want}"


# ---------------------------------------------------------------- the lesson's form


@rule
def the_title_is_a_question(notebook: NotebookNode, lesson: int) -> Problems:
    first = notebook.cells[0]
    title = first.source.split("\n")[0]
    if first.cell_type != "markdown" or not re.fullmatch(r"# \S.*\?\s*", title):
        yield first.id, "begin with a title that is a question: `# Can ...?`"
    elif not re.search(r"\d+\W+min", first.source):
        yield first.id, "say under the title how many minutes the lesson takes"
    for cell in notebook.cells[1:]:
        if cell.cell_type == "markdown" and re.search(r"^# ", _prose(cell), re.M):
            yield cell.id, "only the title has one `#`: write `## ...`"


@rule
def there_is_one_short_setup(notebook: NotebookNode, lesson: int) -> Problems:
    setups = [c for c in notebooks.code_cells(notebook) if "setup" in notebooks.tags(c)]
    if len(setups) != 1:
        yield notebook.cells[0].id, f"one cell is tagged `setup`, not {len(setups)}"
    for cell in setups:
        lines = len(cell.source.split("\n"))
        if lines > SETUP_LINES:
            yield cell.id, f"{lines} lines of setup: at most {SETUP_LINES}"


@rule
def predictions_offer_letters(notebook: NotebookNode, lesson: int) -> Problems:
    predictions = [c for c in notebook.cells if "predict" in notebooks.tags(c)]
    for cell in predictions:
        letters = re.findall(r"\(([a-h])\)", cell.source)
        options = sorted(set(letters))
        if cell.cell_type != "markdown":
            yield cell.id, "a prediction is asked in markdown"
        elif options not in (list("ab"), list("abc"), list("abcd")):
            yield cell.id, "offer two to four options: (a) ..., (b) ..., (c) ..."
    if lesson > 0 and not predictions:
        yield notebook.cells[0].id, "no cell is tagged `predict`: let the reader guess"


@rule
def the_lesson_ends_with_recap_table_and_sources(
    notebook: NotebookNode, lesson: int
) -> Problems:
    last, code = notebook.cells[-1], notebooks.code_cells(notebook)
    if last.cell_type != "markdown" or not _heading("Sources", last):
        yield last.id, "the last cell is `## Sources`"
    if not code or not re.search(rf"\btable\({lesson}\)\s*$", code[-1].source):
        where = code[-1].id if code else last.id
        yield where, f"the last code cell ends with `exercises.table({lesson})`"
    recaps = [i for i, cell in enumerate(notebook.cells) if _heading("Recap", cell)]
    if not recaps:
        yield last.id, "there is no `## Recap`"
    else:
        rest = notebook.cells[recaps[-1] :]
        if sum(cell.source.count("<details") for cell in rest) < 3:
            yield rest[0].id, "ask three questions with folded answers (`<details>`)"


def _heading(word: str, cell: NotebookNode) -> bool:
    return bool(re.search(rf"^## .*{word}", cell.source, re.M))


# ---------------------------------------------------------------- exercises

HEADER = re.compile(
    r"^### Exercise (?P<lesson>\d+)\.(?P<number>\d+) +(?P<title>\S.*?) +"
    r"\((?P<minutes>\d+) minutes?(, about (?P<lines>\d+) lines?)?, "
    r"(?P<stars>★☆☆|★★☆|★★★)\)[ \t]*$",
    re.MULTILINE,
)


@rule
def exercise_headers_say_minutes_lines_and_stars(
    notebook: NotebookNode, lesson: int
) -> Problems:
    number = 0
    for cell in notebook.cells:
        headings = re.findall(r"^#+ .*Exercise \d.*$", _prose(cell), re.M)
        if cell.cell_type != "markdown" or not headings:
            continue
        header = HEADER.search(cell.source)
        if len(headings) > 1 or not header:
            header = f"### Exercise {lesson}.1  Name   (5 minutes, about 1 line, ★☆☆)"
            yield cell.id, f"write one header in the form `{header}`"
            continue
        number += 1
        if (int(header["lesson"]), int(header["number"])) != (lesson, number):
            yield cell.id, f"this is exercise {lesson}.{number}"
        if not cell.source[header.end() :].strip():
            yield cell.id, "say under the header in a sentence what to do"


@rule
def exercises_follow_their_header(notebook: NotebookNode, lesson: int) -> Problems:
    before = None
    for cell in notebook.cells:
        if cell.cell_type == "code" and "exercise" in notebooks.tags(cell):
            header = HEADER.search(before.source) if before else None
            lines = _stub_lines(cell)
            if not header:
                yield cell.id, "the cell before an exercise holds its header"
            elif not header["lines"] or int(header["lines"]) != lines:
                plural = "" if lines == 1 else "s"
                yield before.id, f"the answer has about {lines} line{plural}: say so"
        before = cell


def _stub_lines(cell: NotebookNode) -> int:
    try:
        stub = blank(cell.source)
    except ValueError:
        return 0
    return sum(int(n) for n in re.findall(r"NotImplementedError  # about (\d+)", stub))


@rule
def exercises_are_the_banks(notebook: NotebookNode, lesson: int) -> Problems:
    from ...exercises import bank

    known = {e.name for e in bank().values() if e.lesson == lesson}
    found = set()
    for cell in notebooks.code_cells(notebook):
        name = exercise_name(cell)
        tagged = "exercise" in notebooks.tags(cell)
        if tagged and not name:
            yield cell.id, "an exercise is `@exercise` above one function or class"
        elif name and not tagged:
            yield cell.id, "tag this cell `exercise`"
        elif name and name not in known:
            yield cell.id, f"lesson {lesson} of the bank has no exercise {name!r}"
        elif name in found:
            yield cell.id, f"exercise {name!r} is here twice"
        found |= {name} if name else set()
    for name in sorted(known - found):
        yield notebook.cells[0].id, f"the bank's exercise {name!r} is in no cell"


# ---------------------------------------------------------------- sizes


@rule
def code_cells_are_short(notebook: NotebookNode, lesson: int) -> Problems:
    for cell in notebooks.code_cells(notebook):
        lines = [ln.strip() for ln in cell.source.split("\n")]
        n = sum(bool(ln) and ln not in (BEGIN, END) for ln in lines)
        long = {"loop", "exercise", "hide-input"} & set(notebooks.tags(cell))
        most = LONG_CODE_LINES if long else CODE_LINES
        if n > most:
            yield cell.id, f"{n} lines of code: at most {most}; split it"


@rule
def markdown_cells_are_short(notebook: NotebookNode, lesson: int) -> Problems:
    for cell in notebook.cells:
        if cell.cell_type != "markdown" or cell is notebook.cells[-1]:
            continue
        n = count_words(cell.source)
        if n > WORDS:
            yield cell.id, f"{n} words: at most {WORDS}; cut or split it"


def count_words(markdown: str) -> int:
    """Words that a reader sees before unfolding; a formula or a code span is one.

    >>> count_words("Slope of $log(1 - D)$ in `D`: <details>no</details>")
    5
    """
    text = re.sub(r"<details.*?</details>", " ", markdown, flags=re.S)
    text = re.sub(r"```.*?```|\$\$.*?\$\$", " x ", text, flags=re.S)
    text = re.sub(r"`[^`]+`|\$[^$]+\$", " x ", text)
    text = re.sub(r"!?\[([^]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"<[^>]+>", " ", text)
    return sum(bool(re.search(r"\w", word)) for word in text.split())


@rule
def code_cells_do_not_pile_up(notebook: NotebookNode, lesson: int) -> Problems:
    run = 0
    for cell in notebook.cells:
        hidden = "hide-input" in notebooks.tags(cell)
        run = 0 if cell.cell_type != "code" else run if hidden else run + 1
        if run > RUN_OF_CODE:
            yield cell.id, f"{run} code cells in a row: say something in between"


def _prose(cell: NotebookNode) -> str:
    """A markdown cell without its code blocks."""
    return re.sub(r"```.*?```", "", cell.source, flags=re.S)
