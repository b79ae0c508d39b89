"""Reading idx files, the format of MNIST: a few numbers, then one byte a pixel."""

import gzip
import math
import os
import struct
import zlib
from pathlib import Path

import torch
from torch import Tensor

from course_utils.checks import DataError, require_enough
from course_utils.sources.public import FILES, data_dir, download

IMAGES, LABELS = (0x803, 28, 28), (0x801,)  # magic number, and the shape of an entry


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
    Source: LeCun, Cortes and Burges, The MNIST database, describes the idx format.
    """
    if split not in FILES:
        raise ValueError(f"split must be 'train' or 'test', not {split!r}")
    images, labels = _find(name, split) or download(name, split)
    pixels, classes = _read_idx(images, *IMAGES), _read_idx(labels, *LABELS).long()
    require_enough(len(pixels), images)
    if len(pixels) != len(classes) or classes.max() > 9:
        raise DataError(
            f"{images} holds {len(pixels):,} images but {labels} {len(classes):,} "
            f"labels, the largest {classes.max()}: they do not belong together. "
            "Replace both by one set's files, as many labels as images, from 0 to 9."
        )
    return pixels[:, None], classes


def _find(name: str, split: str) -> list[Path] | None:
    """The two local files, from one folder; None if COURSE_DATA_DIR lacks them."""
    folder = data_dir()
    for place in (folder / name, folder) if folder else ():
        found = [_as_named(place / file) for file in FILES[split]]
        if all(found):
            return found
    return None


def _as_named(path: Path) -> Path | None:
    """The file under its usual name, or as unpacked by one tool or another."""
    plain = path.with_suffix("")
    dotted = plain.with_name(plain.name.replace("-idx", ".idx"))
    return next((p for p in (path, plain, dotted) if os.path.isfile(p)), None)


def _read_idx(path: Path, magic: int, *entry: int) -> Tensor:
    """(n, *entry) uint8 of an idx file, gzipped or plain."""
    cure = "Replace it by an intact copy, or delete it to have it downloaded again."
    try:
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path} cannot be read ({reason}). {cure}") from error
    start, size = 4 * (2 + len(entry)), math.prod(entry)
    n = max(0, len(content) - start) // size
    wanted = struct.pack(f">{start // 4}I", magic, n, *entry)
    if n == 0 or content[:start] != wanted or len(content) != start + n * size:
        kind = "28x28 images" if entry else "labels"
        raise DataError(
            f"{path} is no whole idx file of {kind}: its {len(content):,} bytes begin "
            f"with {content[:start].hex(' ', 4)}, those of {n:,} {kind} would begin "
            f"with {wanted.hex(' ', 4)}. {cure}"
        )
    values = torch.frombuffer(bytearray(content), dtype=torch.uint8, offset=start)
    return values.reshape(n, *entry)
