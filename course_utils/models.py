"""Networks of the course: a generator G makes samples, a discriminator D scores them.

D's output is a logit, high where D takes a sample for data; the probability that the
formulas call D(x) is its sigmoid.
"""

from collections.abc import Callable, Sequence

import torch
from torch import nn

# --- Small networks for laws in one and two dimensions -------------------------------


def mlp_generator(
    latent_dim: int,
    out_dim: int,
    *,
    hidden: Sequence[int] = (32, 32),
    activation: Callable[[], nn.Module] = nn.Tanh,
    generator: torch.Generator,
) -> nn.Sequential:
    """A dense generator: latents in, points out, nothing bounded.

    Weights and biases start uniform in +-1 / sqrt(inputs of the layer), as `nn.Linear`
    has it, but drawn from `generator` alone.

    Args:
        latent_dim: numbers in a latent.
        out_dim: numbers in a point.
        hidden: widths of the hidden layers.
        activation: makes the module behind each hidden layer.
        generator: of the initial weights, on the CPU.

    Returns:
        A network (n, latent_dim) -> (n, out_dim).

    1 * 32 + 32 * 32 + 32 * 1 weights and 32 + 32 + 1 biases:

    >>> G = mlp_generator(1, 1, generator=torch.Generator().manual_seed(0))
    >>> sum(weight.numel() for weight in G.parameters())
    1153
    """
    widths = (latent_dim, *hidden, out_dim)
    return nn.Sequential(*_dense_layers(widths, activation, generator))


def mlp_discriminator(
    in_dim: int,
    *,
    hidden: Sequence[int] = (32, 32),
    activation: Callable[[], nn.Module] = nn.Tanh,
    generator: torch.Generator,
) -> nn.Sequential:
    """A dense discriminator: points in, one logit each out.

    Initialized as `mlp_generator` is.

    Args:
        in_dim: numbers in a point.
        hidden: widths of the hidden layers.
        activation: makes the module behind each hidden layer.
        generator: of the initial weights, on the CPU.

    Returns:
        A network (n, in_dim) -> (n,), high means real.

    >>> D = mlp_discriminator(2, generator=torch.Generator().manual_seed(0))
    >>> D(torch.zeros(5, 2)).shape
    torch.Size([5])
    """
    layers = _dense_layers((in_dim, *hidden, 1), activation, generator)
    return nn.Sequential(*layers, nn.Flatten(0))  # (n, 1) -> (n,)


def _dense_layers(
    widths: Sequence[int],
    activation: Callable[[], nn.Module],
    generator: torch.Generator,
) -> list[nn.Module]:
    """Linear layers between the widths, an activation behind all but the last."""
    layers: list[nn.Module] = []
    for n_in, n_out in zip(widths, widths[1:], strict=False):
        layers += [_linear(n_in, n_out, generator), activation()]
    return layers[:-1]


def _linear(n_in: int, n_out: int, generator: torch.Generator) -> nn.Linear:
    """A linear layer whose weights owe nothing to the global random state."""
    layer = nn.utils.skip_init(nn.Linear, n_in, n_out)
    bound = n_in**-0.5
    for parameter in layer.parameters():
        nn.init.uniform_(parameter, -bound, bound, generator=generator)
    return layer
