"""Image sets, distributions and latents are what the lessons say they are."""

import hashlib
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from course_utils import classifier, data
from course_utils.data import GaussianMixture, gaussian, ring, rng, two_gaussians

DIGITS = data.DATA_DIR / "digits.npz"
README = (data.DATA_DIR / "README.md").read_text(encoding="utf-8")


# --- Digits ---------------------------------------------------------------------------


def test_what_ships_has_the_checksums_that_the_code_and_the_readme_state():
    known = {"digits.npz": data.DIGITS_SHA256} | {
        f"classifier_{name}.npz": sha for name, sha in classifier.SHA256.items()
    }
    for file, sha256 in known.items():
        content = (data.DATA_DIR / file).read_bytes()
        assert hashlib.sha256(content).hexdigest() == sha256
        assert sha256 in README and f"{len(content):,}" in README


def test_readme_states_shapes_range_and_class_counts_of_the_digits():
    with np.load(DIGITS, allow_pickle=False) as file:
        images, labels = file["images"], file["labels"]
    assert (images.shape, images.dtype, images.min(), images.max()) == (
        (1797, 8, 8), np.uint8, 0, 16
    )  # fmt: skip
    for fact in ("(1797, 8, 8)", "0 to 16", "CC BY 4.0", "10.24432/C50P49"):
        assert fact in README
    assert ", ".join(map(str, np.bincount(labels))) in README


@pytest.mark.parametrize(("size", "channels"), [(8, 1), (9, 3), (32, 1), (64, 3)])
def test_digits_have_the_shape_type_and_range_asked_for(size, channels):
    images, labels = data.load("digits", size=size, channels=channels)
    assert images.shape == (1797, channels, size, size)
    assert images.dtype == torch.float32 and images.is_contiguous()
    assert (images.min(), images.max()) == (-1, 1)
    assert torch.equal(images[:, :1], images[:, -1:])
    assert labels.dtype == torch.int64 and labels.unique().tolist() == list(range(10))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "Digits"}, "no image set 'Digits'; there is 'digits', 'mnist', .*"
         "folder of images. Did you mean 'digits'"),
        ({"name": "fashion_mnist"}, "Did you mean 'fashion-mnist'"),
        ({"name": ""}, "there is no image set ''"),
        ({"name": None}, "there is no image set None"),
        ({"size": 7}, "size must be a whole number of at least 8, not 7"),
        ({"size": 32.0}, "size must be a whole number"),
        ({"channels": 2}, "channels must be 1 or 3, not 2"),
        ({"split": "test"}, "'digits' comes in one piece, without a split 'test'"),
    ],
)  # fmt: skip
def test_what_is_not_offered_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        data.load(**{"name": "digits", **arguments})


CURE = r"Restore it from the course's repository: git checkout data/digits\.npz"


@pytest.mark.parametrize("damage", ["missing", "short", "one byte", "a folder"])
def test_a_missing_or_damaged_file_is_reported_with_its_cure(
    damage, tmp_path, monkeypatch
):
    monkeypatch.setattr(data, "DATA_DIR", tmp_path)
    copy = Path(shutil.copy(DIGITS, tmp_path))
    assert len(data.load("digits", size=8)[0]) == 1797
    content = bytearray(copy.read_bytes())
    content[5000] ^= 1
    copy.unlink()
    if damage == "a folder":
        copy.mkdir()
    elif damage != "missing":
        copy.write_bytes(content[:1000] if damage == "short" else content)
    with pytest.raises(data.DataError, match=rf"is missing or broken .* {CURE}"):
        data.load("digits")


def test_bytes_fill_the_range_of_tanh_evenly():
    pixels = torch.arange(256, dtype=torch.uint8)
    want = torch.arange(256, dtype=torch.float64) / 127.5 - 1
    got = data.to_tanh_range(pixels)
    torch.testing.assert_close(got.double(), want, atol=1e-7, rtol=0)
    assert got.dtype == torch.float32 and pixels[1] == 1
    for other in (pixels.float(), pixels.long(), [0, 1], None):
        with pytest.raises(ValueError, match="pixels must be a uint8 tensor"):
            data.to_tanh_range(other)


# --- split ----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_split_puts_each_image_with_its_label_into_one_part(seed):
    _, labels = data.load("digits", size=8)
    index, before = torch.arange(1797), torch.get_rng_state()
    (train, train_labels), (test, test_labels) = data.split(index, labels, seed=seed)
    assert (len(train), len(test)) == (1500, 297)
    assert torch.equal(torch.cat([train, test]).sort().values, index)
    assert torch.equal(labels[train], train_labels)
    assert torch.equal(labels[test], test_labels)
    assert (train.diff() > 0).all() and (test.diff() > 0).all()
    assert (test_labels.bincount() - labels.bincount() * 297 / 1797).abs().max() <= 1
    assert torch.equal(data.split(index, labels, seed=seed)[1][0], test)
    assert not torch.equal(data.split(index, labels, seed=9)[1][0], test)
    assert torch.equal(torch.get_rng_state(), before)


def test_split_refuses_what_it_cannot_divide():
    images, labels = torch.zeros(20), torch.arange(20) % 10
    for heldout in (9, 11, 20):
        with pytest.raises(ValueError, match=f"heldout={heldout} of 20 images leaves"):
            data.split(images, labels, heldout=heldout)
    with pytest.raises(ValueError, match=r"20 images need labels of shape \(20,\)"):
        data.split(images, labels[:5])
    with pytest.raises(ValueError, match="heldout must be a whole number"):
        data.split(images, labels, heldout=0.2)


# --- Distributions --------------------------------------------------------------------

EACH = pytest.mark.parametrize(
    "p",
    [
        gaussian(3.0, 0.5),
        GaussianMixture([[-1.0], [2.0]], [0.2, 0.7], [0.25, 0.75]),
        ring(5, 1.0, 0.2),
        gaussian([1.0, -2.0], 0.3),
    ],
    ids=["gaussian", "unequal", "ring", "plane"],
)


@EACH
def test_samples_have_the_moments_of_the_density(p):
    reach = p.means.abs().max() + 8 * p.std.max()
    edges = torch.linspace(-reach, reach, 601, dtype=torch.float64)
    axis = (edges[1:] + edges[:-1]) / 2
    points = torch.stack(torch.meshgrid(*[axis] * p.d, indexing="ij"), -1)
    mass = (p.density(points) * (axis[1] - axis[0]) ** p.d).flatten()
    points = points.reshape(-1, p.d)
    assert mass.sum().item() == pytest.approx(1, abs=1e-9)
    mean = mass @ points
    covariance = (points - mean).T @ ((points - mean) * mass[:, None])
    fourth = mass @ (points - mean) ** 4

    n = 40_000
    x = p.sample(n, rng(0)).double()
    # Five standard errors of a mean; those of the covariance from the fourth moments.
    assert ((x.mean(0) - mean).abs() < 5 * (covariance.diagonal() / n).sqrt()).all()
    error = (torch.outer(fourth, fourth).sqrt() / n).sqrt()
    assert ((x.T.cov().reshape(p.d, p.d) - covariance).abs() < 5 * error).all()


@EACH
def test_samples_are_float32_rows_drawn_from_the_given_generator_alone(p):
    before, generator = torch.get_rng_state(), rng(3)
    x, following = p.sample(50, generator), p.sample(50, generator)
    assert x.shape == (50, p.d) and x.dtype == torch.float32
    assert torch.equal(x, p.sample(50, rng(3))) and not torch.equal(x, following)
    assert torch.equal(torch.get_rng_state(), before)
    assert p.density(torch.zeros(3, 4, p.d).double()).dtype == torch.float64
    assert p.density(torch.zeros(3, 4, p.d)).shape == (3, 4)


def test_the_ring_has_eight_even_centers_at_radius_two():
    centers = ring().centers
    assert centers.shape == (8, 2) and centers.dtype == torch.float32
    torch.testing.assert_close(centers.norm(dim=1), torch.full((8,), 2.0))
    gaps = (centers - centers.roll(1, 0)).norm(dim=1)
    torch.testing.assert_close(gaps, torch.full((8,), 4 * math.sin(math.pi / 8)))


def test_log_density_stays_finite_where_the_density_underflows():
    x = torch.tensor([[50.0, 0.0]], requires_grad=True)
    ring().log_density(x).sum().backward()
    assert ring().density(x).item() == 0
    # The slope of log p is (m - x) / std^2 for the nearest mode m = (2, 0).
    torch.testing.assert_close(x.grad, torch.tensor([[-48 / 0.0025, 0.0]]))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: GaussianMixture([1.0, 2.0], 1.0), r"shape \(k, d\), not \(2,\)"),
        (lambda: GaussianMixture([[0.0]], -1.0), "std must be one positive number"),
        (lambda: GaussianMixture([[0.0]], math.nan), "std must be one positive"),
        (lambda: GaussianMixture([[0.0]], [1.0, 1.0]), "or 1 of them, not"),
        (lambda: GaussianMixture([[0.0], [1.0]], 1.0, [0.5, 0.6]), "sum to 1, not 1.1"),
        (lambda: ring(0), "n_modes must be a whole number"),
        (lambda: ring().sample(2.5, rng(0)), "n must be a whole number of at least 1"),
        (lambda: ring().sample(5, None), "generator must be a torch.Generator on"),
        (lambda: two_gaussians().density(torch.zeros(9)), r"\(9,\) \(try x\[:, None"),
        (lambda: ring().density(torch.zeros(4, 3)), r"\(..., 2\).*not \(4, 3\)$"),
        (lambda: data.latent(0, 2, rng(0)), "n must be a whole number of at least 1"),
        (lambda: data.latent(2, 1.5, rng(0)), "latent_dim must be a whole number"),
        (lambda: data.latent(2, 2, 0), "generator must be a torch.Generator on the"),
    ],
)
def test_a_distribution_or_draw_that_cannot_be_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# --- Latents --------------------------------------------------------------------------


def test_latents_are_standard_normal_and_depend_on_the_generator_alone():
    before = torch.get_rng_state()
    z = data.latent(50_000, 4, rng(0))
    # Five standard errors: 1 / sqrt(n) of a mean, sqrt(2 / n) of a variance.
    assert z.mean(0).abs().max() < 5 / math.sqrt(50_000)
    assert (z.T.cov() - torch.eye(4)).abs().max() < 5 * math.sqrt(2 / 50_000)
    assert (z**4).mean().item() == pytest.approx(3, abs=5 * math.sqrt(96 / 200_000))
    assert torch.equal(z, data.latent(50_000, 4, rng(0)))
    assert torch.equal(torch.get_rng_state(), before)
    assert data.latent(5, 3, rng(0), device="meta").device.type == "meta"


def test_draws_are_float32_whatever_the_default_type():
    want = data.latent(5, 3, rng(7)), ring().sample(5, rng(0)), data.load("digits")[0]
    torch.set_default_dtype(torch.float64)
    try:
        got = (
            data.latent(5, 3, rng(7)),
            ring().sample(5, rng(0)),
            data.load("digits")[0],
        )
    finally:
        torch.set_default_dtype(torch.float32)
    assert all(map(torch.equal, got, want))
    assert all(x.dtype == torch.float32 for x in got)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_seed_means_the_same_latents_on_a_gpu():
    z = data.latent(5, 3, rng(0), device="cuda")
    assert z.is_cuda and torch.equal(z.cpu(), data.latent(5, 3, rng(0)))


def test_a_walk_goes_by_even_angles_and_even_lengths():
    z0, z1 = data.latent(2, 100, rng(0)) * torch.tensor([[2.0], [1.0]])
    walk = data.spherical_interpolation(z0, z1, 9)
    assert walk.shape == (9, 100) and walk.dtype == torch.float32
    assert torch.equal(walk[0], z0) and torch.equal(walk[-1], z1)
    lengths = walk.double().norm(dim=1)
    even = torch.linspace(lengths[0], lengths[-1], 9, dtype=torch.float64)
    torch.testing.assert_close(lengths, even, atol=1e-5, rtol=0)
    units = walk.double() / lengths[:, None]
    angles = (units[1:] * units[:-1]).sum(1).arccos()
    torch.testing.assert_close(angles, angles[:1].expand(8), atol=1e-5, rtol=0)
    assert walk[4].norm() > (z0 + z1).norm() / 2 / 0.85  # which the line cuts short


@pytest.mark.parametrize("factor", [3.0, 1.0, 0.0, -1.0])
def test_a_walk_without_one_great_circle_is_the_line(factor):
    z0 = data.latent(1, 10, rng(0))[0]
    line = torch.linspace(1, factor, 5)[:, None] * z0
    for a, b, want in ((z0, factor * z0, line), (factor * z0, z0, line.flip(0))):
        walk = data.spherical_interpolation(a, b, 5)
        torch.testing.assert_close(walk, want, atol=1e-6, rtol=0)


@pytest.mark.parametrize("angle", [1e-3, 1e-9, math.pi - 1e-3])
def test_almost_parallel_and_almost_opposite_ends_stay_accurate(angle):
    t = torch.linspace(0, angle, 5, dtype=torch.float64)
    want = torch.stack([t.cos(), t.sin()], 1)
    got = data.spherical_interpolation(want[0], want[-1], 5)
    torch.testing.assert_close(got, want, atol=1e-12, rtol=0)


def test_a_walk_keeps_its_type_and_its_ends_and_wants_two_vectors():
    z0, z1 = ends = data.latent(2, 8, rng(0)).half()
    before = ends.clone()
    walk = data.spherical_interpolation(z0, z1, 4)
    assert walk.dtype == torch.float16
    walk.zero_()
    assert torch.equal(ends, before)
    for a, b, n, message in (
        (torch.ones(3), torch.ones(2), 3, r"one shape \(d,\)"),
        (torch.ones(1, 3), torch.ones(1, 3), 3, r"one shape \(d,\)"),
        (torch.ones(0), torch.ones(0), 3, r"one shape \(d,\)"),
        (torch.ones(3).long(), torch.ones(3).long(), 3, "floating type, not torch.int"),
        (z0, z1, 1, "n must be a whole number of at least 2"),
    ):
        with pytest.raises(ValueError, match=message):
            data.spherical_interpolation(a, b, n)
