"""Several processes on one training: each computes its part of every batch.

`torchrun` starts the processes. Before each step of an optimizer their gradients are
averaged, so that N processes do what one would do on the whole batch.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from .files import RunError

T = TypeVar("T")


class Group:
    """The processes that train together; the default is one process alone.

    Batch normalization: on GPUs its statistics are those of the whole batch
    (SyncBatchNorm); on CPUs, where PyTorch has none, of each process's part.

    Source: Li et al. 2020, PyTorch Distributed, arXiv:2006.15704, section 2.
    """

    def __init__(
        self, rank: int = 0, world_size: int = 1, device: torch.device | str = "cpu"
    ) -> None:
        self.rank, self.world_size = rank, world_size
        self.is_main, self.device = rank == 0, torch.device(device)

    def with_shared_statistics(self, network: nn.Module) -> nn.Module:
        """The network, batch normalization over the batch of all processes."""
        if self.world_size > 1 and self.device.type == "cuda":
            return nn.SyncBatchNorm.convert_sync_batchnorm(network)
        return network

    def average_(self, gradients: list[Tensor]) -> None:
        """Put the mean over the processes in place of each gradient."""
        if self.world_size == 1:
            return
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        dist.all_reduce(flat)  # one message: many small ones take longer
        parts = (flat / self.world_size).split([g.numel() for g in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view(gradient.shape))

    def part(self, batch: Tensor) -> Tensor:
        """This process's rows of a batch that all processes know."""
        return batch[self.rank :: self.world_size]

    def mean(self, values: Tensor) -> Tensor:
        """The mean of a small tensor over the processes, on the CPU."""
        if self.world_size == 1:
            return values
        values = values.to(self.device)
        dist.all_reduce(values)
        return (values / self.world_size).cpu()

    def any(self, flag: bool) -> bool:
        """Whether the flag is true in any process; all get the same answer."""
        return bool(self.mean(torch.tensor(float(flag))) > 0)

    def from_main(self, make: Callable[[], T]) -> T:
        """What `make()` returns in the main process, which alone calls it."""
        if self.world_size == 1:
            return make()
        told = [None, False]  # the result, and whether there is one
        try:
            if self.is_main:
                told = [make(), True]
        finally:  # a failure is told too, or the others would wait for ever
            dist.broadcast_object_list(told, src=0, device=self.device)
        if not told[1]:
            raise RunError("the main process failed, and says why")
        return told[0]


def launched() -> bool:
    """Whether `torchrun` started this process together with others.

    A ValueError if the environment speaks of others that torchrun did not start.
    """
    if os.environ.get("WORLD_SIZE", "") in ("", "0", "1"):
        return False
    if not dist.is_torchelastic_launched():
        raise ValueError(
            "the environment variables RANK and WORLD_SIZE speak of other processes, "
            "but torchrun did not start this one: to train with one process, `unset "
            "RANK WORLD_SIZE`; to train with several, start them with torchrun"
        )
    return True


def local_rank() -> int:
    """Which process of its machine this is, from 0; 0 without torchrun."""
    started = dist.is_torchelastic_launched()
    return int(os.environ.get("LOCAL_RANK", 0)) if started else 0


@contextmanager
def joined(device: torch.device) -> Iterator[Group]:
    """Join the other processes, if torchrun started any, and leave them at the end."""
    if not launched():
        yield Group(device=device)
        return
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Group(dist.get_rank(), dist.get_world_size(), device)
    except RuntimeError as error:
        if "Connection" in str(error) or isinstance(error, dist.DistBackendError):
            raise RunError("another process has left, and says why") from error
        raise
    finally:
        dist.destroy_process_group()


def end_process(status: int) -> int:
    """End this process at once if it is one of several; else hand the status on.

    Python's own ending can meet a thread of gloo or autograd that needs it once more,
    and abort (PyTorch's issue 190489); by now all files are closed.
    """
    if dist.is_torchelastic_launched():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status
