"""What this machine has for the course, each with a verdict and what to do.

    python -m course_utils doctor

A lesson shows the same rows.
"""

import importlib
import os
import platform
import shutil
import sys
import warnings
from dataclasses import dataclass
from importlib import metadata
from importlib.machinery import PathFinder
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MINE = ROOT / "my_lessons"
OK, WARNING, PROBLEM = "ok", "warning", "problem"
INSTALL = "python -m pip install -r requirements.txt"
INSTALL_COURSE = "python -m pip install --no-deps -e ."
GB = 1e9


@dataclass(frozen=True)
class Check:
    """One row: its name, "ok", "warning" or "problem", what was found, what to do."""

    name: str
    verdict: str
    found: str
    advice: str = ""

    def __str__(self) -> str:
        row = f"{self.name:<9} {self.verdict:<8} {self.found}"
        advised = self.advice and self.verdict != OK
        return f"{row}\n{'':<19}{self.advice}" if advised else row


# Each check returns its verdict, what it found, and what to do.


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
    version = importlib.import_module("torch").__version__
    if tuple(map(int, version.split(".")[:2])) < (2, 6):
        return PROBLEM, version, f"The course needs 2.6 or later: {INSTALL}"
    return OK, version


def _device() -> tuple[str, ...]:
    torch = importlib.import_module("torch")
    from course_utils.runs import devices

    advice = "Every lesson runs on the CPU. For the GPU: pytorch.org/get-started"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a driver that is too old; said below
            device = devices.pick().type
    except ValueError as error:
        return WARNING, str(error), advice
    if device != "cpu":
        return OK, device
    if shutil.which("nvidia-smi"):
        return WARNING, "CPU; there is an NVIDIA driver, not used by torch", advice
    return OK, f"CPU, {torch.get_num_threads()} threads"


def _memory() -> tuple[str, ...]:
    free = importlib.import_module("psutil").virtual_memory().available / GB
    advice = "A lesson takes up to 1.5 GB: close programs and kernels."
    return (WARNING if free < 1.5 else OK), f"{free:.1f} GB free", advice


def _disk() -> tuple[str, ...]:
    free = shutil.disk_usage(ROOT).free / GB
    advice = "Notebooks and checkpoints are saved here: make room."
    verdict = PROBLEM if free < 0.1 else WARNING if free < 1 else OK
    return verdict, f"{free:.{2 if free < 1 else 0}f} GB free", advice


def _data() -> tuple[str, ...]:
    from course_utils import data

    try:
        images, _ = data.load("digits", size=8)
    except data.DataError as error:
        return PROBLEM, str(error), "git checkout data/digits.npz"
    return OK, f"{len(images):,} handwritten digits, checksum right"


def _widgets() -> tuple[str, ...]:
    version = metadata.version("ipywidgets")
    browser_side = "share/jupyter/labextensions/@jupyter-widgets/jupyterlab-manager"
    if int(version.split(".")[0]) < 8 or not (Path(sys.prefix) / browser_side).exists():
        advice = f"Sliders may show as text: {INSTALL}, then reload the page."
        return WARNING, f"ipywidgets {version}, half installed or old", advice
    return OK, f"ipywidgets {version}"


def _settings() -> tuple[str, ...]:
    """What of this user's variables and files may get in the way."""
    from course_utils.runs import distributed

    found = [f"{p} hides a package: rename it" for p in hiding(Path.cwd(), MINE)]
    home = unwritable_home()
    if home:
        found.append(f"{home} cannot be written: let HOME name another folder")
    socks = [name for name in proxies() if os.environ[name].startswith("socks")]
    if socks and PathFinder.find_spec("socks") is None:
        found.append(f"{socks[0]} is a SOCKS proxy: to download data, unset it")
    try:
        distributed.launched()
    except ValueError as error:
        found.append(str(error))
    if found:
        return WARNING, found[0], f"\n{'':<19}".join(found[1:])
    return OK, "nothing in the way"


CHECKS = {
    "Python": lambda: (OK, platform.python_version()),  # pip refuses older ones
    "course": _course,
    "torch": _torch,
    "device": _device,
    "memory": _memory,
    "disk": _disk,
    "data": _data,
    "Jupyter": lambda: (OK, f"JupyterLab {metadata.version('jupyterlab')}"),
    "widgets": _widgets,
    "settings": _settings,
}


def report() -> list[Check]:
    """Every check, always the same names in the same order.

    >>> [check.name for check in report()][:3]
    ['Python', 'course', 'torch']
    """
    rows = []
    for name, check in CHECKS.items():  # one that fails is a row too, not a traceback
        try:
            found = check()
        except ModuleNotFoundError as error:  # PackageNotFoundError is one, too
            found = PROBLEM, f"{error.name} is not installed", INSTALL
        except Exception as error:
            found = PROBLEM, f"{type(error).__name__}: {error}", INSTALL
        rows.append(Check(name, *found))
    return rows


def main(argv: list[str] | None = None) -> int:
    """Print the report and a closing sentence; 1 if there is a problem, else 0."""
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


def hiding(*folders: Path) -> list[Path]:
    """Files beside the lessons that Python would take for a package of that name."""
    elsewhere = [p for p in sys.path if p and Path(p) not in (*folders, ROOT)]
    return [
        path
        for folder in dict.fromkeys(folders)
        for path in sorted(folder.glob("*.py"))
        if path.stem not in sys.stdlib_module_names
        and PathFinder.find_spec(path.stem, elsewhere)
    ]


def unwritable_home() -> str:
    """The home folder if nothing can be written there, else an empty string."""
    home = os.path.expanduser("~")
    return "" if os.path.isdir(home) and os.access(home, os.W_OK) else home


def proxies() -> list[str]:
    """Names of the environment variables that send requests through a proxy."""
    names = ("http_proxy", "https_proxy", "all_proxy")
    return [name for name in os.environ if name.lower() in names]
