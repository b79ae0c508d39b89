"""The learner's copy stays the learner's, and JupyterLab opens on it."""

import importlib
import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
import torch

from course_utils import exercises, lab


def write(path, text):
    cell = {"cell_type": "markdown", "id": "a", "metadata": {}, "source": text}
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(notebook, indent=1))


def text(path):
    return json.loads(path.read_text())["cells"][0]["source"]


@pytest.fixture
def course(tmp_path):
    """A folder with two released lessons."""
    write(tmp_path / "lessons" / "00_start.ipynb", "zero")
    write(tmp_path / "lessons" / "01_draw.ipynb", "one")
    return tmp_path


@pytest.fixture
def mine(course):
    """The learner's folder, after work on lesson 1."""
    lab.update_copies(course)
    write(course / "my_lessons" / "01_draw.ipynb", "my work")
    return course / "my_lessons"


def test_every_lesson_is_copied_the_first_time(course):
    names = ("00_start", "01_draw")
    notes = [f"my_lessons/{name}.ipynb is new." for name in names]
    assert lab.update_copies(course) == notes
    assert text(course / "my_lessons" / "00_start.ipynb") == "zero"


def test_a_second_start_leaves_work_alone_and_adds_what_is_new(course, mine):
    assert lab.update_copies(course) == []
    write(course / "lessons" / "02_game.ipynb", "two")
    assert lab.update_copies(course) == ["my_lessons/02_game.ipynb is new."]
    assert text(mine / "02_game.ipynb") == "two"
    assert text(mine / "01_draw.ipynb") == "my work"


def test_a_newer_release_is_announced_and_not_imposed(course, mine):
    path = course / "lessons" / "01_draw.ipynb"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert lab.update_copies(course) == []  # git changes line ends, too
    write(path, "one, revised")
    for _ in range(2):  # at each start until the learner decides
        (note,) = lab.update_copies(course)
        assert "01_draw.ipynb" in note and "make reset LESSON=01" in note
        assert text(mine / "01_draw.ipynb") == "my work"


def test_reset_restores_the_lesson_and_keeps_every_earlier_copy(course, mine):
    write(course / "lessons" / "01_draw.ipynb", "one, revised")
    fresh, first = lab.reset(1, course)
    _, second = lab.reset(1, course)
    assert text(fresh) == "one, revised"
    assert (text(first), text(second)) == ("my work", "one, revised")
    assert lab.update_copies(course) == []  # nothing left to announce


def test_where_nobody_knows_the_release_the_present_one_is_taken(course, mine):
    (mine / lab.RELEASED / "01_draw.json").unlink()
    assert lab.update_copies(course) == []
    assert text(mine / "01_draw.ipynb") == "my work"
    write(course / "lessons" / "01_draw.ipynb", "one, revised")
    assert len(lab.update_copies(course)) == 1


def test_without_lessons_the_command_says_where_it_looked(tmp_path, capsys):
    assert lab.main(["--prepare"], root=tmp_path) == 1
    assert "no lessons in" in capsys.readouterr().err
    assert not (tmp_path / "my_lessons").exists()


def test_the_reset_command_says_where_the_earlier_copy_is(course, mine, capsys):
    assert lab.reset_main(["07"], root=course) == 1
    assert "no lesson 7; there are [0, 1]" in capsys.readouterr().err
    assert lab.reset_main(["01"], root=course) == 0
    kept = os.path.join("my_lessons", "kept", "01_draw_1.ipynb")
    assert f"Your earlier copy: {kept}" in capsys.readouterr().out


def test_a_file_that_hides_a_package_is_named_at_the_start(course, mine, capsys):
    (mine / "torch.py").write_text("")
    assert lab.main(["--prepare"], root=course) == 0
    assert f"{mine / 'torch.py'} hides the package" in capsys.readouterr().out


def test_a_library_that_is_missing_is_named_and_not_another(monkeypatch, capsys):
    monkeypatch.setattr(lab, "environment", dict)
    monkeypatch.setitem(sys.modules, "jupyterlab.labapp", None)
    assert lab._serve([]) == 1
    said = capsys.readouterr().err
    assert "jupyterlab.labapp" in said and lab.doctor.INSTALL in said


def test_options_of_jupyterlab_are_handed_on_after_our_own(course, monkeypatch):
    monkeypatch.setattr(lab, "_serve", lambda flags: flags)
    flags = lab.main(["--no-browser", "--port", "9999"], root=course)
    assert flags[-3:] == ["--no-browser", "--port", "9999"]
    assert "--ServerApp.ip=127.0.0.1" in flags


def test_a_kernel_finds_the_course_also_after_its_folder_was_moved(tmp_path):
    env = os.environ | lab.environment()
    code = "import course_utils; print(course_utils.__file__)"
    run = subprocess.run(  # -S: as if nothing were installed
        [sys.executable, "-S", "-c", code], cwd=tmp_path, env=env,
        capture_output=True, text=True,
    )  # fmt: skip
    assert run.stdout.strip() == str(lab.ROOT / "course_utils" / "__init__.py")


@pytest.mark.parametrize(("set_by_user", "threads"), [(None, 1), ("2", 2)])
def test_lessons_run_on_one_thread_unless_the_user_says_otherwise(
    monkeypatch, set_by_user, threads
):
    before = torch.get_num_threads()
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if set_by_user:
        monkeypatch.setenv("OMP_NUM_THREADS", set_by_user)
    torch.set_num_threads(2)  # as PyTorch begins on two cores
    importlib.reload(exercises)  # what every lesson's first cell imports
    assert torch.get_num_threads() == threads
    torch.set_num_threads(before)


@pytest.fixture
def server(course, tmp_path_factory):
    """A running `python -m course_utils lab`: its address and its token."""
    home = tmp_path_factory.mktemp("home")
    env = {k: v for k, v in os.environ.items() if not k.startswith("JUPYTER")}
    # A home and proxies that JupyterLab by itself would fail on.
    env |= {"HOME": os.devnull, "TMPDIR": str(home)}
    env |= {"ALL_PROXY": "socks5://localhost:1080", "HTTP_PROXY": "localhost:3128"}
    code = (
        "import pathlib, sys; from course_utils import lab; "
        "lab.main(['--no-browser', '--port=0'], root=pathlib.Path(sys.argv[1]))"
    )
    log = home / "log"
    with log.open("w") as out:
        command = [sys.executable, "-c", code, str(course)]
        process = subprocess.Popen(
            command, env=env, cwd=lab.ROOT, stdout=out, stderr=out, text=True
        )
        try:
            yield wait_for_address(log, process)
        finally:
            process.terminate()
            process.wait(60)


def wait_for_address(log, process):
    end = time.monotonic() + 120
    while time.monotonic() < end and process.poll() is None:
        if found := re.search(r"(http://\S+?)(/\S+)\?token=(\w+)", log.read_text()):
            return found.groups()
        time.sleep(0.1)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()}")


def get(address):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(address, timeout=20) as answer:
        return answer.read().decode()


def test_jupyterlab_opens_on_the_first_lesson_whatever_home_and_proxies_are(server):
    host, page, token = server
    assert host.startswith("http://127.0.0.1:")
    assert page == "/lab/tree/my_lessons/00_start.ipynb"
    assert "jupyter-config-data" in get(f"{host}{page}?token={token}")
    lesson = get(f"{host}/api/contents/my_lessons/00_start.ipynb?token={token}")
    assert "zero" in lesson
    setting = "@jupyterlab/apputils-extension:notification"
    schema = json.loads(get(f"{host}/lab/api/settings/{setting}?token={token}"))
    assert schema["schema"]["properties"]["fetchNews"]["default"] == "false"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        get(f"{host}/api/contents/my_lessons/00_start.ipynb")
