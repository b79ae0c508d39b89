"""Reading idx files, the format of MNIST: four numbers, then one byte a pixel."""

import gzip
import hashlib
import math
import struct
import zlib
from pathlib import Path

import torch
from torch import Tensor

from course_utils.sources.errors import DataError, require_enough
from course_utils.sources.public import FILES, IDX_SETS, data_dir, download

IMAGES_MAGIC, LABELS_MAGIC = 0x803, 0x801  # unsigned bytes in 3 dimensions, in 1
PIXELS = (28, 28)
MOST_IMAGES = 1_000_000  # a damaged header may announce billions


def read_idx_set(name: str, split: str = "train") -> tuple[Tensor, Tensor]:
    """Pixels and labels of one part of MNIST or Fashion-MNIST.

    Looks in COURSE_DATA_DIR/NAME, then in COURSE_DATA_DIR; else downloads the two
    files, once, into COURSE_DATA_DIR/NAME, or into the user's cache folder where the
    variable is not set or names a folder that may not be written.

    Args:
        name: "mnist" or "fashion-mnist".
        split: "train" or "test".

    Returns:
        pixels: (n, 1, 28, 28) uint8, 0 to 255; n is 60,000 or 10,000 in the public
            files, and whatever local files hold.
        labels: (n,) int64, 0 to 9.

    Raises:
        ValueError: the split is neither.
        DataError: the files are neither here nor to be had, or they are broken.

    Source: LeCun, Cortes and Burges, The MNIST database, describes the idx format;
    Xiao, Rasul and Vollgraf 2017, arXiv:1708.07747, Fashion-MNIST.
    """
    if split not in FILES:
        raise ValueError(f"split must be 'train' or 'test', not {split!r}")
    images, labels = _find(name, split) or download(name, split)
    pixels = _read_idx(images, IMAGES_MAGIC)
    classes = _read_idx(labels, LABELS_MAGIC).long()
    if len(pixels) != len(classes):
        raise DataError(
            f"{images} holds {len(pixels):,} images but {labels} {len(classes):,} "
            "labels; they do not belong together. Replace both by one set's files."
        )
    require_enough(len(pixels), images)
    if classes.max() > 9:
        raise DataError(
            f"{labels} holds the label {classes.max()}; labels go from 0 to 9. "
            "Replace it by an intact copy."
        )
    return pixels[:, None], classes


def _find(name: str, split: str) -> tuple[Path, Path] | None:
    """The two local files, from one folder; None if COURSE_DATA_DIR has neither."""
    folder = data_dir()
    for place in (folder / name, folder) if folder else ():
        try:
            images, labels = (_as_named(place / file) for file in FILES[split])
        except OSError as error:
            raise DataError(
                f"{place} cannot be read ({error.strerror}). Change its permissions, "
                "or let COURSE_DATA_DIR name another folder."
            ) from error
        if images and labels:
            _require_own(name, images)
            return images, labels
        if images or labels:
            # The other file from elsewhere might be in another order.
            lost = FILES[split][images is not None]
            raise DataError(
                f"{place} holds {(images or labels).name} but not {lost}. Put that "
                "file beside it, from the same source, or take the first one away."
            )
    return None


def _as_named(path: Path) -> Path | None:
    """The file under its usual name, or as unpacked by one tool or another."""
    plain = path.with_suffix("")
    dotted = plain.with_name(plain.name.replace("-idx", ".idx"))
    return next((p for p in (path, plain, dotted) if p.is_file()), None)


def _require_own(name: str, path: Path) -> None:
    """The sets share their file names: one must not pass for the other."""
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return  # reading it says so
    for other, known in IDX_SETS.items():
        if other != name and found in known.checksums:
            raise DataError(
                f"{path} is a file of {other}, not of {name}. Move the files of "
                f"{other} into a folder named {other} inside COURSE_DATA_DIR."
            )


def _read_idx(path: Path, magic: int) -> Tensor:
    """(n, 28, 28) or (n,) uint8 of an idx file, gzipped or plain."""
    cure = "Replace it by an intact copy, or delete it to have it downloaded again."
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            stream = gzip.GzipFile(fileobj=file) if packed else file
            shape = _idx_shape(stream.read(4 * (1 + magic % 256)), magic)
            wanted = math.prod(shape)
            content = bytearray(stream.read(wanted + 1))  # one more shows a surplus
    except _Broken as error:
        raise DataError(f"{path} {error}. {cure}") from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path} is cut short or damaged ({error}). {cure}") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}). {cure}") from error
    if len(content) != wanted:
        amount = f"only {len(content):,}" if len(content) < wanted else "more than that"
        raise DataError(
            f"{path} announces {wanted:,} values and holds {amount}. {cure}"
        )
    return torch.frombuffer(content, dtype=torch.uint8).reshape(shape)


class _Broken(Exception):
    """What is wrong with an idx file's header."""


def _idx_shape(header: bytes, magic: int) -> tuple[int, ...]:
    kind = "images" if magic == IMAGES_MAGIC else "labels"
    numbers = struct.unpack(f">{len(header) // 4}I", header[: len(header) // 4 * 4])
    if not numbers or numbers[0] != magic:
        found = f"with the number {numbers[0]}" if numbers else "with nothing"
        raise _Broken(f"begins {found}, an idx file of {kind} with {magic}")
    if len(numbers) < 1 + magic % 256:
        raise _Broken("ends inside its header")
    n, *size = numbers[1:]
    if size and tuple(size) != PIXELS:
        raise _Broken(f"holds images of {size[0]}x{size[1]} pixels, not of 28x28")
    if not 0 < n <= MOST_IMAGES:
        raise _Broken(f"announces {n:,} {kind}; 1 to {MOST_IMAGES:,} are read")
    return (n, *size)
