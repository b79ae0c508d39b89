"""Checkpoints: written whole or not at all, read without running anything in them."""

import contextlib
import errno
import io
import os
from pathlib import Path
from typing import Any

import torch

FORMAT = 1


class CheckpointError(RuntimeError):
    """A checkpoint cannot be written or read; the message says what to do."""


def write(content: dict[str, Any], path: Path) -> None:
    """Put a checkpoint in place of the old one in a single move.

    The bytes go to a temporary file beside it, which then takes its name: whoever is
    killed at any moment leaves the old checkpoint or the new one, never half of one.

    Args:
        content: tensors, numbers, strings, and lists and dicts of them.
        path: of the checkpoint; its folder exists.

    Raises:
        CheckpointError: the disk is full or the folder cannot be written; the old
            checkpoint is as it was.
    """
    buffer = io.BytesIO()
    torch.save({"format": FORMAT, **content}, buffer)
    write_bytes(buffer.getbuffer(), path)


def write_bytes(content: bytes | memoryview, path: Path) -> None:
    """A file, whole or not at all; what `write` says holds for it too."""
    temporary = path.with_name(f".{path.name}.part")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # before the name moves, or a power cut empties it
        os.replace(temporary, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        kept = "; the last one is intact" if path.is_file() else ""
        raise unwritable(path, error, kept) from error


def unwritable(path: Path, error: OSError, kept: str = "") -> CheckpointError:
    """What to say of a file or folder that could not be written."""
    full = error.errno in (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", -1))
    cure = "Make room, or choose another place" if full else "Choose another place"
    return CheckpointError(f"{path} cannot be written ({error.strerror}){kept}. {cure}")


def read(path: Path) -> dict[str, Any]:
    """What `write` put there; tensors on the CPU.

    Raises:
        CheckpointError: there is no such file, it is broken, or it is no checkpoint
            of this course.
    """
    try:
        # weights_only: a pickle could run anything; this refuses all but plain data.
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise CheckpointError(
            f"there is no checkpoint {path}: is this the folder that train wrote?"
        ) from None
    except (PermissionError, IsADirectoryError, NotADirectoryError) as error:
        raise CheckpointError(f"{path} cannot be read ({error.strerror})") from error
    except MemoryError:
        raise
    except Exception as error:
        raise CheckpointError(
            f"{path} cannot be read as a checkpoint: it is damaged, or none. Restore "
            "it from a copy, or start a new run in another folder"
        ) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise CheckpointError(
            f"{path} is no checkpoint that this version of the course wrote"
        )
    return content
