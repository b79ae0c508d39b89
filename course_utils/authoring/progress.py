"""How far a learner has come, read from the saved notebooks; nothing is run.

    python -m course_utils progress                 my_lessons/, lesson by lesson
    python -m course_utils progress class/*/        a row for each learner
    python -m course_utils progress --json ...      the same for other programs

An exercise cell stores its verdict in its output (the record that `@exercise` shows);
that is all that is read.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

from . import notebooks
from .release import exercise_name

STATES = ("passed", "not yet", "error", "open")


@dataclass(frozen=True)
class Lesson:
    """One saved notebook.

    Args:
        name: the file's name without its ending.
        exercises: name -> state, in the notebook's order; "open" where not run.
        mistakes: name -> the mistake that the last check named.
        trouble: a sentence where the notebook cannot be read or was never run.
    """

    name: str
    exercises: dict[str, str] = field(default_factory=dict)
    mistakes: dict[str, str] = field(default_factory=dict)
    trouble: str = ""

    def count(self, state: str) -> int:
        """How many exercises are in a state."""
        return sum(s == state for s in self.exercises.values())

    @property
    def next(self) -> str:
        """What to do next, in a few words; "" where all is passed."""
        if self.trouble:
            return self.trouble
        for name, state in self.exercises.items():
            if state != "passed":
                mistake = self.mistakes.get(name)
                return f"{name}: {state}" + (f" ({mistake})" if mistake else "")
        return ""


def read_lesson(path: Path) -> Lesson:
    """The exercises of one notebook and the states that it stores."""
    try:
        notebook = notebooks.read(path)
        cells = [c for c in notebooks.code_cells(notebook) if exercise_name(c)]
        exercises, mistakes = {}, {}
        for cell in cells:
            name = exercise_name(cell)
            found = [r for r in notebooks.records([cell]) if r["exercise"] == name]
            exercises[name] = found[-1]["state"] if found else "open"
            if found and found[-1].get("mistake"):
                mistakes[name] = found[-1]["mistake"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        number = path.name[:2]
        return Lesson(
            path.stem,
            trouble=f"cannot be read; `make reset LESSON={number}` restores it",
        )
    ran = any(cell.execution_count for cell in notebooks.code_cells(notebook))
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
    for lesson in lessons:
        total = len(lesson.exercises)
        not_yet = lesson.count("not yet") + lesson.count("error")
        passed = f"{lesson.count('passed')} of {total}"
        done = total > 0 and lesson.count("passed") == total
        rows.append(
            (
                lesson.name,
                passed if total else "-",
                str(not_yet) if total else "-",
                str(lesson.count("open")) if total else "-",
                lesson.next or ("done" if done else ""),
            )
        )
    return f"{_aligned(rows)}\n\n{_conclusion(lessons)}"


def _conclusion(lessons: list[Lesson]) -> str:
    passed = sum(lesson.count("passed") for lesson in lessons)
    total = sum(len(lesson.exercises) for lesson in lessons)
    first = next((lesson for lesson in lessons if lesson.next), None)
    told = f"{passed} of {total} exercises passed."
    return f"{told} Next: {first.name}, {first.next}." if first else f"{told} All done."


def class_table(learners: dict[str, list[Lesson]]) -> str:
    """A row for each learner, a column for each lesson: passed of all."""
    names = sorted({x.name for lessons in learners.values() for x in lessons})
    rows = [("learner", *(name[:2] for name in names), "passed", "stuck at")]
    for learner, lessons in learners.items():
        have = {lesson.name: lesson for lesson in lessons}
        cells = [_of(have[name]) if name in have else "-" for name in names]
        passed = sum(lesson.count("passed") for lesson in lessons)
        rows.append((learner, *cells, str(passed), _stuck(lessons)))
    return _aligned(rows)


def _of(lesson: Lesson) -> str:
    unreadable = lesson.trouble and not lesson.exercises
    return "?" if unreadable else f"{lesson.count('passed')}/{len(lesson.exercises)}"


def _stuck(lessons: list[Lesson]) -> str:
    """The first exercise that was tried and not passed."""
    for lesson in lessons:
        for name, state in lesson.exercises.items():
            if state in ("not yet", "error"):
                mistake = lesson.mistakes.get(name)
                return f"{name} ({mistake})" if mistake else name
    return ""


def _aligned(rows: list[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(f"{cell:{w}}" for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def main(argv: list[str] | None = None) -> int:
    """The command line; 1 where a folder holds no lesson."""
    parser = argparse.ArgumentParser(
        prog="python -m course_utils progress",
        description="How far a learner, or a class, has come.",
    )
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER")
    parser.add_argument("--json", action="store_true", help="for other programs")
    args = parser.parse_args(argv)
    folders = args.folders or [notebooks.ROOT / "my_lessons"]
    learners = {}
    for folder in folders:
        lessons = read_folder(folder)
        if not lessons:
            print(_empty(folder), file=sys.stderr)
        if lessons or len(folders) > 1:
            learners[_learner(folder, folders)] = lessons
    if args.json:
        plain = {who: [asdict(x) for x in xs] for who, xs in learners.items()}
        print(json.dumps(plain, indent=1, ensure_ascii=False))
    elif len(folders) > 1:
        print(class_table(learners))
    elif learners:
        print(learner_table(*learners.values()))
    return 0 if all(learners.values()) and learners else 1


def _learner(folder: Path, folders: list[Path]) -> str:
    """The folder's name; more of its path where two would be called the same."""
    name = folder.resolve().name
    same = [f for f in folders if f.resolve().name == name]
    return name if len(same) == 1 else str(folder)


def _empty(folder: Path) -> str:
    if not folder.is_dir():
        made = "; `make lab` makes it" if folder.name == "my_lessons" else ""
        return f"There is no folder {folder.name}{made}."
    return f"The folder {folder.name} holds no lesson (NN_topic.ipynb)."


if __name__ == "__main__":
    sys.exit(main())
