"""Two processes on the CPU do what one does on the whole batch.

Without batch normalization: on CPUs each process would normalize its own part of the
batch (PyTorch's SyncBatchNorm exists on GPUs only), which is another computation.
"""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from course_utils import data
from course_utils.runs import checkpoints, cli, devices, distributed, files
from course_utils.runs.distributed import Alone
from course_utils.runs.trainer import Settings, Trainer

ROOT = Path(__file__).resolve().parent.parent
SMALL = Settings(
    size=28, latent_dim=8, base_channels=4, batch_size=8, steps=6, log_every=1,
    n_discriminator_steps=2, n_generator_steps=2, average=0.9, batch_norm=False,
)  # fmt: skip

# What each of the two processes does; the first saves what the test compares.
WORKER = """
import json, signal, sys
from pathlib import Path
import torch
from course_utils import data
from course_utils.runs import distributed
from course_utils.runs.trainer import Settings, Trainer

folder, settings = Path(sys.argv[1]), Settings(**json.loads(sys.argv[2]))
images = data.load("digits", size=28)[0][:44].double()
with distributed.processes(torch.device("cpu")) as group:
    def new():
        return Trainer(images, settings, group=group)
    def keep(trainer, name):
        if group.rank == 0:
            trainer.save(folder / name)
    found = {"rank": group.rank, "size": group.size}
    whole = new()
    found["whole"] = whole.train()
    keep(whole, "whole.pt")

    first, second = new(), new()
    found["stopped"] = first.train(watch=lambda record: (  # in one of them only
        record.step == 3 and group.rank == 1 and signal.raise_signal(signal.SIGINT)))
    found["at"] = first.round
    keep(first, "first.pt")
    group.first(lambda: None)  # the file is there
    second.load(folder / ("first.pt" if group.rank == 0 else "nowhere.pt"))
    second.train()
    keep(second, "second.pt")

    weights = torch.cat([p.detach().flatten() for p in second.G.parameters()])
    found["apart"] = (weights - group.mean(weights.clone())).abs().max().item()
    def fail():
        raise ValueError("here")
    try:
        group.first(fail)
    except (ValueError, distributed.Elsewhere) as error:
        found["failed"] = type(error).__name__
    found["calls"] = []
    found["told"] = group.first(lambda: found["calls"].append(1) or "word")
    (folder / f"found{group.rank}.json").write_text(json.dumps(found))
distributed.leave(0)
"""


def run_two(*arguments):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone",
               "--nproc-per-node=2", *map(str, arguments)]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
    )


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """The folder in which two processes left what they found."""
    folder = tmp_path_factory.mktemp("two")
    (folder / "worker.py").write_text(WORKER)
    settings = json.dumps(SMALL.__dict__)
    done = run_two(folder / "worker.py", folder, settings)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def one():
    """One process on the whole batch."""
    trainer = Trainer(data.load("digits", size=28)[0][:44].double(), SMALL)
    trainer.train()
    return trainer


def found(folder):
    names = ("found0.json", "found1.json")
    return [json.loads((folder / name).read_text()) for name in names]


@pytest.mark.parametrize("name", ["whole.pt", "second.pt"])
def test_two_processes_equal_one_on_the_whole_batch(two, one, name):
    content = checkpoints.read(two / name)
    assert content["round"] == 6
    for part in ("G", "D", "average"):
        for key, want in getattr(one, part).state_dict().items():
            assert content[part][key].dtype == torch.float64
            assert torch.allclose(content[part][key], want, rtol=0, atol=1e-10), key


def test_their_records_are_of_the_whole_batch(two, one):
    rows = checkpoints.read(two / "whole.pt")["history"]
    assert len(rows) == 6
    for row, want in zip(rows, one.history, strict=True):
        assert row[:-1] == pytest.approx(want[:-1], rel=0, abs=1e-10)


def test_both_stop_at_the_same_round_if_one_is_asked_to(two):
    assert [(f["stopped"], f["at"]) for f in found(two)] == [(False, 3), (False, 3)]
    assert checkpoints.read(two / "first.pt")["round"] == 3


def test_both_go_on_with_the_same_weights(two):
    assert [(f["rank"], f["size"], f["whole"]) for f in found(two)] == [
        (0, 2, True), (1, 2, True),
    ]  # fmt: skip
    assert max(f["apart"] for f in found(two)) < 1e-12


def test_what_the_first_does_alone_the_others_hear_of(two):
    first, other = found(two)
    assert first["failed"] == "ValueError" and other["failed"] == "Elsewhere"
    assert first["calls"] == [1] and other["calls"] == []
    assert first["told"] == other["told"] == "word"


TINY = [
    "--device", "cpu", "--size", "28", "--latent-dim", "8", "--base-channels", "4",
    "--batch-size", "8", "--log-every", "2", "--sample-every", "0", "--no-batch-norm",
]  # fmt: skip


def test_the_command_under_torchrun_writes_and_speaks_once(tmp_path):
    out = tmp_path / "run"
    done = run_two(
        "-m", "course_utils", "train", *TINY, "--steps", "4", "--out", out
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("4 rounds are done") == 1
    config = json.loads((out / "config.json").read_text())
    assert config["processes"] == 2
    rows = (out / "history.jsonl").read_text().splitlines()
    assert [json.loads(row)["step"] for row in rows] == [1, 2, 4]
    assert files.Run(out).read()[0].settings.batch_norm is False
    assert "100%" in done.stderr and "Traceback" not in done.stderr


def test_a_process_of_several_ends_without_pythons_own_ending(tmp_path):
    script = (
        "import atexit, sys; from course_utils.runs import distributed\n"
        "atexit.register(lambda: print('tidied up'))\n"
        "print('said'); sys.exit(distributed.leave(3))"
    )

    def run(**environment):
        return subprocess.run(
            [sys.executable, "-c", script], cwd=ROOT, env={**os.environ, **environment},
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    alone, one_of_several = run(), run(RANK="0", WORLD_SIZE="2")
    assert (alone.returncode, alone.stdout) == (3, "said\ntidied up\n")
    assert (one_of_several.returncode, one_of_several.stdout) == (3, "said\n")


def test_a_batch_without_equal_parts_is_refused(monkeypatch):
    class Three(Alone):
        size = 3

    with pytest.raises(ValueError, match="8 cannot be shared equally by 3 processes"):
        Trainer(torch.zeros(20, 1, 28, 28), SMALL, group=Three())
    Trainer(torch.zeros(20, 1, 28, 28), replace(SMALL, batch_size=9), group=Three())


def test_one_process_needs_no_company(monkeypatch):
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    with distributed.processes(torch.device("cpu")) as group:
        assert (group.rank, group.size) == (0, 1) and distributed.place() == 0
        assert group.first(lambda: 3) == 3 and group.any(True) and not group.any(False)
        network = nn.Linear(2, 1)
        assert group.shared(network) is network


def test_each_process_of_a_machine_takes_its_own_gpu(monkeypatch):
    picked, set_device = [], []

    def pick(name):
        picked.append(name)
        return torch.device("cuda" if name == "auto" else name)

    monkeypatch.setattr(devices, "pick", pick)
    monkeypatch.setattr(torch.cuda, "set_device", set_device.append)
    for name, value in (("RANK", 11), ("WORLD_SIZE", 16), ("LOCAL_RANK", 3)):
        monkeypatch.setenv(name, str(value))
    assert cli._device("auto") == torch.device("cuda:3")
    assert set_device == [torch.device("cuda:3")]
    assert cli._device("cpu") == torch.device("cpu")
    assert cli._device("mps") == torch.device("cpu")  # gloo has no other


def test_an_error_that_all_have_is_said_once_a_machine(monkeypatch, capsys):
    monkeypatch.setenv("RANK", "5")

    def fail(error):
        def command():
            raise error

        return cli._explained(command)

    monkeypatch.setenv("LOCAL_RANK", "1")
    assert fail(ValueError("wrong")) == 2
    assert capsys.readouterr().err == ""
    assert fail(MemoryError("too little")) == 1
    assert capsys.readouterr().err == "process 5: too little.\n"
    monkeypatch.setenv("LOCAL_RANK", "0")
    assert fail(ValueError("wrong")) == 2
    assert capsys.readouterr().err == "process 5: wrong.\n"


def test_a_process_that_has_left_is_told_from_an_error(monkeypatch):
    class Company:
        def __init__(self, device):
            pass

    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr(distributed, "Together", Company)
    for name in ("init_process_group", "destroy_process_group"):
        monkeypatch.setattr(distributed.dist, name, lambda *_: None)
    for says, kind in (
        ("[gloo] Connection closed by peer [127.0.0.1]", distributed.Elsewhere),
        ("shapes do not fit", RuntimeError),
    ):
        with pytest.raises(RuntimeError) as caught:
            with distributed.processes(torch.device("cpu")):
                raise RuntimeError(says)
        assert caught.type is kind
