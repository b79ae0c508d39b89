"""Many small games side by side, so that a comparison over seeds costs about one run.

Generators and discriminators are stacked: game i has its own weights and its own draws,
and every layer of all games is one batched product. A race starts from a copy of the
same games, so that two losses, or two optimizers, differ in nothing else.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import torch
from torch import Tensor, nn

from course_utils import data, losses

LATENT_DIM = 2

# What a race takes for a learner: a function of the parameters alone.
SGD = partial(torch.optim.SGD, lr=0.05)
ADAM = partial(torch.optim.Adam, lr=1e-3, betas=(0.5, 0.99))
OptimizerOf = Callable[..., torch.optim.Optimizer]


class Law(Protocol):
    """Anything that draws (n, d) samples."""

    d: int

    def sample(self, n: int, generator: torch.Generator) -> Tensor: ...


class StackedMLP(nn.Module):
    """Separate networks of one shape: tanh between layers, nothing after the last.

    Game i sees row i of the input alone, so no gradient crosses between games.

    Args:
        sizes: widths of the layers, input and output included.
        n_games: how many networks.
        generator: draws weights and biases, uniform in +-1 / sqrt(inputs) as in
            nn.Linear.

    >>> net = StackedMLP([2, 16, 1], n_games=5, generator=data.rng(0))
    >>> net(torch.zeros(5, 100, 2)).shape
    torch.Size([5, 100, 1])
    """

    def __init__(
        self, sizes: list[int], *, n_games: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for n_in, n_out in zip(sizes, sizes[1:], strict=False):
            for parameters, rows in ((self.weights, n_in), (self.biases, 1)):
                unit = torch.rand(n_games, rows, n_out, generator=generator)
                parameters.append((2 * unit - 1) / n_in**0.5)

    def forward(self, x: Tensor) -> Tensor:  # (n_games, n, inputs)
        *hidden, last = zip(self.weights, self.biases, strict=True)
        for weight, bias in hidden:
            x = torch.tanh(torch.baddbmm(bias, x, weight))
        return torch.baddbmm(last[1], x, last[0])  # (n_games, n, outputs)


@dataclass
class Games:
    """Both games of every game at one moment, how D learns, and what G imitates."""

    law: Law
    G: StackedMLP
    D: StackedMLP
    optimizer_d: torch.optim.Optimizer
    loss_d: Callable[[Tensor, Tensor], Tensor]
    n_games: int
    batch_size: int

    def fake_logits(self, z: Tensor) -> Tensor:
        """What D says of G(z): (n_games, n, latent_dim) -> (n_games, n)."""
        return self.D(self.G(z)).squeeze(-1)

    def latent(self, generator: torch.Generator, n: int | None = None) -> Tensor:
        """Latents for every game: (n_games, n, latent_dim); a batch if n is None."""
        n = self.batch_size if n is None else n
        z = data.latent(self.n_games * n, LATENT_DIM, generator)
        return z.view(self.n_games, n, LATENT_DIM)

    def discriminator_step(self, generator: torch.Generator) -> None:
        """One update of every D, on fresh samples; G stays."""
        n, d = self.n_games * self.batch_size, self.law.d
        x_real = self.law.sample(n, generator).view(self.n_games, self.batch_size, d)
        with torch.no_grad():
            x_fake = self.G(self.latent(generator))
        # Times n_games: a mean over all games would shrink each game's own gradient.
        loss = self.n_games * self.loss_d(
            self.D(x_real).flatten(), self.D(x_fake).flatten()
        )
        self.optimizer_d.zero_grad()
        loss.backward()
        self.optimizer_d.step()


def pretrain(
    law: Law,
    *,
    steps: int,
    optimizer_d: OptimizerOf = SGD,
    loss_d: Callable[[Tensor, Tensor], Tensor] = losses.discriminator_loss,
    n_games: int = 8,
    hidden: int = 32,
    batch_size: int = 128,
    seed: int = 0,
) -> Games:
    """Untrained generators, and discriminators that had `steps` updates against them.

    Args:
        law: of the data, in d dimensions.
        steps: discriminator updates; 0 for none.
        optimizer_d: parameters -> optimizer; it goes on in every race.
        n_games: independent games, each with its own weights and draws.
        hidden: width of the two hidden layers of G (2 -> d) and D (d -> 1).
        batch_size: samples of each kind for one update.
        seed: of all weights and draws.

    >>> games = pretrain(data.gaussian(3.0, 0.5), steps=2, n_games=3)
    >>> games.fake_logits(games.latent(data.rng(0), 10)).shape
    torch.Size([3, 10])
    """
    generator = data.rng(seed)
    G, D = (
        StackedMLP([n_in, hidden, hidden, n_out], n_games=n_games, generator=generator)
        for n_in, n_out in ((LATENT_DIM, law.d), (law.d, 1))
    )
    games = Games(
        law, G, D, optimizer_d(D.parameters()), loss_d, n_games, batch_size
    )
    for _ in range(steps):
        games.discriminator_step(generator)
    return games


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
    """Samples of every G while it learns by `loss` against a D that learns as well.

    Each step is one update of D, then n_generator_steps of G. The games are copied:
    the next race starts where this one did, and sees the same data and latents.

    Args:
        games: where to start.
        loss: probabilities D(G(z)) of shape (n,) -> their batch mean of a cost, ().
        optimizer_g: parameters -> optimizer of G.
        steps: how many.
        every: steps between two pictures; the first is taken before any step.
        n_generator_steps: updates of G for each update of D.
        n_samples: in a picture, always from the same latents.
        seed: of the draws.

    Returns:
        (pictures, n_games, n_samples, d) with steps // every + 1 pictures.

    >>> games = pretrain(data.gaussian(3.0, 0.5), steps=2, n_games=3)
    >>> loss = lambda fake_probability: -fake_probability.log().mean()
    >>> race(games, loss, optimizer_g=SGD, steps=4, every=2, n_samples=10).shape
    torch.Size([3, 3, 10, 1])
    """
    games, generator = copy.deepcopy(games), data.rng(seed)
    weights = list(games.G.parameters())
    optimizer = optimizer_g(weights)
    z_shown = games.latent(data.rng(seed + 1), n_samples)
    pictures = [games.G(z_shown).detach()]
    for step in range(1, steps + 1):
        games.discriminator_step(generator)
        for _ in range(n_generator_steps):
            logits = games.fake_logits(games.latent(generator))
            # In float32 a sigmoid is 1 from logit 16.7, and log(1 - 1) ends the game.
            probability = torch.sigmoid(logits.double()).flatten()
            optimizer.zero_grad()
            # D is left alone, so its weights need no gradient: a third of the work.
            (games.n_games * loss(probability)).backward(inputs=weights)
            optimizer.step()
        if step % every == 0:
            pictures.append(games.G(z_shown).detach())
    return torch.stack(pictures)
