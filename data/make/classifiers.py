"""Train a classifier and write its weights to data/.

    python -m data.make.classifiers digits
    COURSE_DATA_DIR=... python -m data.make.classifiers mnist

The draws follow a seed; sums in another order (another processor, another release of
torch) may still change the last digits, and with them the bytes. So the file that ships
is the one whose accuracy data/README.md states; a new one needs its checksum in
course_utils/classifier.py, and scores from before and after do not compare.
"""

import argparse
import hashlib
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils import classifier, data
from data.make.digits import npz_bytes

EPOCHS = {"digits": 40, "mnist": 5}
BATCH = 64
SHIFT = 2  # pixels, at most, in each direction


def split(name: str) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Images and labels to train on, and those held out."""
    if name == "mnist":
        parts = (data.load(name, classifier.SIZE, split=p) for p in ("train", "test"))
        return tuple(parts)
    return data.split(*data.load(name, classifier.SIZE))


def shifted(images: Tensor, generator: torch.Generator) -> Tensor:
    """Each image moved by whole pixels of its own; paper comes in at the edge."""
    n, _, height, width = images.shape
    padded = F.pad(images, [SHIFT] * 4, value=-1.0)[:, 0]
    dy, dx = torch.randint(0, 2 * SHIFT + 1, (2, n, 1), generator=generator)
    rows = (torch.arange(height) + dy)[:, :, None]  # (n, height, 1)
    columns = (torch.arange(width) + dx)[:, None]  # (n, 1, width)
    return padded[torch.arange(n)[:, None, None], rows, columns][:, None]


def train(
    name: str, images: Tensor, labels: Tensor, *, epochs: int, seed: int
) -> classifier.Classifier:
    """A network trained by AdamW on cross-entropy, the rate falling to 0."""
    torch.manual_seed(seed)  # the initial weights
    generator = data.rng(seed)
    network = classifier.Classifier(classifier.FEATURES[name])
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=1e-2)
    steps = epochs * -(-len(images) // BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(epochs):
        for batch in torch.randperm(len(images), generator=generator).split(BATCH):
            logits = network(shifted(images[batch], generator))
            loss = F.cross_entropy(logits, labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    network.requires_grad_(False).eval()
    set_unit(network, images)
    return network


def set_unit(network: classifier.Classifier, images: Tensor) -> None:
    """Scale the features so that their variances over the images sum to 100.

    The leaky ReLU lets a positive factor pass, and the head takes it back: the logits
    stay. A law without any variety, all mean, is then at a Fréchet distance of 100.
    """
    total = network.features(images).double().var(dim=0).sum()
    factor = (100 / total).sqrt().float()
    hidden = network.body[-2]
    hidden.weight *= factor
    hidden.bias *= factor
    network.head.weight /= factor


def weight_bytes(network: classifier.Classifier) -> bytes:
    """The .npz file of the weights, in half precision."""
    weights = network.state_dict().items()
    return npz_bytes({key: value.numpy().astype(np.float16) for key, value in weights})


def main(argv: list[str] | None = None) -> None:
    """Train, write the file, say its checksum and what it gets right."""
    parser = argparse.ArgumentParser(description="Train a classifier for the scores.")
    parser.add_argument("name", choices=sorted(classifier.FEATURES))
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args(argv)
    name = arguments.name
    (images, labels), (test_images, test_labels) = split(name)
    start = time.perf_counter()
    network = train(name, images, labels, epochs=EPOCHS[name], seed=arguments.seed)
    content = weight_bytes(network)
    path = data.DATA_DIR / f"classifier_{name}.npz"
    path.write_bytes(content)
    network.half().float()  # what a reader of the file will have
    right = (network.classify(test_images) == test_labels).sum().item()
    print(f"{path.name}: {len(content):,} bytes, {time.perf_counter() - start:.0f} s")
    print(f"SHA-256 {hashlib.sha256(content).hexdigest()}")
    print(f"right on {right:,} of {len(test_labels):,} held-out images")


if __name__ == "__main__":
    main()
