"""The ways to install say the same thing, and a learner gets no more than needed."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
EXTRAS = PROJECT["optional-dependencies"]
PYTHONS = ["3.11", "3.12", "3.13"]


def requirements(name):
    """The lines of a requirements file that name a package, by its canonical name."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    found = [Requirement(line) for line in lines if line and line[0] not in "#-"]
    return {canonicalize_name(line.name): line for line in found}


LEARNER = requirements("requirements.txt")
DEV = LEARNER | requirements("requirements-dev.txt")


def version(pins, name):
    return str(pins[name].specifier).removeprefix("==")


def below(names):
    """The installed packages that these need on this machine, themselves included."""
    found, left = set(), {canonicalize_name(name) for name in names}
    while left:
        name = left.pop()
        found.add(name)
        if name in ("torch", "setuptools"):
            left |= {"setuptools"} - found  # torch pins its own CUDA packages
            continue
        for line in map(Requirement, metadata.requires(name) or []):
            if line.marker is None or line.marker.evaluate({"extra": ""}):
                left |= {canonicalize_name(line.name)} - found
    return found


def test_every_package_is_pinned_to_one_version():
    for name, line in DEV.items():
        assert re.fullmatch(r"==[\w.]+", str(line.specifier)), name


@pytest.mark.parametrize(
    ("ranges", "pins"),
    [(PROJECT["dependencies"], LEARNER), (EXTRAS["dev"], DEV)],
    ids=["learner", "dev"],
)
def test_every_range_contains_its_pin_and_all_that_is_needed_has_one(ranges, pins):
    for line in map(Requirement, ranges):
        name = canonicalize_name(line.name)
        assert name in pins, f"{name} is not pinned"
        assert line.specifier, f"{name} has no lowest version"
        assert version(pins, name) in line.specifier, name
    needed = below(Requirement(line).name for line in ranges)
    assert needed - set(pins) == set()


def test_learners_get_no_tools_for_tests_or_grading():
    tools = {"pytest", "nbval", "ruff", "playwright", "nbgrader", "scikit-learn"}
    assert tools & set(LEARNER) == set()
    assert "nbgrader" not in DEV
    assert [Requirement(line).name for line in EXTRAS["instructor"]] == ["nbgrader"]


def test_jupyterlab_gets_widgets_and_no_other_extension():
    folder = re.compile(r"share/jupyter/labextensions/((?:@[^/]+/)?[^/]+)/")
    found = set()
    for name in DEV:
        try:
            files = metadata.files(name) or []
        except metadata.PackageNotFoundError:
            continue  # pinned for another system
        found |= {m[1] for file in files if (m := folder.search(file.as_posix()))}
    assert found == {"@jupyter-widgets/jupyterlab-manager", "jupyterlab_pygments"}


def test_conda_takes_the_same_pins_and_the_same_pythons():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, pip, packages = environment["dependencies"]
    assert pip == "pip"
    assert packages == {"pip": ["-r requirements.txt", "-e ."]}
    bounds = SpecifierSet(python.removeprefix("python"))
    assert [p for p in ("3.10", *PYTHONS, "3.14") if p in bounds] == PYTHONS
    wanted = SpecifierSet(PROJECT["requires-python"])
    assert "3.10" not in wanted and all(p in wanted for p in PYTHONS)


def test_the_workflow_and_the_makefile_know_the_same_pythons():
    text = (ROOT / ".github" / "workflows" / "test.yml").read_text()
    job = yaml.safe_load(text)["jobs"]["test"]
    assert job["strategy"]["matrix"]["python"] == PYTHONS
    assert any(".ci/run" in step.get("run", "") for step in job["steps"])
    makefile = (ROOT / "Makefile").read_text()
    tried = re.search(r"for name in (.*); do", makefile)[1]
    assert re.findall(r"python(3\.\d+)\b", tried) == PYTHONS[::-1]


def test_binder_installs_the_same_pins():
    lines = (ROOT / ".binder" / "requirements.txt").read_text().splitlines()
    options = [line for line in lines if not line.startswith("#")]
    assert options[0] == "--extra-index-url https://download.pytorch.org/whl/cpu"
    assert options[1:] == ["-r ../requirements.txt"]
    assert (ROOT / ".binder" / "runtime.txt").read_text().strip()[-4:] in PYTHONS


def test_the_repository_has_one_address_and_none_is_invented():
    address = PYPROJECT["tool"]["course"]["repository"]
    colab = json.loads((ROOT / ".colab" / "start.ipynb").read_text())
    first = colab["cells"][1]["source"][0]
    assert first.startswith(f'ADDRESS = "{address}"')
    hosts = re.compile(r"https?://[\w.]*(?:github|gitlab|mybinder|colab)\S*")
    for name in ("README.md", "CONTRIBUTING.md", "CITATION.cff"):
        text = (ROOT / name).read_text() if (ROOT / name).exists() else ""
        for link in hosts.findall(text):
            owner_and_name = "/".join(address.split("/")[-2:])
            assert address and owner_and_name in link, f"{name}: {link}"


needs_make = pytest.mark.skipif(
    os.name == "nt" or not shutil.which("make"), reason="make is missing"
)


def make(*arguments):
    env = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    return subprocess.run(
        ["make", *arguments], cwd=ROOT, env=env, capture_output=True, text=True
    )


@needs_make
def test_make_alone_lists_every_target():
    listed = re.findall(r"^make (\w+)", make().stdout, re.MULTILINE)
    targets = "lab reset test style unit verify attack solutions lessons bench clean"
    assert listed == targets.split()


@needs_make
def test_an_old_python_gets_a_sentence_that_says_what_to_do(tmp_path):
    old = tmp_path / "python3"
    patch = "import sys; sys.version_info = (3, 9, 18)"
    old.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{patch}; $2"\n')
    old.chmod(0o755)
    run = make("lab", f"PYTHON={old}", f"VENV={tmp_path / 'venv'}")
    assert run.returncode != 0
    assert f"needs Python 3.11 or later; found: {old}" in run.stdout
    assert not (tmp_path / "venv").exists()


@pytest.mark.skipif(os.name == "nt", reason="no executable bit there")
@pytest.mark.parametrize("script", [".ci/run", ".binder/postBuild"])
def test_scripts_can_be_run_and_are_proper_shell_with_unix_line_ends(script):
    assert os.access(ROOT / script, os.X_OK)
    assert "* text=auto eol=lf" in (ROOT / ".gitattributes").read_text().splitlines()
    run = subprocess.run(["bash", "-n", script], cwd=ROOT, capture_output=True)
    assert (run.returncode, run.stderr) == (0, b"")
