"""The doctor finds what is wrong with a machine; no command ends in a traceback."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
import torch

from course_utils import data, doctor


def row(name):
    return next(check for check in doctor.report() if check.name == name)


def test_the_report_has_the_same_rows_everywhere_and_advice_where_it_is_bad():
    names = "Python course torch device memory disk data Jupyter widgets settings"
    checks = doctor.report()
    assert [check.name for check in checks] == names.split()
    for check in checks:
        assert check.verdict in ("ok", "warning", "problem")
        assert check.found and (check.advice or check.verdict != "problem")


def test_without_torch_the_other_rows_are_still_there(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    checks = {check.name: check for check in doctor.report()}
    for name in ("torch", "device"):
        assert checks[name].verdict == "problem"
        assert "pip install" in checks[name].advice
    assert checks["disk"].verdict == "ok"


def test_what_a_machine_lacks_is_found(monkeypatch):
    memory = SimpleNamespace(available=1e9)
    cases = [
        ("torch", "problem", torch, "__version__", "2.5.1"),
        ("torch", "ok", torch, "__version__", "2.10.0+cu130"),
        ("memory", "warning", psutil, "virtual_memory", lambda: memory),
        ("disk", "ok", doctor.shutil, "disk_usage", _free(50)),
        ("disk", "warning", doctor.shutil, "disk_usage", _free(0.5)),
        ("disk", "problem", doctor.shutil, "disk_usage", _free(0.01)),
        ("device", "warning", torch.cuda, "is_available", lambda: True),  # it fails
    ]
    for name, verdict, module, attribute, value in cases:
        with monkeypatch.context() as patch:
            patch.setattr(module, attribute, value)
            if name == "device":
                patch.setattr(torch, "zeros", _no_kernel)
            assert row(name).verdict == verdict, (name, verdict)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    for driver, found in (("/usr/bin/nvidia-smi", "not used"), (None, "CPU, ")):
        monkeypatch.setattr(doctor.shutil, "which", lambda name, driver=driver: driver)
        assert found in row("device").found


def _no_kernel(*_, **__):
    raise RuntimeError("no kernel image is available")


def _free(gb):
    return lambda path: SimpleNamespace(free=gb * 1e9)


def test_broken_data_are_a_problem_in_the_words_of_the_data_module(
    monkeypatch, tmp_path
):
    (tmp_path / "digits.npz").write_bytes(b"half a file")
    monkeypatch.setattr(data, "DATA_DIR", tmp_path)
    assert row("data").verdict == "problem"
    assert "digits.npz" in row("data").found


def test_what_is_not_installed_is_named(monkeypatch, tmp_path):
    def missing(name):
        raise doctor.metadata.PackageNotFoundError(name)

    with monkeypatch.context() as patch:
        patch.setattr(doctor.metadata, "version", missing)
        assert row("course").advice == doctor.INSTALL_COURSE
        assert row("Jupyter").found == "jupyterlab is not installed"
    monkeypatch.setattr(sys, "prefix", str(tmp_path))  # no browser side
    assert row("widgets").verdict == "warning"


def test_settings_and_files_that_get_in_the_way_are_named(monkeypatch, tmp_path):
    (tmp_path / "torch.py").write_text("")
    (tmp_path / "my_own.py").write_text("")
    monkeypatch.chdir(tmp_path)
    for name, value in (
        ("HOME", str(tmp_path / "gone")), ("ALL_PROXY", "socks5://localhost:1080"),
        ("WORLD_SIZE", "4"),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(doctor.PathFinder, "find_spec", _no_socks)
    found = str(row("settings"))
    assert "settings  warning" in found and "my_own" not in found
    for words in (
        f"{tmp_path / 'torch.py'} hides a package", "let HOME name", "ALL_PROXY",
        "unset RANK WORLD_SIZE",
    ):  # fmt: skip
        assert words in found


def _no_socks(name, path=None, real=doctor.PathFinder.find_spec):
    return None if name == "socks" else real(name, path)


@pytest.mark.parametrize(
    ("verdict", "status", "last"),
    [("ok", 0, "in place"), ("warning", 0, "lessons run"), ("problem", 1, "Mend")],
)
def test_only_a_problem_fails_the_command(monkeypatch, capsys, verdict, status, last):
    check = doctor.Check("disk", verdict, "so much", "do this")
    monkeypatch.setattr(doctor, "report", lambda: [check])
    assert doctor.main([]) == status
    assert last in capsys.readouterr().out.splitlines()[-1]


# --- python -m course_utils -----------------------------------------------------------


def course(*arguments, **options):
    environment = os.environ | {"PYTHONPATH": str(doctor.ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "course_utils", *arguments],
        **{"env": environment, "text": True, "stderr": subprocess.PIPE} | options,
    )


def test_a_learners_own_files_are_not_taken_for_the_real_ones(tmp_path):
    for name in ("random", "copy", "torch"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('mine')")
    done = course("doctor", cwd=tmp_path, stdout=subprocess.PIPE)
    assert "Traceback" not in done.stderr and "\ntorch     ok" in done.stdout
    assert f"{tmp_path / 'torch.py'} hides a package" in done.stdout
    done = course("docter", cwd=tmp_path)
    assert done.returncode == 2 and "no command 'docter'" in done.stderr


def test_a_reader_who_leaves_and_an_early_ctrl_c_end_it_quietly():
    done = subprocess.run(
        f"{sys.executable} -m course_utils --help | true", shell=True, text=True,
        cwd=doctor.ROOT, capture_output=True,
    )  # fmt: skip
    assert done.stderr == ""
    code = (
        "import sys, course_utils.__main__ as m\n"
        "def interrupted(argv): raise KeyboardInterrupt\n"
        "m.main = interrupted; status = m._run([])\n"
        "print(m.os.environ['OMP_WAIT_POLICY']); sys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=doctor.ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (130, "stopped.\n")
    assert done.stdout == "PASSIVE\n"  # threads of PyTorch sleep while they wait


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full disk here")
def test_words_for_a_full_disk_are_told_on_stderr():
    with open("/dev/full", "w") as full:
        done = course("--help", stdout=full)
    said = "stopped: [Errno 28] No space left on device.\n"
    assert (done.returncode, done.stderr) == (1, said)
