"""Make data/digits.npz from scikit-learn's copy of the UCI digits.

    python -m data.make.digits

The result has the same bytes each time and on each system: entries are stored without
compression (a compressor's output may change with its version) and carry a fixed date.
Needs scikit-learn, which learners do not.
"""

import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np

from course_utils.data import DATA_DIR, DIGITS_SHA256


def npz_bytes(arrays: dict[str, np.ndarray]) -> bytes:
    """An .npz file that depends on names and values alone."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, values in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, values, (1, 0), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3  # else Windows writes another byte
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content.getvalue())
    return buffer.getvalue()


def digits() -> dict[str, np.ndarray]:
    """images (1797, 8, 8) uint8 in 0..16 and labels (1797,) uint8."""
    from sklearn.datasets import load_digits

    source = load_digits()
    images = source.images.astype(np.uint8)
    if images.shape != (1797, 8, 8) or not np.array_equal(images, source.images):
        raise ValueError(
            "scikit-learn's digits are not 1,797 images of 8x8 whole numbers"
        )
    return {"images": images, "labels": source.target.astype(np.uint8)}


def main(path: Path = DATA_DIR / "digits.npz") -> None:
    """Write the file and say its checksum."""
    content = npz_bytes(digits())
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    found = hashlib.sha256(content).hexdigest()
    print(f"{path.name}: {len(content):,} bytes, SHA-256 {found}")
    if found != DIGITS_SHA256:
        print("This is another checksum than course_utils/data.py and data/README.md")


if __name__ == "__main__":
    main()
