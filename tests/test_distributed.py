"""Two processes on the CPU do what one does on the whole batch.

Without batch normalization: on CPUs each process would normalize its own part of the
batch (PyTorch's SyncBatchNorm exists on GPUs only), which is another computation.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from course_utils import data
from course_utils.runs import cli, devices, distributed, files
from course_utils.runs.trainer import Settings, Trainer

ROOT = Path(__file__).resolve().parent.parent
SMALL = Settings(
    size=28, latent_dim=8, base_channels=4, batch_size=8, steps=6, log_every=1,
    n_discriminator_steps=2, n_generator_steps=2, average=0.9, batch_norm=False,
)  # fmt: skip

TINY = [
    "--device", "cpu", "--size", "28", "--latent-dim", "8", "--base-channels", "4",
    "--batch-size", "8", "--log-every", "2", "--no-batch-norm",
]  # fmt: skip

# What each of the two processes does; the first saves what the test compares.
WORKER = """
import atexit, json, signal, sys
from pathlib import Path
import torch
from course_utils import data
from course_utils.runs import cli, distributed
from course_utils.runs.trainer import Settings, Trainer

folder, settings = Path(sys.argv[1]), Settings(**json.loads(sys.argv[2]))
images = data.load("digits", size=28)[0][:44].double()
with distributed.joined(torch.device("cpu")) as group:
    def new():
        return Trainer(images, settings, group=group)
    def keep(trainer, name):
        if group.rank == 0:
            trainer.save(folder / name)
    found = {"rank": group.rank, "size": group.world_size}
    whole = new()
    found["whole"] = whole.train()
    keep(whole, "whole.pt")

    first, second = new(), new()
    found["stopped"] = first.train(watch=lambda record: (  # in one of them only
        record.step == 3 and group.rank == 1 and signal.raise_signal(signal.SIGINT)))
    found["at"] = first.round
    keep(first, "first.pt")
    group.from_main(lambda: None)  # the file is there
    second.load(folder / ("first.pt" if group.rank == 0 else "nowhere.pt"))
    second.train()
    keep(second, "second.pt")

    weights = torch.cat([p.detach().flatten() for p in second.G.parameters()])
    found["apart"] = (weights - group.mean(weights.clone())).abs().max().item()
    def fail():
        raise ValueError("here")
    try:
        group.from_main(fail)
    except (ValueError, RuntimeError) as error:
        found["failed"] = type(error).__name__
    found["told"] = group.from_main(lambda: f"word of {group.rank}")
    (folder / f"found{group.rank}.json").write_text(json.dumps(found))
atexit.register(lambda: print("tidied up"))  # Python's own ending is not reached
cli.train([*json.loads(sys.argv[3]), "--steps", "4", "--out", str(folder / "run")])
"""


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """The folder in which two processes left what they found."""
    folder = tmp_path_factory.mktemp("two")
    (folder / "worker.py").write_text(WORKER)
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone",
         "--nproc-per-node=2", folder / "worker.py", folder,
         json.dumps(SMALL.__dict__), json.dumps(TINY)],
        cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    assert "100%" in done.stderr
    (folder / "stdout").write_text(done.stdout)
    return folder


@pytest.fixture(scope="module")
def one():
    """One process on the whole batch."""
    trainer = Trainer(data.load("digits", size=28)[0][:44].double(), SMALL)
    trainer.train()
    return trainer


def test_two_processes_equal_one_on_the_whole_batch(two, one):
    for name in ("whole.pt", "second.pt"):  # the second was stopped and resumed
        content = files.read_checkpoint(two / name)
        assert content["round"] == 6
        for part in ("G", "D", "average"):
            for key, want in getattr(one, part).state_dict().items():
                assert content[part][key].dtype == torch.float64
                assert torch.allclose(content[part][key], want, rtol=0, atol=1e-10), key
        assert len(content["history"]) == 6
        for row, want in zip(content["history"], one.history, strict=True):
            assert row[:-1] == pytest.approx(want[:-1], rel=0, abs=1e-10)


def test_both_stop_and_go_on_together_and_hear_of_the_main_process(two):
    main, other = (json.loads((two / f"found{i}.json").read_text()) for i in range(2))
    assert (main["rank"], other["rank"]) == (0, 1)
    for found in (main, other):
        assert found["size"] == 2 and found["whole"]
        assert (found["stopped"], found["at"]) == (False, 3)
        assert found["apart"] < 1e-12 and found["told"] == "word of 0"
    assert files.read_checkpoint(two / "first.pt")["round"] == 3
    assert (main["failed"], other["failed"]) == ("ValueError", "RunError")


def test_the_command_under_torchrun_writes_and_speaks_once(two):
    said = (two / "stdout").read_text()
    assert said.count("4 of 4 rounds") == 1 and "tidied up" not in said
    config = json.loads((two / "run" / "config.json").read_text())
    assert config["processes"] == 2 and config["settings"]["batch_norm"] is False
    rows = files.RunFolder(two / "run").read_history()
    assert [row["step"] for row in rows] == [1, 2, 4]


def test_variables_left_over_from_a_cluster_are_named_at_once(
    tmp_path, monkeypatch, capsys
):
    for name, value in (("RANK", "3"), ("WORLD_SIZE", "8"), ("LOCAL_RANK", "3")):
        monkeypatch.setenv(name, value)
    assert cli.train([*TINY, "--steps", "1", "--out", str(tmp_path / "run")]) == 2
    said = capsys.readouterr().err
    assert "RANK and WORLD_SIZE" in said and "unset RANK WORLD_SIZE" in said
    assert said.count("\n") == 1
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert cli.train([*TINY, "--steps", "1", "--out", str(tmp_path / "run")]) == 0


@pytest.fixture
def rank_11(monkeypatch):
    """As if torchrun had started sixteen processes on two machines."""
    for name, value in (
        ("RANK", "11"), ("WORLD_SIZE", "16"), ("LOCAL_RANK", "3"),
        ("TORCHELASTIC_RUN_ID", "a"),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)


def test_each_process_of_a_machine_takes_its_own_gpu(rank_11, monkeypatch):
    def joined(device):
        raise ValueError(f"here with {device}")

    def pick(name):
        return torch.device("cuda" if name == "auto" else name)

    monkeypatch.setattr(devices, "pick", pick)
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: None)
    monkeypatch.setattr(distributed, "joined", joined)
    for asked, used in (("auto", "cuda:3"), ("cuda:1", "cuda:1"), ("cpu", "cpu")):
        with pytest.raises(ValueError, match=f"here with {used}$"):
            cli._train(SimpleNamespace(device=asked))


def test_an_error_that_all_have_is_said_once_a_machine(rank_11, monkeypatch, capsys):
    def failing(error):
        raise error

    assert cli._explained(failing, ValueError("wrong")) == 2
    assert capsys.readouterr().err == ""
    assert cli._explained(failing, MemoryError("too little")) == 1
    assert capsys.readouterr().err == "too little.\n"
    monkeypatch.setenv("LOCAL_RANK", "0")
    cli._explained(failing, ValueError("wrong"))
    assert capsys.readouterr().err == "wrong.\n"


@pytest.mark.parametrize(
    ("says", "kind"),
    [
        ("[gloo] Connection closed by peer [127.0.0.1]", files.RunError),
        ("shapes do not fit", RuntimeError),
    ],
)
def test_a_process_that_has_left_is_told_from_an_error(
    rank_11, monkeypatch, says, kind
):
    for name in ("init_process_group", "destroy_process_group"):
        monkeypatch.setattr(distributed.dist, name, lambda *_: None)
    for name in ("get_rank", "get_world_size"):
        monkeypatch.setattr(distributed.dist, name, lambda: 1)
    with pytest.raises(RuntimeError) as caught:
        with distributed.joined(torch.device("cpu")):
            raise RuntimeError(says)
    assert caught.type is kind
