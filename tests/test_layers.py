"""Imports in the package go one way, and only to what a learner has installed."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "course_utils"

# Who may import whom inside course_utils; a part may always import itself.
TOOLS = {
    "data", "gaussians", "layers", "models", "losses", "training", "races",
    "evaluation", "classifier", "checkpoints", "devices", "distributed", "trainer",
    "recordings", "diagnosis",
}  # fmt: skip
LAYERS = {
    "__init__": set(),
    "sources": set(),
    "data": {"sources"},
    "gaussians": set(),
    "layers": set(),
    "models": set(),
    "losses": set(),
    "training": {"losses"},
    "races": {"data", "losses"},
    "checkpoints": set(),
    "devices": set(),
    "distributed": set(),
    "trainer": {
        "checkpoints", "data", "devices", "distributed", "models", "training",
    },  # fmt: skip
    "evaluation": {"gaussians"},
    "classifier": {"data"},
    "recordings": {"data"},
    "diagnosis": {"data", "recordings"},
    "runs": {"checkpoints", "data", "figures", "trainer", "training"},
    "commands": {
        "checkpoints", "data", "devices", "distributed", "models", "report", "runs",
        "trainer",
    },  # fmt: skip
    "report": {
        "checkpoints", "classifier", "data", "diagnosis", "evaluation", "figures",
        "runs", "trainer", "training",
    },  # fmt: skip
    "figures": set(),
    "widgets": TOOLS | {"figures"},
    "exercises": TOOLS,
    "doctor": {"data"},
    "lab": set(),
    "authoring": TOOLS | {"figures", "widgets", "exercises", "lab"},
    "__main__": set(),  # finds a command's module by name when it is called
}
IMPORT_NAMES = {"pillow": "PIL", "ipython": "IPython", "scikit-learn": "sklearn"}
MODULES = sorted(PACKAGE.rglob("*.py"))


def imported(source: str, module: tuple[str, ...]) -> set[str]:
    """Dotted names that a module imports, relative ones resolved.

    Args:
        source: of the module.
        module: its place, such as ("course_utils", "figures", "style").
    """
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = module[: len(module) - node.level] if node.level else ()
            base = ".".join([*above, *filter(None, [node.module])])
            names |= {f"{base}.{alias.name}" for alias in node.names}
    return names


def parts(names: set[str]) -> set[str]:
    """The parts of course_utils among dotted names; "" for the package as a whole."""
    split = [(name + ".").split(".") for name in names]
    return {rest[0] for first, *rest in split if first == "course_utils"}


def place(path: Path) -> tuple[str, ...]:
    return (*path.relative_to(ROOT).parts[:-1], path.stem)


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


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
    assert parts(imported("import course_utils", inside)) == {""}


def test_every_part_of_the_package_has_its_row_in_the_table():
    assert {part_of(path) for path in MODULES} <= set(LAYERS)


def test_the_table_has_no_circle():
    left = {part: set(below) for part, below in LAYERS.items()}
    while free := [part for part, below in left.items() if not below & set(left)]:
        for part in free:
            del left[part]
    assert not left


@pytest.mark.parametrize("path", MODULES, ids=lambda path: "/".join(place(path)[1:]))
def test_imports_go_one_way(path):
    part = part_of(path)
    found = parts(imported(path.read_text(encoding="utf-8"), place(path)))
    assert found <= LAYERS[part] | {part}


def declared(extra: str | None = None) -> set[str]:
    """Import names of the packages that pyproject.toml asks for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = project["dependencies"]
    if extra:
        lines = lines + project["optional-dependencies"][extra]
    names = [Requirement(line).name for line in lines]
    return {IMPORT_NAMES.get(name, re.sub("[-.]", "_", name)) for name in names}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: "/".join(place(path)[1:]))
def test_only_declared_packages_are_imported(path):
    names = imported(path.read_text(encoding="utf-8"), place(path))
    tops = {name.split(".")[0] for name in names} - sys.stdlib_module_names
    extra = "dev" if part_of(path) == "authoring" else None
    assert tops <= declared(extra) | {"course_utils"}
