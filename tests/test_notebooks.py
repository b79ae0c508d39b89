"""Every notebook keeps the rules of a lesson, and every rule can fail.

Rules read the files; nothing is run here (`verify` does that).
"""

import re
import subprocess
import sys

import pytest
import tiny

from course_utils.authoring import notebooks, release
from course_utils.authoring.rules import RULES, form, main, problems, words
from course_utils.exercises import bank, card

SOLUTIONS = notebooks.find(notebooks.ROOT / "solutions")
LESSONS = notebooks.ROOT / "lessons"
each_solution = pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)


# ---------------------------------------------------------------- the real notebooks


@each_solution
@pytest.mark.parametrize("name", RULES)
def test_rule(path, name):
    check, lesson = RULES[name], notebooks.number(path)
    found = [
        f"{path.name}, cell {cell!r}: {what}"
        for cell, what in check(notebooks.read(path), lesson)
    ]
    assert not found, "\n" + "\n".join(found)


@each_solution
def test_solution_is_stored_as_execute_writes_it(path):
    text = notebooks.text(notebooks.tidy(notebooks.read(path)))
    command = f"python -m course_utils.authoring.execute --tidy solutions/{path.name}"
    assert path.read_bytes() == text.encode("utf-8"), f"run `{command}`"


@each_solution
def test_links_lead_somewhere(path):
    for cell in notebooks.read(path).cells:
        if cell.cell_type == "markdown":
            for target in relative_links(cell.source):
                place = path.parent / target
                assert place.exists(), f"{path.name}, cell {cell.id!r}: no {target}"


def relative_links(markdown: str) -> list[str]:
    """Targets in the same project, without their anchors."""
    targets = re.findall(r"\]\(([^)\s#]+)[^)]*\)", markdown)
    return [t for t in targets if not re.match(r"\w+:", t)]


def test_relative_links_are_told_from_addresses():
    text = "[a](02_game.ipynb#top) [b](https://x.org/y) [c](#here) ![d](../p.png)"
    assert relative_links(text) == ["02_game.ipynb", "../p.png"]


def test_lessons_are_what_their_solutions_give():
    found = release.drift(notebooks.ROOT / "solutions", LESSONS)
    assert not found, "\n".join([*found, "run `make lessons`"])


def test_every_exercise_of_the_bank_has_a_lesson():
    numbers = {notebooks.number(path) for path in SOLUTIONS}
    homeless = {e.name: e.lesson for e in bank().values() if e.lesson not in numbers}
    assert not homeless


@each_solution
def test_the_table_of_exercises_keeps_the_order_of_the_lesson(path):
    sources = "\n".join(cell.source for cell in notebooks.read(path).cells)
    here = re.findall(r"^@exercise(?:\(.*\))?\n(?:def|class) (\w+)", sources, re.M)
    lesson = int(path.name[:2])
    assert here == [name for name, e in bank().items() if e.lesson == lesson]


def test_code_in_notebooks_is_linted():
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--output-format=concise", "solutions"],
        cwd=notebooks.ROOT, capture_output=True, text=True, encoding="utf-8",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_record_has_the_name_that_cards_give_it():
    assert notebooks.RECORD == card.MIME


# ---------------------------------------------------------------- the rules themselves


def test_the_tiny_lesson_keeps_every_rule():
    assert problems(tiny.lesson(), lesson=0) == []


def change(name, **fields):
    """Replace fields of one cell."""

    def apply(notebook):
        cell = tiny.cell(notebook, name)
        for key, value in fields.items():
            if key == "tags":
                cell.metadata["tags"] = value
            else:
                cell[key] = value

    return apply


def insert(after, *cells):
    """Put cells behind one."""

    def apply(notebook):
        at = [c.id for c in notebook.cells].index(after) + 1
        notebook.cells[at:at] = cells

    return apply


def drop(*names):
    """Leave cells out."""

    def apply(notebook):
        notebook.cells = [c for c in notebook.cells if c.id not in names]

    return apply


def shown(*outputs, **fields):
    """The cell that prints has these outputs."""
    return change("half", outputs=list(outputs), **fields)


def say(text):
    """A markdown cell reads this."""
    return change("read", source=text)


def write(source):
    """A code cell reads this."""
    return change("half", source=source)


def task(old, new):
    """The exercise's header reads otherwise."""

    def apply(notebook):
        cell = tiny.cell(notebook, "unit-range-task")
        assert old in cell.source
        cell.source = cell.source.replace(old, new)

    return apply


def no_mark(notebook):
    del tiny.cell(notebook, "unit-range").metadata["nbgrader"]


def stray_mark(notebook):
    tiny.cell(notebook, "half").metadata["nbgrader"] = tiny.NBGRADER


BAD = {
    "ids_are_kebab_case_and_unique": [
        (change("half", id="Half_1"), "cell 'Half_1': write the id in kebab-case"),
        (change("half", id="read"), "cell 'read': two cells have this id"),
    ],
    "tags_are_known": [
        (change("half", tags=["figures"]), "cell 'half': no tag is called 'figures'"),
    ],
    "no_cell_is_empty": [
        (write(" \n"), "cell 'half': the cell is empty"),
        (say(""), "cell 'read': the cell is empty"),
    ],
    "code_is_plain_python": [
        (write("%matplotlib inline"), "line 1 is not Python"),
        (write("x = 1\n!pip install x"), "line 2 is not Python"),
    ],
    "no_line_ends_with_a_semicolon": [
        (write("x = 1\nprint(x);"), "line 2 ends with `;`"),
    ],
    "nbgrader_knows_the_exercises": [
        (no_mark, "cell 'unit-range': set the metadata `nbgrader`"),
        (stray_mark, "cell 'half': not an exercise"),
    ],
    "the_title_is_a_question": [
        (change("title", source="# Bayes' rule\n\n5 minutes"), "a title that is a"),
        (change("title", source="# Why?\n\nSoon."), "how many minutes"),
        (say("# Second?"), "only the title has one `#`"),
    ],
    "there_is_one_short_setup": [
        (change("setup", tags=[]), "one cell is tagged `setup`, not 0"),
        (change("half", tags=["setup"]), "one cell is tagged `setup`, not 2"),
        (change("setup", source="\n".join(["import os"] * 11)), "11 lines of setup"),
    ],
    "predictions_offer_letters": [
        (change("question", source="Half of gray?"), "two to four options"),
        (change("question", source="Half? (a) 1 (c) 2"), "two to four options"),
        (change("half", tags=["predict"]), "cell 'half': a prediction is asked in"),
    ],
    "the_lesson_ends_with_recap_table_and_sources": [
        (drop("sources"), "the last cell is `## Sources`"),
        (drop("table"), "the last code cell ends with `exercises.table(0)`"),
        (change("table", source="exercises.table(1)"), "`exercises.table(0)`"),
        (drop("recap"), "there is no `## Recap`"),
        (change("recap", source="## Recap\n\nWell done."), "three questions"),
    ],
    "exercise_headers_say_minutes_lines_and_stars": [
        (task("2 minutes, ", ""), "write one header in the form `### Exercise 0.1"),
        (task("★★☆", "★★★★"), "write one header"),
        (task(", ★★☆", ""), "write one header"),
        (task("### ", "## "), "write one header"),
        (task("0.1", "0.2"), "this is exercise 0.1"),
        (task("0.1", "1.1"), "this is exercise 0.1"),
        (task("Map [-1, 1] to [0, 1].", ""), "say under the header"),
    ],
    "exercises_follow_their_header": [
        (insert("unit-range-task", tiny.md("more", "More.")), "holds its header"),
        (task("about 1 line, ", ""), "the answer has about 1 line"),
        (task("about 1 line", "about 3 lines"), "cell 'unit-range-task': the answer"),
    ],
    "exercises_are_the_banks": [
        (drop("unit-range"), "the bank's exercise 'to_unit_range' is in no cell"),
        (
            change("unit-range", source=tiny.STUB.replace("to_unit", "from_unit")),
            "lesson 0 of the bank has no exercise 'from_unit_range'",
        ),
        (change("unit-range", source=tiny.STUB.replace("@", "#")), "is `@exercise`"),
        (change("half", source=tiny.STUB), "tag this cell `exercise`"),
        (
            insert("unit-range", tiny.code("again", tiny.STUB, "exercise")),
            "exercise 'to_unit_range' is here twice",
        ),
    ],
    "code_cells_are_short": [
        (write("\n".join(["print(1)"] * 16)), "cell 'half': 16 lines of code"),
        (
            change("half", source="\n".join(["f()"] * 21), tags=["loop"]),
            "21 lines of code: at most 20",
        ),
    ],
    "markdown_cells_are_short": [
        (say("word " * 161), "cell 'read': 161 words: at most 160"),
    ],
    "code_cells_do_not_pile_up": [
        (
            insert("half", tiny.code("two", "f()"), tiny.code("three", "f()")),
            "cell 'three': 3 code cells in a row",
        ),
    ],
    "words_are_kind_and_american": [
        (say("This is simply so."), "cell 'read': leave out 'simply'"),
        (say("It is Just so."), "leave out 'Just'"),
        (say("of\ncourse. Of course."), "leave out 'Of course'"),
        (write("x = 1  # obviously"), "cell 'half': leave out 'obviously'"),
        (write("'trivially'"), "leave out 'trivially'"),
        (say("the behaviour of colours"), "'behaviour': American spelling"),
        (say("we normalise"), "'normalise': American spelling (-ize"),
        (say("an optimisation"), "'optimisation': American"),
        (say("the centre"), "'centre': American spelling (center)"),
        (say("we analyse"), "'analyse': American"),
        (say("modelling"), "'modelling': American"),
        (say("$V(G, D)$ falls"), "the value function is V(D, G)"),
        (say("draw latent noise"), "'latent noise': say latent, not noise"),
        (say("a noise vector $z$"), "'noise vector': say latent"),
    ],
    "names_are_the_courses": [
        (write("noise = 1"), "the name 'noise': the course says z"),
        (write("fixed_noise = 1"), "the name 'fixed_noise'"),
        (write("nz = ngf = 64"), "the name 'ngf': the course says base_channels"),
        (write("netG = 1"), "the name 'netG': the course says G or D"),
        (write("critic = 1"), "critic is for Wasserstein GANs"),
        (write("generator = models.Generator(2)"), "`generator` is always a torch"),
        (write("train(generator=G)"), "`generator` is always a torch"),
        (write("discriminator = Discriminator(2)"), "the network is D"),
    ],
    "randomness_is_seeded": [
        (write("x = torch.randn(3)"), "`torch.randn` without `generator=`"),
        (write("x = np.random.normal(3)"), "`np.random.normal`: draw with torch"),
    ],
    "every_cell_was_run_in_order": [
        (change("half", execution_count=None), "cell 'half': executed as never, not 2"),
        (change("half", execution_count=7), "cell 'half': executed as 7, not 2"),
    ],
    "errors_are_announced_and_stored": [
        (shown(tiny.error("ValueError", "no")), "it fails with ValueError"),
        (change("half", tags=["raises-exception"]), "stores no error"),
    ],
    "nothing_is_on_stderr": [
        (shown(tiny.printed("UserWarning: x", "stderr")), "says on stderr 'UserWarn"),
    ],
    "outputs_repeat_on_any_machine": [
        (shown(tiny.result("<object at 0x7f3a12bc>")), "an address, '0x7f3a12bc'"),
        (shown(tiny.printed("in /home/ada/data")), "a path, '/home/ada/data'"),
        (shown(tiny.printed(r"in C:\Users")), "a path, 'C:\\\\Users'"),
        (shown(tiny.printed("took 3.2 ms")), "a timing, '3.2 ms'"),
        (shown(tiny.printed("12 it/s")), "a timing, '12 it/s'"),
        (shown(tiny.result("x", **{"text/html": "<b>5 s</b>"})), "a timing, '5 s'"),
        (shown(tiny.printed("on ada-laptop")), "the name of a machine, 'ada-laptop'"),
        (
            shown(tiny.printed("at 0x7f3a12bc"), tags=["nbval-ignore-output"]),
            "an address",
        ),
    ],
    "pictures_have_alt_text": [
        (change("line", outputs=[tiny.picture("")]), "cell 'line': a picture without"),
        (change("line", outputs=[tiny.picture("figure")]), "a picture without alt"),
        (say("![](picture.png)"), "cell 'read': a picture without alt text"),
    ],
    "a_cell_shows_one_figure_and_is_tagged": [
        (change("line", outputs=[tiny.picture()] * 2), "2 pictures: one figure a cell"),
        (change("line", tags=[]), "tag it `figure` or `widget`"),
        (change("line", outputs=[]), "tagged `figure` but stores no picture"),
    ],
    "exercises_are_solved": [
        (change("unit-range", outputs=[]), "to_unit_range is without a record"),
        (change("unit-range", outputs=[tiny.record("open")]), "to_unit_range is open"),
        (
            change("unit-range", outputs=[tiny.record("passed", mistake="slow")]),
            "the solution makes a mistake: slow",
        ),
    ],
}  # fmt: skip
BROKEN = [(name, spoil, says) for name, cases in BAD.items() for spoil, says in cases]


def test_every_rule_has_a_notebook_that_breaks_it():
    assert set(BAD) == set(RULES)


@pytest.mark.parametrize(
    ("name", "spoil", "says"), BROKEN, ids=[f"{n}: {s}" for n, _, s in BROKEN]
)
def test_a_rule_says_what_to_do(name, spoil, says, monkeypatch):
    monkeypatch.setattr("platform.node", lambda: "ada-laptop")
    notebook = tiny.lesson()
    spoil(notebook)
    found = [f"cell {cell!r}: {what}" for cell, what in RULES[name](notebook, 0)]
    assert any(says in what for what in found), found


def test_only_lesson_zero_goes_without_a_prediction():
    notebook = tiny.lesson()
    drop("question")(notebook)
    check = RULES["predictions_offer_letters"]
    assert not list(check(notebook, 0))
    assert "no cell is tagged `predict`" in next(check(notebook, 1))[1]


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("outputs_repeat_on_any_machine", shown(
            tiny.printed("took 3.2 ms"), tags=["nbval-ignore-output"])),
        ("outputs_repeat_on_any_machine", shown(
            tiny.result("x", **{"text/html": "<p style='margin:5s /tmp/x'>1</p>"}))),
        ("outputs_repeat_on_any_machine", shown(tiny.printed("0x 1.5 and/or 3 steps"))),
        ("errors_are_announced_and_stored", shown(
            tiny.error("ValueError", "no"), tags=["raises-exception"])),
        ("code_cells_do_not_pile_up", insert(
            "half", tiny.code("two", "f()", "hide-input"), tiny.code("three", "f()"))),
        ("code_cells_are_short", change(
            "half", source="\n".join(["f()"] * 20), tags=["loop"])),
        ("markdown_cells_are_short", say(
            "a <details><summary>b</summary>" + "c " * 200 + "</details>")),
        ("words_are_kind_and_american", say("adjust `colour`: 'realistic' noise")),
        ("words_are_kind_and_american", say("exercises, precise promises, analyses")),
        ("names_are_the_courses", write("generator = torch.Generator()")),
        ("names_are_the_courses", write("train(generator=generator)")),
        ("randomness_is_seeded", write("torch.randn(3, generator=generator)")),
        ("randomness_is_seeded", write("torch.manual_seed(0)\ntorch.randn(3)")),
        ("the_title_is_a_question", say("```\n# a comment\n```")),
    ],
)  # fmt: skip
def test_a_rule_leaves_alone_what_is_fine(name, spoil):
    notebook = tiny.lesson()
    spoil(notebook)
    assert list(RULES[name](notebook, 0)) == []


def test_words_are_counted_as_a_reader_sees_them():
    assert form.count_words("# One **two**\n\n- [three](four) `five six` $x + y$") == 5


def test_texts_of_exercises_can_be_checked_for_the_same_words():
    found = list(words.unwanted_words("Just normalise V(G, D)."))
    assert len(found) == 3


def test_the_command_lists_problems_and_fails(tmp_path, capsys):
    path = tmp_path / "00_tiny.ipynb"
    notebooks.write(path, notebooks.text(tiny.lesson()))
    assert main([str(path)]) == 0
    notebook = tiny.lesson()
    say("This is simply so.")(notebook)
    notebooks.write(path, notebooks.text(notebook))
    assert main([str(path)]) == 1
    said = capsys.readouterr().out
    assert "00_tiny.ipynb, cell 'read': leave out 'simply'" in said
    assert said.endswith("1 problem\n")
