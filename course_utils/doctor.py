"""What this machine has for the course, each with a verdict and what to do.

    python -m course_utils doctor

The exit status is 1 if there is a problem, else 0. A lesson shows the same rows.
"""

from __future__ import annotations

import importlib
import shutil
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OK, WARNING, PROBLEM = "ok", "warning", "problem"
INSTALL = "python -m pip install -r requirements.txt"
INSTALL_COURSE = "python -m pip install --no-deps -e ."
GB = 1e9
LESSON_MEMORY = 1.5  # GB, the most that a lesson's kernel may take


@dataclass(frozen=True)
class Check:
    """One row: its name, "ok", "warning" or "problem", what was found, what to do."""

    name: str
    verdict: str
    found: str
    advice: str = ""

    def __str__(self) -> str:
        row = f"{self.name:<9} {self.verdict:<8} {self.found}"
        return f"{row}\n{'':<19}{self.advice}" if self.advice else row


def report() -> list[Check]:
    """Every check, always the same names in the same order.

    >>> [check.name for check in report()][:3]
    ['Python', 'course', 'torch']
    """
    return [_run(name, check) for name, check in CHECKS.items()]


def main(argv: list[str] | None = None) -> int:
    """Print the report and a closing sentence."""
    if argv:
        print("python -m course_utils doctor takes no options", file=sys.stderr)
        return 2
    checks = report()
    print(*checks, sep="\n")
    verdicts = [check.verdict for check in checks]
    if PROBLEM in verdicts:
        print("\nMend what is marked as a problem, then run this again.")
    elif WARNING in verdicts:
        print("\nThe lessons run; a warning says what may be slow or in the way.")
    else:
        print("\nEverything is in place.")
    return int(PROBLEM in verdicts)


def _run(name: str, check: Callable[[], tuple[str, ...]]) -> Check:
    """A check that fails in a way nobody foresaw is a row too, not a traceback."""
    try:
        return Check(name, *check())
    except Exception as error:
        return Check(name, PROBLEM, f"{type(error).__name__}: {error}", INSTALL)


# --- The checks: each returns its verdict, what it found, and what to do -------------


def _python() -> tuple[str, ...]:
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < (3, 11):  # noqa: UP036, pip would have refused
        return PROBLEM, found, "The course needs Python 3.11 or later."
    return OK, found


def _course() -> tuple[str, ...]:
    """Notebooks run in my_lessons/, where only an installed package is found."""
    try:
        version = metadata.version("course_utils")
    except metadata.PackageNotFoundError:
        return PROBLEM, "not installed", INSTALL_COURSE
    if not list((ROOT / "lessons").glob("*.ipynb")):
        advice = f"In a clone of the course: {INSTALL_COURSE}"
        return PROBLEM, f"{version}, without its lessons", advice
    return OK, version


def _torch() -> tuple[str, ...]:
    torch = _module("torch")
    if torch is None:
        return PROBLEM, "not installed", INSTALL
    if _numbers(torch.__version__) < (2, 6):
        return PROBLEM, torch.__version__, f"The course needs 2.6 or later: {INSTALL}"
    return OK, torch.__version__


def _device() -> tuple[str, ...]:
    torch = _module("torch")
    if torch is None:
        return PROBLEM, "unknown without torch", INSTALL
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a driver that is too old; said below
        name = "cpu"
        if torch.cuda.is_available():
            name = "cuda"
        elif torch.backends.mps.is_available():
            name = "mps"
    if name == "cpu" and shutil.which("nvidia-smi"):
        advice = "Every lesson runs on the CPU. For the GPU: pytorch.org/get-started"
        return WARNING, "CPU; there is an NVIDIA driver, not used by torch", advice
    if name == "cpu":
        return OK, f"CPU, {torch.get_num_threads()} threads"
    try:
        torch.ones(2, device=name).sum().item()
    except RuntimeError as error:
        first = str(error).splitlines()[0]
        return WARNING, f"{name} fails: {first}", "Every lesson runs on the CPU too."
    return OK, torch.cuda.get_device_name() if name == "cuda" else "Apple GPU (mps)"


def _memory() -> tuple[str, ...]:
    psutil = _module("psutil")
    if psutil is None:
        return WARNING, "unknown without psutil", INSTALL
    free = min(psutil.virtual_memory().available, _container_limit()) / GB
    if free < LESSON_MEMORY:
        advice = f"A lesson takes up to {LESSON_MEMORY} GB: close programs and kernels."
        return WARNING, f"{free:.1f} GB free", advice
    return OK, f"{free:.1f} GB free"


def _disk() -> tuple[str, ...]:
    free = shutil.disk_usage(ROOT).free / GB
    if free < 0.1:
        return PROBLEM, f"{free:.2f} GB free", "Notebooks cannot be saved: make room."
    if free < 1:
        return WARNING, f"{free:.2f} GB free", "Checkpoints of lesson 7 need room."
    return OK, f"{free:.0f} GB free"


def _data() -> tuple[str, ...]:
    if _module("torch") is None:
        return PROBLEM, "unknown without torch", INSTALL
    from course_utils import data

    try:
        images, _ = data.load("digits", size=8)
    except data.DataError as error:
        return PROBLEM, str(error), "git checkout data/digits.npz"
    return OK, f"{len(images):,} handwritten digits, checksum right"


def _jupyter() -> tuple[str, ...]:
    try:
        metadata.version("ipykernel")
        version = metadata.version("jupyterlab")
    except metadata.PackageNotFoundError as error:
        return PROBLEM, f"{error.name} is not installed", INSTALL
    if _numbers(version) < (4,):
        return WARNING, f"JupyterLab {version}", f"4 or later is tried: {INSTALL}"
    return OK, f"JupyterLab {version}"


def _widgets() -> tuple[str, ...]:
    try:
        version = metadata.version("ipywidgets")
    except metadata.PackageNotFoundError:
        return PROBLEM, "ipywidgets is not installed", INSTALL
    browser_side = "share/jupyter/labextensions/@jupyter-widgets/jupyterlab-manager"
    if _numbers(version) < (8,) or not (Path(sys.prefix) / browser_side).exists():
        advice = f"Sliders may show as text: {INSTALL}, then reload the page."
        return WARNING, f"ipywidgets {version}, half installed or old", advice
    return OK, f"ipywidgets {version}"


CHECKS = {
    "Python": _python,
    "course": _course,
    "torch": _torch,
    "device": _device,
    "memory": _memory,
    "disk": _disk,
    "data": _data,
    "Jupyter": _jupyter,
    "widgets": _widgets,
}


# --- Helpers ------------------------------------------------------------------------


def _module(name: str):
    """The module, or None where it is not installed; a broken one raises."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return None


def _numbers(version: str) -> tuple[int, ...]:
    """(2, 13) of "2.13.0+cpu"."""
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())


def _container_limit() -> float:
    """Bytes a container may take in all; infinite outside one."""
    try:
        return int(Path("/sys/fs/cgroup/memory.max").read_text())
    except (OSError, ValueError):  # no such file, or "max"
        return float("inf")
