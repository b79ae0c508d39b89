"""Imports in the package go one way, and only to what a learner has installed."""

import ast
import functools
import re
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "course_utils"

# Who may import whom; a part may always import itself. Nothing imports what stands
# below it here, so there is no circle.
MAY_IMPORT = {
    "checks shown figures": "",
    "__init__ __main__": "",  # the latter finds a command's module when it is called
    "sources losses models layers gaussians": "checks",
    "data": "sources checks",
    "training": "losses checks",
    "games": "data losses training checks",
    "classifier recordings": "data checks",
    "evaluation": "data gaussians classifier checks",
    "clinic": "data recordings checks",
    "runs": "data models training evaluation classifier clinic figures",
    "doctor": "data runs",
    "lab": "doctor",
    "widgets": "data gaussians losses models layers training games evaluation "
    "classifier recordings clinic figures",
    "exercises": "data gaussians losses models layers training evaluation clinic runs",
    "authoring": "exercises",
}
TABLE = {
    part: set(below.split()) | {part}
    for parts, below in MAY_IMPORT.items()
    for part in parts.split()
}
IMPORT_NAMES = {"pillow": "PIL", "ipython": "IPython", "scikit-learn": "sklearn"}


def imported(source: str, place: tuple[str, ...]) -> set[str]:
    """Dotted names that the module at a place imports, relative ones resolved."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = place[: len(place) - node.level] if node.level else ()
            base = ".".join([*above, *filter(None, [node.module])])
            names |= {f"{base}.{alias.name}" for alias in node.names}
    return names


def parts(names: set[str]) -> set[str]:
    """The parts of course_utils among dotted names."""
    split = [name.split(".") for name in names]
    names = {rest[0] for first, *rest in split if first == "course_utils" and rest}
    return names - {"__version__"}


@functools.cache
def every_import() -> set[tuple[str, str]]:
    """Pairs of a part of course_utils and a name that it imports."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        place = path.relative_to(ROOT).with_suffix("").parts
        names = imported(path.read_text(encoding="utf-8"), place)
        found |= {(place[1], name) for name in names | {f"course_utils.{place[1]}"}}
    return found


def import_names(requirements: list[str]) -> set[str]:
    """How the required packages are imported."""
    names = [Requirement(line).name for line in requirements]
    return {IMPORT_NAMES.get(name, re.sub("[-.]", "_", name)) for name in names}


def test_relative_and_absolute_imports_name_the_same_part():
    inside = ("course_utils", "exercises", "engine")
    for source in (
        "from ..losses import f",
        "from .. import losses",
        "from course_utils import losses",
        "from course_utils.losses import f",
        "import course_utils.losses",
        "def f():\n    from course_utils import losses",
    ):
        assert parts(imported(source, inside)) == {"losses"}, source
    assert parts(imported("from . import card", inside)) == {"exercises"}


def test_nothing_imports_what_stands_below_it_in_the_table():
    above = set()
    for parts_of_a_row, below in MAY_IMPORT.items():
        assert set(below.split()) <= above, parts_of_a_row
        above |= set(parts_of_a_row.split())


def test_imports_go_one_way():
    found = {(part, to) for part, name in every_import() for to in parts({name})}
    assert {part for part, _ in found} - set(TABLE) == set(), "a part without a row"
    wrong = {(part, to) for part, to in found if to not in TABLE[part]}
    assert wrong == set(), "who imports whom: see the table"


def test_only_declared_packages_are_imported():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    learner = import_names(project["dependencies"])
    tests = import_names(project["optional-dependencies"]["dev"])
    known = learner | {"course_utils"} | sys.stdlib_module_names
    found = {(part, name.split(".")[0]) for part, name in every_import()}
    foreign = {(part, top) for part, top in found if top not in known}
    assert foreign <= {("authoring", top) for top in tests}
