"""Watch training steps: two small players, and what a step did to each of them.

Parameters decide. Two steps are made where one cannot tell: a forgotten `zero_grad` is
right once. What only costs time or memory is observed under `cost: ` and fails nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from .comparing import COST, as_number

Seen = Iterator[tuple[str, Any]]
LEARNING_RATE = 0.1  # SGD: Adam would hide the scale of a gradient, and its sign nearly


class Players(NamedTuple):
    """Two networks and their optimizers, ready for a step."""

    G: nn.Module
    D: nn.Module
    optimizer_g: torch.optim.Optimizer
    optimizer_d: torch.optim.Optimizer


def players(*, junk: float = 0.0, sure: float = 0.0, seed: int = 1) -> Players:
    """Two dense networks: latents of 2 numbers, points of 3, D returns (n,) logits.

    Args:
        junk: what stands in every `.grad`; 0: nothing.
        sure: added to D's logits, so that D(x) differs from 1/2.
        seed: of the weights.
    """
    weights = torch.Generator().manual_seed(seed)
    G = nn.Sequential(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 3))
    D = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1), nn.Flatten(0))
    with torch.no_grad():
        for parameter in [*G.parameters(), *D.parameters()]:
            parameter.copy_(0.8 * torch.randn(parameter.shape, generator=weights))
        D[-2].bias += sure
    for parameter in [*G.parameters(), *D.parameters()]:
        parameter.grad = torch.full_like(parameter, junk) if junk else None
    optimizers = (torch.optim.SGD(net.parameters(), lr=LEARNING_RATE) for net in (G, D))
    return Players(G, D, *optimizers)


def batch(n: int, dim: int, seed: int, *, scale: float = 1.0) -> Tensor:
    """(n, dim) normal numbers that the seed decides."""
    return scale * torch.randn(n, dim, generator=torch.Generator().manual_seed(seed))


class Stream:
    """A sampler without arguments: another batch at each call, and it counts them."""

    def __init__(self, n: int, dim: int, seed: int) -> None:
        self.n, self.dim, self.seed, self.calls = n, dim, seed, 0

    def __call__(self) -> Tensor:
        """The next batch of the stream."""
        self.calls += 1
        return batch(self.n, self.dim, self.seed + self.calls)


def watch(
    move: Callable[[], Any], pair: Players, *, times: int, moves: str, reached: str = ""
) -> Seen:
    """Make a move `times` times; yield what it returned and what became of G and D.

    Args:
        move: without arguments; one call of the learner's function.
        pair: the players that it moves.
        times: how often.
        moves: "D" or "G", the player that may change.
        reached: the label under which to tell whether a gradient came back to G;
            nothing is told where it is empty.
    """
    still = "G" if moves == "D" else "D"
    nets = {"G": pair.G, "D": pair.D}
    before = {name: _flat(net) for name, net in nets.items()}
    walked = _walks_back(pair.G)
    for _ in range(times):
        result = move()
    loss = plain(result)
    yield "the returned loss", loss
    yield "it is a number", loss == loss  # NaN would name nothing
    for name in (moves, still):
        yield f"change of {name}'s parameters", _flat(nets[name]) - before[name]
    yield from left_as_found(nets)
    if reached:
        yield reached, bool(walked)
    yield f"{COST}the result keeps its graph", has_graph(result)


def left_as_found(nets: dict[str, nn.Module]) -> Seen:
    """Whether networks can be trained on as before: mode, and requires_grad."""
    for name, net in nets.items():
        yield f"{name} in training mode", net.training
        learns = all(parameter.requires_grad for parameter in net.parameters())
        yield f"{name} can still learn", learns


def plain(result: Any) -> Any:
    """A scalar as a float, whatever holds it; anything else as it is."""
    number = as_number(result, whole=False)
    return result if number is None else number


def has_graph(result: Any) -> bool:
    """Whether a returned loss keeps its whole computation in memory."""
    return isinstance(result, Tensor) and result.requires_grad


def _flat(net: nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for p in net.parameters()])


def _walks_back(net: nn.Module) -> list[int]:
    """A list that grows each time a gradient reaches the network's output."""
    walked: list[int] = []

    def listen(module: nn.Module, inputs: Any, output: Tensor) -> None:
        if output.requires_grad:
            output.register_hook(lambda gradient: walked.append(1))

    net.register_forward_hook(listen)
    return walked
