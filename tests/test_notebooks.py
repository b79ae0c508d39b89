"""Every solution keeps the rules of a lesson, and every rule can fail.

Rules read the files; nothing is run here (`make verify` does that).
"""

import re

import pytest
import tiny

from course_utils.authoring import notebooks
from course_utils.authoring.rules import problems, words
from course_utils.exercises import card

SOLUTIONS = notebooks.find(notebooks.ROOT / "solutions")
each_solution = pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)


# ---------------------------------------------------------------- the real notebooks


@each_solution
def test_solution_keeps_every_rule(path):
    found = problems(notebooks.read(path), lesson=notebooks.number(path))
    assert not found, "\n" + "\n".join(found)


@each_solution
def test_solution_is_stored_as_execute_writes_it(path):
    text = notebooks.text(notebooks.tidy(notebooks.read(path)))
    command = f"python -m course_utils.authoring.execute --tidy solutions/{path.name}"
    assert notebooks.holds(path, text), f"run `{command}`"


@each_solution
def test_links_lead_somewhere(path):
    for cell in notebooks.read(path).cells:
        if cell.cell_type == "markdown":
            for target in re.findall(r"\]\(([^)\s#:]+)(?:#[^)]*)?\)", cell.source):
                assert (path.parent / target).exists(), f"cell {cell.id!r}: no {target}"


def test_the_record_has_the_name_that_cards_give_it():
    assert notebooks.RECORD == card.MIME


# ---------------------------------------------------------------- the rules themselves


def test_the_tiny_lesson_keeps_every_rule():
    assert problems(tiny.lesson(), lesson=0) == []


def code(source="f()", *outputs, tags=(), **fields):
    """The cell `half` has this source, these outputs, tags and fields."""
    changed = {"source": source, "outputs": list(outputs), **fields}
    return "half", changed, {"tags": list(tags)}


def text(cell, source):
    """A cell has this source."""
    return cell, {"source": source}, {}


def drop(name):
    """A cell that is left out."""
    return name, None, {}


TITLE = "# Why?\n\n5 minutes"
TASK = "### Exercise 0.1  To the unit range   (2 minutes, about 1 line, ★★☆)\n\nMap."
BROKEN = [
    (code(execution_count=None), "cell 'half': executed as None, not 2"),
    (code(execution_count=7), "cell 'half': executed as 7, not 2"),
    (code("f()", tiny.error("ValueError", "no")), "stores an error and has no tag"),
    (code(tags=["raises-exception"]), "has no tag for it, or the reverse"),
    (code("f()", tiny.printed("UserWarning", "stderr")), "prints to stderr"),
    (code("f()", tiny.result("<x at 0x7f3a12bc>")), "an address, '0x7f3a12bc'"),
    (code("f()", tiny.printed("in /home/ada/data")), "a path, '/home/ada/data'"),
    (code("f()", tiny.printed(r"in C:\Users")), "a path, 'C:\\\\Users'"),
    (code("f()", tiny.printed("took 3.2 ms")), "a timing, '3.2 ms'"),
    (code("f()", tiny.result("x", **{"text/html": "<b>5 s</b>"})), "a timing, '5 s'"),
    (code("f()", tiny.printed("on ada-laptop")), "a host, 'ada-laptop'"),
    (
        code("f()", tiny.printed("at 0x7f3a12bc"), tags=["nbval-ignore-output"]),
        "an address",
    ),
    (code("f()", tiny.picture()), "the tag `figure` or `widget` go together"),
    (code(tags=["figure"]), "the tag `figure` or `widget` go together"),
    (code("f()", tiny.picture("A line."), tags=["figure"]), "without alt text"),
    (code(tiny.STUB), "`@exercise` and the tag `exercise` go together"),
    (code(tags=["exercise"]), "`@exercise` and the tag `exercise` go together"),
    (("half", {}, {"nbgrader": tiny.NBGRADER}), "in exercises only"),
    (("unit-range", {}, {"nbgrader": {}}), "nbgrader's metadata hold"),
    (("unit-range", {"outputs": []}, {}), "not passed without a remark: []"),
    (("unit-range", {"outputs": [tiny.record("open")]}, {}), "[('open', None)]"),
    (
        ("unit-range", {"outputs": [tiny.record("passed", mistake="slow")]}, {}),
        "[('passed', 'slow')]",
    ),
    (drop("unit-range"), "its exercises are [], the bank's ['to_unit_range']"),
    (code("\n".join(["f()"] * 21)), "21 lines of code: at most 20"),
    (code("x = 1\nprint(x);"), "a line ends with `;`"),
    (code("%matplotlib inline"), "no magics"),
    (text("read", "word " * 161), "161 words: at most 160"),
    (text("read", "This is simply so."), "leave out 'simply'"),
    (code("x = 1  # Of course"), "leave out 'Of course'"),
    (text("read", "we normalise"), "'normalise': American spelling"),
    (text("title", "# Bayes' rule\n\n5 minutes"), "begin with a question"),
    (text("title", "# Why?\n\nSoon."), "begin with a question and the minutes"),
    (text("read", "# Second?"), "only the title has one `#`"),
    (drop("recap"), "there is no `## Recap`"),
    (drop("sources"), "the last cell is `## Sources`"),
    (text("unit-range-task", TASK.replace("0.1", "0.2")), "write `### Exercise N.1"),
    (text("unit-range-task", TASK.replace("2 minutes, ", "")), "write `### Exercise"),
    (text("unit-range-task", TASK.replace("★★☆", "★")), "write `### Exercise"),
    (text("unit-range-task", TASK.replace("Map.", "")), "below it what to do"),
]  # fmt: skip
FINE = [
    code("f()", tiny.printed("took 3.2 ms"), tags=["nbval-ignore-output"]),
    code("f()", tiny.result("x", **{"text/html": "<p style='margin:5s /tmp/x'>1</p>"})),
    code("f()", tiny.printed("0x 1.5 and/or 3 steps, ≈ 0.09 ± 0.03")),
    code("f()", tiny.error("ValueError", "no"), tags=["raises-exception"]),
    code("\n".join(["f()"] * 20)),
    text("read", "a <details><summary>b</summary>" + "c " * 200 + "</details>"),
    text("read", "adjust `colour`: exercises, precise promises, analyses"),
    text("read", "```\n# a comment\n```"),
    text("title", TITLE),
    text("unit-range-task", TASK),
]


def found_in(cell, fields, metadata):
    """What the rules say of the tiny lesson with one cell changed or left out."""
    notebook = tiny.lesson()
    changed = tiny.cell(notebook, cell)
    if fields is None:
        notebook.cells.remove(changed)
    else:
        changed.update(fields)
        changed.metadata.update(metadata)
    return problems(notebook, lesson=0)


@pytest.mark.parametrize(("change", "says"), BROKEN, ids=[s for _, s in BROKEN])
def test_a_rule_says_what_to_do(change, says, monkeypatch):
    monkeypatch.setattr("platform.node", lambda: "ada-laptop")
    found = found_in(*change)
    assert any(says in what for what in found), found


def test_what_is_fine_is_left_alone():
    assert [problem for change in FINE for problem in found_in(*change)] == []


def test_words_are_counted_as_a_reader_sees_them():
    assert words.count_words("# One **two**\n- [three](four) `five six` $x + y$") == 5
