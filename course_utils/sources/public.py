"""Public idx files: where they lie, how they are recognized, how they are fetched."""

import errno
import os
from dataclasses import dataclass
from pathlib import Path

from course_utils.sources.errors import DataError

# Seconds for a connection and for its next bytes; as stored, not unpacked on the way.
_REQUEST = {"timeout": (10, 30), "headers": {"Accept-Encoding": "identity"}}
# pooch puts the size in, and takes a bar without a total for none.
_BAR = {"total": 1, "unit": "B", "unit_scale": True, "leave": False}
FILES = {
    "train": ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
    "test": ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
}


@dataclass(frozen=True)
class IdxSet:
    """Where the four gzipped files of a set lie and how they are recognized.

    Args:
        mirrors: addresses of folders that hold all four, tried in this order.
        checksums: SHA-256 of the two files of "train", then of those of "test".
    """

    mirrors: tuple[str, ...]
    checksums: tuple[str, str, str, str]

    def sha256(self, file: str) -> str:
        """The checksum of one file, by its name."""
        return self.checksums[[*FILES["train"], *FILES["test"]].index(file)]


# Checksums as in the lists of TensorFlow Datasets, url_checksums/.
IDX_SETS = {
    "mnist": IdxSet(
        (
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
        (
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        ),
    ),
    "fashion-mnist": IdxSet(
        (
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/"
            "master/data/fashion/",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        ),
        (
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        ),
    ),
}


def data_dir() -> Path | None:
    """The folder that COURSE_DATA_DIR names, None if it is not set.

    Raises:
        DataError: it names no folder.
    """
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


def download(name: str, split: str) -> tuple[Path, Path]:
    """The two files of a part, fetched unless the cache holds the right ones.

    A download that breaks off starts anew at the next call: pooch does not resume. It
    is written under a passing name, removed on any error, and renamed once its checksum
    is right, so that no half file ever has the real name.
    """
    import pooch  # takes its time, and most calls need no download

    folder = data_dir()
    if folder is None or not os.access(folder, os.W_OK):
        folder = Path(pooch.os_cache("gan-course"))
    folder = folder / name
    images, labels = (_fetch(name, file, folder) for file in FILES[split])
    return images, labels


def _fetch(name: str, file: str, folder: Path) -> Path:
    """One file from the first mirror that has it."""
    import pooch
    from tqdm.auto import tqdm

    pooch.get_logger().setLevel("WARNING")  # the bar says enough
    known, tried = IDX_SETS[name], []
    for mirror in known.mirrors:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tqdm(**_BAR, desc=file) as bar:
                path = pooch.retrieve(
                    mirror + file,
                    known_hash=known.sha256(file),
                    fname=file,
                    path=folder,
                    downloader=pooch.HTTPDownloader(progressbar=bar, **_REQUEST),
                )
            return Path(path)
        except (OSError, ValueError) as error:  # requests' own are OSErrors
            if _is_local(error):
                raise DataError(_unwritable(file, folder, error)) from error
            tried.append((mirror + file, _reason(error), error))
    places = "; ".join(f"{address} ({reason})" for address, reason, _ in tried)
    pair = " and ".join(next(pair for pair in FILES.values() if file in pair))
    raise DataError(
        f"{file} of {name} could not be downloaded; tried {places}. Try again with a "
        f"network; or fetch {pair} from there on another machine and put both, still "
        f"gzipped, into {folder}; or take 'digits', which need no download."
    ) from tried[-1][2]


def _is_local(error: Exception) -> bool:
    """Whether the disk failed and not the network."""
    network = isinstance(error, ConnectionError | TimeoutError)
    return isinstance(error, PermissionError) or (
        isinstance(error, OSError) and error.errno is not None and not network
    )


def _unwritable(file: str, folder: Path, error: Exception) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"The disk is full: {file} could not be written to {folder}. Make room "
            "(30 MB for a set), or set COURSE_DATA_DIR to a folder elsewhere."
        )
    return (
        f"{file} could not be written to {folder} ({error.strerror or error}). Set "
        "COURSE_DATA_DIR to a folder that you may write."
    )


def _reason(error: Exception) -> str:
    kinds = {kind.__name__ for kind in type(error).__mro__}
    response = getattr(error, "response", None)
    if response is not None:
        return f"the server answered {response.status_code}"
    if "Timeout" in kinds:
        return "no answer in time"
    if "ChunkedEncodingError" in kinds:
        return "the connection broke off"
    if type(error) is ValueError:
        return "wrong checksum: another file, or a damaged one, came"
    return "no connection"
