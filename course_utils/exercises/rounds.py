"""Rounds of the game, watched: two small players, and what a step did to each of them.

Parameters decide. Two steps are made where one cannot tell: a forgotten `zero_grad` is
right once. What only costs time or memory is observed under `cost: ` and fails nobody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from .comparing import COST, as_number
from .wording import CHANGED, MOVED

Seen = Iterator[tuple[str, Any]]


class Round(NamedTuple):
    """Players, their optimizers and the batches that they meet over."""

    G: nn.Module
    D: nn.Module
    optimizer_g: torch.optim.Optimizer
    optimizer_d: torch.optim.Optimizer
    x_real: Tensor
    z: Tensor
    times: int


def round_of(
    n_real: int = 6, n_fake: int = 6, *, times: int = 1, norm: bool = False,
    deep: bool = False, junk: float = 0.0, sure: float = 0.0, steep: float = 1.0,
    lr: float = 0.1, momentum: float = 0.0, seed: int = 1,
) -> Callable[[], tuple[Round]]:  # fmt: skip
    """A probe: fresh players and batches, latents of 2 numbers, points of 3.

    Args:
        n_real, n_fake: how many points and latents.
        times: how often the step is made.
        norm: whether both networks have batch normalization.
        deep: whether G has another layer.
        junk: what stands in every `.grad`; 0: nothing.
        sure: added to D's logits, so that D(x) differs from 1/2.
        steep: times D's last weights: how far its logits lie apart.
        lr, momentum: of SGD. Adam would hide the scale of a gradient, and its sign
            nearly.
        seed: of weights and batches.
    """

    def make() -> tuple[Round]:
        draws = torch.Generator().manual_seed(seed)
        G = nn.Sequential(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 3))
        D = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1), nn.Flatten(0))
        if deep:
            G.insert(1, nn.Linear(5, 5))
        if norm:
            G.insert(1, nn.BatchNorm1d(5))
            D.insert(1, nn.BatchNorm1d(4))
        for weight in [*G.parameters(), *D.parameters()]:
            weight.data = 0.8 * torch.randn(weight.shape, generator=draws)
            weight.grad = torch.full_like(weight, junk) if junk else None
        D[-2].weight.data *= steep
        D[-2].bias.data += sure
        optimizers = [torch.optim.SGD(x.parameters(), lr, momentum) for x in (G, D)]
        # Data away from G's points, so that real and fake differ in their statistics.
        x_real = 1.5 + torch.randn(n_real, 3, generator=draws)
        z = torch.randn(n_fake, 2, generator=draws)
        return (Round(G, D, *optimizers, x_real, z, times),)

    return make


class Stream:
    """A sampler without arguments: another batch at each call, and it counts them."""

    def __init__(self, n: int, dim: int, seed: int) -> None:
        self.n, self.dim, self.calls = n, dim, 0
        self.draws = torch.Generator().manual_seed(seed)

    def __call__(self) -> Tensor:
        """The next batch of the stream."""
        self.calls += 1
        return torch.randn(self.n, self.dim, generator=self.draws)


def watch(*names: str) -> Callable[..., Seen]:
    """An observer of a step that is called with these fields of a Round, in order."""
    movers = [name for name in "DG" if f"optimizer_{name.lower()}" in names]

    def observe(function: Any, given: Round) -> Seen:
        arguments = [getattr(given, name) for name in names]
        return watch_call(lambda: function(*arguments), given, movers)

    return observe


def watch_call(
    call: Callable[[], Any], given: Round, movers: Iterable[str] = "DG"
) -> Seen:
    """Make a step `times` times; what it returned, and what became of G and D.

    Args:
        call: without arguments; makes the step.
        given: players and batches.
        movers: "D", "G" or both: whose optimizer the step is to use.
    """
    nets, batches = {"D": given.D, "G": given.G}, (given.x_real, given.z)
    before = {name: parameters_of(net) for name, net in nets.items()}
    kept, state = [x.clone() for x in batches], torch.get_rng_state()
    heard, walked = _listen(given)
    error = None
    try:
        for _ in range(given.times):
            result = call()
    except Exception as raised:  # how far it came tells one error from another
        error = raised
    for name in movers:
        yield f"steps of {name}'s optimizer", heard[f"steps of {name}"]
    if not error:
        yield "the returned loss", numbers(result)
    reached = heard["gradients of D"] + heard["gradients of G"]
    yield "a gradient reaches some weights", reached > 0
    for name in movers:
        yield f"a gradient reaches {name}'s weights", heard[f"gradients of {name}"] > 0
    for name, net in nets.items():
        change = parameters_of(net) - before[name]
        finite = bool(change.isfinite().all())  # NaN alone would name no mistake
        yield f"change of {name}'s parameters", change if finite else "NaN or infinite"
    if error:
        raise error
    final = parameters_of(given.D)
    through = any(torch.equal(weights, final) for weights in walked)
    yield "a gradient reaches G through D as it is at the end", through
    for name, net in nets.items():
        yield from left_as_found(name, net)
        counts = [b for n, b in net.named_buffers() if n.endswith("tracked")]
        yield f"{name}'s averages follow", all(c >= given.times for c in counts)
    same = all(map(torch.equal, batches, kept))
    asks = any(x.requires_grad for x in batches)
    yield "x_real and z", "unchanged" if same and not asks else CHANGED
    still = torch.equal(state, torch.get_rng_state())
    yield "global random state", "untouched" if still else MOVED
    losses = result if isinstance(result, tuple | list) else [result]
    graphs = [isinstance(x, Tensor) and x.requires_grad for x in losses]
    yield f"{COST}the losses keep their graph", any(graphs)
    yield f"{COST}gradients that walked back through G", len(walked)
    yield f"{COST}passes of G", heard["passes of G"]


def left_as_found(name: str, net: nn.Module) -> Seen:
    """Whether a network can be trained on as before: its mode, and requires_grad."""
    yield f"{name} in training mode", all(part.training for part in net.modules())
    weights = list(net.parameters())
    yield f"{name} can still learn", all(weight.requires_grad for weight in weights)


def parameters_of(net: nn.Module) -> Tensor:
    """All parameters in one vector, copied."""
    return torch.cat([p.detach().flatten() for p in net.parameters()])


def numbers(result: Any) -> Any:
    """Scalars as floats, whatever holds them; anything else as it is."""
    if isinstance(result, tuple | list):
        return tuple(map(numbers, result))
    number = as_number(result, whole=False)
    return result if number is None else number


def _listen(given: Round) -> tuple[Counter, list[Tensor]]:
    """Counts of passes, gradients and steps; D's weights at each gradient that came
    back to G's output."""
    heard: Counter = Counter()
    walked: list[Tensor] = []

    def note_pass(module: nn.Module, inputs: Any, output: Tensor) -> None:
        heard["passes of G"] += 1
        if output.requires_grad:
            output.register_hook(lambda _: walked.append(parameters_of(given.D)))

    given.G.register_forward_hook(note_pass)
    players = ("G", given.G, given.optimizer_g), ("D", given.D, given.optimizer_d)
    for name, net, optimizer in players:
        gradients, steps = [f"gradients of {name}"], [f"steps of {name}"]
        first = next(net.parameters())
        first.register_hook(lambda _, what=gradients: heard.update(what))
        optimizer.register_step_post_hook(lambda *_, what=steps: heard.update(what))
    return heard, walked
