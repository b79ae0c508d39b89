"""The classifiers that scores rest on: what ships, is right, and is accepted."""

import hashlib
import math
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from course_utils import classifier, data, evaluation
from data.make import classifiers as train_classifier

NAMES = sorted(classifier.FEATURES)
MNIST_RIGHT = 9_916
PATHS = {name: data.DATA_DIR / f"classifier_{name}.npz" for name in NAMES}
README = (data.DATA_DIR / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def digits():
    images, labels = data.load("digits")
    return data.split(images, labels)


@pytest.fixture(scope="module")
def mnist_test():
    if not (Path(os.environ.get("COURSE_DATA_DIR", "")) / "mnist").is_dir():
        pytest.skip("there is no MNIST: COURSE_DATA_DIR names no folder with mnist/")
    return data.load("mnist", split="test")


# --- What ships -----------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_readme_states_each_files_checksum_and_length(name):
    content = PATHS[name].read_bytes()
    assert hashlib.sha256(content).hexdigest() == classifier.SHA256[name]
    file = PATHS[name].name
    assert f"| SHA-256 of `{file}` | `{classifier.SHA256[name]}` |" in README
    assert f"| bytes of `{file}` | {len(content):,} |" in README
    assert len(content) < 200_000


@pytest.mark.parametrize("name", NAMES)
def test_weights_are_half_precision_numbers_and_no_pickles(name):
    with np.load(PATHS[name], allow_pickle=False) as file:
        weights = {key: file[key] for key in file.files}
    assert {value.dtype for value in weights.values()} == {np.dtype(np.float16)}
    want = classifier.Classifier(classifier.FEATURES[name]).state_dict()
    assert {k: v.shape for k, v in weights.items()} == {
        k: tuple(v.shape) for k, v in want.items()
    }


@pytest.mark.parametrize("name", NAMES)
def test_the_script_writes_the_bytes_that_ship_from_their_weights(name):
    network = classifier.load(name)
    assert train_classifier.weight_bytes(network) == PATHS[name].read_bytes()


def test_the_digits_it_has_never_seen(digits):
    _, (images, labels) = digits
    right = (classifier.load("digits").classify(images) == labels).sum().item()
    assert abs(right - 295) <= 1  # sums in another order may turn a close one
    assert f"295 of the {len(labels)} held-out digits (99.3 %)" in README


def test_the_mnist_digits_it_has_never_seen(mnist_test):
    images, labels = mnist_test
    right = (classifier.load("mnist").classify(images) == labels).sum().item()
    assert len(labels) == 10_000
    assert abs(right - MNIST_RIGHT) <= 2


def test_readme_states_how_many_of_mnists_digits_are_right():
    share = f"{MNIST_RIGHT / 100:.2f} %"
    assert f"{MNIST_RIGHT:,} of MNIST's 10,000 test images ({share})" in README


def test_the_unit_of_the_features_is_the_training_images_variance(digits):
    (images, _), _ = digits
    features = classifier.load("digits").features(images)
    assert features.double().var(dim=0).sum().item() == pytest.approx(100, abs=0.1)
    assert features.std(dim=0).min() > 0.1  # every feature does something
    nothing_but_the_mean = features.mean(dim=0).expand(2, -1)
    far = evaluation.frechet_distance(nothing_but_the_mean, features)
    assert far == pytest.approx(100, abs=0.1)


# --- As a network ---------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_loaded_network_is_frozen_and_each_load_is_its_own(name):
    network = classifier.load(name)
    assert not network.training
    assert not any(weight.requires_grad for weight in network.parameters())
    images = torch.zeros(3, 1, 32, 32, requires_grad=True)
    features = network.features(images)
    assert features.shape == (3, classifier.FEATURES[name])
    assert not features.requires_grad
    nn.init.zeros_(network.head.weight)
    assert classifier.load(name).head.weight.abs().sum() > 0


def test_logits_features_and_classes_belong_together(digits):
    (images, _), _ = digits
    network = classifier.load()
    logits = network(images[:700])
    features = network.features(images[:700])  # in more than one batch
    assert torch.allclose(network.head(features), logits, atol=1e-4)
    assert torch.equal(logits.argmax(1), network.classify(images[:700]))
    assert torch.allclose(network.features(images[600:601]), features[600:601])
    assert network.features(images[:0]).shape == (0, 32)
    assert network.classify(images[:0]).shape == (0,)


def test_float32_is_precise_enough_for_the_scores(digits):
    (train, _), (heldout, _) = digits
    single, double = classifier.load(), classifier.load().double()
    far = [
        evaluation.frechet_distance(net.features(heldout), net.features(train))
        for net in (single, double)
    ]
    assert far[0] == pytest.approx(far[1], rel=1e-5)


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match="no classifier 'cifar'; there is 'digits', "):
        classifier.load("cifar")


def test_a_broken_file_is_reported_with_its_cure(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "DATA_DIR", tmp_path)
    with pytest.raises(data.DataError, match=r"git checkout data/classifier_digits"):
        classifier.load("digits")
    content = bytearray(PATHS["digits"].read_bytes())
    content[2000] ^= 1
    (tmp_path / "classifier_digits.npz").write_bytes(content)
    with pytest.raises(data.DataError, match="is broken"):
        classifier.load("digits")


# --- Images of other shapes -----------------------------------------------------------


def test_small_digits_are_enlarged_as_the_data_are():
    small, large = data.load("digits", size=8)[0], data.load("digits")[0]
    assert torch.equal(classifier.to_gray32(small[:100]), large[:100])


def test_large_images_are_averaged_and_colors_too():
    images = torch.rand(2, 3, 64, 64, generator=data.rng(0)) * 2 - 1
    want = images.reshape(2, 3, 32, 2, 32, 2).mean(dim=(1, 3, 5))
    got = classifier.to_gray32(images)
    assert got.shape == (2, 1, 32, 32)
    assert torch.allclose(got[:, 0], want, atol=1e-6)


def test_images_at_32_pixels_pass_unchanged():
    images = torch.rand(2, 1, 32, 32, generator=data.rng(0))
    assert torch.equal(classifier.to_gray32(images), images)


@pytest.mark.parametrize("shape", [(3, 32, 32), (2, 0, 32, 32), (2, 1024)])
def test_images_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"shape \(n, c, h, w\), not"):
        classifier.load().features(torch.zeros(shape))


@pytest.mark.parametrize(
    "images",
    [
        torch.full((1, 1, 32, 32), math.nan),
        torch.full((1, 1, 32, 32), math.inf),
        torch.zeros(1, 1, 32, 32, dtype=torch.uint8),
    ],
)
def test_images_that_are_not_finite_numbers_are_refused(images):
    with pytest.raises(ValueError, match="finite floating-point numbers"):
        classifier.load().classify(images)


# --- Scores in this space -------------------------------------------------------------


def test_scores_of_the_two_baselines_and_of_noise(digits):
    (train, labels), (heldout, _) = digits
    network = classifier.load()
    small, _ = data.split(*data.load("digits", size=8))
    floor = evaluation.frechet_distance(
        network.features(heldout), network.features(train)
    )
    for seed in range(2):
        copies = evaluation.copies(train, 1500, data.rng(seed))
        gaussian = evaluation.class_gaussians(*small, 1500, data.rng(seed))
        gaussian = classifier.to_gray32(gaussian)
        noise = torch.rand(1500, 1, 32, 32, generator=data.rng(seed)) * 2 - 1
        of_copies, of_gaussians, of_noise = (
            evaluation.scores(samples, train, classifier=network)
            for samples in (copies, gaussian, noise)
        )
        assert of_copies.precision == 1.0 and of_copies.recall > 0.9
        assert of_copies.frechet < floor  # flattered: nothing new, and yet the best
        assert 1 < of_gaussians.frechet < 5
        assert 0.6 < of_gaussians.precision < 0.9
        assert of_noise.frechet > 100 and of_noise.precision < 0.01
        assert of_copies.coverage == of_gaussians.coverage == 1
        assert of_copies.memorization is None


def test_memorization_finds_the_copies_and_suspects_a_close_fit():
    images, labels = data.load("digits", size=8)
    for seed in range(5):
        order = torch.randperm(len(images), generator=data.rng(seed))
        train, heldout, unseen = images[order].split(599)
        fit = evaluation.class_gaussians(
            train, labels[order[:599]], 599, data.rng(seed)
        )
        copied, fresh, fitted = (
            evaluation.memorization_score(samples, train, heldout)
            for samples in (evaluation.copies(train, 599, data.rng(seed)), unseen, fit)
        )
        assert copied > 0.99
        assert 0.4 < fresh < 0.6
        assert 0.53 < fitted < 0.75


def test_scores_measure_memorization_where_unseen_data_are_given(digits):
    (train, _), (heldout, _) = digits
    train, network = train[:297], classifier.load()
    scores = evaluation.scores(train, train, heldout=heldout, classifier=network)
    assert scores.memorization > 0.99


def test_a_lost_class_shows_in_every_score_that_can_see_it(digits):
    (train, labels), _ = digits
    without = train[labels != 7]
    scores = evaluation.scores(without, train, classifier=classifier.load())
    whole = evaluation.scores(train, train, classifier=classifier.load())
    assert whole.frechet == pytest.approx(0, abs=1e-6)
    assert whole.histogram_kl < 0.001
    assert (whole.precision, whole.recall, whole.coverage) == (1, 1, 1)
    assert scores.frechet > 1 and scores.recall < 0.95
    assert scores.histogram_kl > 0.09  # log(10 / 9) = 0.105
    assert scores.precision == 1


def test_the_floor_of_the_distance_falls_with_the_number_of_samples(digits):
    images, _ = data.load("digits")
    features = classifier.load().features(images)
    means = []
    for n in (50, 100, 200, 400):
        parts = [
            torch.randperm(len(features), generator=data.rng(seed)).split(
                [n, len(features) - n]
            )
            for seed in range(10)
        ]
        far = [evaluation.frechet_distance(features[a], features[b]) for a, b in parts]
        means.append(sum(far) / len(far))
    assert means == sorted(means, reverse=True)
    assert means[0] > 4 * means[-1]


def test_scores_want_samples_of_the_datas_shape(digits):
    (train, _), (heldout, _) = digits
    network = classifier.load()
    with pytest.raises(ValueError, match="of the same size are wanted"):
        evaluation.scores(train[:, :, :8, :8], train, classifier=network)
    with pytest.raises(ValueError, match="equal number"):
        evaluation.scores(train[:9], train, heldout=heldout, classifier=network)
    with pytest.raises(ValueError, match="hold NaN|finite"):
        evaluation.scores(train[:9] * math.nan, train, classifier=network)


# --- The training script --------------------------------------------------------------


def test_shifts_move_whole_images_by_at_most_two_pixels():
    image = torch.full((1, 1, 32, 32), -1.0)
    image[0, 0, 10, 20] = 1
    moved = train_classifier.shifted(image.repeat(500, 1, 1, 1), data.rng(0))
    assert moved.shape == (500, 1, 32, 32)
    _, _, rows, columns = (moved == 1).nonzero().T
    assert len(rows) == 500 and (moved == -1).sum() == 500 * 1023
    assert rows.unique().tolist() == [8, 9, 10, 11, 12]
    assert columns.unique().tolist() == [18, 19, 20, 21, 22]


def test_training_repeats_with_its_seed(digits):
    (images, labels), _ = digits
    first, second, other = (
        train_classifier.train(
            "digits", images[:128], labels[:128], epochs=1, seed=seed
        ).state_dict()
        for seed in (0, 0, 1)
    )
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert not torch.equal(first["head.weight"], other["head.weight"])


def test_a_little_training_learns_and_sets_the_unit(digits):
    (images, labels), _ = digits
    images, labels = images[:320], labels[:320]
    network = train_classifier.train("digits", images, labels, epochs=10, seed=0)
    assert (network.classify(images) == labels).double().mean() > 0.6
    spread = network.features(images).double().var(dim=0).sum()
    assert spread.item() == pytest.approx(100, rel=1e-4)


def test_the_unit_does_not_touch_the_logits(digits):
    (images, _), _ = digits
    network = classifier.Classifier(32).requires_grad_(False)
    before = network(images[:50])
    train_classifier.set_unit(network, images[:50])
    assert torch.allclose(network(images[:50]), before, atol=1e-5)


def test_main_writes_a_file_that_can_be_loaded(tmp_path, monkeypatch, capsys, digits):
    monkeypatch.setattr(data, "DATA_DIR", tmp_path)
    (images, labels), _ = digits
    small = (images[:64], labels[:64]), (images[64:96], labels[64:96])
    monkeypatch.setattr(train_classifier, "split", lambda name: small)
    monkeypatch.setitem(train_classifier.EPOCHS, "digits", 1)
    train_classifier.main(["digits"])
    said = capsys.readouterr().out
    found = hashlib.sha256((tmp_path / "classifier_digits.npz").read_bytes())
    assert found.hexdigest() in said and "of 32 held-out images" in said
    monkeypatch.setitem(classifier.SHA256, "digits", found.hexdigest())
    assert classifier.load("digits").features(images[:2]).shape == (2, 32)
