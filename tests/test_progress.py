"""Progress is read from saved notebooks, for one learner or a class."""

import json

import pytest
import tiny

from course_utils.authoring import notebooks, progress, release


def answered(*outputs, count=4):
    """The lesson as a learner saved it after running the exercise."""
    notebook = release.release(tiny.lesson(), name="00_tiny.ipynb")
    cell = tiny.cell(notebook, "unit-range")
    cell.outputs, cell.execution_count = list(outputs), count
    return notebook


def save(folder, notebook, name="00_tiny.ipynb"):
    notebooks.write(folder / name, notebooks.text(notebook))
    return folder / name


@pytest.mark.parametrize(
    ("outputs", "state"),
    [
        *(([tiny.record(s)], s) for s in ("passed", "not yet", "error", "open")),
        ([], "open"),
        ([tiny.record("not yet"), tiny.record("passed")], "passed"),
        ([tiny.record("passed", "posterior")], "open"),
    ],
)
def test_the_last_record_of_the_exercise_is_its_state(tmp_path, outputs, state):
    lesson = progress.read_lesson(save(tmp_path, answered(*outputs)))
    assert lesson.exercises == {"to_unit_range": state}


def test_a_half_written_exercise_is_still_counted(tmp_path):
    notebook = answered()
    tiny.cell(notebook, "unit-range").source += "\n    return (("
    lesson = progress.read_lesson(save(tmp_path, notebook))
    assert lesson.exercises == {"to_unit_range": "open"}


def test_next_names_the_first_exercise_left_and_its_mistake(tmp_path):
    notebook = answered(tiny.record("not yet", mistake="halved only"))
    lesson = progress.read_lesson(save(tmp_path, notebook))
    assert lesson.next == "to_unit_range: not yet (halved only)"
    lesson = progress.read_lesson(save(tmp_path, answered(count=None)))
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
    save(tmp_path / ".ipynb_checkpoints", answered(tiny.record("open")))
    assert progress.main([str(tmp_path)]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert rows[1].split() == ["00_tiny", "1", "of", "1", "0", "0", "done"]
    assert rows[2].split()[:6] == ["01_more", "0", "of", "1", "1", "0"]
    assert rows[-1] == "1 of 2 exercises passed. Next: 01_more, to_unit_range: error."


def test_a_class_gets_a_row_for_each_learner(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "anna" / "my_lessons", answered(tiny.record("passed")))
    notebook = answered(tiny.record("not yet", mistake="clipped"))
    save(tmp_path / "ben" / "00_tiny", notebook)
    (tmp_path / "cleo").mkdir()
    assert progress.main(["anna", "ben", "cleo"]) == 1
    said = capsys.readouterr()
    rows = [row.split() for row in said.out.splitlines()]
    assert rows == [
        ["learner", "00", "passed", "stuck", "at"],
        ["anna", "1/1", "1"],
        ["ben", "0/1", "0", "to_unit_range:", "not", "yet", "(clipped)"],
        ["cleo", "-", "0"],
    ]
    assert said.err == "cleo holds no lesson (NN_topic.ipynb).\n"


def test_json_is_for_other_programs(tmp_path, capsys):
    save(tmp_path, answered(tiny.record("passed")))
    assert progress.main(["--json", str(tmp_path)]) == 0
    (lessons,) = json.loads(capsys.readouterr().out).values()
    assert lessons[0]["name"] == "00_tiny"
    assert lessons[0]["exercises"] == {"to_unit_range": "passed"}


def test_a_missing_folder_is_a_sentence(tmp_path, capsys):
    assert progress.main([str(tmp_path / "my_lessons")]) == 1
    said = capsys.readouterr().err
    assert said.endswith("my_lessons; `make lab` makes it.\n")
