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
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from course_utils import data
from course_utils.checks import DataError
from course_utils.sources import folder, idx

IMAGES, LABELS = idx.FILES["train"]


def idx_bytes(values: np.ndarray) -> bytes:
    magic = 0x800 + values.ndim
    return struct.pack(f">{1 + values.ndim}I", magic, *values.shape) + values.tobytes()


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


PIXELS, CLASSES = noise(20, 28, 28), np.arange(20, dtype=np.uint8) % 10
PACKED = {  # without the time, which would get into the tests' names
    IMAGES: gzip.compress(idx_bytes(PIXELS), mtime=0),
    LABELS: gzip.compress(idx_bytes(CLASSES), mtime=0),
}


@pytest.fixture
def no_data(tmp_path, monkeypatch):
    """No COURSE_DATA_DIR, an empty cache, and mirrors on which nobody listens."""
    monkeypatch.delenv("COURSE_DATA_DIR", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr("pooch.os_cache", lambda project: tmp_path / "cache")
    for name in idx.MIRRORS:
        nowhere = ("http://127.0.0.1:9/a/", "http://127.0.0.1:9/b/")
        monkeypatch.setitem(idx.MIRRORS, name, nowhere)
    return tmp_path


@pytest.fixture
def local(no_data, monkeypatch):
    """A COURSE_DATA_DIR with 20 images of mnist."""
    monkeypatch.setenv("COURSE_DATA_DIR", str(no_data))
    (no_data / "mnist").mkdir()
    for file, content in PACKED.items():
        (no_data / "mnist" / file).write_bytes(content)
    return no_data / "mnist"


def fails(message: str, name: str | Path = "mnist", **options) -> str:
    """Loading raises one DataError of few sentences that match the message."""
    with pytest.raises(DataError, match=message) as caught:
        data.load(name, **options)
    text = str(caught.value)
    assert text.endswith((".", "?")) and len(re.findall(r"[.?](?= [A-Z]|$)", text)) <= 3
    return text


# --- idx files ------------------------------------------------------------------------


def test_recorded_pixels_come_back_and_other_sizes_are_bicubic_and_clamped(local):
    images, labels = data.load("mnist", size=28)
    assert np.array_equal(((images[:, 0] + 1) * 127.5).round().numpy(), PIXELS)
    assert labels.dtype == torch.int64 and np.array_equal(labels.numpy(), CLASSES)
    for size in (16, 64):
        got, _ = data.load("mnist", size=size, channels=3)
        want = torch.nn.functional.interpolate(
            images, (size, size), mode="bicubic", antialias=size < 28
        ).clamp(-1, 1)
        assert got.is_contiguous()
        torch.testing.assert_close(got, want.expand_as(got), atol=2e-6, rtol=0)


@pytest.mark.parametrize("rename", [lambda n: n, lambda n: n.replace("-idx", ".idx")])
@pytest.mark.parametrize("below", ["fashion-mnist", "."])
def test_plain_files_and_the_folder_above_do_as_well(local, rename, below):
    (local.parent / below).mkdir(exist_ok=True)
    for file, packed in PACKED.items():
        (local / file).unlink()
        plain = local.parent / below / rename(file.removesuffix(".gz"))
        plain.write_bytes(gzip.decompress(packed))
    assert len(data.load("mnist" if below == "." else below)[0]) == 20


def test_each_part_is_read_from_its_own_files(local):
    for file, values in zip(idx.FILES["test"], (PIXELS, CLASSES), strict=True):
        (local / file).write_bytes(idx_bytes(values[:17]))
    assert [len(data.load("mnist", split=s)[0]) for s in ("test", None)] == [17, 20]
    with pytest.raises(ValueError, match="split must be 'train' or 'test', not 'val'"):
        data.load("mnist", split="val")


CURE = "Replace it by an intact copy, or delete it"
HEADER = struct.pack(">4I", 2051, 20, 28, 28)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no whole idx file of 28x28 images: its 0 bytes"),
        (b"<html>", "no whole idx file of 28x28 images: its 6 bytes"),
        (PACKED[LABELS], "begin with 00000801"),
        (idx_bytes(PIXELS)[:-1], "no whole idx file"),
        (idx_bytes(PIXELS) + b"\0", "no whole idx file"),
        (idx_bytes(PIXELS[:, :14]), "no whole idx file"),
        (HEADER, "no whole idx file"),
        (idx_bytes(PIXELS[:0]), "no whole idx file"),
        (PACKED[IMAGES][:100], r"cannot be read \(Compressed file ended"),
        (PACKED[IMAGES][:5000] + b"?" + PACKED[IMAGES][5001:], "cannot be read"),
    ],
)
def test_a_damaged_file_is_named_with_its_cure(local, content, message):
    (local / IMAGES).write_bytes(content)
    fails(f"{IMAGES} .*{message}.* {CURE}")


def test_images_and_labels_that_do_not_fit_are_named(local, monkeypatch):
    fails("not enough memory for 'mnist' as 3x1000000", size=10**6, channels=3)
    (local / LABELS).write_bytes(idx_bytes(CLASSES[:19]))
    fails("holds 20 images but .* 19 labels.* they do not belong together")
    (local / LABELS).write_bytes(idx_bytes(CLASSES + 1))
    fails("the largest 10: they do not belong together")
    (local / LABELS).rename(local.parent / LABELS)
    fails(f"mnist holds only one of {IMAGES} and {LABELS}. Put the other")
    (local.parent / LABELS).rename(local / LABELS)
    (local / IMAGES).write_bytes(idx_bytes(PIXELS[:3]))
    fails("holds 3 images; training needs at least 16")
    monkeypatch.setenv("COURSE_DATA_DIR", str(local / "nowhere"))
    fails("COURSE_DATA_DIR names .*nowhere, and there is no such folder")


# --- Downloads ------------------------------------------------------------------------


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
    """A server on loopback with two files of mnist; the first mirror is down."""
    served = no_data / "served"
    served.mkdir()
    for file, content in PACKED.items():
        (served / file).write_bytes(content)
    handler = functools.partial(Quiet, directory=str(served))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.asked, server.served = [], served
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/"
    monkeypatch.setitem(idx.MIRRORS, "mnist", ("http://127.0.0.1:9/", address))
    sums = tuple(hashlib.sha256(content).hexdigest() for content in PACKED.values())
    monkeypatch.setitem(idx.SHA256, "mnist", sums * 2)
    yield server
    server.shutdown()
    server.server_close()


def left_behind(place: Path) -> list[str]:
    return sorted(p.name for p in place.rglob("*") if p.is_file())


def test_files_are_downloaded_once_and_a_damaged_one_again(mirror, no_data):
    images, _ = data.load("mnist", size=28)
    assert np.array_equal(((images[:, 0] + 1) * 127.5).round().numpy(), PIXELS)
    assert mirror.asked == [IMAGES, LABELS]
    assert left_behind(no_data / "cache" / "mnist") == sorted(PACKED)
    data.load("mnist")
    assert len(mirror.asked) == 2
    (no_data / "cache" / "mnist" / IMAGES).write_bytes(b"damaged")
    assert len(data.load("mnist")[0]) == 20


def test_files_go_to_the_data_folder_if_it_may_be_written(mirror, no_data, monkeypatch):
    mine = no_data / "mine"
    mine.mkdir()
    monkeypatch.setenv("COURSE_DATA_DIR", str(mine))
    with monkeypatch.context() as m:
        m.setattr(os, "access", lambda path, mode: False)
        data.load("mnist")
    assert left_behind(mine) == [] != left_behind(no_data / "cache")
    data.load("mnist")
    assert left_behind(mine) == sorted(PACKED)


def test_a_failed_download_is_named_and_nothing_stays(mirror, no_data, monkeypatch):
    monkeypatch.setattr(Quiet, "cut", {IMAGES})
    fails(r"could not be downloaded.*\((no connection, or it broke|wrong checksum)")
    monkeypatch.setattr(Quiet, "cut", set())
    (mirror.served / IMAGES).write_bytes(b"<html>Please log in</html>")
    fails("could not be downloaded.*wrong checksum")
    (mirror.served / IMAGES).unlink()
    fails(r"could not be downloaded.*\(the server answered 404\)")
    (mirror.served / IMAGES).write_bytes(PACKED[IMAGES])
    with monkeypatch.context() as m, pytest.raises(KeyboardInterrupt):
        m.setattr("pooch.core.hash_matches", interrupt)
        data.load("mnist")
    assert left_behind(no_data / "cache") == []
    assert len(data.load("mnist")[0]) == 20


def interrupt(*args, **options):
    raise KeyboardInterrupt


def test_no_network_names_every_place_and_the_way_by_hand(no_data):
    text = fails(f"{IMAGES} of mnist could not be downloaded")
    for part in (
        f"http://127.0.0.1:9/a/{IMAGES} (no connection",
        f"http://127.0.0.1:9/b/{IMAGES} (no connection",
        f"fetch {IMAGES} and {LABELS} from there",
        f"put both, still gzipped, into {no_data / 'cache' / 'mnist'}",
        "'digits', which need no download",
    ):
        assert part in text
    assert left_behind(no_data / "cache") == []


def test_a_disk_that_is_full_or_locked_is_named(mirror, no_data, monkeypatch):
    real = builtins.open

    def open_full(path, mode="r", *args, **options):
        if mode == "w+b":  # as pooch writes a download
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(path, mode, *args, **options)

    with monkeypatch.context() as m:
        m.setattr(builtins, "open", open_full)
        fails(f"{IMAGES} could not be written to .* .No space left on device.. Make")
    assert left_behind(no_data / "cache") == []
    monkeypatch.setattr(Path, "mkdir", denied)
    fails(r"could not be written to .*mnist \(Permission denied\)")


def denied(*args, **options):
    raise PermissionError(errno.EACCES, "Permission denied")


def test_the_public_checksums_are_distinct_and_whole():
    sums = [s for known in idx.SHA256.values() for s in known]
    assert len(set(sums)) == 8 and all(re.fullmatch("[0-9a-f]{64}", s) for s in sums)
    for mirrors in idx.MIRRORS.values():
        assert all(m.startswith("http") and m.endswith("/") for m in mirrors)


# --- Folders of images ----------------------------------------------------------------


@pytest.fixture
def photos(tmp_path):
    """A folder of 16 images."""
    place = tmp_path / "photos"
    place.mkdir()
    for i in range(16):
        Image.fromarray(noise(20, 20, 3, seed=i)).save(place / f"{i:02}.png")
    return place


def only(place: Path, image: Image.Image, name: str = "00.png", **options):
    """(channels, 16, 16) of the image, put among the others as the first."""
    (place / "00.png").unlink(missing_ok=True)
    image.save(place / name)
    return data.load(place, size=16, **options)[0][0]


def test_a_folder_gives_its_images_in_the_form_asked_for(photos, recwarn):
    images, labels = data.load(str(photos), size=20, channels=3)
    assert images.is_contiguous() and labels.tolist() == [0] * 16
    want = noise(20, 20, 3, seed=3).transpose(2, 0, 1)
    assert np.array_equal(((images[3] + 1) * 127.5).round().numpy(), want)
    gray, _ = data.load(photos, size=33)
    assert gray.shape == (16, 1, 33, 33) and gray.abs().max() <= 1
    assert not recwarn.list


def test_what_is_left_out_is_counted_by_kind(photos):
    assert data.left_out(photos) == "" == data.left_out("mnist")
    for name in ("a.HEIC", "b.heic", "deep/c.gif", "README", ".hidden", ".git/d.gif"):
        (photos / name).parent.mkdir(exist_ok=True)
        (photos / name).write_bytes(b"")
    counts = "2 .heic, 1 without an ending, 1 .gif"
    assert len(data.load(photos)[0]) == 16
    assert data.left_out(str(photos)) == f"16 images used; left out: {counts}"
    (photos / "00.png").unlink()
    fails(rf"15 images \(.png.*\), beside {re.escape(counts)}, which are not", photos)


@pytest.mark.parametrize("width", [20, 31, 60])
def test_the_square_at_the_center_is_cropped(photos, width):
    wide = Image.new("RGB", (width, 16), "black")
    left = (width - 16) / 2
    wide.paste("white", (int(np.ceil(left)), 0, int(left) + 16, 16))
    for image in (wide, wide.transpose(Image.Transpose.ROTATE_90)):
        assert only(photos, image)[:, 2:-2, 2:-2].min() > 0.95


def test_a_smaller_picture_averages_what_it_covers(photos):
    fine = (np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)  # a chessboard
    assert only(photos, Image.fromarray(fine))[:, 1:-1, 1:-1].abs().max() < 0.05


def test_labels_are_the_places_of_the_topmost_subfolders(tmp_path):
    for i in range(16):
        place = tmp_path / ("ant", "bee", "cat")[i % 3] / ("", "deep")[i % 2]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noise(9, 9, seed=i)).save(place / f"{i}.png")
    (tmp_path / "aa-empty").mkdir()
    (tmp_path / "ant" / "back").symlink_to(tmp_path)  # a link that leads up again
    assert data.load(tmp_path)[1].tolist() == [0] * 6 + [1] * 5 + [2] * 5


RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)


@pytest.mark.parametrize(
    ("image", "name"),
    [(Image.fromarray(RAMP).convert(mode), name) for mode, name in (
        ("L", "0.png"), ("RGB", "0.bmp"), ("RGBA", "0.webp"), ("LA", "0.PNG"),
        ("P", "0.png"), ("CMYK", "0.jpg"), ("L", "0.jpeg"))]
    + [(Image.fromarray(RAMP.astype(np.uint16) * 257), "0.png")],
)  # fmt: skip
@pytest.mark.parametrize("channels", [1, 3])
def test_every_kind_of_file_and_mode_gives_the_same_ramp(photos, image, name, channels):
    got = only(photos, image, name, channels=channels)
    want = torch.arange(256).reshape(1, 16, 16) / 127.5 - 1
    near = 1e-6 if name.lower().endswith(("png", "bmp")) else 0.2
    torch.testing.assert_close(got, want.expand_as(got), atol=near, rtol=0)


def test_16_bits_kept_in_32_and_transparency_are_made_plain(photos):
    wide = Image.fromarray(RAMP.astype(np.int32) * 257)  # as some Pillows open 16 bits
    assert np.array_equal(np.asarray(folder._plain(wide)), RAMP)
    clear = Image.new("RGBA", (16, 16), (255, 0, 0, 0))
    assert (only(photos, clear, channels=3) == 1).all()  # white paper shows
    palette = clear.convert("P")
    palette.info["transparency"] = palette.getpixel((0, 0))
    assert (only(photos, palette, channels=3) == 1).all()


def test_a_large_photograph_held_sideways_is_turned_and_scaled(photos):
    upright = Image.linear_gradient("L").resize((1200, 1200))  # dark above
    want, exif = only(photos, upright), Image.Exif()
    exif[0x0112] = 6  # shown after a quarter turn to the right
    upright.rotate(90).save(photos / "00.jpg", exif=exif, quality=95)
    (photos / "00.png").unlink()
    got = data.load(photos, size=16)[0][0]
    torch.testing.assert_close(got, want, atol=0.03, rtol=0)


def test_a_file_that_is_no_image_or_too_large_is_named(photos, monkeypatch):
    whole = (photos / "07.png").read_bytes()
    Image.fromarray(noise(9, 9)).save(photos / "x.gif")
    gif = (photos / "x.gif").read_bytes()
    for content in (b"", b"no image", whole[:10], whole[: len(whole) // 2], gif):
        (photos / "07.png").write_bytes(content)
        fails(r"07\.png is no image, or a damaged one\. Mend it", photos)
    (photos / "07.png").write_bytes(whole)
    monkeypatch.setattr(folder, "MOST_PIXELS", 399)
    fails(r"00\.png has more than 399 pixels: too large", photos)
    monkeypatch.setattr(folder.Image, "MAX_IMAGE_PIXELS", 100)  # Pillow's own limit
    fails(r"00\.png has more than 399 pixels: too large", photos)
    if hasattr(os, "mkfifo"):
        monkeypatch.undo()
        (photos / "07.png").unlink()
        os.mkfifo(photos / "07.png")
        fails(r"07\.png is no image", photos)


def test_a_folder_that_is_none_or_may_not_be_read_is_named(photos, monkeypatch):
    fails(r"There is no folder .*photo\. Give a folder", photos.parent / "photo")
    fails(r"There is no folder ~nobody-at-all/x", "~nobody-at-all/x")
    fails(r"00\.png is a file\. Give a folder", photos / "00.png")
    (photos / "empty").mkdir()
    fails(r"holds 0 images \(.png, .jpg, .jpeg, .webp, .bmp\)", photos / "empty")
    with pytest.raises(ValueError, match="comes in one piece, without a split 'test'"):
        data.load(photos, split="test")
    with monkeypatch.context() as m:
        m.setattr(os, "scandir", denied)
        fails(r"photos cannot be read \(Permission denied\)\. Change", photos)
    monkeypatch.setattr(folder.Image, "open", denied)
    fails(r"00\.png cannot be read \(Permission denied\)\.", photos)
