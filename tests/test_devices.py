"""Which device, which arithmetic, and a clock that waits."""

import pytest
import torch
from torch import nn

from course_utils.runs import devices


@pytest.mark.parametrize("name", ["nonsense", "cuda:99", "meta"])
def test_a_device_that_is_not_here_is_refused_in_a_sentence(name):
    with pytest.raises(ValueError, match=f"no device '{name}' on this machine"):
        devices.pick(name)


def test_fast_precision_is_one_of_the_two_and_asks_the_processor(monkeypatch):
    cpu = torch.device("cpu")
    assert devices.fast_precision(cpu) in devices.PRECISIONS
    for has, wanted in ((True, "bfloat16"), (False, "float32")):
        name = "_is_avx512_bf16_supported"
        monkeypatch.setattr(torch.cpu, name, lambda has=has: has, raising=False)
        assert devices.fast_precision(cpu) == wanted
    assert devices.fast_precision(torch.device("mps")) == "float32"


def test_in_bfloat16_sees_the_weights_as_they_are_and_rounds_products():
    """One autocast around a whole step would go on using the old weights."""
    network, x = nn.Linear(1, 1, bias=False), torch.ones(1, 1)
    nn.init.ones_(network.weight)
    wrapped = devices.InBfloat16(network)
    (-wrapped(x)).backward()
    torch.optim.SGD(wrapped.parameters(), lr=2.0).step()
    assert network.weight.item() == 3 and wrapped(x).item() == 3
    nn.init.constant_(network.weight, 1 + 2**-10)  # bfloat16 has 8 bits
    assert wrapped(x).item() == 1 and wrapped(x).dtype == torch.float32


def test_the_clock_is_read_after_the_device_has_finished(monkeypatch):
    calls, clock = [], iter([10.0, 14.0])

    def now():
        calls.append("clock")
        return next(clock)

    monkeypatch.setattr(devices, "synchronize", lambda: calls.append("wait"))
    monkeypatch.setattr(devices.time, "perf_counter", now)
    speed = devices.images_per_second(lambda: calls.append("step"), 8, n=3)
    assert calls == ["step", "wait", "clock", *["step"] * 3, "wait", "clock"]
    assert speed == 3 * 8 / 4.0
    with pytest.raises(ValueError, match="at least 1"):
        devices.images_per_second(lambda: None, 8, n=0)


@pytest.mark.parametrize(
    ("physical", "allowed", "share", "want"),
    [(8, 16, "max 100000", 8), (8, 2, None, 2), (8, 16, "150000 100000", 1)],
)
def test_cores_are_those_that_this_process_may_use(
    monkeypatch, physical, allowed, share, want
):
    def read_text(path):
        if share is None:
            raise FileNotFoundError(path)
        return share

    monkeypatch.setattr(devices.psutil, "cpu_count", lambda logical: physical)
    monkeypatch.setattr(
        devices.os, "sched_getaffinity", lambda pid: range(allowed), raising=False
    )
    monkeypatch.setattr(devices.Path, "read_text", read_text)
    assert devices.cores() == want
