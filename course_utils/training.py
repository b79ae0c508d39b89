"""Training: one step of each player, written out, and the loop that alternates them.

In every step D returns (n,) logits, high means real; x_real is (m, ...) data and z
(n, latent_dim) latents, n and m may differ; what `.grad` holds before does not matter;
a loss is () in nats, from before the step, without a graph.
"""

import contextlib
from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.nn import Module
from torch.optim import Optimizer

from . import losses

# --- The minimax game, on probabilities as the paper writes it ------------------------


def discriminator_step(
    G: Module, D: Module, optimizer_d: Optimizer, x_real: Tensor, z: Tensor
) -> Tensor:
    """One step of D up the value function, G held still.

    V(D, G) = E[log D(x)] + E[log(1 - D(G(z)))]; the optimizer descends -V.

    Args: x_real (m, ...) data; z (n, latent_dim) latents. D is changed in place.
    Returns: () -V before the step; 2 log 2 = 1.386 where D answers 1/2.
    Source: Goodfellow et al. 2014, Algorithm 1, inner loop.
    """
    x_fake = G(z).detach()  # no gradient of D's loss is wanted in G
    real_probability = torch.sigmoid(D(x_real))
    fake_probability = torch.sigmoid(D(x_fake))
    loss = -losses.value_function(real_probability, fake_probability)
    optimizer_d.zero_grad()
    loss.backward()
    optimizer_d.step()
    return loss.detach()


def generator_step(G: Module, D: Module, optimizer_g: Optimizer, z: Tensor) -> Tensor:
    """One step of G down its term of the value function, D held still.

    E[log(1 - D(G(z)))]: the gradient runs through D into G, and G alone is stepped.

    Args: z (n, latent_dim) latents. G is changed in place.
    Returns: () E[log(1 - D(G(z)))] before the step.
    Source: Goodfellow et al. 2014, Algorithm 1, last line.
    """
    fake_probability = torch.sigmoid(D(G(z)))
    loss = torch.log(1 - fake_probability).mean()
    optimizer_g.zero_grad()
    loss.backward()
    optimizer_g.step()
    return loss.detach()


def play_game(
    G: Module,
    D: Module,
    optimizer_g: Optimizer,
    optimizer_d: Optimizer,
    sample_real: Callable[[], Tensor],
    sample_latent: Callable[[], Tensor],
    rounds: int,
    n_discriminator_steps: int = 1,
) -> list[float]:
    """The minimax game: in each round D steps k times, then G once.

    Args:
        G, D, optimizer_g, optimizer_d: as the two steps take them.
        sample_real, sample_latent: without arguments, a new batch at each call; every
            step of either player takes new latents.
        rounds: how many.
        n_discriminator_steps: k, at least 1.
    Returns: D's loss at its last step of each round, in nats.
    Raises: ValueError: k is below 1.
    Source: Goodfellow et al. 2014, Algorithm 1.
    """
    if n_discriminator_steps < 1:
        k = n_discriminator_steps
        raise ValueError(f"n_discriminator_steps must be at least 1, not {k}")
    history = []
    for _ in range(rounds):
        for _ in range(n_discriminator_steps):
            x_real, z = sample_real(), sample_latent()
            loss_d = discriminator_step(G, D, optimizer_d, x_real, z)
        generator_step(G, D, optimizer_g, sample_latent())
        history.append(loss_d.item())
    return history


# --- The DCGAN's game, on logits, with the non-saturating loss ------------------------


def train_step(
    G: Module,
    D: Module,
    optimizer_g: Optimizer,
    optimizer_d: Optimizer,
    x_real: Tensor,
    z: Tensor,
) -> tuple[Tensor, Tensor]:
    """One round of a DCGAN: D steps, then G steps against the new D.

    One forward pass of G serves both: D learns from G's images cut off from G, G from
    the same images through D.

    Args: x_real (m, ...) data; z (n, latent_dim) latents. G and D change in place.
    Returns: () D's loss and () G's loss, each before its own step.
    Source: Goodfellow et al. 2014, Algorithm 1 with k = 1, and section 3 for G's loss.
    """
    x_fake = G(z)
    loss_d = discriminator_step_on_logits(D, optimizer_d, x_real, x_fake.detach())
    loss_g = generator_step_on_logits(D, optimizer_g, x_fake)
    return loss_d, loss_g


def discriminator_step_on_logits(
    D: Module, optimizer_d: Optimizer, x_real: Tensor, x_fake: Tensor
) -> Tensor:
    """One step of D toward "real" on data and "fake" on G's images; returns its loss.

    Data and G's images pass D one after the other, because batch normalization of one
    batch of both would let D's answer on an image depend on the other kind.

    Args: x_real (m, ...) data; x_fake (n, ...) generated, without a graph.
    Source: Goodfellow et al. 2014, Algorithm 1, inner loop.
    """
    loss = losses.discriminator_loss(D(x_real), D(x_fake))
    optimizer_d.zero_grad()
    loss.backward()
    optimizer_d.step()
    return loss.detach()


def generator_step_on_logits(
    D: Module, optimizer_g: Optimizer, x_fake: Tensor
) -> Tensor:
    """One step of G toward images that D calls real; returns the non-saturating loss.

    Args: optimizer_g, of the G that made x_fake; x_fake (n, ...), with its graph.
    Source: Goodfellow et al. 2014, section 3.
    """
    with frozen(D):
        loss = losses.generator_loss(D(x_fake))
        optimizer_g.zero_grad()
        loss.backward()
    optimizer_g.step()
    return loss.detach()


@contextlib.contextmanager
def frozen(network: Module) -> Iterator[None]:
    """No gradients for a network's weights inside; gradients still pass through it."""
    learning = [p for p in network.parameters() if p.requires_grad]
    for parameter in learning:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in learning:
            parameter.requires_grad_(True)


@torch.no_grad()
def sample(G: Module, z: Tensor) -> Tensor:
    """G's images (n, ...) of latents (n, latent_dim), in eval mode, without a graph.

    There batch normalization uses its running averages, so that an image does not
    depend on the others in its batch. Each module of G is left in its old mode.
    """
    modes = [(module, module.training) for module in G.modules()]
    G.eval()
    try:
        return G(z)
    finally:
        for module, mode in modes:
            module.training = mode


# --- A frozen G: teach D alone, and measure what would reach G ------------------------


def pretrain_discriminator(
    G: Module,
    D: Module,
    optimizer_d: Optimizer,
    sample_real: Callable[[], Tensor],
    sample_latent: Callable[[], Tensor],
    steps: int,
) -> None:
    """Steps of D alone, on new batches, while G waits.

    With enough of them D(x) comes close to Bayes' posterior p_data / (p_data + p_g).

    Args: sample_real, sample_latent, without arguments, a new batch at each call; one
        call each a step, data first. G's parameters, gradients and mode stay.
    Source: Goodfellow et al. 2014, Algorithm 1, inner loop; section 4.1 for the limit.
    """
    for _ in range(steps):
        discriminator_step(G, D, optimizer_d, sample_real(), sample_latent())


def generator_gradient_norm(
    G: Module, D: Module, z: Tensor, loss: Callable[[Tensor], Tensor]
) -> float:
    """Length of the gradient of G's loss with respect to all of G's weights.

    sqrt(sum over all of G's weights of (d loss(sigmoid(D(G(z)))) / d weight)^2).

    Args: z (n, latent_dim) latents; loss, from (n,) probabilities D(G(z)) to ().
    Returns: The Euclidean norm, in nats per unit of weight; no `.grad` is touched.
    Source: Arjovsky and Bottou 2017, figure 2, measure it on a DCGAN.

    G is z -> w z with w = 1, D's logit is its input, and the loss is the mean of D. At
    z = 0 the slope in w, D (1 - D) z, is 0:
    >>> from torch.nn import Flatten, Linear
    >>> G = Linear(1, 1, bias=False)
    >>> generator_gradient_norm(G, Flatten(0), torch.zeros(1, 1), torch.mean)
    0.0
    """
    value = loss(torch.sigmoid(D(G(z))))
    gradients = torch.autograd.grad(value, list(G.parameters()))
    # In float64: the square of 1e-25 is 0 in float32.
    return sum(g.double().square().sum() for g in gradients).sqrt().item()


def signal_of_perfect_discriminator(distance: Tensor) -> Tensor:
    """How steeply the minimax loss falls as G moves toward the data, D being perfect.

    G makes x ~ N(0, 1), the data are N(m, 1), and D is Bayes' posterior, with logit
    m x - m^2 / 2 and slope m in x. Moving every x by a small step, D held still,
    changes E[log(1 - D*(x))] by -m E[D*(x)] for each unit of the step.

    Args: distance (n,), m >= 0 in standard deviations.
    Returns: (n,) m E[D*(x)] in nats per standard deviation, float64; the slope of 2 JSD
        in m, because D* is the best D at every m.
    Source: Goodfellow et al. 2014, Proposition 1 and Theorem 1.

    Where the two distributions agree the slope is 0:
    >>> signal_of_perfect_discriminator(torch.zeros(1)).tolist()
    [0.0]
    """
    m = distance.double()[:, None]
    x = torch.linspace(-12, 12, 4801, dtype=torch.float64)  # beyond, p_g is below 1e-32
    p_g = torch.exp(-x.square() / 2) / (2 * torch.pi) ** 0.5
    integrand = m * torch.sigmoid(m * x - m.square() / 2) * p_g  # (n, 4801)
    return integrand.sum(dim=1) * (x[1] - x[0])


# --- The smallest game: x minimizes x * y, y maximizes it -----------------------------


def simultaneous_step(x: float, y: float, lr: float) -> tuple[float, float]:
    """New (x, y) after both step at once, each against where the other was.

    (x - lr y, y + lr x): x^2 + y^2 grows by the factor 1 + lr^2 at each step.

    Source: Goodfellow 2016, section 7.2 (there in continuous time: circles).

    >>> simultaneous_step(1.0, 0.0, lr=0.5)
    (1.0, 0.5)
    """
    return x - lr * y, y + lr * x


def alternating_step(x: float, y: float, lr: float) -> tuple[float, float]:
    """New (x, y) after x steps first, and y answers the new x.

    x' = x - lr y, y' = y + lr x': x^2 + y^2 - lr x y stays what it was, which is the
    equation of an ellipse for lr < 2.

    Source: Mescheder et al. 2018 compare both kinds of step on the Dirac-GAN.

    >>> alternating_step(1.0, 1.0, lr=0.5)
    (0.5, 1.25)
    """
    x = x - lr * y
    return x, y + lr * x
