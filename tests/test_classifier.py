"""The classifiers that scores rest on: what ships, is right, and is accepted."""

import math
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from course_utils import classifier, data, evaluation

README = (data.DATA_DIR / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def digits():
    return data.split(*data.load("digits"))


def test_digits_that_it_has_never_seen(digits):
    _, (images, labels) = digits
    right = (classifier.load("digits").classify(images) == labels).sum().item()
    assert abs(right - 295) <= 1  # sums in another order may turn a close one
    assert f"295 of the {len(labels)} held-out digits (99.3 %)" in README


def test_mnist_digits_that_it_has_never_seen():
    assert "9,916 of MNIST's 10,000 test images (99.16 %)" in README
    if not (Path(os.environ.get("COURSE_DATA_DIR", "")) / "mnist").is_dir():
        pytest.skip("there is no MNIST: COURSE_DATA_DIR names no folder with mnist/")
    images, labels = data.load("mnist", split="test")
    right = (classifier.load("mnist").classify(images) == labels).sum().item()
    assert len(labels) == 10_000 and abs(right - 9_916) <= 2


@pytest.mark.parametrize(("name", "n_features"), [("digits", 32), ("mnist", 64)])
def test_a_loaded_network_is_frozen_half_precision_and_its_own(name, n_features):
    path = data.DATA_DIR / f"classifier_{name}.npz"
    with np.load(path, allow_pickle=False) as file:
        assert {file[key].dtype for key in file.files} == {np.dtype(np.float16)}
    network = classifier.load(name)
    assert not network.training
    assert not any(weight.requires_grad for weight in network.parameters())
    features = network.features(torch.zeros(3, 1, 32, 32, requires_grad=True))
    assert features.shape == (3, n_features) and not features.requires_grad
    nn.init.zeros_(network.head.weight)
    assert classifier.load(name).head.weight.abs().sum() > 0


def test_logits_features_and_classes_belong_together(digits):
    (images, _), _ = digits
    network = classifier.load()
    logits, features = network(images[:700]), network.features(images[:700])
    assert torch.allclose(network.head(features), logits, atol=1e-4)
    assert torch.equal(logits.argmax(1), network.classify(images[:700]))
    assert torch.allclose(network.features(images[600:601]), features[600:601])
    assert network.classify(images[:0]).shape == (0,)


def test_the_unit_of_the_features_is_the_training_images_variance(digits):
    (images, _), _ = digits
    features = classifier.load().features(images)
    assert features.double().var(dim=0).sum().item() == pytest.approx(100, abs=0.1)
    assert features.std(dim=0).min() > 0.1  # every feature does something


def test_images_of_other_shapes_become_gray_and_32_pixels():
    small, large = data.load("digits", size=8)[0][:9], data.load("digits")[0][:9]
    assert torch.equal(classifier.to_gray32(small), large)
    images = torch.rand(2, 3, 64, 64, generator=data.rng(0)) * 2 - 1
    want = images.reshape(2, 3, 32, 2, 32, 2).mean(dim=(1, 3, 5))
    assert torch.allclose(classifier.to_gray32(images)[:, 0], want, atol=1e-6)
    for bad in (torch.zeros(3, 32, 32), torch.zeros(2, 0, 32, 32)):
        with pytest.raises(ValueError, match=r"shape \(n, c, h, w\), not"):
            classifier.to_gray32(bad)
    for bad in (images * math.nan, images.byte()):
        with pytest.raises(ValueError, match="finite floating-point numbers"):
            classifier.to_gray32(bad)


def test_an_unknown_name_and_a_broken_file_are_reported(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="no classifier 'cifar'; there is 'digits', "):
        classifier.load("cifar")
    monkeypatch.setattr(data, "DATA_DIR", tmp_path)
    with pytest.raises(data.DataError, match=r"git checkout data/classifier_digits"):
        classifier.load("digits")


def test_scores_of_the_baselines_of_noise_and_of_a_lost_class(digits):
    (train, labels), (heldout, _) = digits
    network = classifier.load()
    small, _ = data.split(*data.load("digits", size=8))
    noise = torch.rand(1500, 1, 32, 32, generator=data.rng(0)) * 2 - 1
    gaussian = evaluation.class_gaussians(*small, 1500, data.rng(0))
    copies, gaussian, noise, lost = (
        evaluation.scores(samples, train, classifier=network)
        for samples in (
            evaluation.copies(train, 1500, data.rng(0)),
            classifier.to_gray32(gaussian),
            noise,
            train[labels != 7],
        )
    )
    floor = evaluation.frechet_distance(*map(network.features, (heldout, train)))
    assert copies.frechet < floor  # flattered: nothing new, and yet the best
    assert copies.precision == 1.0 and copies.recall > 0.9
    assert copies.memorization is None and copies.coverage == 1
    assert 1 < gaussian.frechet < 5 and 0.6 < gaussian.precision < 0.9
    assert noise.frechet > 100 and noise.precision < 0.01
    assert lost.frechet > 1 and lost.recall < 0.95 and lost.precision == 1
    assert lost.coverage == 0.9 and lost.histogram_kl > 0.09  # log(10 / 9) = 0.105


def test_scores_measure_memorization_and_want_samples_of_the_datas_shape(digits):
    (train, _), (heldout, _) = digits
    network = classifier.load()
    same = evaluation.scores(
        train[:297], train[:297], heldout=heldout, classifier=network
    )
    assert same.memorization > 0.99
    with pytest.raises(ValueError, match="of the same size are wanted"):
        evaluation.scores(train[:, :, :8, :8], train, classifier=network)
    with pytest.raises(ValueError, match="equal number"):
        evaluation.scores(train[:9], train, heldout=heldout, classifier=network)
