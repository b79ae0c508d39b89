"""Lessons come from solutions: blanked, cleared, the same text each time."""

import copy
import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tiny

from course_utils.authoring import notebooks, release

GOOD = "def half(x):\n    ### BEGIN SOLUTION\n    return x / 2\n    ### END SOLUTION"


@pytest.fixture
def folders(tmp_path):
    """A folder with one solution and an empty one for the lessons."""
    solutions, lessons = tmp_path / "solutions", tmp_path / "lessons"
    notebooks.write(solutions / "00_tiny.ipynb", notebooks.text(tiny.lesson()))
    lessons.mkdir()
    return solutions, lessons


def run(solutions, lessons, *options) -> int:
    places = ["--solutions", str(solutions), "--lessons", str(lessons)]
    return release.main([*places, *options])


def made_from(solution):
    return release.release(solution, name="00_tiny.ipynb")


# ---------------------------------------------------------------- one cell


def test_lines_of_code_are_counted_without_blank_lines_and_comments():
    body = "    y = x / 2\n\n    # the solution's reason\n    return y"
    assert release.blank(GOOD.replace("    return x / 2", body)) == (
        "def half(x):\n    raise NotImplementedError  # about 2 lines"
    )


def test_every_region_of_a_class_is_blanked_and_what_stands_around_stays():
    methods = "\n".join(
        f"    def {name}(self):\n        ### BEGIN SOLUTION\n        return {i}\n"
        "        ### END SOLUTION"
        for i, name in enumerate(("first", "second"))
    )
    stub = release.blank(f"a = 1\nclass Two:\n{methods}\n\nb = 2")
    assert stub.count("\n        raise NotImplementedError  # about 1 line") == 2
    assert "return" not in stub
    assert stub.startswith("a = 1\nclass") and stub.endswith("\n\nb = 2")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("### END SOLUTION", ""),
        ("### BEGIN SOLUTION", "pass"),
        ("return", "### BEGIN SOLUTION\n    return"),
        ("return", "## END SOLUTION\n    return"),
        ("### END", "## END"),
        ("SOLUTION", "SOLUTIONS"),
        ("### BEGIN SOLUTION", "### begin solution"),
    ],
)
def test_a_mark_without_its_partner_is_refused(old, new):
    with pytest.raises(ValueError, match="the marks are `### BEGIN SOLUTION`"):
        release.blank(GOOD.replace(old, new))


# ---------------------------------------------------------------- one notebook


def test_a_lesson_has_no_answers_outputs_or_counts():
    solution = tiny.lesson()
    solution.cells.insert(4, tiny.md("why", "Because.", "answer"))
    lesson = made_from(solution)
    assert "(images + 1) / 2" not in notebooks.text(lesson)
    assert all(not c.outputs for c in notebooks.code_cells(lesson))
    assert all(c.execution_count is None for c in notebooks.code_cells(lesson))
    assert [c.id for c in lesson.cells] == [c.id for c in tiny.lesson().cells]
    assert tiny.cell(lesson, "unit-range").metadata.nbgrader == tiny.NBGRADER
    assert solution.cells[4].id == "why" and tiny.cell(solution, "half").outputs


def test_timings_and_editor_metadata_do_not_reach_the_lesson():
    solution = tiny.lesson()
    cell = tiny.cell(solution, "half")
    cell.metadata["execution"] = {"iopub.execute_input": "2026-01-01T00:00:00Z"}
    cell.metadata["collapsed"] = False
    solution.metadata["language_info"]["version"] = "3.11.7"
    text = notebooks.text(made_from(solution))
    assert text == notebooks.text(made_from(tiny.lesson()))
    assert list(json.loads(text)) == sorted(json.loads(text))


@pytest.mark.parametrize(
    ("cell", "source", "says"),
    [
        ("unit-range", "@exercise\ndef f(x): return x", "tagged `exercise` but has no"),
        ("half", GOOD, "holds a solution but is not tagged"),
        ("unit-range", tiny.STUB.replace("### END SOLUTION", ""), "the marks are"),
        ("read", "# BEGIN SOLUTION", "the marks are"),
    ],
)
def test_an_instructors_slip_names_notebook_and_cell(cell, source, says):
    solution = tiny.lesson()
    tiny.cell(solution, cell).source = source
    with pytest.raises(ValueError, match=f"00_tiny.ipynb, cell '{cell}': .*{says}"):
        made_from(solution)


def test_lessons_are_what_their_solutions_give():
    root = notebooks.ROOT
    assert not release.drift(root / "solutions", root / "lessons"), "`make lessons`"


# ---------------------------------------------------------------- the command


def test_release_writes_and_then_finds_nothing_to_do(folders, capsys):
    assert run(*folders, "--check") == 1
    assert "00_tiny.ipynb: no such lesson yet" in capsys.readouterr().out
    assert run(*folders) == 0
    assert "00_tiny.ipynb: written" in capsys.readouterr().out
    assert run(*folders) == 0
    assert "00_tiny.ipynb: as before" in capsys.readouterr().out
    assert run(*folders, "--check") == 0


def test_check_names_a_lesson_that_drifted_or_has_no_solution(folders, capsys):
    run(*folders)
    path = folders[1] / "00_tiny.ipynb"
    shutil.copy(path, folders[1] / "01_left_over.ipynb")
    edited = path.read_text(encoding="utf-8").replace("Half of gray?", "Half of white?")
    path.write_text(edited, encoding="utf-8")
    assert run(*folders, "--check") == 1
    said = capsys.readouterr().out
    assert "00_tiny.ipynb: differs from its solution" in said
    assert "01_left_over.ipynb: has no solution; delete it" in said
    assert path.read_text(encoding="utf-8") == edited


def test_the_line_ends_of_git_for_windows_are_no_difference(folders, capsys):
    run(*folders)
    for path in (folders[0] / "00_tiny.ipynb", folders[1] / "00_tiny.ipynb"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert run(*folders, "--check") == 0
    capsys.readouterr()
    assert run(*folders) == 0
    assert capsys.readouterr().out == "00_tiny.ipynb: as before\n"


def test_nothing_is_written_while_one_solution_is_broken(folders, capsys):
    solutions, lessons = folders
    (solutions / "01_broken.ipynb").write_text('{"cells": [', encoding="utf-8")
    content = json.loads(notebooks.text(tiny.lesson()))
    del content["cells"][0]["id"]
    (solutions / "02_old.ipynb").write_text(json.dumps(content), encoding="utf-8")
    doubled = tiny.lesson()
    doubled.cells[1].id = doubled.cells[0].id
    (solutions / "03_doubled.ipynb").write_text(json.dumps(doubled), encoding="utf-8")
    assert run(solutions, lessons) == 1
    said = capsys.readouterr().err
    assert "01_broken.ipynb is not a notebook" in said
    assert "02_old.ipynb has cells without ids" in said
    assert "03_doubled.ipynb has two cells with the id 'title'" in said
    assert list(lessons.iterdir()) == []


# ---------------------------------------------------------------- for nbgrader


def test_graded_variant_hides_answers_and_follows_each_exercise_with_a_test():
    graded = release.graded(tiny.lesson(), name="00_tiny.ipynb")
    first = notebooks.code_cells(graded)[0]
    assert 'os.environ["COURSE_HIDE_ANSWERS"] = "1"' in first.source
    assert first.metadata.nbgrader.locked and not first.metadata.nbgrader.grade
    names = [c.id for c in graded.cells]
    after = graded.cells[names.index("unit-range") + 1]
    assert 'judge(to_unit_range, "to_unit_range").require()' in after.source
    mark = after.metadata.nbgrader
    assert (mark.grade, mark.locked, mark.solution) == (True, True, False)
    assert (mark.points, mark.schema_version, mark.grade_id) == (2, 3, after.id)


def test_graded_folder_has_a_source_for_each_lesson_and_settings(folders, tmp_path):
    assert run(*folders, "--graded", str(tmp_path / "class")) == 0
    source = tmp_path / "class" / "source" / "00_tiny" / "00_tiny.ipynb"
    assert "### BEGIN SOLUTION" in notebooks.text(notebooks.read(source))
    assert "code_stub" in (tmp_path / "class" / "nbgrader_config.py").read_text()
    assert list(folders[1].iterdir()) == []


def test_nbgrader_gives_points_for_right_answers_only(folders, tmp_path):
    pytest.importorskip("nbgrader", reason="nbgrader is an instructor's extra")
    course = tmp_path / "class"
    solutions, lessons = folders
    notebooks.write(solutions / "00_tiny.ipynb", notebooks.text(tiny.runnable()))
    run(solutions, lessons, "--graded", str(course))
    nbgrader(course, "generate_assignment", "00_tiny")
    made = notebooks.read(course / "release" / "00_tiny" / "00_tiny.ipynb")
    assert "(images + 1) / 2" not in notebooks.text(made)

    submit(course, made, "right", "return (images + 1) / 2")
    submit(course, made, "wrong", "return images / 2")
    submit(course, made, "unsolved", "raise NotImplementedError")
    made.cells = [c for c in made.cells if c.id != "grade-unit-range"]
    submit(course, made, "without-test", "return images")
    nbgrader(course, "autograde", "00_tiny")
    nbgrader(course, "export", "--to", "grades.csv")
    with open(course / "grades.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    scores = {row["student_id"]: float(row["score"]) for row in rows}
    assert scores == {"right": 2.0, "wrong": 0.0, "unsolved": 0.0, "without-test": 0.0}


def submit(course, made, learner, answer) -> None:
    """Hand in the class's version with one answer."""
    made = copy.deepcopy(made)
    cell = tiny.cell(made, "unit-range")
    cell.source = cell.source.replace("raise NotImplementedError", answer)
    place = course / "submitted" / learner / "00_tiny" / "00_tiny.ipynb"
    notebooks.write(place, notebooks.text(made))


def nbgrader(course, *command) -> None:
    """Run nbgrader, which calls another program of its environment by name."""
    places = [str(Path(sys.executable).parent), os.environ["PATH"]]
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *command],
        cwd=course, capture_output=True, text=True,
        env=os.environ | {"PATH": os.pathsep.join(places), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
