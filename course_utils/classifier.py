"""A small classifier of images: its features are the space that scores live in.

Two pictures of a 3 differ in most pixels, but their features, the numbers behind the
last hidden layer of a network that reads digits, are close. Scores such as the Fréchet
distance therefore compare features. Another classifier is another scale: scores from
different ones cannot be compared, nor with those of an Inception network.
"""

import io

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils import data

SIZE = 32  # pixels a side of what the networks see
N_CLASSES = 10
FEATURES = {"digits": 32, "mnist": 64}  # how many numbers each network gives an image
SLOPE = 0.1  # of the leaky ReLU: under a plain one, 9 of 32 features were always 0
SHA256 = {
    "digits": "b0382f0bf659e03c540e4e6e92226f7fbfed83c92bb69f6604cde4a6b932bff3",
    "mnist": "dc9d475b5bb2365f94be4696205890ae11609fef9b4a22a0589079ce6c462383",
}
_BATCH = 500  # images at once: 64 MB of activations


def _block(channels_in: int, channels_out: int) -> list[nn.Module]:
    convolution = nn.Conv2d(channels_in, channels_out, 3, padding=1)
    return [convolution, nn.LeakyReLU(SLOPE), nn.MaxPool2d(2)]


class Classifier(nn.Module):
    """Three convolutions, each followed by a pooling, then features and ten logits.

    Args: n_features, the width of the last hidden layer.

    160 + 4,640 + 9,248 weights and biases convolve, 512 * 32 + 32 make the features and
    32 * 10 + 10 the logits:
    >>> sum(weight.numel() for weight in Classifier(32).parameters())
    30794
    """

    n_classes = N_CLASSES

    def __init__(self, n_features: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_block(1, 16),  # 16x16
            *_block(16, 32),  # 8x8
            *_block(32, 32),  # 4x4
            nn.Flatten(),
            nn.Linear(512, n_features),
            nn.LeakyReLU(SLOPE),
        )
        self.head = nn.Linear(n_features, N_CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        """Images (n, 1, 32, 32) in [-1, 1] -> (n, 10) logits, with gradients."""
        return self.head(self.body(images))

    @torch.no_grad()
    def features(self, images: Tensor) -> Tensor:
        """The numbers behind the last hidden layer, without gradients.

        Args: images (n, c, h, w), in [-1, 1], made gray and 32x32 by `to_gray32`.
        Returns: (n, n_features); over the images that the network was trained on their
            variances sum to 100, which sets the unit.
        Raises: ValueError: the images are not of that shape, or not all finite.
        """
        gray = to_gray32(images).to(self.head.weight)
        return torch.cat([self.body(batch) for batch in gray.split(_BATCH)])

    def classify(self, images: Tensor) -> Tensor:
        """The likeliest class of each image: (n, c, h, w) -> (n,) int64 from 0 to 9.

        There is no "none of these": noise gets a class, too. Raises as `features`.
        >>> images, labels = data.load("digits")
        >>> load("digits").classify(images[:10]).tolist()
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
        """
        return self.decide(self.features(images))

    @torch.no_grad()
    def decide(self, features: Tensor) -> Tensor:
        """The likeliest class by the features of an image, (n, n_features) -> (n,)."""
        return self.head(features).argmax(dim=1)


def load(name: str = "digits") -> Classifier:
    """A trained classifier on the CPU, frozen and in eval mode.

    data/README.md says how accurate each is on images it has never seen.

    Args: name, "digits" or "mnist", the set that it was trained on.
    Raises: ValueError: there is no such classifier; DataError: its file is broken.
    """
    if name not in FEATURES:
        names = ", ".join(repr(known) for known in FEATURES)
        raise ValueError(f"there is no classifier {name!r}; there is {names}")
    path = data.DATA_DIR / f"classifier_{name}.npz"
    content = data.read_checked(path, SHA256[name])
    network = Classifier(FEATURES[name])
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        weights = {key: torch.from_numpy(file[key]).float() for key in file.files}
    network.load_state_dict(weights)
    return network.requires_grad_(False).eval()


def to_gray32(images: Tensor) -> Tensor:
    """Images (n, c, h, w) in [-1, 1], of any size, as the classifiers want them.

    Channels are averaged. Smaller images are enlarged bicubically and clamped, as
    `data.load` does it; larger ones are averaged over areas, so that no pixel is lost.

    Returns: (n, 1, 32, 32) in [-1, 1].
    Raises: ValueError: the images are not of that shape, or not all finite.

    Four pixels become one, the mean of theirs:
    >>> image = torch.tensor([[-1.0, 1.0], [1.0, 1.0]]).repeat(32, 32)
    >>> to_gray32(image[None, None]).unique().tolist()
    [0.5]
    """
    if images.ndim != 4 or 0 in images.shape[1:]:
        raise ValueError(
            f"images must have shape (n, c, h, w), not {tuple(images.shape)}"
        )
    if not images.is_floating_point() or not images.isfinite().all():
        raise ValueError("images must be finite floating-point numbers in [-1, 1]")
    gray = images.mean(dim=1, keepdim=True)
    if gray.shape[-2:] == (SIZE, SIZE) or not len(gray):
        return gray
    if min(gray.shape[-2:]) >= SIZE:
        return F.interpolate(gray, (SIZE, SIZE), mode="area")
    return F.interpolate(gray, (SIZE, SIZE), mode="bicubic").clamp(-1, 1)
