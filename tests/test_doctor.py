"""The doctor finds what is wrong with a machine, and says what to do."""

import math
import subprocess
import sys
from types import SimpleNamespace

import psutil
import pytest
import torch

from course_utils import data, doctor


def row(name):
    return next(check for check in doctor.report() if check.name == name)


def test_the_report_has_the_same_rows_in_the_same_order_everywhere():
    names = "Python course torch device memory disk data Jupyter widgets".split()
    assert [check.name for check in doctor.report()] == names


def test_verdicts_are_three_words_and_each_bad_one_comes_with_advice():
    for check in doctor.report():
        assert check.verdict in ("ok", "warning", "problem")
        assert check.advice if check.verdict != "ok" else check.found


def test_without_torch_the_other_rows_are_still_there(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    checks = {check.name: check for check in doctor.report()}
    assert checks["torch"].found == "not installed"
    for name in ("torch", "device", "data"):
        assert checks[name].verdict == "problem"
        assert "pip install" in checks[name].advice
    assert checks["disk"].verdict == "ok"


def test_a_torch_that_cannot_be_loaded_is_a_row_and_no_traceback(monkeypatch):
    def broken(name):
        raise OSError("c10.dll: a library is missing\nand more")

    monkeypatch.setattr(doctor, "_module", broken)
    assert row("torch").verdict == "problem"
    assert "c10.dll" in row("torch").found


def test_an_old_torch_is_a_problem_and_a_build_tag_is_not(monkeypatch):
    monkeypatch.setattr(torch, "__version__", "2.5.1")
    assert row("torch").verdict == "problem"
    monkeypatch.setattr(torch, "__version__", "2.10.0+cu130")
    assert row("torch").verdict == "ok"


def test_a_gpu_that_does_not_compute_is_a_warning(monkeypatch):
    def no_kernel(*_, **__):
        raise RuntimeError("no kernel image is available\nand more")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch, "ones", no_kernel)
    assert row("device").verdict == "warning"
    assert row("device").found == "cuda fails: no kernel image is available"


def test_a_driver_that_torch_does_not_use_is_a_warning(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(doctor.shutil, "which", lambda name: f"/usr/bin/{name}")
    assert row("device").verdict == "warning"
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    assert row("device").verdict == "ok"


@pytest.mark.parametrize(
    ("free", "container", "verdict"),
    [(8, 8, "ok"), (8, math.inf, "ok"), (1, math.inf, "warning"), (8, 1, "warning")],
)
def test_memory_below_what_a_lesson_takes_is_a_warning(
    monkeypatch, free, container, verdict
):
    memory = SimpleNamespace(available=free * 1e9)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    monkeypatch.setattr(doctor, "_container_limit", lambda: container * 1e9)
    assert row("memory").verdict == verdict


@pytest.mark.parametrize(
    ("gb", "verdict"), [(50, "ok"), (0.5, "warning"), (0.01, "problem")]
)
def test_a_full_disk_is_noticed(monkeypatch, gb, verdict):
    usage = SimpleNamespace(free=gb * 1e9)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: usage)
    assert row("disk").verdict == verdict


def test_broken_data_are_a_problem_in_the_words_of_the_data_module(
    monkeypatch, tmp_path
):
    (tmp_path / "digits.npz").write_bytes(b"half a file")
    monkeypatch.setattr(data, "DATA_DIR", tmp_path)
    assert row("data").verdict == "problem"
    assert "digits.npz" in row("data").found


def test_a_course_without_an_install_is_a_problem(monkeypatch):
    def missing(name):
        raise doctor.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(doctor.metadata, "version", missing)
    assert row("course").advice == doctor.INSTALL_COURSE
    assert row("Jupyter").verdict == row("widgets").verdict == "problem"


def test_widgets_without_their_browser_side_are_a_warning(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert row("widgets").verdict == "warning"


@pytest.mark.parametrize(
    ("verdict", "status", "last"),
    [("ok", 0, "in place"), ("warning", 0, "lessons run"), ("problem", 1, "Mend")],
)
def test_only_a_problem_fails_the_command(monkeypatch, capsys, verdict, status, last):
    check = doctor.Check("disk", verdict, "so much", "do this")
    monkeypatch.setattr(doctor, "report", lambda: [check])
    assert doctor.main([]) == status
    assert last in capsys.readouterr().out.splitlines()[-1]


def test_the_command_prints_one_row_for_each_check():
    run = subprocess.run(
        [sys.executable, "-m", "course_utils", "doctor"],
        cwd=doctor.ROOT, capture_output=True, text=True,
    )  # fmt: skip
    for name in doctor.CHECKS:
        assert f"\n{name} " in f"\n{run.stdout}"


def test_an_unknown_command_names_the_nearest():
    run = subprocess.run(
        [sys.executable, "-m", "course_utils", "docter"],
        cwd=doctor.ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode == 2
    assert "did you mean 'doctor'?" in run.stderr
