"""Progress is read from saved notebooks, for one learner or a class."""

import json

import pytest
import tiny

from course_utils.authoring import notebooks, progress, release


def unsolved():
    return release.release(tiny.lesson(), name="00_tiny.ipynb")


def answered(*outputs):
    """The lesson as a learner saved it after running the exercise."""
    notebook = unsolved()
    cell = tiny.cell(notebook, "unit-range")
    cell.outputs, cell.execution_count = list(outputs), 4
    return notebook


def save(folder, notebook, name="00_tiny.ipynb"):
    notebooks.write(folder / name, notebooks.text(notebook))
    return folder / name


@pytest.mark.parametrize("state", progress.STATES)
def test_the_stored_record_is_the_state(tmp_path, state):
    lesson = progress.read_lesson(save(tmp_path, answered(tiny.record(state))))
    assert lesson.exercises == {"to_unit_range": state}


def test_an_exercise_that_was_not_run_is_open(tmp_path):
    lesson = progress.read_lesson(save(tmp_path, answered()))
    assert lesson.exercises == {"to_unit_range": "open"}


def test_the_last_record_of_a_cell_counts(tmp_path):
    outputs = tiny.record("not yet"), tiny.record("passed")
    lesson = progress.read_lesson(save(tmp_path, answered(*outputs)))
    assert lesson.exercises == {"to_unit_range": "passed"}


def test_a_record_of_another_exercise_does_not_count(tmp_path):
    path = save(tmp_path, answered(tiny.record("passed", "posterior")))
    assert progress.read_lesson(path).exercises == {"to_unit_range": "open"}


def test_a_half_written_exercise_is_still_counted(tmp_path):
    notebook = answered()
    tiny.cell(notebook, "unit-range").source += "\n    return (("
    lesson = progress.read_lesson(save(tmp_path, notebook))
    assert lesson.exercises == {"to_unit_range": "open"}


def test_next_names_the_first_exercise_left_and_its_mistake(tmp_path):
    notebook = answered(tiny.record("not yet", mistake="halved only"))
    lesson = progress.read_lesson(save(tmp_path, notebook))
    assert lesson.next == "to_unit_range: not yet (halved only)"


def test_a_lesson_that_was_never_run_says_so(tmp_path):
    lesson = progress.read_lesson(save(tmp_path, unsolved()))
    assert lesson.next == "not run and saved yet"


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"cells": 3, "nbformat": 4, "nbformat_minor": 5}', "\x00"],
)
def test_a_broken_notebook_is_a_sentence(tmp_path, capsys, content):
    (tmp_path / "03_broken.ipynb").write_text(content, encoding="utf-8")
    assert progress.main([str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "03_broken  -" in said
    assert "cannot be read; `make reset LESSON=03` restores it" in said


def test_one_learner_gets_a_row_for_each_lesson(tmp_path, capsys):
    save(tmp_path, answered(tiny.record("passed")))
    save(tmp_path, answered(tiny.record("error")), "01_more.ipynb")
    assert progress.main([str(tmp_path)]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert rows[1].split() == ["00_tiny", "1", "of", "1", "0", "0", "done"]
    assert rows[2].split()[:6] == ["01_more", "0", "of", "1", "1", "0"]
    assert rows[-1] == ("1 of 2 exercises passed. Next: 01_more, to_unit_range: error.")


def test_a_class_gets_a_row_for_each_learner(tmp_path, capsys):
    save(tmp_path / "anna" / "my_lessons", answered(tiny.record("passed")))
    notebook = answered(tiny.record("not yet", mistake="clipped"))
    save(tmp_path / "ben" / "00_tiny", notebook)
    (tmp_path / "cleo").mkdir()
    folders = [str(tmp_path / name) for name in ("anna", "ben", "cleo")]
    assert progress.main(folders) == 1
    said = capsys.readouterr()
    rows = [row.split() for row in said.out.splitlines()]
    assert rows == [
        ["learner", "00", "passed", "stuck", "at"],
        ["anna", "1/1", "1"],
        ["ben", "0/1", "0", "to_unit_range", "(clipped)"],
        ["cleo", "-", "0"],
    ]
    assert "The folder cleo holds no lesson" in said.err


def test_backups_of_the_editor_are_not_read_twice(tmp_path):
    save(tmp_path, answered(tiny.record("passed")))
    save(tmp_path / ".ipynb_checkpoints", answered(tiny.record("open")))
    lessons = progress.read_folder(tmp_path)
    assert [lesson.exercises for lesson in lessons] == [{"to_unit_range": "passed"}]


def test_json_is_for_other_programs(tmp_path, capsys):
    save(tmp_path, answered(tiny.record("passed")))
    assert progress.main(["--json", str(tmp_path)]) == 0
    (lessons,) = json.loads(capsys.readouterr().out).values()
    assert lessons[0]["name"] == "00_tiny"
    assert lessons[0]["exercises"] == {"to_unit_range": "passed"}


def test_a_missing_folder_is_a_sentence(tmp_path, capsys):
    assert progress.main([str(tmp_path / "my_lessons")]) == 1
    said = capsys.readouterr().err
    assert said == "There is no folder my_lessons; `make lab` makes it.\n"
