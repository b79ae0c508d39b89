"""How far a learner has come, read from the saved notebooks; nothing is run.

    python -m course_utils progress                 my_lessons/, lesson by lesson
    python -m course_utils progress class/*/        a row for each learner
    python -m course_utils progress --json ...      the same for other programs
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

from . import notebooks

TRIED = ("not yet", "error")


@dataclass(frozen=True)
class Lesson:
    """One saved notebook, by its file's name without the ending."""

    name: str
    exercises: dict[str, str] = field(default_factory=dict)  # name -> state
    mistakes: dict[str, str] = field(default_factory=dict)  # name -> last one named
    trouble: str = ""  # a sentence, where it cannot be read or was never run

    def count(self, *states: str) -> int:
        """How many exercises are in one of the states."""
        return sum(state in states for state in self.exercises.values())

    def first(self, *states: str) -> str:
        """The first exercise in one of the states and its mistake; "" if none is."""
        for name, state in self.exercises.items():
            if state in states:
                mistake = self.mistakes.get(name)
                return f"{name}: {state}" + (f" ({mistake})" if mistake else "")
        return ""

    @property
    def next(self) -> str:
        """What to do next, in a few words; "" where all is passed."""
        return self.trouble or self.first(*TRIED, "open")


def read_lesson(path: Path) -> Lesson:
    """The exercises of one notebook and the states that it stores."""
    exercises, mistakes = {}, {}
    try:
        cells = notebooks.code_cells(notebooks.read(path))
        for cell in cells:
            if not (name := notebooks.exercise_name(cell)):
                continue
            exercises[name] = "open"
            for record in notebooks.records([cell]):
                if record["exercise"] == name:
                    exercises[name] = record["state"]
                    mistakes[name] = record.get("mistake")
        ran = any(cell.execution_count for cell in cells)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        remedy = f"`make reset LESSON={path.name[:2]}` restores it"
        return Lesson(path.stem, trouble=f"cannot be read; {remedy}")
    mistakes = {name: mistake for name, mistake in mistakes.items() if mistake}
    trouble = "" if ran else "not run and saved yet"
    return Lesson(path.stem, exercises, mistakes, trouble)


def read_folder(folder: Path) -> list[Lesson]:
    """Every lesson in a folder or below it; the first of each name."""
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("[0-9][0-9]_*.ipynb"), key=lambda p: len(p.parts)):
        if ".ipynb_checkpoints" not in path.parts:
            found.setdefault(path.name, path)
    return [read_lesson(found[name]) for name in sorted(found)]


# ---------------------------------------------------------------- what is printed


def learner_table(lessons: list[Lesson]) -> str:
    """A row for each lesson: how many exercises stand where, and what comes next."""
    rows = [("lesson", "passed", "not yet", "open", "next")]
    for x in lessons:
        passed = f"{x.count('passed')} of {len(x.exercises)}"
        counts = passed, str(x.count(*TRIED)), str(x.count("open"))
        counts = counts if x.exercises else ("-", "-", "-")
        rows.append((x.name, *counts, x.next or ("done" if x.exercises else "")))
    passed = sum(x.count("passed") for x in lessons)
    total = sum(len(x.exercises) for x in lessons)
    left = [f"Next: {x.name}, {x.next}." for x in lessons if x.next] or ["All done."]
    return f"{_aligned(rows)}\n\n{passed} of {total} exercises passed. {left[0]}"


def class_table(learners: dict[str, list[Lesson]]) -> str:
    """A row for each learner, a column for each lesson: passed of all."""
    names = sorted({x.name for lessons in learners.values() for x in lessons})
    rows = [("learner", *(name[:2] for name in names), "passed", "stuck at")]
    for learner, lessons in learners.items():
        have = {x.name: f"{x.count('passed')}/{len(x.exercises)}" for x in lessons}
        have |= {x.name: "?" for x in lessons if x.trouble and not x.exercises}
        passed = sum(x.count("passed") for x in lessons)
        stuck = next((x.first(*TRIED) for x in lessons if x.count(*TRIED)), "")
        cells = [have.get(name, "-") for name in names]
        rows.append((learner, *cells, str(passed), stuck))
    return _aligned(rows)


def _aligned(rows: list[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(f"{cell:{w}}" for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def main(argv: list[str] | None = None) -> int:
    """The command line; 1 where a folder holds no lesson."""
    parser = argparse.ArgumentParser(prog="python -m course_utils progress")
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER")
    parser.add_argument("--json", action="store_true", help="for other programs")
    args = parser.parse_args(argv)
    folders = args.folders or [notebooks.ROOT / "my_lessons"]
    learners = {str(folder): read_folder(folder) for folder in folders}
    for folder in folders:
        if not folder.is_dir():
            made = "; `make lab` makes it" if folder.name == "my_lessons" else ""
            print(f"There is no folder {folder}{made}.", file=sys.stderr)
        elif not learners[str(folder)]:
            print(f"{folder} holds no lesson (NN_topic.ipynb).", file=sys.stderr)
    if args.json:
        plain = {who: [asdict(x) for x in xs] for who, xs in learners.items() if xs}
        print(json.dumps(plain, indent=1, ensure_ascii=False))
    elif len(folders) > 1:
        print(class_table(learners))
    elif any(learners.values()):
        print(learner_table(*learners.values()))
    return int(not all(learners.values()))
