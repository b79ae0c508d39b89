"""A run's folder and its files, each written whole or not at all.

    checkpoint.pt     what was asked for, and all that the next round depends on
    config.json       what was asked for, to be read by people
    history.jsonl     a record a line: losses, D(x), D(G(z)), gradient norms, speed
    samples/*.png     the same latents through the averaged G as it learns

A process that is killed at any moment loses the rounds since its last checkpoint and
nothing else.
"""

import errno
import io
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import filelock
import torch

FORMAT = 1  # of checkpoints


class RunError(RuntimeError):
    """A run cannot go on, or its files cannot be used; the message says what to do."""


def write_whole(content: bytes | memoryview, path: Path) -> None:
    """Put a file in place of the old one in a single move; its folder is made.

    The bytes go to a temporary file beside it, which then takes its name: whoever is
    killed at any moment leaves the old file or the new one, never half of one.
    `RunError` if it cannot be written; the old file is as it was.
    """
    temporary = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # before the name moves, or a power cut empties it
        os.replace(temporary, path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> RunError:
    full = error.errno in (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", -1))
    kept = "; the last one is intact" if path.is_file() else ""
    cure = "Make room, or choose another place" if full else "Choose another place"
    return RunError(f"{path} cannot be written ({error.strerror}){kept}. {cure}")


def write_checkpoint(content: dict[str, Any], path: Path) -> None:
    """Write tensors, numbers, strings, lists and dicts of them, as `write_whole`."""
    buffer = io.BytesIO()
    torch.save({"format": FORMAT, **content}, buffer)
    write_whole(buffer.getbuffer(), path)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """What `write_checkpoint` put there, on the CPU; `RunError` if it is not there."""
    try:
        # weights_only: a pickle could run anything; this refuses all but plain data.
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise RunError(
            f"there is no checkpoint {path}: is this the folder that train wrote?"
        ) from error
    except MemoryError:
        raise
    except Exception as error:  # whatever the unpickler meets in a damaged file
        raise RunError(
            f"{path} cannot be read as a checkpoint: it is damaged, or none. Restore "
            "it from a copy, or start a new run in another folder"
        ) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise RunError(f"{path} is no checkpoint of this version of the course")
    return content


class RunFolder:
    """The files of one run; the folder need not exist."""

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder).expanduser()
        self.checkpoint = self.folder / "checkpoint.pt"
        self.config = self.folder / "config.json"
        self.history = self.folder / "history.jsonl"
        self.samples = self.folder / "samples"

    def exists(self) -> bool:
        """Whether the folder holds a run already, or what is left of one."""
        files = (self.checkpoint, self.config, self.history)
        return any(os.path.exists(file) for file in files)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from training here; `RunError` if one does already."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = filelock.FileLock(self.folder / ".lock", timeout=0).acquire()
        except filelock.Timeout as error:
            raise RunError(
                f"another process is training in {self.folder}: wait until it ends, "
                "or choose another folder with --out"
            ) from error
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        with lock:
            yield

    def write_config(self, config: dict[str, Any]) -> None:
        """Write config.json."""
        write_whole(json.dumps(config, indent=2).encode(), self.config)

    def write_history(self, records: Iterable[Any]) -> None:
        """Write the records, one a line."""
        lines = [json.dumps(record._asdict()) + "\n" for record in records]
        write_whole("".join(lines).encode(), self.history)

    def read_history(self) -> list[dict[str, float]]:
        """What `write_history` was given; `RunError` if it is missing or broken."""
        try:
            lines = self.history.read_text(encoding="utf-8").splitlines()
            return [json.loads(line) for line in lines]
        except (OSError, ValueError) as error:
            raise RunError(
                f"{self.history} cannot be read ({error}): go on with the run "
                "(--resume), and it is written anew"
            ) from error
