"""Public idx files: where they are, their checksums, and their download."""

import os
from pathlib import Path

from course_utils.checks import DataError

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


def data_dir() -> Path | None:
    """The folder that COURSE_DATA_DIR names, None if it is not set.

    Raises: DataError: it names no folder.
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

    pooch writes under a passing name and renames once the checksum is right, so that
    no half file ever has the real name. It does not resume: a download that breaks off
    starts anew at the next call.
    """
    import pooch  # takes its time, and most calls need no download

    folder = data_dir()
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
        except (requests.RequestException, ValueError) as error:
            tried.append(f"{mirror + file} ({_reason(error)})")
        except OSError as error:
            raise DataError(
                f"{file} could not be written to {folder} ({error.strerror or error}). "
                "Make room (30 MB for a set), or set COURSE_DATA_DIR to a folder with "
                "room that you may write."
            ) from error
    pair = " and ".join(next(pair for pair in FILES.values() if file in pair))
    raise DataError(
        f"{file} of {name} could not be downloaded; tried {'; '.join(tried)}. Try "
        f"again with a network; or fetch {pair} from there on another machine and put "
        f"both, still gzipped, into {folder}; or take 'digits', which need no download."
    )


def _reason(error: Exception) -> str:
    response = getattr(error, "response", None)
    if response is not None:
        return f"the server answered {response.status_code}"
    if type(error) is ValueError:
        return "wrong checksum: another file, or a damaged one, came"
    return "no connection, or it broke off"
