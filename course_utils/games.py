"""Many small games side by side, so that a comparison over seeds costs about one run.

The networks are stacked: game i has its own weights and its own draws, and a layer of
all games is one batched product. Every run of `race` starts from a copy of the same
games, so two losses, or two optimizers, are compared with nothing else different.
"""

import contextlib
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn

from course_utils import data, losses

LATENT_DIM = 2
OptimizerOf = Callable[..., torch.optim.Optimizer]  # of an iterable of parameters
PLAIN_DESCENT = partial(torch.optim.SGD, lr=0.3)


class StackedMLP(nn.Module):
    """Separate networks of one shape: tanh between layers, nothing after the last.

    Network i sees row i of the input alone. Weights start as those of `models` do.

    Args: sizes, widths of the layers from input to output; n_games, how many networks.

    >>> networks = StackedMLP([2, 16, 1], n_games=5, generator=data.rng(0))
    >>> networks(torch.zeros(5, 100, 2)).shape
    torch.Size([5, 100, 1])
    """

    def __init__(
        self, sizes: list[int], *, n_games: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for n_in, n_out in pairwise(sizes):
            for parameters, rows in ((self.weights, n_in), (self.biases, 1)):
                unit = torch.rand(n_games, rows, n_out, generator=generator)
                parameters.append((2 * unit - 1) / n_in**0.5)

    def forward(self, x: Tensor) -> Tensor:
        """(n_games, n, inputs) -> (n_games, n, outputs)."""
        *hidden, last = zip(self.weights, self.biases, strict=True)
        for weight, bias in hidden:
            x = torch.tanh(torch.baddbmm(bias, x, weight))
        weight, bias = last
        return torch.baddbmm(bias, x, weight)


@dataclass
class Games:
    """The two players of every game at one moment, and how D goes on learning."""

    p_data: data.GaussianMixture
    G: StackedMLP
    D: StackedMLP
    optimizer_d: torch.optim.Optimizer
    loss_d: Callable[[Tensor, Tensor], Tensor]
    n_games: int
    batch_size: int

    def latent(self, n: int, generator: torch.Generator) -> Tensor:
        """Latents for every game: (n_games, n, latent_dim)."""
        z = data.latent(self.n_games * n, LATENT_DIM, generator)
        return z.view(self.n_games, n, LATENT_DIM)

    def fake_logits(self, n: int, generator: torch.Generator) -> Tensor:
        """D's logits of n new samples of G: (n_games, n)."""
        return self.D(self.G(self.latent(n, generator))).squeeze(-1)

    def discriminator_step(self, generator: torch.Generator) -> None:
        """One update of every D on a new batch; G stays."""
        n = self.batch_size
        x_real = self.p_data.sample(self.n_games * n, generator)
        x_real = x_real.view(self.n_games, n, self.p_data.d)
        with torch.no_grad():
            x_fake = self.G(self.latent(n, generator))
        loss = self.loss_d(self.D(x_real).flatten(), self.D(x_fake).flatten())
        self.optimizer_d.zero_grad()
        # The loss is a mean over all games: times their number, each game's gradient
        # is that of its own loss.
        (self.n_games * loss).backward()
        self.optimizer_d.step()


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """On networks this small two threads are slower than one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@_one_thread()
def pretrain(
    p_data: data.GaussianMixture,
    *,
    steps: int,
    optimizer_d: OptimizerOf = PLAIN_DESCENT,
    loss_d: Callable[[Tensor, Tensor], Tensor] = losses.discriminator_loss,
    n_games: int = 8,
    hidden: int = 32,
    batch_size: int = 64,
    seed: int = 0,
) -> Games:
    """New games, in which D had `steps` updates against a G that did not move.

    Args:
        p_data: of the data, in d dimensions.
        steps: updates of D; 0 for none.
        optimizer_d: parameters -> optimizer; `race` goes on with it.
        loss_d: logits of a batch of data and of one of fakes -> (); also kept.
        n_games: independent games, each with its own weights and draws.
        hidden: width of the two hidden layers of G (2 -> d) and D (d -> 1).
        batch_size: samples of each kind in one update.
        seed: of all weights and draws.

    >>> games = pretrain(data.gaussian(3.0, 0.5), steps=2, n_games=3)
    >>> games.fake_logits(10, data.rng(0)).shape
    torch.Size([3, 10])
    """
    generator = data.rng(seed)
    G, D = (
        StackedMLP([n_in, hidden, hidden, n_out], n_games=n_games, generator=generator)
        for n_in, n_out in ((LATENT_DIM, p_data.d), (p_data.d, 1))
    )
    optimizer = optimizer_d(D.parameters())
    games = Games(p_data, G, D, optimizer, loss_d, n_games, batch_size)
    for _ in range(steps):
        games.discriminator_step(generator)
    return games


@_one_thread()
def race(
    games: Games,
    loss: Callable[[Tensor], Tensor],
    *,
    optimizer_g: OptimizerOf,
    steps: int,
    every: int,
    n_generator_steps: int = 1,
    n_samples: int = 500,
    seed: int = 1,
) -> Tensor:
    """Samples of every G while it learns by `loss`, against a D that learns as well.

    A step is one update of D, then n_generator_steps of G, each on new draws. The games
    are copied: the next run starts from the same weights, and with the same draws.

    Args:
        games: where to start; not changed.
        loss: of G, from probabilities D(G(z)) (n,) to ().
        optimizer_g: parameters -> optimizer.
        steps: how many.
        every: steps from one set of samples to the next; the first is taken at once.
        n_generator_steps: updates of G for each update of D.
        n_samples: in a set, always of the same latents.
        seed: of the draws.
    Returns: (t, n_games, n_samples, d) with t = steps // every + 1.
    Source: Goodfellow et al. 2014, Algorithm 1 with k = 1, and any loss for G.

    >>> games = pretrain(data.gaussian(3.0, 0.5), steps=2, n_games=3)
    >>> descent = partial(torch.optim.SGD, lr=0.05)
    >>> loss = losses.nonsaturating_generator_loss
    >>> race(games, loss, optimizer_g=descent, steps=4, every=2, n_samples=10).shape
    torch.Size([3, 3, 10, 1])
    """
    games, generator = copy.deepcopy(games), data.rng(seed)
    weights = list(games.G.parameters())
    optimizer = optimizer_g(weights)
    z = games.latent(n_samples, data.rng(seed + 1))
    samples = [games.G(z).detach()]
    for step in range(1, steps + 1):
        games.discriminator_step(generator)
        for _ in range(n_generator_steps):
            logits = games.fake_logits(games.batch_size, generator)
            # In float32 a sigmoid is 1 from logit 16.7 on, and log(1 - 1) infinite.
            value = loss(torch.sigmoid(logits.double()).flatten())
            optimizer.zero_grad()
            # `inputs`: D's weights stay, and need no gradient.
            (games.n_games * value).backward(inputs=weights)
            optimizer.step()
        if step % every == 0:
            samples.append(games.G(z).detach())
    return torch.stack(samples)


def distance_to_data(samples: Tensor, x_real: Tensor) -> Tensor:
    """`evaluation.wasserstein_1d` of every game's samples to the data, at all times.

    Args: samples (t, n_games, n, 1), as `race` returns them; x_real (n, 1) data.
    Returns: (t, n_games) mean distance of paired samples, in their own unit.

    One game with two samples, one of them 3 too low:
    >>> samples = torch.tensor([4.0, 0.0]).view(1, 1, 2, 1)
    >>> distance_to_data(samples, torch.tensor([[3.0], [4.0]])).tolist()
    [[1.5]]
    """
    paired = samples.squeeze(-1).sort(dim=-1).values - x_real.squeeze(-1).sort().values
    return paired.abs().mean(dim=-1)
