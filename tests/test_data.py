"""Image sets, laws and latents are what the lessons say they are."""

import hashlib
import math
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from course_utils import data
from course_utils.data import GaussianMixture, gaussian, ring, rng, two_gaussians

README = data.DATA_DIR / "README.md"
DIGITS = data.DATA_DIR / "digits.npz"


# --- The file -----------------------------------------------------------------------


def test_readme_states_the_checksum_and_length_of_the_digits():
    content = DIGITS.read_bytes()
    _, text, *_ = README.read_text(encoding="utf-8").split("\n## ")
    assert text.startswith("digits.npz\n")
    found = re.findall(r"[0-9a-f]{64}", text)
    assert found == [hashlib.sha256(content).hexdigest()] == [data.DIGITS_SHA256]
    assert f"| bytes | {len(content):,} |" in text


def test_readme_states_shapes_range_and_class_counts_of_the_digits():
    text = README.read_text(encoding="utf-8")
    with np.load(DIGITS, allow_pickle=False) as file:
        images, labels = file["images"], file["labels"]
    assert sorted(file.files) == ["images", "labels"]
    assert (images.shape, images.dtype) == ((1797, 8, 8), np.uint8)
    assert (labels.shape, labels.dtype) == ((1797,), np.uint8)
    assert (images.min(), images.max()) == (0, 16)
    assert ", ".join(map(str, np.bincount(labels))) in text
    for fact in ("(1797, 8, 8)", "0 to 16", "CC BY 4.0", "10.24432/C50P49"):
        assert fact in text


def test_digits_are_made_with_the_same_bytes_again(tmp_path, capsys):
    pytest.importorskip("sklearn")
    from data.make import digits as make_digits

    make_digits.main(tmp_path / "digits.npz")
    assert (tmp_path / "digits.npz").read_bytes() == DIGITS.read_bytes()
    assert data.DIGITS_SHA256 in capsys.readouterr().out


def test_digits_equal_scikit_learns():
    datasets = pytest.importorskip("sklearn.datasets")
    source = datasets.load_digits()
    images, labels = data.load("digits", size=8)
    assert np.array_equal(images[:, 0].numpy(), source.images / 8 - 1)
    assert np.array_equal(labels.numpy(), source.target)


# --- load ---------------------------------------------------------------------------


@pytest.mark.parametrize("size", [8, 9, 16, 28, 32, 64])
@pytest.mark.parametrize("channels", [1, 3])
def test_digits_have_the_shape_type_and_range_asked_for(size, channels):
    images, labels = data.load("digits", size=size, channels=channels)
    assert images.shape == (1797, channels, size, size)
    assert images.dtype == torch.float32 and images.is_contiguous()
    assert images.min() == -1 and images.max() == 1
    assert labels.shape == (1797,) and labels.dtype == torch.int64
    assert labels.unique().tolist() == list(range(10))


def test_digits_at_size_8_are_the_recorded_pixels_exactly():
    images, _ = data.load("digits", size=8)
    with np.load(DIGITS, allow_pickle=False) as file:
        assert torch.equal((images[:, 0] + 1) * 8, torch.from_numpy(file["images"]))


def test_load_gives_size_32_and_one_channel_unless_told():
    images, _ = data.load("digits")
    assert images.shape == (1797, 1, 32, 32)


def test_larger_digits_follow_the_bicubic_kernel_and_are_clamped():
    small, _ = data.load("digits", size=8)
    large, _ = data.load("digits", size=32)
    # The cubic of Keys 1981 with a = -3/4 at the 4 neighbors, for output pixel 14: it
    # lies at (14 + 1/2) / 4 - 1/2 = 3.125, 1/8 beyond input pixel 3.
    t = np.array([1.125, 0.125, 0.875, 1.875])
    near = 1.25 * t**3 - 2.25 * t**2 + 1
    far = -0.75 * (t**3 - 5 * t**2 + 8 * t - 4)
    kernel = torch.from_numpy(np.where(t <= 1, near, far))
    patch = small[:, 0, 2:6, 2:6].double()
    want = torch.einsum("nij,i,j->n", patch, kernel, kernel)
    assert (want.abs() > 1).sum() > 10  # the curve does overshoot, so clamping counts
    torch.testing.assert_close(
        large[:, 0, 14, 14].double(), want.clamp(-1, 1), atol=1e-5, rtol=0
    )


def test_three_channels_are_three_equal_ones():
    gray, _ = data.load("digits", size=16)
    color, _ = data.load("digits", size=16, channels=3)
    assert all(torch.equal(color[:, [c]], gray) for c in range(3))


def test_loaded_images_are_the_callers_own():
    first, labels = data.load("digits", size=8)
    first.zero_(), labels.zero_()
    again, labels = data.load("digits", size=8)
    assert again.min() == -1 and labels.max() == 9


def test_an_unknown_set_names_those_that_exist():
    with pytest.raises(ValueError, match="'digit'; there is 'digits'"):
        data.load("digit")


@pytest.mark.parametrize("size", [7, 0, -8, 32.0, "32", None])
def test_a_size_that_is_no_whole_number_from_8_is_refused(size):
    with pytest.raises(ValueError, match="size must be a whole number of at least 8"):
        data.load("digits", size=size)


@pytest.mark.parametrize("channels", [0, 2, 4, None])
def test_channels_other_than_1_or_3_are_refused(channels):
    with pytest.raises(ValueError, match="channels must be 1 or 3, not"):
        data.load("digits", channels=channels)


@pytest.mark.parametrize(
    ("name", "near"),
    [("Digits", "digits"), ("MNIST", "mnist"), ("fashion_mnist", "fashion-mnist")],
)
def test_a_misspelled_set_is_answered_with_the_nearest(name, near):
    message = f"no image set '{name}'; .* folder of images. Did you mean '{near}'"
    with pytest.raises(ValueError, match=message):
        data.load(name)


@pytest.mark.parametrize("name", ["", "nothing of the kind", None, 3, ["digits"]])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(ValueError, match="there is no image set"):
        data.load(name)


@pytest.mark.parametrize("split", ["train", "test"])
def test_digits_have_no_split(split):
    with pytest.raises(ValueError, match="'digits' comes in one piece, without"):
        data.load("digits", split=split)


def test_another_set_needs_a_reader_and_nothing_else(monkeypatch):
    def read():
        return torch.linspace(-1, 1, 28).expand(5, 1, 28, 28), torch.arange(5)

    monkeypatch.setitem(data._READERS, "ramps", read)
    images, labels = data.load("ramps", size=32, channels=3)
    assert images.shape == (5, 3, 32, 32) and len(labels) == 5
    with pytest.raises(ValueError, match="there is 'digits', 'ramps'"):
        data.load("ramp")


# --- to_tanh_range ------------------------------------------------------------------


def test_bytes_fill_the_range_of_tanh_evenly():
    pixels = torch.arange(256, dtype=torch.uint8).reshape(2, 8, 16)
    got = data.to_tanh_range(pixels)
    assert got.dtype == torch.float32 and got.shape == pixels.shape
    assert (got.min(), got.max()) == (-1, 1)
    want = torch.arange(256, dtype=torch.float64) / 127.5 - 1
    torch.testing.assert_close(got.flatten().double(), want, atol=1e-7, rtol=0)
    assert torch.equal(pixels.flatten(), torch.arange(256, dtype=torch.uint8))


@pytest.mark.parametrize(
    "pixels", [torch.zeros(3), torch.zeros(3, dtype=torch.int64), [0, 1], None]
)
def test_what_is_not_uint8_has_no_known_range(pixels):
    with pytest.raises(ValueError, match="pixels must be a uint8 tensor"):
        data.to_tanh_range(pixels)


# --- A missing or broken file -------------------------------------------------------


@pytest.fixture
def copied_digits(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "DATA_DIR", tmp_path)
    return Path(shutil.copy(DIGITS, tmp_path))


CURE = r"Restore it from the repository: git checkout data/digits\.npz"


def test_an_intact_copy_of_the_digits_is_read(copied_digits):
    assert len(data.load("digits", size=8)[0]) == 1797


def test_a_missing_file_is_reported_with_its_cure(copied_digits):
    copied_digits.unlink()
    with pytest.raises(data.DataError, match=rf"digits\.npz is missing\. {CURE}"):
        data.load("digits")


@pytest.mark.parametrize("length", [0, 1, 1000, 117_274])
def test_a_truncated_file_is_reported_with_its_length_and_cure(copied_digits, length):
    copied_digits.write_bytes(DIGITS.read_bytes()[:length])
    message = rf"digits\.npz is broken: its {length:,} bytes .* {CURE}"
    with pytest.raises(data.DataError, match=message):
        data.load("digits")


@pytest.mark.parametrize("place", [0, 5000, 117_000, -1])
def test_one_wrong_byte_anywhere_is_reported(copied_digits, place):
    content = bytearray(DIGITS.read_bytes())
    content[place] ^= 1
    copied_digits.write_bytes(content)
    with pytest.raises(data.DataError, match=f"is broken: .* {CURE}"):
        data.load("digits")


def test_another_file_under_this_name_is_reported(copied_digits):
    copied_digits.write_text("<html>404</html>")
    with pytest.raises(data.DataError, match=f"is broken: its 16 bytes .* {CURE}"):
        data.load("digits")


def test_a_folder_under_this_name_is_reported(copied_digits):
    copied_digits.unlink()
    copied_digits.mkdir()
    with pytest.raises(data.DataError, match=rf"cannot be read \(.+\)\. {CURE}"):
        data.load("digits")


# --- split --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits():
    return data.load("digits", size=8)


@pytest.mark.parametrize("seed", range(5))
def test_split_holds_out_297_with_an_even_share_of_each_class(digits, seed):
    (train, train_labels), (test, test_labels) = data.split(*digits, seed=seed)
    assert (len(train), len(train_labels)) == (1500, 1500)
    assert (len(test), len(test_labels)) == (297, 297)
    share = digits[1].bincount() * 297 / 1797
    assert (test_labels.bincount() - share).abs().max() <= 1


def test_split_puts_each_image_with_its_label_into_exactly_one_part(digits):
    _, labels = digits
    (train, train_labels), (test, test_labels) = data.split(torch.arange(1797), labels)
    assert torch.cat([train, test]).sort().values.tolist() == list(range(1797))
    assert torch.equal(labels[train], train_labels)
    assert torch.equal(labels[test], test_labels)
    assert (train.diff() > 0).all() and (test.diff() > 0).all()


def test_split_is_fixed_by_its_seed(digits):
    index = torch.arange(1797)
    first, again, other = (
        data.split(index, digits[1], seed=seed)[1][0] for seed in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_split_leaves_the_global_random_state_alone(digits):
    before = torch.get_rng_state()
    data.split(*digits)
    assert torch.equal(torch.get_rng_state(), before)


def test_every_member_of_a_class_is_held_out_equally_often():
    labels = torch.tensor([0] * 6 + [1] * 6)
    counts = torch.zeros(12)
    for seed in range(600):
        counts[data.split(torch.arange(12), labels, heldout=4, seed=seed)[1][0]] += 1
    # Binomial(600, 1/3): mean 200, standard deviation 11.5.
    assert (counts - 200).abs().max() < 5 * 11.5


@pytest.mark.parametrize("heldout", [1, 9, 1788, 1797, 2000])
def test_split_refuses_to_leave_a_class_out_of_a_part(digits, heldout):
    with pytest.raises(ValueError, match=f"heldout={heldout} of 1797 images leaves"):
        data.split(*digits, heldout=heldout)


def test_split_refuses_labels_of_another_length(digits):
    with pytest.raises(ValueError, match=r"1797 images need labels of shape \(1797,\)"):
        data.split(digits[0], digits[1][:5])


@pytest.mark.parametrize("heldout", [0, -1, 0.2])
def test_split_wants_a_whole_number_of_held_out_images(digits, heldout):
    with pytest.raises(ValueError, match="heldout must be a whole number"):
        data.split(*digits, heldout=heldout)


# --- Laws ---------------------------------------------------------------------------

LAWS = {
    "gaussian": gaussian(3.0, 0.5),
    "two gaussians": two_gaussians(),
    "unequal": GaussianMixture([[-1.0], [2.0]], [0.2, 0.7], [0.25, 0.75]),
    "ring": ring(),
    "ring of 5": ring(5, 1.0, 0.2),
    "plane": gaussian([1.0, -2.0], 0.3),
}
EACH_LAW = pytest.mark.parametrize("law", LAWS.values(), ids=LAWS.keys())


def _grid(law, cells=600):
    """Points of a regular grid around a law, and the volume of a cell, in float64."""
    reach = law.means.abs().max() + 8 * law.std.max()
    edges = torch.linspace(-reach, reach, cells + 1, dtype=torch.float64)
    axis = (edges[1:] + edges[:-1]) / 2
    points = torch.stack(torch.meshgrid(*[axis] * law.d, indexing="ij"), -1)
    return points, (axis[1] - axis[0]).item() ** law.d


@EACH_LAW
def test_density_integrates_to_one(law):
    points, volume = _grid(law)
    assert law.density(points).sum().item() * volume == pytest.approx(1, abs=1e-9)


@EACH_LAW
def test_samples_have_the_mean_and_covariance_of_the_density(law):
    points, volume = _grid(law)
    points = points.reshape(-1, law.d)
    mass = law.density(points) * volume
    mean = mass @ points
    covariance = (points - mean).T @ ((points - mean) * mass[:, None])
    fourth = mass @ (points - mean) ** 4

    n = 40_000
    x = law.sample(n, rng(0)).double()
    # Five standard errors of a mean; those of the covariance from the fourth moments.
    assert ((x.mean(0) - mean).abs() < 5 * (covariance.diagonal() / n).sqrt()).all()
    error = (torch.outer(fourth, fourth).sqrt() / n).sqrt()
    assert ((x.T.cov().reshape(law.d, law.d) - covariance).abs() < 5 * error).all()


@EACH_LAW
def test_samples_fall_into_cells_as_often_as_the_density_says(law):
    points, volume = _grid(law)
    first = law.density(points) * volume
    while first.ndim > 1:
        first = first.sum(-1)
    width = points.reshape(-1, law.d)[:, 0].unique().diff()[0]
    start = points.min() - width / 2
    n = 20_000
    cell = ((law.sample(n, rng(1))[:, 0] - start) / width).long()
    want = first.reshape(20, -1).sum(1)
    got = cell.bincount(minlength=600).reshape(20, -1).sum(1) / n
    assert ((got - want).abs() < 5 * (want * (1 - want) / n).sqrt() + 1e-6).all()


@EACH_LAW
def test_samples_are_float32_rows_drawn_from_the_given_generator_alone(law):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    generator = rng(3)
    x, following = law.sample(50, generator), law.sample(50, generator)
    assert x.shape == (50, law.d) and x.dtype == torch.float32
    assert torch.equal(x, law.sample(50, rng(3)))
    assert not torch.equal(x, following)
    assert torch.equal(torch.get_rng_state(), before)


@EACH_LAW
def test_density_drops_the_last_dimension_and_keeps_the_type(law):
    for shape in [(), (7,), (3, 4)]:
        for dtype in (torch.float32, torch.float64):
            x = torch.zeros(*shape, law.d, dtype=dtype)
            assert law.density(x).shape == law.log_density(x).shape == shape
            assert law.density(x).dtype == dtype


def test_density_of_a_gaussian_is_torchs():
    x = torch.linspace(-1, 6, 50, dtype=torch.float64)
    want = torch.distributions.Normal(3.0, 0.5, validate_args=True).log_prob(x)
    torch.testing.assert_close(gaussian(3.0, 0.5).log_density(x[:, None]), want)


def test_density_of_an_unequal_mixture_is_the_weighted_sum():
    x = torch.linspace(-3, 5, 50, dtype=torch.float64)
    left, right = (
        torch.distributions.Normal(*law).log_prob(x).exp()
        for law in [
            (torch.tensor(-1.0).double(), 0.2),
            (torch.tensor(2.0).double(), 0.7),
        ]
    )
    got = LAWS["unequal"].density(x[:, None])
    torch.testing.assert_close(got, 0.25 * left + 0.75 * right)


def test_the_law_of_lesson_two_is_half_at_each_side():
    law = two_gaussians()
    assert law.centers.tolist() == [[-1.5], [1.5]]
    assert law.std.tolist() == [0.4, 0.4] and law.weights.tolist() == [0.5, 0.5]
    peak = 0.5 / (0.4 * math.sqrt(2 * math.pi))
    assert law.density(torch.tensor([1.5])).item() == pytest.approx(peak, rel=1e-6)


def test_the_ring_has_eight_even_centers_at_radius_two():
    law = ring()
    assert law.centers.shape == (8, 2) and law.centers.dtype == torch.float32
    torch.testing.assert_close(law.centers.norm(dim=1), torch.full((8,), 2.0))
    neighbors = (law.centers - law.centers.roll(1, 0)).norm(dim=1)
    torch.testing.assert_close(neighbors, torch.full((8,), 4 * math.sin(math.pi / 8)))
    distance = torch.cdist(law.sample(8000, rng(0)), law.centers)
    counts = distance.argmin(1).bincount(minlength=8)
    assert distance.min(1).values.max() < 6 * 0.05
    assert (counts - 1000).abs().max() < 5 * 30  # Binomial(8000, 1/8): 29.6


def test_log_density_stays_finite_where_the_density_underflows():
    x = torch.tensor([[50.0, 0.0]], requires_grad=True)
    log_density = ring().log_density(x)
    assert ring().density(x).item() == 0 and log_density.isfinite().all()
    log_density.sum().backward()
    # The slope of log p is (m - x) / std^2 for the nearest mode m = (2, 0).
    torch.testing.assert_close(x.grad, torch.tensor([[-48 / 0.0025, 0.0]]))


def test_density_takes_arrays_and_whole_numbers():
    assert two_gaussians().density(np.zeros((3, 1))).dtype == torch.float64
    assert two_gaussians().density(torch.zeros(3, 1, dtype=torch.int64)).shape == (3,)


def test_a_law_does_not_change_with_the_tensor_it_was_made_of():
    means = torch.zeros(1, 1, dtype=torch.float64)
    law = GaussianMixture(means, 1.0)
    means += 1
    law.centers.add_(1)
    assert law.means.item() == law.centers.item() == 0


def test_a_row_of_numbers_is_refused_as_points_of_a_line():
    message = r"x must have shape \(..., 1\).*not \(9,\) \(try x\[:, None\]\)"
    with pytest.raises(ValueError, match=message):
        two_gaussians().density(torch.zeros(9))
    with pytest.raises(
        ValueError, match=r"x must have shape \(..., 2\).*not \(4, 3\)$"
    ):
        ring().density(torch.zeros(4, 3))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0, 2.0], 1.0), r"means must have shape \(k, d\), not \(2,\)"),
        ((torch.zeros(0, 2), 1.0), r"means must have shape \(k, d\), not \(0, 2\)"),
        (([[0.0]], 0.0), "std must be positive, not 0.0"),
        (([[0.0]], -1.0), "std must be positive"),
        (([[0.0]], math.nan), "std must be positive"),
        (([[0.0], [1.0]], [1.0, 1.0, 1.0]), "std must be one number or 2 numbers"),
        (([[0.0], [1.0]], 1.0, [0.5, 0.6]), "weights must sum to 1, not 1.1"),
        (([[0.0], [1.0]], 1.0, [1.5, -0.5]), "weights must be positive"),
    ],
)
def test_a_mixture_that_is_no_law_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        GaussianMixture(*arguments)


def test_a_ring_wants_at_least_one_mode():
    with pytest.raises(ValueError, match="n_modes must be a whole number"):
        ring(0)


@pytest.mark.parametrize("n", [0, -1, 2.5])
def test_the_number_of_samples_is_a_whole_number_from_1(n):
    with pytest.raises(ValueError, match="n must be a whole number of at least 1"):
        ring().sample(n, rng(0))


# --- Latents ------------------------------------------------------------------------


def test_latents_are_standard_normal():
    z = data.latent(50_000, 4, rng(0))
    assert z.shape == (50_000, 4) and z.dtype == torch.float32
    # Five standard errors: 1 / sqrt(n) of a mean, sqrt(2 / n) of a variance.
    assert z.mean(0).abs().max() < 5 / math.sqrt(50_000)
    assert (z.T.cov() - torch.eye(4)).abs().max() < 5 * math.sqrt(2 / 50_000)
    assert (z**4).mean().item() == pytest.approx(3, abs=5 * math.sqrt(96 / 200_000))


def test_latents_depend_on_the_generator_alone():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    generator = rng(7)
    z, following = data.latent(5, 3, generator), data.latent(5, 3, generator)
    assert torch.equal(z, data.latent(5, 3, rng(7)))
    assert not torch.equal(z, following)
    assert not torch.equal(z, data.latent(5, 3, rng(8)))
    assert torch.equal(torch.get_rng_state(), before)


def test_draws_are_float32_whatever_the_default_type():
    torch.set_default_dtype(torch.float64)
    try:
        z, x = data.latent(5, 3, rng(7)), ring().sample(5, rng(0))
        images, _ = data.load("digits", size=16)
    finally:
        torch.set_default_dtype(torch.float32)
    assert z.dtype == x.dtype == images.dtype == torch.float32
    assert torch.equal(z, data.latent(5, 3, rng(7)))
    assert torch.equal(x, ring().sample(5, rng(0)))


def test_latents_are_moved_to_the_device_after_the_draw():
    assert data.latent(5, 3, rng(0), device="meta").device.type == "meta"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_seed_means_the_same_latents_on_a_gpu():
    z = data.latent(5, 3, rng(0), device="cuda")
    assert z.is_cuda and torch.equal(z.cpu(), data.latent(5, 3, rng(0)))


@pytest.mark.parametrize("generator", [None, 0])
def test_a_draw_without_a_generator_is_refused(generator):
    message = "generator must be a torch.Generator on the CPU"
    with pytest.raises(ValueError, match=message):
        data.latent(5, 3, generator)
    with pytest.raises(ValueError, match=message):
        ring().sample(5, generator)


@pytest.mark.parametrize(("n", "latent_dim"), [(0, 2), (2, 0), (2, 1.5)])
def test_latents_want_whole_numbers_from_1(n, latent_dim):
    with pytest.raises(ValueError, match="must be a whole number of at least 1"):
        data.latent(n, latent_dim, rng(0))


# --- Walks between latents ----------------------------------------------------------


def walk_of(d=100, n=9, seed=0):
    z0, z1 = data.latent(2, d, rng(seed))
    return 2 * z0, z1, data.spherical_interpolation(2 * z0, z1, n)


def test_a_walk_goes_by_even_angles_and_even_lengths():
    z0, z1, walk = walk_of()
    assert walk.shape == (9, 100) and walk.dtype == torch.float32
    assert torch.equal(walk[0], z0) and torch.equal(walk[-1], z1)
    lengths = walk.double().norm(dim=1)
    even = torch.linspace(lengths[0], lengths[-1], 9, dtype=torch.float64)
    torch.testing.assert_close(lengths, even, atol=1e-5, rtol=0)
    units = walk.double() / lengths[:, None]
    angles = (units[1:] * units[:-1]).sum(1).arccos()
    torch.testing.assert_close(angles, angles[:1].expand(8), atol=1e-5, rtol=0)
    whole = (units[0] * units[-1]).sum().arccos()
    assert angles.sum().item() == pytest.approx(whole.item(), abs=1e-5)


def test_a_walk_keeps_to_the_length_that_a_line_cuts_short():
    z0, z1, walk = walk_of(n=3)
    assert (z0 + z1).norm() / 2 < 0.85 * walk[1].norm()


@pytest.mark.parametrize("factor", [3.0, 1.0, 0.3, 0.0, -0.3, -1.0])
def test_a_walk_without_one_great_circle_is_the_line(factor):
    z0 = data.latent(1, 10, rng(0))[0]
    walk = data.spherical_interpolation(z0, factor * z0, 5)
    line = torch.linspace(1, factor, 5)[:, None] * z0
    torch.testing.assert_close(walk, line, atol=1e-6, rtol=0)
    back = data.spherical_interpolation(factor * z0, z0, 5)
    torch.testing.assert_close(back, line.flip(0), atol=1e-6, rtol=0)


@pytest.mark.parametrize("angle", [1e-3, 1e-5, 1e-9, math.pi - 1e-3])
def test_almost_parallel_and_almost_opposite_ends_stay_accurate(angle):
    t = torch.linspace(0, angle, 5, dtype=torch.float64)
    want = torch.stack([t.cos(), t.sin()], 1)
    got = data.spherical_interpolation(want[0], want[-1], 5)
    torch.testing.assert_close(got, want, atol=1e-12, rtol=0)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_a_walk_has_the_type_of_its_ends(kind):
    z0, z1 = data.latent(2, 8, rng(0)).to(kind)
    walk = data.spherical_interpolation(z0, z1, 4)
    assert walk.dtype == kind and walk.isfinite().all()
    assert torch.equal(walk[0], z0) and torch.equal(walk[-1], z1)


def test_the_ends_of_a_walk_stay_as_they_were():
    z0, z1 = data.latent(2, 8, rng(0))
    before = z0.clone(), z1.clone()
    data.spherical_interpolation(z0, z1, 2).zero_()
    assert torch.equal(z0, before[0]) and torch.equal(z1, before[1])


@pytest.mark.parametrize(
    ("z0", "z1"),
    [
        (torch.ones(3), torch.ones(2)),
        (torch.ones(1, 3), torch.ones(1, 3)),
        (torch.ones(()), torch.ones(())),
        (torch.ones(0), torch.ones(0)),
    ],
)
def test_a_walk_wants_two_vectors(z0, z1):
    with pytest.raises(ValueError, match=r"z0 and z1 must have one shape \(d,\)"):
        data.spherical_interpolation(z0, z1, 3)


def test_a_walk_wants_real_numbers_and_two_points():
    ones = torch.ones(3)
    with pytest.raises(ValueError, match="must be of a floating type, not torch.int64"):
        data.spherical_interpolation(ones.long(), ones.long(), 3)
    for n in (1, 0, 2.5):
        with pytest.raises(ValueError, match="n must be a whole number of at least 2"):
            data.spherical_interpolation(ones, ones, n)
