"""Files, folders and downloads give the recorded pixels, or say what to do."""

import builtins
import errno
import functools
import gzip
import hashlib
import http.server
import os
import re
import struct
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from course_utils import data, sources
from course_utils.sources import DataError, folder, public

TRAIN_IMAGES, TRAIN_LABELS = public.FILES["train"]
ROOT = Path(__file__).resolve().parent.parent


def idx_bytes(values: np.ndarray) -> bytes:
    magic = 0x800 + values.ndim
    return struct.pack(f">{1 + values.ndim}I", magic, *values.shape) + values.tobytes()


def pictures(n: int = 20) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (n, 28, 28), dtype=np.uint8)


def classes(n: int = 20) -> np.ndarray:
    return (np.arange(n) % 10).astype(np.uint8)


@pytest.fixture
def no_data(tmp_path, monkeypatch):
    """No COURSE_DATA_DIR, an empty cache, and mirrors on which nobody listens."""
    monkeypatch.delenv("COURSE_DATA_DIR", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr("pooch.os_cache", lambda project: tmp_path / "cache")
    nowhere = public.IdxSet(("http://127.0.0.1:9/",), ("0" * 64,) * 4)
    for name in sources.IDX_SETS:
        monkeypatch.setitem(sources.IDX_SETS, name, nowhere)
    return tmp_path


@pytest.fixture
def local(no_data, monkeypatch):
    """A COURSE_DATA_DIR with 20 images of mnist."""
    monkeypatch.setenv("COURSE_DATA_DIR", str(no_data))
    place = no_data / "mnist"
    place.mkdir()
    (place / TRAIN_IMAGES).write_bytes(gzip.compress(idx_bytes(pictures())))
    (place / TRAIN_LABELS).write_bytes(gzip.compress(idx_bytes(classes())))
    return place


def fails(message: str, name: str | Path = "mnist", **options) -> str:
    """Loading raises one DataError of few sentences that match the message."""
    with pytest.raises(DataError, match=message) as caught:
        data.load(name, **options)
    text = str(caught.value)
    assert text.endswith((".", "?")) and len(re.findall(r"[.?](?= [A-Z]|$)", text)) <= 3
    return text


# --- idx files ----------------------------------------------------------------------


def test_the_recorded_pixels_come_back_at_size_28(local):
    images, labels = data.load("mnist", size=28)
    assert images.dtype == torch.float32 and images.is_contiguous()
    assert np.array_equal(((images[:, 0] + 1) * 127.5).round().numpy(), pictures())
    assert labels.dtype == torch.int64
    assert np.array_equal(labels.numpy(), classes())


@pytest.mark.parametrize("size", [16, 32, 64])
@pytest.mark.parametrize("channels", [1, 3])
def test_other_sizes_are_bicubic_and_clamped(local, size, channels):
    images, _ = data.load("mnist", size=size, channels=channels)
    recorded, _ = data.load("mnist", size=28)
    want = torch.nn.functional.interpolate(
        recorded, (size, size), mode="bicubic", antialias=size < 28
    ).clamp(-1, 1)
    assert images.shape == (20, channels, size, size) and images.is_contiguous()
    assert images.abs().max() <= 1
    torch.testing.assert_close(images, want.expand_as(images), atol=2e-6, rtol=0)


def test_many_chunks_give_what_one_gives(local, monkeypatch):
    whole, _ = data.load("mnist", size=32)
    monkeypatch.setattr(data, "CHUNK", 7)
    torch.testing.assert_close(data.load("mnist", size=32)[0], whole, atol=1e-6, rtol=0)


def test_the_test_part_is_read_from_its_own_files(local):
    for file, values in zip(
        public.FILES["test"], (pictures(17), classes(17)), strict=True
    ):
        (local / file).write_bytes(gzip.compress(idx_bytes(values)))
    assert len(data.load("mnist", split="test")[0]) == 17
    assert len(data.load("mnist", split="train")[0]) == 20


@pytest.mark.parametrize("split", ["valid", "", 1])
def test_a_split_that_is_not_offered_is_refused(local, split):
    with pytest.raises(ValueError, match="split must be 'train' or 'test', not"):
        data.load("mnist", split=split)


@pytest.mark.parametrize("rename", [lambda n: n, lambda n: n.replace("-idx", ".idx")])
@pytest.mark.parametrize("below", ["mnist", "."])
def test_plain_files_and_the_folder_above_do_as_well(local, rename, below):
    for file in (TRAIN_IMAGES, TRAIN_LABELS):
        content = gzip.decompress((local / file).read_bytes())
        (local / file).unlink()
        (local.parent / below / rename(file.removesuffix(".gz"))).write_bytes(content)
    assert len(data.load("mnist")[0]) == 20


def test_fashion_mnist_has_its_own_folder(local):
    local.rename(local.with_name("fashion-mnist"))
    assert len(data.load("fashion-mnist")[0]) == 20


def test_the_file_of_one_set_does_not_pass_for_another(local, monkeypatch):
    found = hashlib.sha256((local / TRAIN_IMAGES).read_bytes()).hexdigest()
    known = public.IdxSet((), (found, *("0" * 64,) * 3))
    monkeypatch.setitem(sources.IDX_SETS, "fashion-mnist", known)
    fails("is a file of fashion-mnist, not of mnist. Move")


def test_images_of_one_folder_are_not_joined_with_labels_of_another(local):
    (local / TRAIN_LABELS).rename(local.parent / TRAIN_LABELS)
    fails(f"holds {TRAIN_IMAGES} but not {TRAIN_LABELS}")
    (local / TRAIN_IMAGES).unlink()
    fails(f"holds {TRAIN_LABELS} but not {TRAIN_IMAGES}")


def test_a_data_folder_that_is_not_there_is_named(no_data, monkeypatch):
    monkeypatch.setenv("COURSE_DATA_DIR", str(no_data / "nowhere"))
    fails("COURSE_DATA_DIR names .*nowhere, and there is no such folder")


CURE = "Replace it by an intact copy, or delete it"


@pytest.mark.parametrize("length", [1, 2, 5, 12, 100, -9, -1])
def test_a_truncated_gzip_is_named(local, length):
    path = local / TRAIN_IMAGES
    path.write_bytes(path.read_bytes()[:length])
    fails(rf"{TRAIN_IMAGES} (is cut short|begins with).* {CURE}")


def test_a_damaged_gzip_is_named(local):
    path = local / TRAIN_IMAGES
    content = bytearray(path.read_bytes())
    content[5000] ^= 255
    path.write_bytes(content)
    fails(f"{TRAIN_IMAGES} is cut short or damaged .* {CURE}")


def test_labels_in_the_place_of_images_are_recognized(local):
    (local / TRAIN_LABELS).replace(local / TRAIN_IMAGES)
    (local / TRAIN_LABELS).write_bytes(gzip.compress(idx_bytes(classes())))
    fails(f"begins with the number 2049, an idx file of images with 2051. {CURE}")


@pytest.mark.parametrize("content", [b"", b"<html>", b"\0\0\x08"])
def test_a_file_of_another_kind_is_recognized(local, content):
    (local / TRAIN_IMAGES).write_bytes(content)
    fails(f"an idx file of images with 2051. {CURE}")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (idx_bytes(pictures())[:-1], "announces 15,680 values and holds only 15,679"),
        (idx_bytes(pictures()) + b"\0", "announces 15,680 values and holds more"),
        (idx_bytes(pictures())[:10], "ends inside its header"),
        (idx_bytes(pictures()[:, :14]), "holds images of 14x28 pixels, not of 28x28"),
        (idx_bytes(pictures(0)), "announces 0 images"),
        (struct.pack(">4I", 2051, 2**32 - 1, 28, 28), "announces 4,294,967,295 images"),
    ],
)
def test_a_wrong_count_or_size_is_named(local, content, message):
    for packed in (content, gzip.compress(content)):
        (local / TRAIN_IMAGES).write_bytes(packed)
        fails(f"{TRAIN_IMAGES} {message}.* {CURE}")


def test_labels_and_images_that_disagree_are_named(local):
    (local / TRAIN_LABELS).write_bytes(idx_bytes(classes(19)))
    fails("holds 20 images but .* 19 labels; they do not belong together")


def test_a_label_beyond_9_is_named(local):
    (local / TRAIN_LABELS).write_bytes(idx_bytes(classes() + 1))
    fails("holds the label 10; labels go from 0 to 9")


def test_three_images_in_all_are_too_few(local):
    (local / TRAIN_IMAGES).write_bytes(idx_bytes(pictures(3)))
    (local / TRAIN_LABELS).write_bytes(idx_bytes(classes(3)))
    fails("holds 3 images; training needs at least 16")


def test_an_idx_file_that_may_not_be_read_is_named(local, monkeypatch):
    path, real = local / TRAIN_IMAGES, Path.open

    def refuse(self, *args, **options):
        if self == path:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(self, *args, **options)

    monkeypatch.setattr(Path, "open", refuse)
    fails(rf"{TRAIN_IMAGES} cannot be read \(Permission denied\)")


def test_a_data_folder_that_may_not_be_read_is_named(local, monkeypatch):
    monkeypatch.setattr(Path, "is_file", denied)
    fails(r"mnist cannot be read \(Permission denied\)\. Change its permissions")


def test_more_than_memory_holds_is_refused_with_its_amount(local):
    message = "not enough memory for 'mnist' as 3x1000000x1000000 numbers an image"
    fails(message, size=10**6, channels=3)


def real_mnist() -> Path | None:
    places = [os.environ.get("COURSE_DATA_DIR"), ROOT.parent / "shared" / "data"]
    found = [
        Path(p) for p in places if p and (Path(p) / "mnist" / TRAIN_IMAGES).is_file()
    ]
    return found[0] if found else None


@pytest.mark.skipif(real_mnist() is None, reason="no copy of MNIST on this machine")
def test_mnist_itself_is_read(monkeypatch):
    monkeypatch.setenv("COURSE_DATA_DIR", str(real_mnist()))
    images, labels = data.load("mnist", size=28)
    assert images.shape == (60_000, 1, 28, 28) and len(labels.unique()) == 10
    assert (images.min(), images.max()) == (-1, 1)
    # The digits' mean ink, 0.1307 of the range, whatever their order.
    assert (images.mean().item() + 1) / 2 == pytest.approx(0.1307, abs=5e-5)
    assert len(data.load("mnist", split="test")[0]) == 10_000


# --- Downloads ----------------------------------------------------------------------


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder; a file named in `cut` breaks off in the middle."""

    cut: set[str] = set()

    def log_message(self, *args):
        pass

    def do_GET(self):
        name = self.path.strip("/")
        self.server.asked.append(name)
        if name not in self.cut:
            return super().do_GET()
        content = Path(self.directory, name).read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2])


@pytest.fixture
def mirror(no_data, monkeypatch):
    """A server on loopback with two files, and mnist registered with it."""
    served = no_data / "served"
    served.mkdir()
    sums = []
    for file, values in ((TRAIN_IMAGES, pictures()), (TRAIN_LABELS, classes())):
        content = gzip.compress(idx_bytes(values))
        (served / file).write_bytes(content)
        sums.append(hashlib.sha256(content).hexdigest())
    handler = functools.partial(Quiet, directory=str(served))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.asked = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.address = f"http://127.0.0.1:{server.server_port}/"
    server.served, server.sums = served, (*sums, "0" * 64, "0" * 64)

    def register(*mirrors):
        known = public.IdxSet(mirrors, server.sums)
        monkeypatch.setitem(sources.IDX_SETS, "mnist", known)

    server.register = register
    register(server.address)
    yield server
    server.shutdown()
    server.server_close()


def left_behind(place: Path) -> list[str]:
    return sorted(p.name for p in place.rglob("*") if p.is_file())


def test_files_are_downloaded_once_into_the_cache(mirror, no_data):
    images, labels = data.load("mnist", size=28)
    assert np.array_equal(((images[:, 0] + 1) * 127.5).round().numpy(), pictures())
    assert mirror.asked == [TRAIN_IMAGES, TRAIN_LABELS]
    assert left_behind(no_data / "cache" / "mnist") == sorted(public.FILES["train"])
    data.load("mnist")
    assert mirror.asked == [TRAIN_IMAGES, TRAIN_LABELS]


def test_files_are_downloaded_into_the_data_folder_where_there_is_one(
    mirror, no_data, monkeypatch
):
    monkeypatch.setenv("COURSE_DATA_DIR", str(no_data / "mine"))
    (no_data / "mine").mkdir()
    data.load("mnist")
    assert left_behind(no_data / "mine") == sorted(public.FILES["train"])
    assert not (no_data / "cache").exists()
    mirror.asked.clear()
    data.load("mnist")
    assert mirror.asked == []


def test_a_data_folder_that_may_not_be_written_leaves_the_cache(
    mirror, no_data, monkeypatch
):
    monkeypatch.setenv("COURSE_DATA_DIR", str(no_data / "shared"))
    (no_data / "shared").mkdir()
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    data.load("mnist")
    assert left_behind(no_data / "shared") == []
    assert left_behind(no_data / "cache") == sorted(public.FILES["train"])


def test_the_second_mirror_serves_where_the_first_is_down(mirror):
    mirror.register("http://127.0.0.1:9/", mirror.address)
    assert len(data.load("mnist")[0]) == 20


def test_the_second_mirror_serves_where_the_first_lacks_the_file(mirror):
    mirror.register(mirror.address + "old/", mirror.address)
    assert len(data.load("mnist")[0]) == 20


def test_a_damaged_file_in_the_cache_is_fetched_again(mirror, no_data):
    data.load("mnist")
    (no_data / "cache" / "mnist" / TRAIN_IMAGES).write_bytes(b"damaged")
    assert len(data.load("mnist")[0]) == 20


def test_a_wrong_checksum_is_named_and_nothing_stays(mirror, no_data):
    (mirror.served / TRAIN_IMAGES).write_bytes(b"<html>Please log in</html>")
    text = fails("could not be downloaded.*wrong checksum")
    assert mirror.address + TRAIN_IMAGES in text
    assert left_behind(no_data / "cache") == []


def test_a_download_cut_short_is_named_and_nothing_stays(mirror, no_data, monkeypatch):
    monkeypatch.setattr(Quiet, "cut", {TRAIN_IMAGES})
    fails(r"could not be downloaded.*\((the connection broke off|wrong checksum)")
    assert left_behind(no_data / "cache") == []
    monkeypatch.setattr(Quiet, "cut", set())
    assert len(data.load("mnist")[0]) == 20


def test_a_file_that_a_mirror_lacks_is_named_with_its_status(mirror):
    (mirror.served / TRAIN_IMAGES).unlink()
    fails(r"could not be downloaded.*\(the server answered 404\)")


def test_no_network_names_every_place_and_the_way_by_hand(no_data, monkeypatch):
    nowhere = ("http://127.0.0.1:9/a/", "http://127.0.0.1:9/b/")
    known = public.IdxSet(nowhere, ("0" * 64,) * 4)
    monkeypatch.setitem(sources.IDX_SETS, "mnist", known)
    text = fails(f"{TRAIN_IMAGES} of mnist could not be downloaded", split="train")
    for part in (
        *(f"{address}{TRAIN_IMAGES} (no connection)" for address in nowhere),
        f"fetch {TRAIN_IMAGES} and {TRAIN_LABELS} from there",
        f"put both, still gzipped, into {no_data / 'cache' / 'mnist'}",
        "'digits', which need no download",
    ):
        assert part in text
    assert left_behind(no_data / "cache") == []


def test_files_put_into_the_cache_by_hand_are_taken(mirror, no_data):
    mirror.register("http://127.0.0.1:9/")
    place = no_data / "cache" / "mnist"
    place.mkdir(parents=True)
    for file in public.FILES["train"]:
        (mirror.served / file).rename(place / file)
    assert len(data.load("mnist")[0]) == 20


def full_disk(*args, **options):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_named_and_nothing_stays(mirror, no_data, monkeypatch):
    real = builtins.open

    def open_full(path, mode="r", *args, **options):
        file = real(path, mode, *args, **options)
        if mode != "w+b":  # as pooch writes a download
            return file
        file.close()
        full_disk()

    monkeypatch.setattr(builtins, "open", open_full)
    fails(f"The disk is full: {TRAIN_IMAGES} could not be written to .*mnist. Make")
    monkeypatch.undo()
    assert left_behind(no_data / "cache") == []


def test_a_cache_that_may_not_be_written_is_named(mirror, monkeypatch):
    def refuse(*args, **options):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    fails(r"could not be written to .*mnist \(Permission denied\). Set COURSE_DATA_DIR")


def test_an_interrupted_download_leaves_nothing(mirror, no_data, monkeypatch):
    def interrupt(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("pooch.core.hash_matches", interrupt)
    with pytest.raises(KeyboardInterrupt):
        data.load("mnist")
    assert left_behind(no_data / "cache") == []


def test_the_public_checksums_are_distinct_and_whole():
    for known in public.IDX_SETS.values():
        assert len(known.mirrors) >= 2
        assert all(m.startswith("http") and m.endswith("/") for m in known.mirrors)
        assert all(re.fullmatch("[0-9a-f]{64}", s) for s in known.checksums)
    sums = [s for known in public.IDX_SETS.values() for s in known.checksums]
    assert len(set(sums)) == 8


# --- Folders of images --------------------------------------------------------------


def noise(height: int = 20, width: int = 20, seed: int = 0) -> Image.Image:
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))


@pytest.fixture
def photos(tmp_path):
    """A folder of 16 images."""
    place = tmp_path / "photos"
    place.mkdir()
    for i in range(16):
        noise(seed=i).save(place / f"{i:02}.png")
    return place


def only(place: Path, image: Image.Image, name: str = "00.png", **options):
    """(channels, 16, 16) of the image, put among the others as the first."""
    image.save(place / name)
    return data.load(place, size=16, **options)[0][0]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [8, 20, 33])
def test_a_folder_gives_images_of_the_size_and_channels_asked_for(
    photos, size, channels
):
    images, labels = data.load(str(photos), size=size, channels=channels)
    assert images.shape == (16, channels, size, size) and images.is_contiguous()
    assert images.dtype == torch.float32 and images.abs().max() <= 1
    assert labels.tolist() == [0] * 16 and labels.dtype == torch.int64


def test_pixels_of_a_folder_are_kept_where_the_size_fits(photos):
    images, _ = data.load(photos, size=20, channels=3)
    want = np.asarray(noise(seed=3)).transpose(2, 0, 1)
    assert np.array_equal(((images[3] + 1) * 127.5).round().numpy(), want)


@pytest.mark.parametrize("width", [20, 31, 60])
def test_the_square_at_the_center_is_cropped(photos, width):
    wide = Image.new("RGB", (width, 16), "black")
    left = (width - 16) / 2
    wide.paste("white", (int(np.ceil(left)), 0, int(left) + 16, 16))
    for image in (wide, wide.transpose(Image.Transpose.ROTATE_90)):
        middle = only(photos, image, channels=3)
        assert middle[:, 2:-2, 2:-2].min() > 0.95


def test_a_smaller_picture_averages_what_it_covers(photos):
    fine = (np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)  # a chessboard
    assert only(photos, Image.fromarray(fine))[:, 1:-1, 1:-1].abs().max() < 0.05


def test_labels_are_the_places_of_the_topmost_subfolders(tmp_path):
    for i in range(16):
        place = tmp_path / ("ant", "bee", "cat")[i % 3] / ("", "deep")[i % 2]
        place.mkdir(parents=True, exist_ok=True)
        noise(seed=i).save(place / f"{i}.png")
    (tmp_path / "aa-empty").mkdir()
    assert data.load(tmp_path)[1].tolist() == [0] * 6 + [1] * 5 + [2] * 5
    noise().save(tmp_path / "loose.png")
    assert data.load(tmp_path)[1].tolist() == [0] * 17


def test_hidden_and_other_files_are_passed_over(photos):
    (photos / "._00.png").write_bytes(b"a note of a file manager")
    (photos / ".thumbs").mkdir()
    noise().save(photos / ".thumbs" / "1.png")
    (photos / "notes.txt").write_text("no image")
    assert len(data.load(photos)[0]) == 16


def test_links_are_followed_and_circles_left(photos, tmp_path):
    (tmp_path / "all").mkdir()
    (tmp_path / "all" / "linked").symlink_to(photos)
    (photos / "back").symlink_to(tmp_path / "all")
    assert len(data.load(tmp_path / "all")[0]) == 16


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".jpg", ".jpeg", ".webp", ".PNG"])
def test_every_kind_of_file_is_read(photos, suffix):
    image = Image.linear_gradient("L").resize((32, 32))
    got = only(photos, image, "0" + suffix)
    (photos / f"0{suffix}").unlink()
    image.save(photos / "0.png")
    torch.testing.assert_close(got, data.load(photos, size=16)[0][0], atol=0.05, rtol=0)


def gradient(mode: str) -> Image.Image:
    """The same ramp from black to white in another mode."""
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    if mode == "I;16":
        return Image.fromarray(ramp.astype(np.uint16) * 257)
    if mode == "I":
        return Image.fromarray(ramp.astype(np.int32) * 257)
    return Image.fromarray(ramp).convert(mode)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "P", "I;16", "CMYK"])
@pytest.mark.parametrize("channels", [1, 3])
def test_mixed_modes_give_the_same_ramp(photos, mode, channels):
    # Only jpg holds CMYK, and it rounds.
    name, near = ("00.jpg", 0.2) if mode == "CMYK" else ("00.png", 1e-6)
    if mode == "CMYK":
        (photos / "00.png").unlink()
    got = only(photos, gradient(mode), name, channels=channels)
    want = torch.arange(256).reshape(1, 16, 16) / 127.5 - 1
    torch.testing.assert_close(got, want.expand_as(got), atol=near, rtol=0)


def test_16_bits_kept_in_32_give_the_same_ramp():
    got = folder._plain(gradient("I"))  # as some versions of Pillow open them
    assert np.array_equal(np.asarray(got), np.asarray(gradient("L")))


def test_black_and_white_images_of_one_bit_are_read(photos):
    assert set(only(photos, gradient("1")).unique().tolist()) == {-1.0, 1.0}


def test_what_is_transparent_shows_white_paper(photos):
    clear = Image.new("RGBA", (16, 16), (255, 0, 0, 0))
    assert (only(photos, clear, channels=3) == 1).all()
    palette = clear.convert("P")
    palette.info["transparency"] = palette.getpixel((0, 0))
    assert (only(photos, palette, channels=3) == 1).all()


def test_a_camera_held_sideways_is_turned_back(photos):
    upright = Image.linear_gradient("L").resize((16, 16))  # dark above, bright below
    exif = Image.Exif()
    exif[0x0112] = 6  # shown after a quarter turn to the right
    (photos / "00.png").unlink()
    upright.rotate(90).save(photos / "00.jpg", exif=exif, quality=95)
    got = data.load(photos, size=16)[0][0, 0]
    assert got[0].max() < -0.8 and got[-1].min() > 0.8


def test_a_large_photograph_is_read_at_a_smaller_scale_alike(photos):
    ramp = Image.linear_gradient("L").resize((1600, 1200))
    fine = only(photos, ramp)
    (photos / "00.png").unlink()
    torch.testing.assert_close(only(photos, ramp, "00.jpg"), fine, atol=0.03, rtol=0)


def test_the_same_folder_gives_the_same_images_again(photos):
    assert torch.equal(data.load(photos)[0], data.load(photos)[0])


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\nrest"])
def test_a_file_that_is_no_image_is_named(photos, content):
    (photos / "07.png").write_bytes(content)
    fails(r"07\.png is no image, or a damaged one\. Take it out", photos)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_that_is_called_an_image_is_named(photos):
    (photos / "07.png").unlink(missing_ok=True)
    os.mkfifo(photos / "07.png")
    fails(r"07\.png is no image", photos)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "bmp"])
def test_a_truncated_image_is_named(photos, suffix):
    path = photos / f"07.{suffix}"
    noise(64, 64).save(path)
    whole = path.read_bytes()
    for length in (10, len(whole) // 2):
        path.write_bytes(whole[:length])
        fails(rf"07\.{suffix} is no image, or a damaged one", photos)


def test_another_format_under_an_image_name_is_refused(photos):
    noise().save(photos / "07.png", format="GIF")
    fails(r"07\.png is no image", photos)


def test_a_huge_image_is_refused_before_it_is_unpacked(photos):
    def chunk(kind: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    for side in (8_001, 12_000, 40_000):  # beyond our limit, Pillow's, twice Pillow's
        header = chunk(b"IHDR", struct.pack(">2I5B", side, side, 8, 0, 0, 0, 0))
        content = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0"))
        (photos / "07.png").write_bytes(content + chunk(b"IEND", b""))
        fails(r"07\.png has more than 64,000,000 pixels: too large", photos)


@pytest.mark.parametrize("n", [1, 3, 15])
def test_too_few_images_are_refused(photos, n):
    for path in sorted(photos.iterdir())[n:]:
        path.unlink()
    fails(f"holds {n} images?; training needs at least 16", photos)


def test_a_folder_without_images_is_named(tmp_path):
    (tmp_path / "notes.txt").write_text("no image")
    fails(r"hold no image \(png, jpg, jpeg, webp, bmp\)", tmp_path)


def test_a_missing_folder_suggests_the_nearest_name(photos):
    fails(
        r"There is no folder .*photo\. Did you mean .*photos\?", photos.parent / "photo"
    )
    fails(r"There is no folder .*zz\. Check", str(photos.parent / "zz"))
    fails(r"There is no folder .*zz/yy/xx\. Check", str(photos.parent / "zz/yy/xx"))
    fails(r"There is no folder ~nobody-at-all/x\. Check", "~nobody-at-all/x")


def test_a_file_in_the_place_of_a_folder_is_refused(photos):
    fails(r"00\.png is a file\. Give the folder", photos / "00.png")


def denied(path):
    raise PermissionError(errno.EACCES, "Permission denied", str(path))


def test_an_unreadable_folder_is_named(photos, monkeypatch):
    monkeypatch.setattr(os, "scandir", denied)
    fails(r"photos cannot be read \(Permission denied\)\. Change", photos)


def test_an_unreadable_image_is_named(photos, monkeypatch):
    monkeypatch.setattr(folder.Image, "open", lambda path, formats: denied(path))
    fails(r"00\.png cannot be read \(Permission denied\)\. Change", photos)


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything"
)
def test_a_folder_without_permission_is_named(photos):
    photos.chmod(0)
    try:
        fails(r"photos cannot be read \(Permission denied\)", photos)
    finally:
        photos.chmod(0o700)


def test_a_folder_has_no_split(photos):
    with pytest.raises(ValueError, match="comes in one piece, without a split 'test'"):
        data.load(photos, split="test")


def test_reading_a_folder_warns_of_nothing(photos, recwarn):
    only(photos, gradient("P"))
    assert not recwarn.list
