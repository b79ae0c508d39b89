"""Running notebooks: what is stored, what repeats, what is found where it does not."""

import os
import re
import subprocess
import sys

import pytest
import tiny
from lessons_unsolved import run_unsolved
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat.v4 import new_notebook, new_output

from course_utils.authoring import execute, notebooks, release


def write(folder, notebook, name="00_tiny.ipynb"):
    notebooks.write(folder / name, notebooks.text(notebooks.tidy(notebook)))
    return folder / name


def let_a_start_fail(place, patch):
    """The next kernel dies as it starts, as where a port was taken meanwhile."""
    (place / "die").touch()
    (place / "sitecustomize.py").write_text(
        "import os, pathlib, sys\n"
        f"file = pathlib.Path({str(place / 'die')!r})\n"
        "if 'ipykernel_launcher' in sys.orig_argv and file.exists():\n"
        "    file.unlink()\n"
        "    os._exit(1)\n"
    )
    patch.setenv("PYTHONPATH", str(place), prepend=os.pathsep)


# ---------------------------------------------------------------- execute


def test_execute_stores_outputs_counts_and_ids_but_no_times(tmp_path, capsys):
    notebook = tiny.quick()
    path = write(tmp_path, notebook)
    assert execute.main([str(path)]) == 0
    stored = notebooks.read(path)
    assert [c.execution_count for c in notebooks.code_cells(stored)] == [1, 2, 3, 4]
    assert [c.id for c in stored.cells] == [c.id for c in notebook.cells]
    assert tiny.cell(stored, "half").outputs == [tiny.printed("0.5\n")]
    assert all("execution" not in c.metadata for c in stored.cells)
    assert stored.metadata.language_info == {"name": "python"}

    assert execute.main(["--tidy", str(path)]) == 0
    assert capsys.readouterr().out.endswith("stored\n00_tiny.ipynb: as before\n")


def test_execute_leaves_a_notebook_that_fails_as_it_was(tmp_path, capsys):
    path = write(tmp_path, new_notebook(cells=[tiny.code("half", "print(1 / 0)")]))
    first = path.read_bytes()
    assert execute.main([str(path)]) == 1
    said = capsys.readouterr().err
    assert "00_tiny.ipynb: left as it was" in said
    assert "print(1 / 0)" in said and "division by zero" in said
    assert path.read_bytes() == first


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("import time\ntime.sleep(60)", CellTimeoutError),
        ("import os\nos._exit(1)", DeadKernelError),
    ],
)
def test_a_run_that_hangs_or_dies_is_ended(tmp_path, source, error):
    notebook = new_notebook(cells=[tiny.code("bad", source)])
    with pytest.raises(error):
        execute.run(notebook, folder=tmp_path, seconds=1)


def test_a_kernel_that_does_not_start_is_started_again(tmp_path, monkeypatch):
    notebook = new_notebook(cells=[tiny.code("one", "1")])
    let_a_start_fail(tmp_path, monkeypatch)
    execute.run(notebook, folder=tmp_path)
    assert notebook.cells[0].execution_count == 1
    assert not (tmp_path / "die").exists()


# ---------------------------------------------------------------- lessons, unsolved


def test_an_unsolved_lesson_is_open_and_a_warning_is_seen(tmp_path):
    lesson = release.release(tiny.quick(), name="00_tiny.ipynb")
    tiny.cell(lesson, "half").source = "import warnings\nwarnings.warn('loud')"
    states, stderr = run_unsolved(lesson, tmp_path)
    assert states == {"to_unit_range": ["open"]}
    assert len(stderr) == 1 and "loud" in stderr[0]


def test_a_solved_exercise_and_a_failing_cell_are_seen(tmp_path):
    solution = tiny.quick()
    tiny.cell(solution, "table").source = "1 / 0"
    with pytest.raises(CellExecutionError, match="division by zero"):
        run_unsolved(solution, tmp_path)
    record = notebooks.records([tiny.cell(solution, "unit-range")])[0]
    assert record["state"] == "passed"


# ---------------------------------------------------------------- solutions, by nbval

CASES = {  # what a cell shows now, what it stored, whether nbval passes it
    "same": ("print(1 / 2)", tiny.printed("0.5\n"), True),
    "different": ("print(1 / 2)", tiny.printed("0.25\n"), False),
    "near": ("print('d ≈ 0.1')", tiny.printed("d ≈ 0.09\n"), True),
    "far": ("print('d ≈ 0.2')", tiny.printed("d ≈ 0.09\n"), False),
    "word": ("print('e ≈ 0.1')", tiny.printed("d ≈ 0.09\n"), False),
    "no-sign": ("print('d = 0.1')", tiny.printed("d = 0.09\n"), False),
    "margin": ("print('≈ 2 ± 1')", tiny.printed("≈ 1 ± 1\n"), True),
    "html": (
        "display({'text/html': '<b>≈ 0.1</b>'}, raw=True)",
        new_output("display_data", data={"text/html": "<b>≈ 0.11</b>"}),
        True,
    ),
    "value": ("'≈ 0.1'", tiny.result("'≈ 0.11'"), True),
    "version": ("print('torch 2.6.0')", tiny.printed("torch 2.13.0+cpu\n"), True),
    "loss": ("print('loss 1.2.3')", tiny.printed("loss 1.2.4\n"), False),
    "fails": ("1 / 0", tiny.result("1"), False),
}  # fmt: skip


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    """nbval's word on each case; the notebook's kernel starts at the second attempt."""
    folder = tmp_path_factory.mktemp("solutions")
    cells = [tiny.code(n, code, outputs=[out]) for n, (code, out, _) in CASES.items()]
    for cell in cells:
        cell.execution_count = 1
    path = write(folder, new_notebook(cells=cells))
    with pytest.MonkeyPatch.context() as patch:
        let_a_start_fail(folder, patch)
        done = subprocess.run(
            [
                sys.executable, "-m", "pytest", "--nbval", "-v", "--color=no",
                "-p", "conftest", "-p", "no:cacheprovider",
                "-c", str(notebooks.ROOT / "pyproject.toml"), str(path),
            ],
            cwd=notebooks.ROOT, capture_output=True, text=True, encoding="utf-8",
        )  # fmt: skip
    found = re.findall(r"::Cell (\d+) (PASSED|FAILED)", done.stdout)
    return {list(CASES)[int(i)]: said == "PASSED" for i, said in found}, done.stdout


def test_nbval_compares_to_the_letter_but_for_numbers_that_vary(outcome):
    assert outcome[0] == {name: passes for name, (_, _, passes) in CASES.items()}


def test_nbval_shows_what_differs(outcome):
    assert "'d ≈ 0.09\\n' == 'd ≈ 0.2\\n'" in outcome[1]
    assert "division by zero" in outcome[1]
