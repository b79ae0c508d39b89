"""Verification finds what a notebook hides; each test hides one thing."""

import os
import re

import pytest
import tiny

from course_utils.authoring import execute, notebooks, release, verify


def write(folder, notebook, name="00_tiny.ipynb"):
    notebooks.write(folder / name, notebooks.text(notebook))
    return folder / name


def unsolved(**sources):
    """The lesson without its answer; `sources` replaces the code of cells."""
    notebook = release.release(tiny.quick(), name="00_tiny.ipynb")
    for name, source in sources.items():
        tiny.cell(notebook, name.replace("_", "-")).source = source
    return notebook


# ---------------------------------------------------------------- running


def test_execute_stores_outputs_counts_and_ids_but_no_times(tmp_path):
    notebook = tiny.quick()
    path = write(tmp_path, notebook)
    assert execute.main([str(path)]) == 0
    stored = notebooks.read(path)
    assert [c.execution_count for c in notebooks.code_cells(stored)] == [1, 2, 3, 4]
    assert [c.id for c in stored.cells] == [c.id for c in notebook.cells]
    assert tiny.cell(stored, "half").outputs == [tiny.printed("0.5\n")]
    assert all("execution" not in c.metadata for c in stored.cells)
    assert stored.metadata.language_info == {"name": "python"}
    count, unlike = verify.states(stored, wanted="passed")
    assert count == {"passed": 1} and unlike == []

    first = path.read_bytes()
    assert execute.main([str(path)]) == 0
    assert path.read_bytes() == first


def test_execute_leaves_a_notebook_that_fails_as_it_was(tmp_path, capsys):
    notebook = tiny.quick()
    tiny.cell(notebook, "half").source = "print(1 / 0)"
    path = write(tmp_path, notebook)
    first = path.read_bytes()
    assert execute.main([str(path)]) == 1
    said = capsys.readouterr().err
    assert "cell 'half': ZeroDivisionError: division by zero" in said
    assert path.read_bytes() == first


def test_a_run_reports_time_memory_and_a_cell_that_takes_too_long(tmp_path):
    notebook = unsolved(setup="x = bytearray(200_000_000)")
    notebook.cells = notebook.cells[:2]
    ran = execute.run(notebook, folder=tmp_path)
    assert ran.stopped == "" and 200 < ran.peak_mb < 600 and ran.seconds > 0

    notebook.cells[1].source = "import time\ntime.sleep(60)"
    ran = execute.run(notebook, folder=tmp_path, seconds=1)
    assert ran.stopped == "cell 'setup': ran for more than 1 seconds"


def test_a_dead_kernel_is_a_sentence(tmp_path):
    notebook = unsolved(setup="import os\nos._exit(1)")
    ran = execute.run(notebook, folder=tmp_path)
    assert ran.stopped == "cell 'setup': the kernel died (out of memory?)"


def let_starts_fail(times, place, patch):
    """The next kernels die as they start, as where a port was taken meanwhile."""
    place = place / "starts"
    place.mkdir(exist_ok=True)
    for i in range(times):
        (place / f"die{i}").touch()
    (place / "sitecustomize.py").write_text(
        "import os, pathlib, sys\n"
        "if 'ipykernel_launcher' in sys.orig_argv:\n"
        f"    for file in pathlib.Path({str(place)!r}).glob('die*'):\n"
        "        file.unlink()\n"
        "        os._exit(1)\n"
    )
    patch.setenv("PYTHONPATH", str(place), prepend=os.pathsep)


def test_a_kernel_that_does_not_start_is_started_again(tmp_path, monkeypatch):
    let_starts_fail(execute.STARTS - 1, tmp_path, monkeypatch)
    ran = execute.run(unsolved(), folder=tmp_path)
    assert ran.stopped == ""
    let_starts_fail(execute.STARTS, tmp_path, monkeypatch)
    ran = execute.run(unsolved(), folder=tmp_path)
    assert ran.stopped.startswith("the kernel did not start: Kernel died")


# ---------------------------------------------------------------- lessons


def test_a_good_lesson_stays_open_says_nothing_else_and_leaves_nothing(tmp_path):
    path = write(tmp_path, unsolved(half="open('left.txt', 'w').close()"))
    first = path.read_bytes()
    verdict = verify.verify_lesson(path)
    assert verdict.problems == []
    assert verdict.exercises == {"open": 1}
    assert "ok" in str(verdict) and "1 open" in str(verdict)
    assert path.read_bytes() == first and list(tmp_path.iterdir()) == [path]


def test_the_courses_own_engine_leaves_the_exercise_open(tmp_path):
    lesson = release.release(tiny.runnable(), name="00_tiny.ipynb")
    verdict = verify.verify_lesson(write(tmp_path, lesson))
    assert verdict.problems == [] and verdict.exercises == {"open": 1}


def test_everything_that_is_wrong_with_a_lesson_is_named(tmp_path):
    notebook = unsolved(
        half="import warnings\nwarnings.warn('a warning')",
        table="1 / 0",
    )
    verdict = verify.verify_lesson(write(tmp_path, notebook))
    text = "\n".join(verdict.problems)
    assert "cell 'half': on stderr" in text and "a warning" in text
    assert "cell 'table': ZeroDivisionError" in text
    assert "FAILED" in str(verdict)


def test_a_solved_exercise_in_a_lesson_is_a_problem(tmp_path):
    solution = tiny.quick()
    verdict = verify.verify_lesson(write(tmp_path, solution))
    assert verdict.problems == [
        "cell 'unit-range': exercise to_unit_range is passed, not open"
    ]


def test_an_exercise_without_a_record_is_a_problem():
    count, unlike = verify.states(unsolved(), wanted="open")
    assert count == {"no record": 1}
    assert unlike == [
        "cell 'unit-range': exercise to_unit_range is no record, not open"
    ]


def test_an_announced_error_is_no_noise():
    notebook = tiny.lesson()
    cell = tiny.cell(notebook, "half")
    cell.outputs = [tiny.error("ValueError", "no")]
    assert verify.noise(notebook) == ["cell 'half': ValueError: no"]
    cell.metadata["tags"] = ["raises-exception"]
    assert verify.noise(notebook) == []


@pytest.mark.parametrize(
    ("name", "seconds", "outcome"),
    [
        ("02_game", 59, "fine"),
        ("02_game", 61, "noted"),
        ("02_game", 181, "failed"),
        ("07_train", 149, "fine"),
        ("07_train", 440, "noted"),
        ("08_read", 451, "failed"),
    ],
)
def test_slow_is_noted_and_far_too_slow_fails(name, seconds, outcome):
    verdict = verify.Verdict(name, seconds=seconds)
    verify._measure(verdict)
    found = "failed" if verdict.problems else "noted" if verdict.notes else "fine"
    assert found == outcome


def test_too_much_memory_fails():
    verdict = verify.Verdict("02_game", peak_mb=1537)
    verify._measure(verdict)
    assert "needs 1537 MB of memory" in verdict.problems[0]


# ---------------------------------------------------------------- solutions, strict


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    """Verdicts on a good solution and on one with three faults, side by side.

    The first kernel does not start: whichever it is, its notebook is run again.
    """
    folder = tmp_path_factory.mktemp("solutions")
    path = write(folder, tiny.quick())
    execute.main([str(path)])
    bad = notebooks.read(path)
    tiny.cell(bad, "half").outputs = [tiny.printed("0.25\n")]
    tiny.cell(bad, "table").source = "1 / 0"
    tiny.cell(bad, "unit-range").outputs = [tiny.record("not yet")]
    other = write(folder, bad, "01_bad.ipynb")
    with pytest.MonkeyPatch.context() as patch:
        let_starts_fail(1, tmp_path_factory.mktemp("kernels"), patch)
        return verify.verify_solutions([path, other])


def test_a_solution_that_repeats_is_fine(strict):
    assert strict[0].problems == []
    assert strict[0].exercises == {"passed": 1}
    assert strict[0].seconds > 0


def test_a_solution_that_does_not_repeat_names_its_cells(strict):
    text = "\n".join(strict[1].problems)
    assert "cell 'half': Cell outputs differ" in text
    assert "  '0.25\\n' == '0.5\\n'" in text
    assert (
        "cell 'table': Cell execution caused an exception: "
        "ZeroDivisionError: division by zero"
    ) in text
    assert "exercise to_unit_range is not yet, not passed" in text


def test_nbval_runs_a_notebook_again_whose_kernel_did_not_start(strict):
    (note,) = [note for verdict in strict for note in verdict.notes]
    assert note.startswith("not at the first start: RuntimeError: Kernel died")


def test_a_solution_whose_kernel_never_starts_says_so(tmp_path, monkeypatch):
    path = write(tmp_path, tiny.quick())
    monkeypatch.setattr(execute, "STARTS", 1)
    let_starts_fail(1, tmp_path, monkeypatch)
    (verdict,) = verify.verify_solutions([path])
    assert len(verdict.problems) == 1
    assert "the kernel did not start: RuntimeError: Kernel" in verdict.problems[0]


def test_what_may_differ_is_compared_as_equal():
    from nbval.plugin import get_sanitize_patterns

    text = verify.SANITIZE.read_text(encoding="utf-8")
    ((pattern, instead),) = get_sanitize_patterns(text)
    assert re.sub(pattern, instead, "Python 3.11.7, torch 2.13.0+cpu") == (
        "Python VERSION, torch VERSION"
    )
    assert re.sub(pattern, instead, "loss 1.386") == "loss 1.386"


# ---------------------------------------------------------------- the command


def test_verify_counts_and_ends_with_a_clear_list(tmp_path, capsys):
    write(tmp_path / "lessons", unsolved())
    write(tmp_path / "lessons", unsolved(half="1 / 0"), "01_bad.ipynb")
    root = ["--root", str(tmp_path), "--lessons"]
    assert verify.main(root) == 1
    said = capsys.readouterr().out
    assert said.count("ZeroDivisionError") == 1
    assert "ok     00_tiny" in said and "FAILED 01_bad" in said
    assert "1 of 2 runs have problems:" in said
    assert "01_bad, cell 'half': ZeroDivisionError: division by zero" in said


def test_a_failure_that_takes_others_with_it_is_printed_short(capsys):
    problems = [f"cell {i}: failed" for i in range(40)]
    assert verify._conclude([verify.Verdict("02_game", problems=problems)]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[1] == "  02_game, cell 0: failed"
    assert said[-1] == "  02_game, and 35 more" and len(said) == 7


def test_numbers_choose_lessons(tmp_path):
    for name in ("00_a.ipynb", "02_b.ipynb", "07_c.ipynb"):
        (tmp_path / name).touch()
    chosen = verify._chosen(tmp_path, ["02", "7"])
    assert [p.name for p in chosen] == ["02_b.ipynb", "07_c.ipynb"]


def test_nothing_to_verify_is_no_success(tmp_path, capsys):
    assert verify.main(["--root", str(tmp_path)]) == 1
    assert "There is no notebook to verify." in capsys.readouterr().out
