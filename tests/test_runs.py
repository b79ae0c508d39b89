"""`train` and `sample` from the command line, and what a killed run leaves behind."""

import ast
import errno
import json
import os
import signal
import subprocess
import sys
from functools import partial
from itertools import count
from pathlib import Path

import pytest
import torch
from PIL import Image

from course_utils import data, training
from course_utils.runs import cli, files
from course_utils.runs.trainer import Settings, load_generator

ROOT = Path(__file__).resolve().parent.parent
TINY = [
    "--device", "cpu", "--size", "28", "--latent-dim", "8", "--base-channels", "4",
    "--batch-size", "8", "--precision", "float32", "--log-every", "5",
]  # fmt: skip
STEPS = ["--steps", "30", "--save-every", "1"]


@pytest.fixture(scope="module", autouse=True)
def few_digits():
    """Forty digits: the commands run as they are, on less."""
    with pytest.MonkeyPatch.context() as patch:
        load = data.load
        patch.setattr(data, "load", lambda *a: tuple(x[:40] for x in load(*a)))
        yield


def train(out, *options):
    return cli.train([*TINY, "--out", str(out), *map(str, options)])


def resume(out, *options):
    return cli.train(["--resume", "--out", str(out), *options])


def sample(*options):
    return cli.sample([str(option) for option in options])


def rounds_saved(out):
    return files.read_checkpoint(out / "checkpoint.pt")["round"]


def history(out):
    return files.RunFolder(out).read_history()


def assert_same_run(out, other):
    """Every tensor of two checkpoints, and their histories but for the speed."""
    one, two = (
        tensors(files.read_checkpoint(folder / "checkpoint.pt"))
        for folder in (out, other)
    )
    assert one.keys() == two.keys() and len(one) > 20
    assert [name for name in one if not torch.equal(one[name], two[name])] == []
    for row, want in zip(history(out), history(other), strict=True):
        assert row | {"images_per_second": 0} == want | {"images_per_second": 0}


def tensors(content):
    """Every tensor in nested dictionaries, by the names on its way."""
    found = {}
    for key, value in content.items():
        if isinstance(value, torch.Tensor):
            found[(key,)] = value
        elif isinstance(value, dict):
            found |= {(key, *rest): x for rest, x in tensors(value).items()}
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folder of a run that nothing interrupted."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    assert train(out, *STEPS) == 0
    return out


# --- A whole run ----------------------------------------------------------------------


def test_a_run_leaves_its_settings_history_pictures_and_checkpoint(tmp_path, capsys):
    out = tmp_path / "a" / "b"  # folders are made
    assert train(out, "--steps", 10, "--save-every", 4) == 0
    config = json.loads((out / "config.json").read_text())
    assert config["data"] == "digits" and config["images"] == 40
    assert config["settings"]["steps"] == 10 and config["device"] == "cpu"
    assert config["torch"] == torch.__version__
    assert [row["step"] for row in history(out)] == [1, 5, 10]
    assert all(row["images_per_second"] > 0 for row in history(out))
    assert rounds_saved(out) == 10 and not list(out.glob(".*.part"))
    names = sorted(path.name for path in (out / "samples").iterdir())
    assert names == [f"round_{n:06d}.png" for n in (0, 4, 8, 10)]
    with Image.open(out / "samples" / names[-1]) as picture:
        assert picture.size[0] == picture.size[1] > 8 * 28
        assert len(picture.getcolors(100_000)) > 3  # no plain paper
    said = capsys.readouterr()
    assert all(word in said.err for word in ("D(x)", "D(G(z))", "images/s", "10/10"))
    assert "10 of 10 rounds are in" in said.out and f"sample {out}" in said.out


def test_every_setting_is_an_option_and_a_gpu_gets_dcgans_own(capsys):
    with pytest.raises(SystemExit):
        cli.train(["--help"])
    said = " ".join(capsys.readouterr().out.split())
    for name in Settings.__dataclass_fields__:
        assert f"--{name.replace('_', '-')}" in said
    assert "(32; on a GPU 64)" in said and "--no-batch-norm" in said
    assert Settings(**cli.GPU).base_channels == 64


# --- Killed, interrupted --------------------------------------------------------------

# Each life ends by SIGKILL, in the midst of one thing or at any moment.
LIVES = """
import io, os, random, signal, sys, time, torch
from course_utils import data
from course_utils.figures import images
from course_utils.runs import cli, files
load = data.load
data.load = lambda *a: tuple(x[:40] for x in load(*a))

def kill():
    os.kill(os.getpid(), signal.SIGKILL)

def before_the_eighth_fsync():  # its bytes are written, the old name is in place
    real, calls = os.fsync, []
    def fsync(file):
        calls.append(1)
        return kill() if len(calls) == 8 else real(file)
    os.fsync = fsync

def after_the_twelfth_replace():  # the name has moved
    real, calls = os.replace, []
    def replace(*names):
        real(*names)
        calls.append(1)
        if len(calls) == 12: kill()
    os.replace = replace

class Half(io.FileIO):
    files = 0
    def write(self, content):
        Half.files += 1
        if Half.files < 6: return super().write(content)
        super().write(content[: len(content) // 2])
        kill()

def in_the_sixth_write():
    files.open = Half

def live(moment, *options, seconds=None):
    child = os.fork()  # this process has no second thread
    if child == 0:
        moment()
        os._exit(cli.train([*sys.argv[1:], *options]))
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    killed = os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    checkpoint = cli.Path(sys.argv[-1]) / "checkpoint.pt"
    return files.read_checkpoint(checkpoint)["round"], killed

reached = [live(before_the_eighth_fsync)]
reached += [live(after_the_twelfth_replace, "--resume")]
reached += [live(in_the_sixth_write, "--resume")]
for _ in range(2):  # any moment will do: no seed
    reached += [live(int, "--resume", seconds=random.uniform(0, 0.6))]
print(reached)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_run_killed_at_many_moments_ends_like_one_that_was_not(whole, tmp_path):
    out = tmp_path / "killed"
    done = subprocess.run(
        [sys.executable, "-c", LIVES, *TINY, *STEPS, "--out", str(out)],
        cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True,
        text=True, timeout=200,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    reached = ast.literal_eval(done.stdout.splitlines()[-1])
    # Checkpoint, history, picture a round: only what was being written is lost.
    assert reached[:3] == [(1, True), (5, True), (7, True)]
    assert [rounds for rounds, _ in reached] == sorted(rounds for rounds, _ in reached)
    assert resume(out) == 0
    assert_same_run(out, whole)
    assert resume(out) == 0  # nothing to do


def test_ctrl_c_ends_with_a_checkpoint_and_says_how_to_go_on(
    tmp_path, monkeypatch, capsys
):
    out, save = tmp_path / "stopped run", cli._save

    def interrupted(trainer, *rest):
        if trainer.round == 7:  # while files are written
            signal.raise_signal(signal.SIGINT)
        return save(trainer, *rest)

    monkeypatch.setattr(cli, "_save", interrupted)
    assert train(out, "--steps", 30, "--save-every", 7) == 130
    assert rounds_saved(out) == 8
    said = capsys.readouterr().out
    assert "8 of 30 rounds are in" in said
    assert f"python -m course_utils train --resume --out '{out}'" in said


def test_ctrl_c_before_the_first_round_is_no_traceback(tmp_path, monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(data, "load", interrupted)
    assert train(tmp_path / "run", *STEPS) == 130
    assert refused(capsys, "stopped; the last checkpoint") is True


def test_a_folder_in_which_a_process_trains_is_refused_to_another(whole, capsys):
    with files.RunFolder(whole).locked():
        assert resume(whole) == 1
    assert refused(capsys, "another process is training in", "--out") is True
    assert resume(whole) == 0


# --- A folder of images ---------------------------------------------------------------


def test_a_run_on_a_folder_goes_on_from_anywhere_and_tells_what_is_left_out(
    tmp_path, monkeypatch, capsys
):
    photos = tmp_path / "photos"
    (photos / "more").mkdir(parents=True)
    for i in range(20):
        Image.new("L", (28, 28), 12 * i).save(photos / f"{i}.png")
    for name in ("a.HEIC", "more/b.heic", "more/c.gif", ".hidden.gif"):
        (photos / name).write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    assert train("run", "--data", "photos/", "--steps", 2) == 0
    said = "20 images used; left out: 2 .heic, 1 .gif.\n"
    assert capsys.readouterr().out.startswith(said)
    monkeypatch.chdir(tmp_path / "run")
    assert resume(".", "--data", "../photos", "--steps", "4") == 0
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["data"] == str(photos) and ".heic" in config["left_out"]
    assert cli.report(["."]) == 0 and "report.html" in capsys.readouterr().out
    page = Path("report.html").read_text(encoding="utf-8")
    assert "28 pixels, 20 images used; left out: 2 .heic, 1 .gif." in page
    assert "no feature space" in page


# --- What is refused, and what goes wrong ---------------------------------------------


def refused(capsys, *words):
    """Whether stderr has one sentence, with these words, the progress bar aside."""
    said = capsys.readouterr().err.replace("\r", "\n").splitlines()
    said = [line for line in said if line and "round/s" not in line]
    assert len(said) == 1 and said[0].endswith((".", "?")), said
    return all(word in said[0] for word in words) or said


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--steps", "0"], ["steps must be at least 1"]),
        (["--size", "50"], ["size must be one of [28, 32, 64], not 50"]),
        (["--channels", "2"], ["channels must be 1 or 3"]),
        (["--data", "minst"], ["Did you mean 'mnist'?"]),
        (["--device", "cuda:99"], ["no device 'cuda:99'"]),
        (["--batch-size", "41"], ["40 images do not fill a batch of 41"]),
        (["--save-every", "0"], ["save_every must be at least 1"]),
        (["--resume"], ["holds no run to go on with"]),
    ],
)
def test_what_cannot_be_trained_is_refused(tmp_path, capsys, options, words):
    out = tmp_path / "run"
    assert train(out, "--steps", 3, *options) == 2
    assert refused(capsys, *words) is True and not out.exists()


def test_options_that_nobody_knows_are_refused_by_name(tmp_path, capsys):
    for options, word in ((["--steps", "many"], "'many'"), (["--stepz", "4"], "stepz")):
        with pytest.raises(SystemExit, match="2"):
            train(tmp_path / "run", *options)
        assert word in capsys.readouterr().err


def test_a_folder_that_holds_a_run_is_not_written_over(whole, capsys):
    before = {path: path.read_bytes() for path in whole.glob("*.*")}
    for options, word in (
        ([*TINY, *STEPS, "--out", str(whole)], "holds a run already"),
        (["--resume", "--out", str(whole), "--seed", "3"], "seed: 0 there, 3 here"),
        (["--resume", "--out", str(whole), "--data", "mnist"], "a run on digits, not"),
    ):
        assert cli.train(options) == 2
        assert refused(capsys, word) is True
    assert before == {path: path.read_bytes() for path in whole.glob("*.*")}


def test_a_place_that_cannot_be_used_is_a_sentence(tmp_path, capsys):
    assert train(tmp_path / "run", "--data", str(tmp_path / "nowhere")) == 1
    assert refused(capsys, "There is no folder", "nowhere") is True
    assert not (tmp_path / "run").exists()
    (tmp_path / "file").write_text("")
    assert train(tmp_path / "file" / "run", "--steps", 2) == 1
    assert refused(capsys, "cannot be written") is True


def full_disk(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(("module", "name"), [(os, "fsync"), (files, "open")])
def test_a_full_disk_ends_the_run_and_spares_the_checkpoint(
    tmp_path, monkeypatch, capsys, module, name
):
    out, save = tmp_path / "run", cli._save

    def fill(trainer, *rest):
        if trainer.round == 9:
            monkeypatch.setattr(module, name, full_disk, raising=False)
        return save(trainer, *rest)

    monkeypatch.setattr(cli, "_save", fill)
    assert train(out, "--steps", 20, "--save-every", 3) == 1
    words = ("cannot be written", "No space left", "is intact", "Make room")
    assert refused(capsys, *words) is True
    assert rounds_saved(out) == 6 and not list(out.glob(".*.part"))
    monkeypatch.undo()
    assert resume(out) == 0 and history(out)[-1]["step"] == 20


def test_nan_and_lack_of_memory_end_the_run_and_spare_the_checkpoint(
    tmp_path, monkeypatch, capsys
):
    def to_nan(G):
        with torch.no_grad():
            next(G.parameters()).fill_(float("nan"))

    def too_much(G):
        raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB")

    for fail, says in (
        (to_nan, "no longer a finite number"),
        (too_much, "out of memory at batch size 8: try half of it"),
    ):

        def step(G, *rest, fail=fail, seen=count()):  # noqa: B008
            losses = training.train_step(G, *rest)
            if next(seen) == 7:
                fail(G)
            return losses

        out = tmp_path / fail.__name__
        with monkeypatch.context() as patch:
            patch.setattr(cli, "Trainer", partial(cli.Trainer, step=step))
            assert train(out, "--steps", 20, "--save-every", 3) == 1
        assert refused(capsys, says) is True and rounds_saved(out) == 6


# --- sample ---------------------------------------------------------------------------


def test_sample_draws_the_averaged_g_and_prints_where(whole, tmp_path, capsys):
    assert sample(whole, "--n", 10, "--seed", 7) == 0
    out = whole / "samples_seed_7.png"
    assert capsys.readouterr().out.strip() == str(out)
    G, settings = load_generator(whole / "checkpoint.pt")
    z = data.latent(10, settings.latent_dim, data.rng(7))
    cli._write_picture(training.sample(G, z), tmp_path / "same.png")
    assert out.read_bytes() == (tmp_path / "same.png").read_bytes()
    assert sample(whole, "--n", "0") == 2
    assert refused(capsys, "n must be at least 1, not 0") is True
    assert sample(tmp_path) == 1 and refused(capsys, "there is no checkpoint") is True
