"""Lessons come from solutions: blanked, cleared, the same bytes each time."""

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


# ---------------------------------------------------------------- one cell


def test_a_region_becomes_one_line_to_replace():
    assert release.blank(GOOD) == (
        "def half(x):\n    raise NotImplementedError  # about 1 line"
    )


def test_lines_of_code_are_counted_without_blank_lines_and_comments():
    body = "    y = x / 2\n\n    # a reason\n    return y"
    stub = release.blank(GOOD.replace("    return x / 2", body))
    assert stub.endswith("# about 2 lines")


def test_what_stands_around_a_region_stays():
    source = (
        GOOD.replace("    ###", "    ###").replace("def", "a = 1\ndef") + "\n\nb = 2"
    )
    stub = release.blank(source)
    assert stub.startswith("a = 1\ndef half") and stub.endswith("\n\nb = 2")


def test_every_region_of_a_class_is_blanked_at_its_own_depth():
    methods = "\n".join(
        f"    def {name}(self):\n        ### BEGIN SOLUTION\n        return {i}\n"
        "        ### END SOLUTION"
        for i, name in enumerate(("first", "second"))
    )
    stub = release.blank(f"class Two:\n{methods}")
    assert stub.count("\n        raise NotImplementedError  # about 1 line") == 2
    assert "return" not in stub


@pytest.mark.parametrize(
    ("source", "says"),
    {
        "no end": (GOOD.replace("### END SOLUTION", ""), "without an END"),
        "no begin": (GOOD.replace("### BEGIN SOLUTION", "pass"), "without a BEGIN"),
        "nested": (GOOD.replace("return", "### BEGIN SOLUTION\n    return"), "inside"),
        "misspelled": (GOOD.replace("### END", "## END"), "write `### BEGIN"),
        "plural": (GOOD.replace("SOLUTION", "SOLUTIONS"), "write `### BEGIN"),
        "lower case": (
            GOOD.replace("### BEGIN SOLUTION", "### begin solution"),
            "write",
        ),
        "empty": (GOOD.replace("return x / 2", "# todo"), "no code between"),
        "outside": (
            "### BEGIN SOLUTION\nx = 1\n### END SOLUTION",
            "outside a function",
        ),
        "in a class body": (
            "class A:\n    ### BEGIN SOLUTION\n    x = 1\n    ### END SOLUTION",
            "outside a function",
        ),
        "around a function": (
            "### BEGIN SOLUTION\ndef half(x):\n    return x / 2\n### END SOLUTION",
            "outside a function",
        ),
        "no Python": (GOOD.replace("x / 2", "x /"), "is not Python: line 3"),
        "two depths": (
            GOOD.replace("    ### BEGIN", "  ### BEGIN") + "\n    return 1",
            "without its answer the cell is not Python",
        ),
    }.values(),
)
def test_a_region_that_does_not_fit_is_refused(source, says):
    with pytest.raises(ValueError, match=says):
        release.blank(source)


# ---------------------------------------------------------------- one notebook


def test_a_lesson_has_no_answers_outputs_or_counts():
    lesson = release.release(tiny.lesson(), name="00_tiny.ipynb")
    assert "(images + 1) / 2" not in notebooks.text(lesson)
    assert all(not c.outputs for c in notebooks.code_cells(lesson))
    assert all(c.execution_count is None for c in notebooks.code_cells(lesson))


def test_cell_ids_and_nbgrader_metadata_stay():
    solution = tiny.lesson()
    lesson = release.release(solution, name="00_tiny.ipynb")
    assert [c.id for c in lesson.cells] == [c.id for c in solution.cells]
    assert tiny.cell(lesson, "unit-range").metadata.nbgrader == tiny.NBGRADER


def test_the_solution_itself_is_not_changed():
    solution = tiny.lesson()
    release.release(solution, name="00_tiny.ipynb")
    assert solution == tiny.lesson()


def test_cells_tagged_answer_are_dropped():
    solution = tiny.lesson()
    solution.cells.insert(4, tiny.md("why", "Because.", "answer"))
    lesson = release.release(solution, name="00_tiny.ipynb")
    assert "why" not in [c.id for c in lesson.cells]


def test_timings_and_editor_metadata_do_not_reach_the_lesson():
    solution = tiny.lesson()
    cell = tiny.cell(solution, "half")
    cell.metadata["execution"] = {"iopub.execute_input": "2026-01-01T00:00:00Z"}
    cell.metadata["collapsed"] = False
    solution.metadata["language_info"]["version"] = "3.11.7"
    lesson = release.release(solution, name="00_tiny.ipynb")
    assert lesson == release.release(tiny.lesson(), name="00_tiny.ipynb")


def test_the_same_solution_gives_the_same_bytes():
    first, second = (
        notebooks.text(release.release(tiny.lesson(), name="00_tiny.ipynb"))
        for _ in range(2)
    )
    assert first == second
    assert first.endswith("}\n") and not first.endswith("\n\n")
    keys = list(json.loads(first))
    assert keys == sorted(keys)


def change(name: str, **fields):
    def apply(notebook):
        tiny.cell(notebook, name).update(fields)

    return apply


@pytest.mark.parametrize(
    ("broken", "says"),
    {
        "no region": (
            change("unit-range", source="@exercise\ndef to_unit_range(x): return x"),
            "00_tiny.ipynb, cell 'unit-range': tagged `exercise` but has no",
        ),
        "region elsewhere": (
            change("half", source=GOOD),
            "00_tiny.ipynb, cell 'half': holds a solution but is not tagged",
        ),
        "region in markdown": (
            change("read", source="### BEGIN SOLUTION"),
            "00_tiny.ipynb, cell 'read': holds a solution",
        ),
        "unbalanced": (
            change("unit-range", source=tiny.STUB.replace("### END SOLUTION", "")),
            "00_tiny.ipynb, cell 'unit-range', line 4: BEGIN SOLUTION without an END",
        ),
        "doubled id": (
            change("half", id="line"),
            "00_tiny.ipynb, cell 'line': two cells have this id",
        ),
    }.values(),
)
def test_an_instructors_slip_names_notebook_and_cell(broken, says):
    solution = tiny.lesson()
    broken(solution)
    with pytest.raises(ValueError) as caught:
        release.release(solution, name="00_tiny.ipynb")
    assert says in str(caught.value)


# ---------------------------------------------------------------- the command


def test_release_writes_and_then_finds_nothing_to_do(folders, capsys):
    assert run(*folders, "--check") == 1
    assert "00_tiny.ipynb: no such lesson yet" in capsys.readouterr().out
    assert run(*folders) == 0
    assert "00_tiny.ipynb: written" in capsys.readouterr().out
    assert run(*folders) == 0
    assert "00_tiny.ipynb: as before" in capsys.readouterr().out
    assert run(*folders, "--check") == 0


def test_check_names_the_lesson_and_the_cell_that_drifted(folders, capsys):
    run(*folders)
    path = folders[1] / "00_tiny.ipynb"
    before = path.read_text(encoding="utf-8").replace("Half of gray?", "Half of white?")
    path.write_text(before, encoding="utf-8")
    assert run(*folders, "--check") == 1
    assert (
        "00_tiny.ipynb: differs from its solution in question"
        in capsys.readouterr().out
    )
    assert path.read_text(encoding="utf-8") == before


def test_check_names_a_lesson_without_solution(folders, capsys):
    run(*folders)
    shutil.copy(folders[1] / "00_tiny.ipynb", folders[1] / "01_left_over.ipynb")
    assert run(*folders, "--check") == 1
    assert "01_left_over.ipynb: has no solution; delete it" in capsys.readouterr().out


def test_nothing_is_written_while_one_solution_is_broken(folders, capsys):
    solutions, lessons = folders
    (solutions / "01_broken.ipynb").write_text('{"cells": [', encoding="utf-8")
    assert run(solutions, lessons) == 1
    assert "01_broken.ipynb is not a notebook" in capsys.readouterr().err
    assert list(lessons.iterdir()) == []


def test_a_notebook_without_cell_ids_is_refused(folders, capsys):
    solutions, lessons = folders
    path = solutions / "00_tiny.ipynb"
    content = json.loads(path.read_text(encoding="utf-8"))
    del content["cells"][0]["id"]
    path.write_text(json.dumps(content), encoding="utf-8")
    assert run(solutions, lessons) == 1
    assert "00_tiny.ipynb has cells without ids" in capsys.readouterr().err


# ---------------------------------------------------------------- for nbgrader


def test_graded_variant_follows_each_exercise_with_a_locked_test():
    graded = release.graded(tiny.lesson(), name="00_tiny.ipynb")
    names = [c.id for c in graded.cells]
    after = graded.cells[names.index("unit-range") + 1]
    assert 'judge(to_unit_range, "to_unit_range").require()' in after.source
    mark = after.metadata.nbgrader
    assert (mark.grade, mark.locked, mark.solution) == (True, True, False)
    assert (mark.points, mark.schema_version, mark.grade_id) == (2, 3, after.id)


def test_graded_variant_hides_answers_before_anything_is_imported():
    graded = release.graded(tiny.lesson(), name="00_tiny.ipynb")
    first = notebooks.code_cells(graded)[0]
    assert 'os.environ["COURSE_HIDE_ANSWERS"] = "1"' in first.source
    assert first.metadata.nbgrader.locked and not first.metadata.nbgrader.grade


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
