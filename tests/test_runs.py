"""`train` and `sample` from the command line, and what a killed run leaves behind."""

import ast
import errno
import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from course_utils import data, training
from course_utils.runs import checkpoints, cli, devices, files
from course_utils.runs.files import Plan, Run
from course_utils.runs.trainer import Settings, load_generator

ROOT = Path(__file__).resolve().parent.parent
TINY = [
    "--device", "cpu", "--size", "28", "--latent-dim", "8", "--base-channels", "4",
    "--batch-size", "8", "--precision", "float32", "--log-every", "5",
    "--sample-every", "0",
]  # fmt: skip
STEPS = ["--steps", "40", "--checkpoint-every", "1"]


@pytest.fixture(scope="module", autouse=True)
def few_digits():
    """Forty digits: the commands run as they are, on less."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "load", few(data.load, 40))
        yield


def few(load, n):
    return lambda *a, **k: tuple(x[:n] for x in load(*a, **k))


def train(out, *options):
    return cli.train([*TINY, "--out", str(out), *map(str, options)])


def history(out, speed=False):
    lines = (Path(out) / "history.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    return rows if speed else [{**row, "images_per_second": 0} for row in rows]


def weights(out):
    """Every tensor of a checkpoint, by name."""

    def walk(name, value):
        if isinstance(value, torch.Tensor):
            yield name, value
        elif isinstance(value, dict):
            for key, inner in value.items():
                yield from walk(f"{name}.{key}", inner)

    content = checkpoints.read(Path(out) / "checkpoint.pt")
    return dict(walk("", {k: v for k, v in content.items() if k != "history"}))


def assert_same_run(out, other):
    one, two = weights(out), weights(other)
    assert one.keys() == two.keys() and len(one) > 20
    assert [name for name in one if not torch.equal(one[name], two[name])] == []
    assert history(out) == history(other)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folder of a run that nothing interrupted."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    assert train(out, *STEPS) == 0
    return out


# --- A whole run ----------------------------------------------------------------------


def test_a_run_leaves_its_settings_its_history_and_a_checkpoint(whole):
    config = json.loads((whole / "config.json").read_text())
    assert config["data"] == "digits" and config["images"] == 40
    assert config["settings"]["steps"] == 40 and config["device"] == "cpu"
    assert config["versions"]["torch"] == torch.__version__
    rows = history(whole, speed=True)
    assert [row["step"] for row in rows] == [1, *range(5, 41, 5)]
    assert all(row["images_per_second"] > 0 for row in rows)
    assert all(0 < row["d_real"] < 1 and 0 < row["d_fake"] < 1 for row in rows)
    assert checkpoints.read(whole / "checkpoint.pt")["round"] == 40
    assert not list(whole.glob(".*.part"))


def test_pictures_come_at_their_rounds_and_the_bar_says_how_it_stands(tmp_path, capsys):
    out = tmp_path / "a" / "b"  # folders are made
    assert train(out, "--steps", 10, "--sample-every", 4) == 0
    names = sorted(path.name for path in (out / "samples").iterdir())
    assert names == [f"round_{n:06d}.png" for n in (0, 4, 8, 10)]
    with Image.open(out / "samples" / names[-1]) as picture:
        assert picture.size[0] == picture.size[1] > 8 * 28
        assert len(picture.getcolors(100_000)) > 3  # no plain paper
    said = capsys.readouterr()
    assert all(word in said.err for word in ("D(x)", "D(G(z))", "images/s", "10/10"))
    assert "10 rounds are done" in said.out and f"sample {out}" in said.out


def test_a_finished_run_goes_on_for_more_rounds(tmp_path, capsys):
    out, straight = tmp_path / "a", tmp_path / "b"
    constant = ["--last-lr", "1"]  # else the rates of the first rounds differ
    assert train(out, "--steps", 5, *constant) == 0
    assert cli.train(["--resume", "--out", str(out)]) == 0  # nothing to do
    assert cli.train(["--resume", "--out", str(out), "--steps", "10"]) == 0
    assert json.loads((out / "config.json").read_text())["settings"]["steps"] == 10
    assert train(straight, "--steps", 10, *constant) == 0
    assert history(out)[-1] == history(straight)[-1]
    assert "Traceback" not in capsys.readouterr().err


def test_the_folder_is_named_after_the_data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.train([*TINY, "--steps", "1"]) == 0
    assert (tmp_path / "runs" / "digits" / "checkpoint.pt").exists()
    assert cli._folder("/pictures/cats/") == Path("runs/cats")
    assert cli._folder("fashion-mnist") == Path("runs/fashion-mnist")


def test_a_gpu_gets_dcgans_own_sizes_and_a_cpu_the_quick_ones(monkeypatch):
    monkeypatch.setattr(devices, "fast_precision", lambda device: "bfloat16")
    gpu = cli._profile(torch.device("cuda")).settings
    assert (gpu.size, gpu.base_channels, gpu.latent_dim, gpu.batch_size) == (
        64, 64, 100, 128,
    )  # fmt: skip
    assert (gpu.lr_g, gpu.lr_d, gpu.beta2, gpu.n_generator_steps) == (
        2e-4, 2e-4, 0.999, 1,
    )  # fmt: skip
    assert gpu.precision == "bfloat16"
    cpu = cli._profile(torch.device("cpu")).settings
    assert cpu == Settings(precision="bfloat16")


def test_every_setting_is_an_option_with_its_default_in_the_help(capsys):
    with pytest.raises(SystemExit) as done:
        cli.train(["--help"])
    assert done.value.code == 0
    said = " ".join(capsys.readouterr().out.split())
    for name in Settings.__dataclass_fields__:
        assert f"--{name.replace('_', '-')}" in said
    for words in ("(32; on a GPU 64)", "--no-batch-norm", "130", "--resume"):
        assert words in said
    given = vars(cli._parser().parse_args(["--no-batch-norm", "--beta1", "0.4"]))
    assert given["batch_norm"] is False and given["beta1"] == 0.4
    assert "steps" not in given  # what is left out is taken from profile or run


def test_the_next_stop_is_the_first_thing_to_write():
    plan = Plan("digits", Settings(steps=10), sample_every=4, checkpoint_every=3)
    stops = [0]
    while stops[-1] < 10:
        stops.append(plan.next_stop(stops[-1]))
    assert stops == [0, 3, 4, 6, 8, 9, 10]


# --- Killed, interrupted --------------------------------------------------------------

# The command in processes of their own, on the same forty digits.
START = """
import os, random, signal, sys, time
from course_utils import data
from course_utils.runs import checkpoints, cli
load = data.load
data.load = lambda *a, **k: tuple(x[:40] for x in load(*a, **k))
"""
COMMAND = "sys.exit(cli.train(sys.argv[1:]))"
# Each life ends by SIGKILL, in the midst of one thing or at any moment.
LIVES = """
def kill():
    os.kill(os.getpid(), signal.SIGKILL)

def before_the_ninth_fsync():  # its bytes are written, the old name is in place
    real, calls = os.fsync, []
    def fsync(file):
        calls.append(1)
        return kill() if len(calls) == 9 else real(file)
    os.fsync = fsync

def after_the_twelfth_replace():  # the name has moved
    real, calls = os.replace, []
    def replace(*names):
        real(*names)
        calls.append(1)
        if len(calls) == 12: kill()
    os.replace = replace

class Half:
    files = 0
    def __init__(self, path, mode): self.file = open(path, mode)
    def __enter__(self): return self
    def __exit__(self, *_): self.file.close()
    def __getattr__(self, name): return getattr(self.file, name)
    def write(self, content):
        Half.files += 1
        if Half.files < 7: return self.file.write(content)
        self.file.write(content[: len(content) // 2])
        self.file.flush()
        kill()

def in_the_seventh_write():
    checkpoints.open = Half

def live(moment, *options, seconds=None):
    child = os.fork()  # this process has imported PyTorch and not used it
    if child == 0:
        moment()
        os._exit(cli.train([*sys.argv[1:], *options]))
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    killed = os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    checkpoint = cli.Path(sys.argv[-1]) / "checkpoint.pt"
    return checkpoints.read(checkpoint)["round"], killed

reached = [live(before_the_ninth_fsync)]
reached += [live(after_the_twelfth_replace, "--resume")]
reached += [live(in_the_seventh_write, "--resume")]
for _ in range(4):  # any moment will do: no seed
    reached += [live(int, "--resume", seconds=random.uniform(0, 0.6))]
print(reached)
"""


def start(code, *options):
    return subprocess.Popen(
        [sys.executable, "-c", START + code, *TINY, *STEPS, *map(str, options)],
        cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def rounds_done(out):
    try:
        return len((out / "history.jsonl").read_text().splitlines())
    except FileNotFoundError:
        return 0


def wait_for_records(out, process, n):
    deadline = time.monotonic() + 120
    while rounds_done(out) < n and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.002)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_run_killed_at_many_moments_ends_like_one_that_was_not(whole, tmp_path):
    out = tmp_path / "killed"
    process = start(LIVES, "--out", out)
    said, complaints = process.communicate(timeout=200)
    assert process.returncode == 0, complaints
    reached = ast.literal_eval(said.splitlines()[-1])
    # A checkpoint a round: only the one that was being written is lost. The first two
    # files of each life are config.json and history.jsonl.
    assert reached[:3] == [(5, True), (15, True), (19, True)]
    assert [done for done, _ in reached] == sorted(done for done, _ in reached)
    assert cli.train(["--resume", "--out", str(out)]) == 0
    assert_same_run(out, whole)


def test_ctrl_c_leaves_a_checkpoint_and_says_how_to_go_on(whole, tmp_path):
    out = tmp_path / "stopped run"
    process = start(COMMAND, "--checkpoint-every", "1000", "--out", out)
    wait_for_records(out, process, 2)
    process.send_signal(signal.SIGINT)
    said, complaints = process.communicate(timeout=100)
    assert process.returncode == 130, complaints
    assert "Traceback" not in complaints
    done = checkpoints.read(out / "checkpoint.pt")["round"]
    assert 5 <= done < 40 and f"Stopped after round {done} of 40" in said
    assert f"python -m course_utils train --resume --out '{out}'" in said
    assert cli.train(["--resume", "--out", str(out)]) == 0
    assert_same_run(out, whole)


def test_ctrl_c_while_files_are_written_waits_for_them(tmp_path, monkeypatch, capsys):
    out, draw = tmp_path / "run", Run.draw

    def interrupted(run, trainer):
        if trainer.round == 4:
            signal.raise_signal(signal.SIGINT)
        return draw(run, trainer)

    monkeypatch.setattr(Run, "draw", interrupted)
    assert train(out, "--steps", 20, "--sample-every", 4) == 130
    assert checkpoints.read(out / "checkpoint.pt")["round"] == 5
    assert "Stopped after round 5 of 20" in capsys.readouterr().out


def test_ctrl_c_before_the_first_round_is_no_traceback(tmp_path, monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(data, "load", interrupted)
    assert train(tmp_path / "run", *STEPS) == 130
    assert "stopped at once" in capsys.readouterr().err


def test_a_run_without_its_first_checkpoint_starts_again(tmp_path):
    out = tmp_path / "run"
    assert train(out, "--steps", 5) == 0
    before = history(out)
    (out / "checkpoint.pt").unlink()  # as if killed before it was written
    (out / "history.jsonl").write_text("")
    assert cli.train(["--resume", "--out", str(out)]) == 0
    assert history(out) == before


def test_a_run_whose_checkpoint_was_lost_does_not_begin_again(tmp_path, capsys):
    out = tmp_path / "run"
    assert train(out, "--steps", 5) == 0
    (out / "checkpoint.pt").unlink()
    before = history(out)
    capsys.readouterr()
    again = cli.train(["--resume", "--out", str(out)])
    assert again == refused(capsys, 1, "checkpoint.pt is missing", "restore it")
    assert history(out) == before


def test_a_folder_in_which_another_process_trains_is_refused(tmp_path, capsys):
    out = tmp_path / "run"
    assert train(out, "--steps", 5) == 0
    hold = (
        "import sys; from course_utils.runs.files import Run\n"
        f"with Run({str(out)!r}).held(): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold], cwd=ROOT, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True,
    ) as other:  # fmt: skip
        assert other.stdout.readline() == "held\n"
        capsys.readouterr()
        again = cli.train(["--resume", "--out", str(out), "--steps", "10"])
        assert again == refused(capsys, 2, "is being trained by another process")
        other.kill()  # the lock goes with its process
    assert cli.train(["--resume", "--out", str(out), "--steps", "10"]) == 0


def test_a_file_system_without_locks_can_be_trained_on(tmp_path, monkeypatch):
    def no_locks(*_, **__):
        raise NotImplementedError("FileSystem does not appear to support flock")

    monkeypatch.setattr(files.filelock.FileLock, "acquire", no_locks)
    assert train(tmp_path / "run", "--steps", 2) == 0


def test_a_run_on_a_folder_goes_on_from_anywhere(tmp_path, monkeypatch):
    photos = tmp_path / "photos"
    photos.mkdir()
    for i in range(20):
        Image.new("L", (28, 28), 12 * i).save(photos / f"{i}.png")
    monkeypatch.chdir(tmp_path)
    assert train("run", "--data", "photos/", "--steps", 2) == 0
    assert Run("run").read()[0].data == str(photos)
    monkeypatch.chdir(tmp_path / "run")
    again = ["--resume", "--out", ".", "--data", "../photos", "--steps", "4"]
    assert cli.train(again) == 0


def test_home_is_understood_in_every_path(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert train("~/run", "--steps", 2) == 0
    assert sample("~/run", "--out", "~/new.png") == 0
    assert (tmp_path / "new.png").exists() and (tmp_path / "run").is_dir()


@pytest.mark.parametrize("spoil", ["history", "latents", "settings", "G", "round"])
def test_a_checkpoint_of_something_else_is_a_sentence(tmp_path, capsys, spoil):
    out = tmp_path / "run"
    assert train(out, "--steps", 2) == 0
    content = torch.load(out / "checkpoint.pt", weights_only=True)
    del content[spoil]
    torch.save(content, out / "checkpoint.pt")
    capsys.readouterr()
    again = cli.train(["--resume", "--out", str(out)])
    assert again == refused(capsys, 1, "checkpoint.pt was written for other networks")


def test_a_reader_who_leaves_and_an_early_ctrl_c_end_it_quietly(tmp_path):
    command = f"{sys.executable} -m course_utils --help | true"
    for unbuffered in ("", "1"):
        done = subprocess.run(
            command, shell=True, cwd=ROOT, capture_output=True, text=True,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
    script = (
        "import sys, course_utils.__main__ as m\n"
        "def interrupted(argv): raise KeyboardInterrupt\n"
        "m.main = interrupted; sys.exit(m._run([]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (130, "stopped.\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full disk here")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_words_for_a_full_disk_are_told_on_stderr(unbuffered):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "course_utils", "--help"], cwd=ROOT, text=True,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            stdout=full, stderr=subprocess.PIPE,
        )  # fmt: skip
    said = "stopped: [Errno 28] No space left on device.\n"
    assert (done.returncode, done.stderr) == (1, said)


# --- What is refused, and what goes wrong ---------------------------------------------


def refused(capsys, code, *words):
    """The one sentence on stderr, the progress bar aside."""
    said = capsys.readouterr().err.replace("\r", "\n").splitlines()
    said = [line for line in said if line and "round/s" not in line]
    assert len(said) == 1 and said[0].endswith((".", "?")), said
    for word in words:
        assert word in said[0]
    return code


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--steps", "many"], ["--steps", "'many'"]),
        (["--stepz", "4"], ["--stepz", "--help"]),
        (["--steps", "0"], ["steps must be at least 1"]),
        (["--size", "50"], ["size must be one of [28, 32, 64], not 50"]),
        (["--channels", "2"], ["channels must be 1 or 3"]),
        (["--precision", "float16"], ["float16", "bfloat16"]),
        (["--data", "minst"], ["Did you mean 'mnist'?"]),
        (["--device", "cuda:99"], ["no device 'cuda:99'"]),
        (["--batch-size", "41"], ["40 images do not fill a batch of 41"]),
        (["--checkpoint-every", "0"], ["checkpoint_every must be at least 1"]),
        (["--base-channels", "1000000000000"], ["no memory could hold"]),
        (["--resume"], ["holds no run to go on with"]),
    ],
)
def test_what_cannot_be_trained_is_refused(tmp_path, capsys, options, words):
    out = tmp_path / "run"
    assert train(out, "--steps", 3, *options) == refused(capsys, 2, *words) == 2
    assert not out.exists()


def test_a_folder_that_holds_a_run_is_not_written_over(whole, capsys):
    before = {path: path.read_bytes() for path in whole.glob("*.*")}
    assert train(whole, *STEPS) == refused(capsys, 2, "holds a run already", "--resume")
    other = train(whole, *STEPS, "--resume", "--seed", "3")
    assert other == refused(capsys, 2, "other settings (seed: 0 there, 3 here)")
    other = train(whole, "--resume", "--data", "mnist")
    assert other == refused(capsys, 2, "holds a run on digits, not on mnist")
    assert before == {path: path.read_bytes() for path in whole.glob("*.*")}


def test_a_run_whose_images_have_changed_is_refused(tmp_path, monkeypatch, capsys):
    out = tmp_path / "run"
    assert train(out, "--steps", 2) == 0
    monkeypatch.setattr(data, "load", few(data.load, 30))
    capsys.readouterr()
    again = cli.train(["--resume", "--out", str(out)])
    assert again == refused(capsys, 2, "trained on 40 images", "now holds 30")


def test_broken_files_of_a_run_are_said_to_be_broken(tmp_path, capsys):
    out = tmp_path / "run"
    assert train(out, "--steps", 2) == 0
    (out / "checkpoint.pt").write_bytes(b"PK half of it")
    capsys.readouterr()
    again = cli.train(["--resume", "--out", str(out)])
    assert again == refused(capsys, 1, "checkpoint.pt cannot be read")
    for text in ("{", "[]", '{"data": "digits"}'):
        (out / "config.json").write_text(text)
        again = cli.train(["--resume", "--out", str(out)])
        assert again == refused(capsys, 1, "config.json cannot be read")


def test_missing_data_is_a_sentence(tmp_path, capsys):
    nowhere = str(tmp_path / "nowhere")
    assert train(tmp_path / "run", "--data", nowhere) == 1
    assert refused(capsys, 1, "There is no folder", "nowhere")
    assert not (tmp_path / "run").exists()


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert train(tmp_path / "file", "--steps", 2) == 1
    assert refused(capsys, 1, "file is a file: choose another place")
    assert train(tmp_path / "file" / "run", "--steps", 2) == 1
    assert refused(capsys, 1, "cannot be written")


def full_disk(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("where", ["fsync", "write", "history"])
def test_a_full_disk_ends_the_run_and_spares_the_checkpoint(
    tmp_path, monkeypatch, capsys, where
):
    out, write_due = tmp_path / "run", Run.write_due

    def fill(run, plan, trainer, **options):
        write_due(run, plan, trainer, **options)
        if trainer.round == 6 and where == "fsync":
            monkeypatch.setattr(os, "fsync", full_disk)
        elif trainer.round == 6 and where == "write":
            monkeypatch.setattr(checkpoints, "open", full_disk, raising=False)
        elif trainer.round == 6:
            monkeypatch.setattr(files, "open", full_disk, raising=False)

    monkeypatch.setattr(Run, "write_due", fill)
    assert train(out, "--steps", 20, "--checkpoint-every", 3) == 1
    assert refused(capsys, 1, "cannot be written", "No space left", "Make room")
    assert checkpoints.read(out / "checkpoint.pt")["round"] in (6, 9)
    assert not list(out.glob(".*.part"))
    monkeypatch.undo()
    assert cli.train(["--resume", "--out", str(out)]) == 0
    assert history(out)[-1]["step"] == 20


def test_a_disk_that_cannot_be_cleaned_is_the_same_sentence(tmp_path, monkeypatch):
    def read_only(*_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    path = tmp_path / "checkpoint.pt"
    checkpoints.write_bytes(b"old", path)
    monkeypatch.setattr(os, "fsync", full_disk)
    monkeypatch.setattr(Path, "unlink", read_only)
    with pytest.raises(checkpoints.CheckpointError, match="the last one is intact"):
        checkpoints.write_bytes(b"new", path)
    assert path.read_bytes() == b"old"


def test_nan_ends_the_run_and_spares_the_checkpoint(tmp_path, monkeypatch, capsys):
    out, step = tmp_path / "run", training.train_step

    def poisoned(G, D, *rest):
        losses = step(G, D, *rest)
        poisoned.rounds += 1
        if poisoned.rounds == 8:
            with torch.no_grad():
                next(G.parameters()).fill_(float("nan"))
        return losses

    poisoned.rounds = 0
    monkeypatch.setattr(cli, "Trainer", partial(cli.Trainer, step=poisoned))
    assert train(out, "--steps", 20, "--checkpoint-every", 3) == 1
    assert refused(capsys, 1, "no longer a finite number")
    assert checkpoints.read(out / "checkpoint.pt")["round"] == 6


def test_pixels_that_are_nan_are_no_picture(tmp_path):
    class Broken:
        round = 3

        def samples(self, n):
            return torch.full((n, 1, 28, 28), float("nan"))

    with pytest.raises(files.TrainingError, match="round 3: G's images"):
        Run(tmp_path).draw(Broken())


@pytest.mark.parametrize("when", ["at the start", "in a round"])
def test_out_of_memory_ends_the_run_in_a_sentence(tmp_path, monkeypatch, capsys, when):
    out, real = tmp_path / "run", cli.Trainer

    def too_much(*_, **__):
        raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB")

    fails = partial(real, step=too_much) if when == "in a round" else too_much
    monkeypatch.setattr(cli, "Trainer", fails)
    assert train(out, "--steps", 3) == 1
    assert refused(capsys, 1, "out of memory at batch size 8", "half of it")
    if when == "in a round":
        assert checkpoints.read(out / "checkpoint.pt")["round"] == 0


# --- sample ---------------------------------------------------------------------------


def sample(*options):
    return cli.sample([str(option) for option in options])


def test_sample_draws_the_averaged_g_and_prints_where(whole, tmp_path, capsys):
    assert sample(whole) == 0
    path = Path(capsys.readouterr().out.strip())
    assert path == whole / "samples_seed_0.png" and path.exists()
    out = tmp_path / "new" / "picture.png"
    assert sample(whole / "checkpoint.pt", "--n", 10, "--seed", 7, "--out", out) == 0
    assert capsys.readouterr().out.strip() == str(out)
    G, settings = load_generator(whole / "checkpoint.pt")
    z = data.latent(10, settings.latent_dim, data.rng(7))
    first = (training.sample(G, z)[0, 0] + 1) / 2 * 255
    with Image.open(out) as picture:
        pixels = np.asarray(picture.convert("L")).astype(float)
    zoom = round(48 / 28)
    corner = pixels[: 28 * zoom : zoom, : 28 * zoom : zoom]
    assert np.abs(corner - first.numpy()).max() <= 1
    path.unlink()


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--n", "0"], 2, ["n must be from 1 to 10000, not 0"]),
        (["--n", "ten"], 2, ["'ten'"]),
        (["--seed", "-1"], 2, ["seed must be in"]),
        (["--out", "samples.jpg"], 2, ["samples.jpg must end in .png"]),
        (["--out", "/dev/null/picture.png"], 1, ["/dev/null is a file"]),
    ],
)
def test_what_cannot_be_sampled_is_refused(whole, capsys, options, code, words):
    assert sample(whole, *options) == code
    assert refused(capsys, code, *words)


def test_sampling_needs_a_checkpoint(tmp_path, capsys):
    assert sample(tmp_path) == 1
    assert refused(capsys, 1, "there is no checkpoint")
    (tmp_path / "notes.txt").write_text("no checkpoint")
    assert sample(tmp_path / "notes.txt") == 1
    assert refused(capsys, 1, "cannot be read as a checkpoint")
