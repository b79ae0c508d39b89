"""A folder of images as equal squares."""

import os
import struct
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from course_utils.checks import DataError, require_enough

MOST_PIXELS = 64_000_000  # in one file: about 200 MB once unpacked
FORMATS = {
    ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".bmp": "BMP",
}  # fmt: skip


def read_folder(folder: Path, size: int, channels: int) -> tuple[Tensor, Tensor]:
    """Every png, jpg, jpeg, webp and bmp below a folder, as equal squares.

    Each image is turned as its EXIF data say, laid on white where it is transparent,
    cropped to the square at its center, and resized with Lanczos' filter, which
    averages over all pixels it covers. Of a moving image the first frame is taken.

    Args:
        folder: searched with its subfolders; images are sorted by path.
        size, channels: of the result: pixels, and 1 for gray or 3 for colors.
    Returns: (n, channels, size, size) uint8 pixels and (n,) int64 labels: if every
        image lies in a subfolder, the place of its topmost subfolder in alphabetical
        order, from 0; else all are 0.
    Raises: DataError: there is no such folder, it cannot be read, it holds fewer than
        16 images, or a file in it is no image or too large.
    """
    if not os.path.isdir(folder):
        found = "{} is a file" if os.path.exists(folder) else "There is no folder {}"
        raise DataError(f"{found}. Give a folder of images.".format(folder))
    paths, others = _files_below(folder)
    beside = f", beside {_counts(others)}, which are not read" if others else ""
    require_enough(len(paths), folder, f"images ({', '.join(FORMATS)}){beside}")
    pixels = np.empty((len(paths), size, size, channels), dtype=np.uint8)

    def fill(i: int) -> None:
        pixels[i] = _read_image(paths[i], size, channels)

    workers = min(8, os.cpu_count() or 1)  # Pillow lets several threads unpack at once
    with warnings.catch_warnings(), ThreadPoolExecutor(workers) as pool:
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        list(pool.map(fill, range(len(paths))))
    planes = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()
    return planes, _folder_labels([path.relative_to(folder) for path in paths])


def left_out(folder: Path) -> str:
    """Counts by kind of what `read_folder` does not read; hidden files do not count.

    Such as "70 images used; left out: 1,000 .heic, 3 .gif"; "" if all are read.
    """
    paths, others = _files_below(folder)
    return f"{len(paths):,} images used; left out: {_counts(others)}" if others else ""


def _counts(paths: list[Path]) -> str:
    """Such as "2 .heic, 1 without an ending"."""
    kinds = Counter(path.suffix.lower() or "without an ending" for path in paths)
    return ", ".join(f"{n:,} {kind}" for kind, n in kinds.most_common())


def _files_below(folder: Path) -> tuple[list[Path], list[Path]]:
    """Images and other files below a folder, sorted; hidden ones are passed over."""

    def refuse(error: OSError) -> None:
        raise DataError(
            f"{error.filename or folder} cannot be read ({error.strerror}). Change its "
            "permissions, or copy the images to a folder of your own."
        ) from error

    images, others, seen = [], [], set()
    for here, folders, files in os.walk(folder, onerror=refuse, followlinks=True):
        real = os.path.realpath(here)
        folders[:] = [name for name in folders if name[0] != "." and real not in seen]
        for path in (Path(here, name) for name in files if name[0] != "."):
            if real not in seen:  # a link may lead back up
                (images if path.suffix.lower() in FORMATS else others).append(path)
        seen.add(real)
    return sorted(images, key=lambda path: path.parts), sorted(others)


def _folder_labels(paths: list[Path]) -> Tensor:
    """Labels of images by their paths from the folder on.

    >>> _folder_labels([Path("a/1.png"), Path("b/x/1.png"), Path("b/2.png")])
    tensor([0, 1, 1])
    """
    if any(len(path.parts) == 1 for path in paths):
        return torch.zeros(len(paths), dtype=torch.int64)
    places = {name: i for i, name in enumerate(sorted({p.parts[0] for p in paths}))}
    return torch.tensor([places[path.parts[0]] for path in paths])


def _read_image(path: Path, size: int, channels: int) -> np.ndarray:
    """(size, size, channels) uint8."""
    try:
        if path.is_fifo():  # opened, it would wait for a writer
            raise OSError("a pipe")
        with Image.open(path, formats=sorted(set(FORMATS.values()))) as image:
            if image.width * image.height > MOST_PIXELS:
                raise Image.DecompressionBombError
            image.draft(None, (3 * size, 3 * size))  # a large jpg is unpacked smaller
            image = _plain(ImageOps.exif_transpose(image))
            image = image.convert("RGB" if channels == 3 else "L")
            side = min(image.size)
            left, top = (image.width - side) / 2, (image.height - side) / 2
            box = (left, top, left + side, top + side)
            square = image.resize((size, size), Image.Resampling.LANCZOS, box=box)
        return np.asarray(square).reshape(size, size, channels)
    except Image.DecompressionBombError:
        problem = f"has more than {MOST_PIXELS:,} pixels: too large to unpack safely"
    except PermissionError as error:
        problem = f"cannot be read ({error.strerror})"
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error):
        # Pillow's readers meet damage with any of these.
        problem = "is no image, or a damaged one"
    raise DataError(
        f"{path} {problem}. Mend it, replace it, or take it out of the folder."
    )


def _plain(image: Image.Image) -> Image.Image:
    """Eight bits a channel and nothing transparent."""
    if image.mode[0] == "I":  # 16 bits; Pillow's own conversion may clip at 255
        values = np.asarray(image).astype(np.float64).clip(0, 65_535)
        return Image.fromarray((values / 257).round().astype(np.uint8))
    if not image.has_transparency_data:
        return image
    image = image.convert("RGBA")
    paper = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(paper, image)
