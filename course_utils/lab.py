"""The learner's own copy of the lessons, and JupyterLab opened on it.

`lessons/` stays as released. `my_lessons/` is made from it once and belongs to the
learner: nothing here writes over a notebook in it.

    python -m course_utils lab [JupyterLab's own options]
    python -m course_utils reset 03
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

from course_utils import doctor

ROOT = Path(__file__).resolve().parent.parent
JUPYTER_DEFAULTS = Path(__file__).with_name("jupyter")  # no news pop-up
COPIES = "my_lessons"
RELEASED = ".released"  # in my_lessons/: each lesson as it was when it was copied


# --- The copy -----------------------------------------------------------------------


def update_copies(root: Path = ROOT) -> list[str]:
    """Copy each lesson that the learner does not have yet; leave the others alone.

    Returns what the learner should know, a sentence each: lessons that were added, and
    lessons that have a newer release than the learner's copy was made from.
    FileNotFoundError if there are no lessons to copy.
    """
    notes = []
    for lesson in released(root):
        mine, then = root / COPIES / lesson.name, _as_released(lesson, root)
        if not mine.exists():
            _copy(lesson, mine)
            notes.append(f"{COPIES}/{lesson.name} is new.")
        elif then.exists() and _text(then) != _text(lesson):
            notes.append(
                f"{COPIES}/{lesson.name} has a newer release; yours stays as it is. "
                f"For the new one, yours kept beside: make reset LESSON={mine.name[:2]}"
            )
            continue
        _copy(lesson, then)
    return notes


def reset(number: int, root: Path = ROOT) -> tuple[Path, Path | None]:
    """Put the released lesson in place of the learner's copy, which is kept.

    Returns the fresh copy, and where the old one is now (None if there was none).
    ValueError if no lesson has this number, 3 for 03_topic.ipynb.
    """
    lessons = {int(path.name[:2]): path for path in released(root)}
    if number not in lessons:
        raise ValueError(f"there is no lesson {number}; there are {[*lessons]}")
    mine, kept = root / COPIES / lessons[number].name, None
    if mine.exists():
        folder, count = root / COPIES / "kept", 1
        while (kept := folder / f"{mine.stem}_{count}{mine.suffix}").exists():
            count += 1
        folder.mkdir(exist_ok=True)
        mine.rename(kept)
    _copy(lessons[number], mine)
    _copy(lessons[number], _as_released(mine, root))
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


def _as_released(lesson: Path, root: Path) -> Path:
    """Where that copy lies; not named .ipynb, since it is none of the learner's."""
    return root / COPIES / RELEASED / f"{lesson.stem}.json"


def _text(path: Path) -> str:
    """Line ends are read alike: that git changed them is no new release."""
    return path.read_text(encoding="utf-8")


def _copy(lesson: Path, target: Path) -> None:
    """Copy by rename, so that an interruption leaves no half notebook."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    shutil.copyfile(lesson, partial)
    partial.replace(target)


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


# --- JupyterLab ---------------------------------------------------------------------


def main(argv: list[str] | None = None, *, root: Path = ROOT) -> int:
    """Update the learner's copy and serve it until JupyterLab is stopped."""
    parser = argparse.ArgumentParser(
        prog="python -m course_utils lab",
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
    for path in doctor.hiding(root / COPIES):
        notes.append(f"{path} hides the package of this name: rename it.")
    print(*notes, sep="\n", end="\n" if notes else "", flush=True)
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
    # A "python3" kernel in the user's home would hide the one with the course.
    found = {"JUPYTER_PREFER_ENV_PATH": "1"}
    # The installed package points to where this folder was; it may have moved.
    for name, path in (("JUPYTER_CONFIG_PATH", JUPYTER_DEFAULTS), ("PYTHONPATH", ROOT)):
        before = os.environ.get(name)
        found[name] = f"{path}{os.pathsep}{before}" if before else str(path)
    home = doctor.unwritable_home()
    if home:
        found["HOME"] = tempfile.mkdtemp(prefix="course-home-")
        print(f"{home} (see HOME) cannot be written: settings go to {found['HOME']}.")
    return found


def _serve(flags: list[str]) -> int:
    os.environ |= environment()
    # JupyterLab's extension manager, which is off, fails on proxies that its own
    # library does not know, such as socks5://; kernels get the variables back.
    proxies = {name: os.environ.pop(name) for name in doctor.proxies()}
    try:
        from jupyterlab.labapp import LabApp
    except ImportError as error:
        print(f"no JupyterLab ({error}): {doctor.INSTALL}", file=sys.stderr)
        return 1
    finally:
        os.environ |= proxies
    LabApp.launch_instance(argv=flags)
    return 0
