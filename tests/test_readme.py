"""README.md says what is there: its table, its picture, its files and commands."""

import re

import pytest

from course_utils.__main__ import COMMANDS
from course_utils.authoring import notebooks, readme

ROOT = notebooks.ROOT
SOLUTIONS = ROOT / "solutions"
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def test_table_of_lessons_is_what_the_solutions_say():
    table = readme.lesson_table(SOLUTIONS)
    assert readme.with_table(TEXT, table) == TEXT, "run `make lessons`"


def test_picture_is_the_one_that_lesson_0_stores():
    kept = (ROOT / readme.PICTURE).read_bytes()
    assert kept == readme.picture(SOLUTIONS), "run `make lessons`"
    assert f"]({readme.PICTURE})" in TEXT


def test_files_targets_and_commands_that_are_named_exist():
    links = set(re.findall(r"\]\(([^)#:]+)\)", TEXT))
    assert {link for link in links if not (ROOT / link).exists()} == set()
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^(\w+):", makefile, re.M))
    assert set(re.findall(r"\bmake ([a-z]+)", TEXT)) <= targets
    assert set(re.findall(r"python -m course_utils (\w+)", TEXT)) <= set(COMMANDS)


def test_a_table_without_marks_is_refused():
    with pytest.raises(ValueError, match="has no <!-- lessons -->"):
        readme.with_table("# A page", "| table |")


def test_a_lesson_without_minutes_is_refused(tmp_path):
    source = (SOLUTIONS / "00_start_here.ipynb").read_text(encoding="utf-8")
    broken = source.replace("15 minutes", "a while")
    assert broken != source
    (tmp_path / "00_start_here.ipynb").write_text(broken, encoding="utf-8")
    with pytest.raises(ValueError, match="no title or minutes"):
        readme.lesson_table(tmp_path)
