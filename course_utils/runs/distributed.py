"""Several processes on one training: each plays its part of every batch.

`torchrun` starts the processes; gradients are averaged over them by PyTorch's
DistributedDataParallel, so that N processes do what one would on the whole batch.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

T = TypeVar("T")


class Elsewhere(RuntimeError):
    """Another process failed; it says why."""


class Alone:
    """One process: nothing to share, the whole batch is its part."""

    rank, size = 0, 1

    def shared(self, network: nn.Module) -> nn.Module:
        """The network, its gradients averaged over the processes in each backward."""
        return network

    def part(self, batch: Tensor) -> Tensor:
        """This process's rows of a batch that all processes know."""
        return batch

    def mean(self, values: Tensor) -> Tensor:
        """The mean of a small tensor over the processes."""
        return values

    def any(self, flag: bool) -> bool:
        """Whether the flag is up in any process; all get the same answer."""
        return flag

    def first(self, make: Callable[[], T]) -> T:
        """What `make()` returns in the first process, which alone calls it.

        Raises:
            Elsewhere: it failed there, and this is another process.
        """
        return make()


class Together(Alone):
    """The processes that `torchrun` started.

    Batch normalization: on GPUs its statistics are those of the whole batch
    (SyncBatchNorm); on CPUs, where PyTorch has none, of each process's part.

    Args:
        device: of this process.

    Source: Li et al. 2020, PyTorch Distributed, arXiv:2006.15704, section 3.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.rank, self.size = dist.get_rank(), dist.get_world_size()

    def shared(self, network: nn.Module) -> nn.Module:
        if self.device.type == "cuda":
            network = nn.SyncBatchNorm.convert_sync_batchnorm(network)
        return _Shared(network, broadcast_buffers=False)

    def part(self, batch: Tensor) -> Tensor:
        return batch[self.rank :: self.size]

    def mean(self, values: Tensor) -> Tensor:
        values = values.to(self.device)
        dist.all_reduce(values)
        return (values / self.size).cpu()

    def any(self, flag: bool) -> bool:
        raised = torch.tensor(float(flag), device=self.device)
        dist.all_reduce(raised)
        return bool(raised > 0)

    def first(self, make: Callable[[], T]) -> T:
        told = [None, False]  # what was made, and whether it was
        try:
            if self.rank == 0:
                told = [make(), True]
        finally:  # a failure is told too, or the others would wait for ever
            dist.broadcast_object_list(told, src=0, device=self.device)
        if not told[1]:
            raise Elsewhere("the first process failed, and says why")
        return told[0]


class _Shared(DistributedDataParallel):
    """DistributedDataParallel for a network that may be frozen in one player's step."""

    def forward(self, *inputs: Tensor) -> Tensor:
        # A frozen network has no gradients to wait for.
        learning = any(p.requires_grad for p in self.module.parameters())
        self.require_backward_grad_sync = learning
        return super().forward(*inputs)


def started_by_torchrun() -> bool:
    """Whether this process is one of several."""
    return "RANK" in os.environ and "WORLD_SIZE" in os.environ


def place() -> int:
    """Which process of its machine this is: 0, 1, ...; 0 if it is alone."""
    return int(os.environ["LOCAL_RANK"]) if "LOCAL_RANK" in os.environ else 0


@contextmanager
def processes(device: torch.device) -> Iterator[Alone]:
    """Join the other processes, if `torchrun` started any, and leave them at the end.

    Args:
        device: of this process; NCCL carries the gradients of GPUs, gloo of CPUs.
    """
    if not started_by_torchrun():
        yield Alone()
        return
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Together(device)
    except RuntimeError as error:
        gone = any(s in str(error) for s in ("Connection closed", "Connection reset"))
        if gone or isinstance(error, dist.DistBackendError):
            reason = str(error).splitlines()[0]
            raise Elsewhere(f"another process has left ({reason})") from error
        raise
    finally:
        dist.destroy_process_group()


def leave(status: int) -> int:
    """End this process here if it is one of several; else hand the status on.

    Python's own ending can meet a thread of gloo or autograd that needs it once more,
    and abort: by now all files are closed, so nothing is left for it to tidy up.

    Source: PyTorch's issue 190489.
    """
    if started_by_torchrun():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status
