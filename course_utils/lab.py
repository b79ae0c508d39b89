"""The learner's own copy of the lessons, and JupyterLab opened on it.

`lessons/` stays as released. `my_lessons/` is made from it once and belongs to the
learner: nothing here writes over a notebook in it.

    python -m course_utils lab [JupyterLab's own options]
    python -m course_utils reset 03
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import sys
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
JUPYTER_DEFAULTS = Path(__file__).with_name("jupyter")  # no news pop-up
COPIES, KEPT = "my_lessons", "kept"
RECORD = ".made_from.json"  # in my_lessons/: which release each copy was made from


# --- The copy -----------------------------------------------------------------------


def update_copies(root: Path = ROOT) -> list[str]:
    """Copy each lesson that the learner does not have yet; leave the others alone.

    Args:
        root: the folder that holds lessons/.

    Returns:
        What the learner should know, a sentence each: lessons that were added, and
        lessons that have a newer release than the learner's copy was made from.

    Raises:
        FileNotFoundError: there are no lessons to copy.
    """
    made_from, notes = _read_record(root), []
    for lesson in released(root):
        name, now = lesson.name, _digest(lesson)
        if not (root / COPIES / name).exists():
            _copy(lesson, root / COPIES / name)
            made_from[name] = now
            notes.append(f"{COPIES}/{name} is new.")
        elif made_from.setdefault(name, now) != now:
            notes.append(
                f"{COPIES}/{name} has a newer release; yours stays as it is. To "
                f"change over and keep yours beside it: make reset LESSON={name[:2]}"
            )
    _write_record(root, made_from)
    return notes


def reset(number: int, root: Path = ROOT) -> tuple[Path, Path | None]:
    """Put the released lesson in place of the learner's copy, which is kept.

    Args:
        number: of the lesson, 3 for 03_topic.ipynb.
        root: the folder that holds lessons/.

    Returns:
        The fresh copy, and where the old one is now (None if there was none).

    Raises:
        FileNotFoundError: there are no lessons.
        ValueError: no lesson has this number.
    """
    lessons = released(root)
    found = [path for path in lessons if path.name.startswith(f"{number:02d}_")]
    if not found:
        numbers = ", ".join(path.name[:2] for path in lessons)
        raise ValueError(f"there is no lesson {number:02d}; there are {numbers}")
    mine, kept = root / COPIES / found[0].name, None
    if mine.exists():
        kept = _unused_name(root / COPIES / KEPT, mine)
        kept.parent.mkdir(exist_ok=True)
        mine.rename(kept)
    _copy(found[0], mine)
    _write_record(root, _read_record(root) | {mine.name: _digest(found[0])})
    return mine, kept


def released(root: Path = ROOT) -> list[Path]:
    """The lessons as released, in order.

    Raises:
        FileNotFoundError: there are none.
    """
    lessons = sorted((root / "lessons").glob("[0-9][0-9]_*.ipynb"))
    if not lessons:
        raise FileNotFoundError(
            f"no lessons in {root / 'lessons'}; the course runs from a clone of its "
            "repository, with course_utils installed by `pip install --no-deps -e .`"
        )
    return lessons


def _unused_name(folder: Path, path: Path) -> Path:
    """folder/NAME_1.ipynb, or the first number that is free."""
    number = 1
    while (free := folder / f"{path.stem}_{number}{path.suffix}").exists():
        number += 1
    return free


def _copy(source: Path, target: Path) -> None:
    """Copy by rename, so that an interruption leaves no half notebook."""
    target.parent.mkdir(exist_ok=True)
    partial = target.with_suffix(".partial")
    shutil.copyfile(source, partial)
    partial.replace(target)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _read_record(root: Path) -> dict[str, str]:
    """Which release each copy came from; a lost record counts as the present one."""
    try:
        record = json.loads((root / COPIES / RECORD).read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return record if isinstance(record, dict) else {}


def _write_record(root: Path, record: dict[str, str]) -> None:
    text = json.dumps(record, indent=1, sort_keys=True) + "\n"
    (root / COPIES / RECORD).write_text(text, encoding="utf-8")


# --- JupyterLab ---------------------------------------------------------------------


def server_flags(root: Path = ROOT) -> list[str]:
    """JupyterLab's options: this machine only, open on the learner's first lesson."""
    first = quote(f"{COPIES}/{released(root)[0].name}")
    flags = [
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.root_dir={root}",
        f"--LabApp.default_url=/lab/tree/{first}",
        "--ServerApp.log_level=WARN",  # the address to open is shown at any level
        "--LabApp.log_level=WARN",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        flags.append("--allow-root")  # a container: JupyterLab would refuse to start
    return flags


def main(argv: list[str] | None = None, *, root: Path = ROOT) -> int:
    """Update the learner's copy and serve it until JupyterLab is stopped."""
    parser = argparse.ArgumentParser(
        prog="python -m course_utils lab",
        description="Open the lessons in JupyterLab.",
        epilog="Other options go to JupyterLab, such as --no-browser or --port 9999.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--prepare", action="store_true", help=f"only update {COPIES}/, start nothing"
    )
    options, jupyter_flags = parser.parse_known_args(argv)
    try:
        notes = update_copies(root)
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    for note in notes:
        print(note, flush=True)
    if options.prepare:
        return 0
    print("JupyterLab opens in your browser; Control-C twice ends it.", flush=True)
    return _serve([*server_flags(root), *jupyter_flags])


def environment() -> dict[str, str]:
    """Environment variables for JupyterLab and its kernels."""

    def before(name: str, path: Path) -> str:
        return os.pathsep.join(filter(None, [str(path), os.environ.get(name)]))

    return {
        "JUPYTER_CONFIG_PATH": before("JUPYTER_CONFIG_PATH", JUPYTER_DEFAULTS),
        # A "python3" kernel in the user's home would hide the one with the course.
        "JUPYTER_PREFER_ENV_PATH": "1",
        # The installed package points to where this folder was; it may have moved.
        "PYTHONPATH": before("PYTHONPATH", ROOT),
    }


def _serve(flags: list[str]) -> int:
    os.environ |= environment()
    try:
        from jupyterlab.labapp import LabApp
    except ImportError:
        print(
            "JupyterLab is missing: pip install -r requirements.txt", file=sys.stderr
        )
        return 1
    LabApp.launch_instance(argv=flags)
    return 0


def reset_main(argv: list[str] | None = None, *, root: Path = ROOT) -> int:
    """Restore one lesson by its number, and say where the old copy is."""
    parser = argparse.ArgumentParser(
        prog="python -m course_utils reset",
        description="A fresh copy of one lesson; yours is kept beside it.",
    )
    parser.add_argument("lesson", type=int, help="its number, such as 03")
    try:
        fresh, kept = reset(parser.parse_args(argv).lesson, root)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{fresh.relative_to(root)} is as released.")
    if kept:
        print(f"Your earlier copy: {kept.relative_to(root)}")
    return 0
