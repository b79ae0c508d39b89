"""Networks of the course: a generator G makes samples, a discriminator D scores them.

D's output is a logit, high where D takes a sample for data; the probability that the
formulas call D(x) is its sigmoid.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import nn

from course_utils.checks import require_whole

# --- Small networks for points in one and two dimensions ------------------------------


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
        latent_dim, out_dim, hidden: widths of input, output and hidden layers.
        activation: makes the module behind each hidden layer.
        generator: of the initial weights, on the CPU.
    Returns: A network (n, latent_dim) -> (n, out_dim).

    1 * 32 + 32 * 32 + 32 * 1 weights and 32 + 32 + 1 biases:
    >>> G = mlp_generator(1, 1, generator=torch.Generator().manual_seed(0))
    >>> sum(weight.numel() for weight in G.parameters())
    1153
    """
    return nn.Sequential(
        *_dense_layers((latent_dim, *hidden, out_dim), activation, generator)
    )


def mlp_discriminator(
    in_dim: int,
    *,
    hidden: Sequence[int] = (32, 32),
    activation: Callable[[], nn.Module] = nn.Tanh,
    generator: torch.Generator,
) -> nn.Sequential:
    """A dense discriminator (n, in_dim) -> (n,) logits; the rest as `mlp_generator`.

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
    for n_in, n_out in pairwise(widths):
        layer = nn.utils.skip_init(nn.Linear, n_in, n_out)
        for parameter in layer.parameters():
            bound = n_in**-0.5
            nn.init.uniform_(parameter, -bound, bound, generator=generator)
        layers += [layer, activation()]
    return layers[:-1]


# --- The DCGAN: convolutions all the way ----------------------------------------------

# Side of the first map, and how often it is doubled until the image is there.
_STAGES = {28: (7, 2), 32: (4, 3), 64: (4, 4)}
LEAK = 0.2  # slope of D's leaky ReLU below 0
STD = 0.02  # of every convolution's initial weights


class Generator(nn.Module):
    """DCGAN's generator: a latent becomes a small map, and the map is doubled.

    At 64 pixels: z -> 8b x 4 x 4 -> 4b x 8 x 8 -> 2b x 16 x 16 -> b x 32 x 32 ->
    channels x 64 x 64, b being base_channels. Each arrow is a transposed convolution,
    each but the last with batch normalization and ReLU behind it; the last ends in
    tanh. 32 pixels take one arrow less; 28 start at 7 x 7 and take two less. Its
    weights are PyTorch's until `initialize` sets them.

    Args:
        latent_dim: numbers in a latent.
        base_channels: b, channels of the last map but one.
        channels, size: of an image: 1 or 3, and 28, 32 or 64 pixels.
        batch_norm: False leaves batch normalization out, for the ablation.
    Raises: ValueError: there is no network for that size, or a number is below 1.
    Source: Radford et al. 2015, figure 1 and section 3 (there latents are uniform).

    >>> Generator(latent_dim=100)(torch.zeros(2, 100)).shape
    torch.Size([2, 3, 64, 64])
    >>> sum(weight.numel() for weight in Generator().parameters())
    3576704
    """

    def __init__(
        self,
        latent_dim: int = 100,
        base_channels: int = 64,
        channels: int = 3,
        *,
        size: int = 64,
        batch_norm: bool = True,
    ) -> None:
        super().__init__()
        require_whole(
            1, latent_dim=latent_dim, base_channels=base_channels, channels=channels
        )
        side, doublings = _stages(size)
        self.latent_dim = latent_dim
        width = base_channels * 2 ** (doublings - 1)
        layers = _enlarge(latent_dim, width, side, 1, 0, batch_norm)
        for _ in range(doublings - 1):
            layers += _enlarge(width, width // 2, 4, 2, 1, batch_norm)
            width //= 2
        layers += [nn.ConvTranspose2d(width, channels, 4, 2, 1, bias=False), nn.Tanh()]
        self.layers = nn.Sequential(*layers)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """(n, latent_dim) latents -> (n, channels, size, size) images in [-1, 1]."""
        if z.dim() != 2 or z.shape[1] != self.latent_dim:
            raise ValueError(
                f"latents of shape (n, {self.latent_dim}) are wanted, "
                f"not {tuple(z.shape)}"
            )
        return self.layers(z[:, :, None, None])


class Discriminator(nn.Module):
    """DCGAN's discriminator: the generator's mirror, halving the map at each step.

    At 64 pixels: image -> b x 32 x 32 -> 2b x 16 x 16 -> 4b x 8 x 8 -> 8b x 4 x 4 ->
    one logit. Each arrow is a strided convolution with leaky ReLU (slope 0.2) behind
    it, and batch normalization in between in all but the first and the last; no
    sigmoid: the result is a logit.

    Args and Raises: as for `Generator`; b is the number of channels of the first map.

    Source: Radford et al. 2015, section 3 (there with a sigmoid at the end).

    >>> Discriminator()(torch.zeros(2, 3, 64, 64)).shape
    torch.Size([2])
    >>> sum(weight.numel() for weight in Discriminator().parameters())
    2765568
    """

    def __init__(
        self,
        base_channels: int = 64,
        channels: int = 3,
        *,
        size: int = 64,
        batch_norm: bool = True,
    ) -> None:
        super().__init__()
        require_whole(1, base_channels=base_channels, channels=channels)
        side, doublings = _stages(size)
        width = base_channels
        layers = _shrink(channels, width, batch_norm=False)
        for _ in range(doublings - 1):
            layers += _shrink(width, 2 * width, batch_norm)
            width *= 2
        layers += [nn.Conv2d(width, 1, side, 1, 0, bias=False), nn.Flatten(0)]
        self.layers = nn.Sequential(*layers)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(n, channels, size, size) images -> (n,) logits, high means real."""
        return self.layers(images)


def init_weights(module: nn.Module, generator: torch.Generator | None = None) -> None:
    """Give one layer DCGAN's initial weights; for `network.apply(init_weights)`.

    Convolutions and transposed ones: N(0, 0.02^2). Batch normalization: weight
    N(1, 0.02^2), bias 0. Other layers stay as they are.

    Args: module, changed in place; generator, the global random state if None.
    Source: Radford et al. 2015, section 4, and for batch normalization their code.

    >>> layer = nn.BatchNorm2d(2)
    >>> init_weights(layer, torch.Generator().manual_seed(0))
    >>> layer.bias.tolist()
    [0.0, 0.0]
    """
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, STD, generator=generator)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, STD, generator=generator)
        nn.init.zeros_(module.bias)


def initialize(network: nn.Module, generator: torch.Generator) -> nn.Module:
    """`init_weights` on every layer of a network, in order; the network is returned.

    All draws come from `generator`, on the CPU, in the order of the layers.
    >>> G = initialize(Generator(8, 4), torch.Generator().manual_seed(0))
    >>> bool(abs(G.layers[0].weight.std() - 0.02) < 0.002)
    True
    """
    return network.apply(lambda module: init_weights(module, generator))


def _enlarge(
    n_in: int, n_out: int, kernel: int, stride: int, padding: int, batch_norm: bool
) -> list[nn.Module]:
    """A transposed convolution, normalized, and ReLU."""
    layer = nn.ConvTranspose2d(n_in, n_out, kernel, stride, padding, bias=False)
    norm = [nn.BatchNorm2d(n_out)] * batch_norm
    return [layer, *norm, nn.ReLU(inplace=True)]


def _shrink(n_in: int, n_out: int, batch_norm: bool) -> list[nn.Module]:
    """A convolution that halves the map, normalized, and leaky ReLU."""
    layer = nn.Conv2d(n_in, n_out, 4, 2, 1, bias=False)
    norm = [nn.BatchNorm2d(n_out)] * batch_norm
    return [layer, *norm, nn.LeakyReLU(LEAK, inplace=True)]


def _stages(size: int) -> tuple[int, int]:
    if size not in _STAGES:
        raise ValueError(f"size must be one of {[*_STAGES]}, not {size!r}")
    return _STAGES[size]
