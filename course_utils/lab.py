"""The learner's own copy of the lessons, and JupyterLab opened on it.

`lessons/` stays as released. `my_lessons/` is made from it once and belongs to the
learner: nothing here writes over a notebook in it.

    python -m course_utils lab [JupyterLab's own options]
    python -m course_utils reset 03
"""

import argparse
import hashlib
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

from course_utils import doctor

ROOT = Path(__file__).resolve().parent.parent
JUPYTER_DEFAULTS = Path(__file__).with_name("jupyter")  # no news pop-up
COPIES, KEPT = "my_lessons", "kept"
RECORD = ".made_from.json"  # in my_lessons/: which release each copy was made from


# --- The copy -----------------------------------------------------------------------


def update_copies(root: Path = ROOT) -> list[str]:
    """Copy each lesson that the learner does not have yet; leave the others alone.

    Returns what the learner should know, a sentence each: lessons that were added, and
    lessons that have a newer release than the learner's copy was made from.
    FileNotFoundError if there are no lessons to copy.
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

    Returns the fresh copy, and where the old one is now (None if there was none).
    ValueError if no lesson has this number, 3 for 03_topic.ipynb.
    """
    lessons = released(root)
    found = [path for path in lessons if path.name.startswith(f"{number:02d}_")]
    if not found:
        numbers = ", ".join(path.name[:2] for path in lessons)
        raise ValueError(f"there is no lesson {number:02d}; there are {numbers}")
    mine, kept = root / COPIES / found[0].name, None
    if mine.exists():
        folder, count = root / COPIES / KEPT, 1
        while (kept := folder / f"{mine.stem}_{count}{mine.suffix}").exists():
            count += 1
        folder.mkdir(exist_ok=True)
        mine.rename(kept)
    _copy(found[0], mine)
    _write_record(root, _read_record(root) | {mine.name: _digest(found[0])})
    return mine, kept


def released(root: Path = ROOT) -> list[Path]:
    """The lessons as released, in order; FileNotFoundError if there are none."""
    lessons = sorted((root / "lessons").glob("[0-9][0-9]_*.ipynb"))
    if not lessons:
        raise FileNotFoundError(
            f"no lessons in {root / 'lessons'}; the course runs from a clone of its "
            f"repository, with course_utils installed by `{doctor.INSTALL_COURSE}`"
        )
    return lessons


def _copy(source: Path, target: Path) -> None:
    """Copy by rename, so that an interruption leaves no half notebook."""
    target.parent.mkdir(exist_ok=True)
    partial = target.with_suffix(".partial")
    shutil.copyfile(source, partial)
    partial.replace(target)


def _digest(path: Path) -> str:
    """Of the text: git may have changed the line ends, which is no new release."""
    return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()


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
        return _complain(error)
    print(f"{fresh.relative_to(root)} is as released.")
    if kept:
        print(f"Your earlier copy: {kept.relative_to(root)}")
    return 0


def _complain(error: Exception) -> int:
    if getattr(error, "strerror", None):
        error = f"{error.filename} cannot be read or written ({error.strerror})"
    print(error, file=sys.stderr)
    return 1


# --- JupyterLab ---------------------------------------------------------------------


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
        return _complain(error)
    hiding = [
        f"{path} hides the package that a lesson means by this name: rename it."
        for path in doctor.hiding(root / COPIES)
    ]
    for note in notes + hiding:
        print(note, flush=True)
    if options.prepare:
        return 0
    print("JupyterLab opens in your browser; Control-C twice ends it.", flush=True)
    return _serve([*server_flags(root), *jupyter_flags])


def server_flags(root: Path = ROOT) -> list[str]:
    """JupyterLab's options: this machine only, open on the learner's first lesson."""
    first = quote(f"{COPIES}/{released(root)[0].name}")
    flags = [
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.root_dir={root}",
        f"--LabApp.default_url=/lab/tree/{first}",
        "--LabApp.extension_manager=readonly",  # the other one asks an index at start
        "--ServerApp.log_level=WARN",  # the address to open is shown at any level
        "--LabApp.log_level=WARN",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        flags.append("--allow-root")  # a container: JupyterLab would refuse to start
    return flags


def environment() -> dict[str, str]:
    """Environment variables for JupyterLab and its kernels."""

    def before(name: str, path: Path) -> str:
        return os.pathsep.join(filter(None, [str(path), os.environ.get(name)]))

    found = {
        "JUPYTER_CONFIG_PATH": before("JUPYTER_CONFIG_PATH", JUPYTER_DEFAULTS),
        # A "python3" kernel in the user's home would hide the one with the course.
        "JUPYTER_PREFER_ENV_PATH": "1",
        # The installed package points to where this folder was; it may have moved.
        "PYTHONPATH": before("PYTHONPATH", ROOT),
    }
    home = doctor.unwritable_home()
    if home:
        found["HOME"] = tempfile.mkdtemp(prefix="course-home-")
        print(
            f"Your home folder, {home}, cannot be written (see the variable HOME): "
            f"JupyterLab keeps its settings in {found['HOME']} this time.",
            file=sys.stderr,
        )
    return found


def _serve(flags: list[str]) -> int:
    os.environ |= environment()
    # JupyterLab's extension manager, which is off, fails on proxies that its own
    # library does not know, such as socks5://; kernels get the variables back.
    proxies = {name: os.environ.pop(name) for name in doctor.proxies()}
    try:
        from jupyterlab.labapp import LabApp
    except ImportError as error:
        missing = error.name or "a library"
        print(
            f"JupyterLab cannot be loaded: {missing} is missing or broken ({error}). "
            f"If it is not installed: {doctor.INSTALL}",
            file=sys.stderr,
        )
        return 1
    finally:
        os.environ |= proxies
    LabApp.launch_instance(argv=flags)
    return 0
