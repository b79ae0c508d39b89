"""MNIST and Fashion-MNIST: idx files found in a folder, or downloaded, and read."""

import gzip
import math
import os
import struct
import zlib
from pathlib import Path

import torch
from torch import Tensor

from course_utils.checks import DataError, require_enough

# Folders that hold all four files of a set, tried in this order.
MIRRORS = {
    "mnist": (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    "fashion-mnist": (
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/"
        "master/data/fashion/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    ),
}
FILES = {
    "train": ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
    "test": ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
}
# In the order of FILES; as in the lists of TensorFlow Datasets, url_checksums/.
SHA256 = {
    "mnist": (
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    ),
    "fashion-mnist": (
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    ),
}
# Seconds for a connection and for its next bytes; as stored, not unpacked on the way.
_REQUEST = {"timeout": (10, 30), "headers": {"Accept-Encoding": "identity"}}
IMAGES, LABELS = (0x803, 28, 28), (0x801,)  # magic number, and the shape of an entry


def read_idx_set(name: str, split: str = "train") -> tuple[Tensor, Tensor]:
    """Pixels (n, 1, 28, 28) uint8 and labels (n,) int64, 0 to 9, of one part of a set.

    Looks in COURSE_DATA_DIR/NAME, then in COURSE_DATA_DIR; else downloads the two
    files, once, into COURSE_DATA_DIR/NAME, or into the user's cache folder where the
    variable is not set or names a folder that may not be written.

    Raises: ValueError: no such split; DataError: the files cannot be had or are broken.
    Source: LeCun, Cortes and Burges, The MNIST database, describes the idx format.
    """
    if split not in FILES:
        raise ValueError(f"split must be 'train' or 'test', not {split!r}")
    images, labels = _find(name, split) or _download(name, split)
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
    folder = _data_dir()
    for place in (folder / name, folder) if folder else ():
        found = [_as_named(place / file) for file in FILES[split]]
        if all(found):
            return found
        if any(found):  # its partner from elsewhere might be in another order
            raise DataError(
                f"{place} holds only one of {' and '.join(FILES[split])}. Put the "
                "other beside it, from the same source, or take it away."
            )
    return None


def _as_named(path: Path) -> Path | None:
    """The file under its usual name, or as unpacked by one tool or another."""
    plain = path.with_suffix("")
    dotted = plain.with_name(plain.name.replace("-idx", ".idx"))
    return next((p for p in (path, plain, dotted) if os.path.isfile(p)), None)


def _data_dir() -> Path | None:
    """The folder that COURSE_DATA_DIR names, None if it is not set."""
    given = os.environ.get("COURSE_DATA_DIR")
    if not given:
        return None
    folder = Path(os.path.expanduser(given))
    if not os.path.isdir(folder):
        raise DataError(
            f"The environment variable COURSE_DATA_DIR names {folder}, and there is "
            "no such folder. Make it, correct the name, or unset the variable."
        )
    return folder


def _download(name: str, split: str) -> tuple[Path, Path]:
    """The two files of a part, fetched unless the cache holds the right ones.

    pooch writes under a passing name and renames once the checksum is right, so that
    no half file ever has the real name. It does not resume: a download that breaks off
    starts anew at the next call.
    """
    import pooch  # takes its time, and most calls need no download

    folder = _data_dir()
    if folder is None or not os.access(folder, os.W_OK):
        folder = Path(pooch.os_cache("gan-course"))
    images, labels = (_fetch(name, file, folder / name) for file in FILES[split])
    return images, labels


def _fetch(name: str, file: str, folder: Path) -> Path:
    """One file from the first mirror that has it."""
    import pooch
    import requests
    from tqdm.auto import tqdm

    pooch.get_logger().setLevel("WARNING")  # the bar says enough
    sha256 = SHA256[name][[*FILES["train"], *FILES["test"]].index(file)]
    tried = []
    for mirror in MIRRORS[name]:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # pooch puts the size in, and takes a bar without a total for none.
            with tqdm(total=1, unit="B", unit_scale=True, leave=False, desc=file) as b:
                get = pooch.HTTPDownloader(progressbar=b, **_REQUEST)
                path = pooch.retrieve(
                    mirror + file, sha256, fname=file, path=folder, downloader=get
                )
            return Path(path)
        except requests.HTTPError as error:
            reason = f"the server answered {error.response.status_code}"
        except requests.RequestException:
            reason = "no connection, or it broke off"
        except ValueError:
            reason = "wrong checksum: another file, or a damaged one, came"
        except OSError as error:
            raise DataError(
                f"{file} could not be written to {folder} ({error.strerror or error}). "
                "Make room (30 MB for a set), or set COURSE_DATA_DIR to a folder with "
                "room that you may write."
            ) from error
        tried.append(f"{mirror + file} ({reason})")
    pair = " and ".join(next(pair for pair in FILES.values() if file in pair))
    raise DataError(
        f"{file} of {name} could not be downloaded; tried {'; '.join(tried)}. Try "
        f"again with a network; or fetch {pair} from there on another machine and put "
        f"both, still gzipped, into {folder}; or take 'digits', which need no download."
    )


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
