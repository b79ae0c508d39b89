"""Run notebooks in this Python's kernel, and store what a later run repeats.

    python -m course_utils.authoring.execute solutions/02_the_minimax_game.ipynb

runs it in place, without times and whatever else differs between machines and runs.
"""

from __future__ import annotations

import argparse
import atexit
import os
import sys
from pathlib import Path

from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient
from nbclient.exceptions import CellControlSignal, DeadKernelError
from nbformat import NotebookNode

from . import notebooks

CELL_SECONDS = 120  # as nbval's limit in pyproject.toml


def run(
    notebook: NotebookNode, *, folder: Path, seconds: float = CELL_SECONDS
) -> NotebookNode:
    """Run every cell in place, each for so many seconds, in a kernel in this folder.

    Raises:
        CellControlSignal: a cell failed or took too long.
        RuntimeError: a cell ended the kernel, or the kernel did not start, twice.
    """
    client = _client(notebook, folder, seconds)
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    try:
        client.execute(env=environment, cleanup_kc=True)
    except DeadKernelError:
        raise
    except RuntimeError:  # it did not start: another program can have taken its ports
        atexit.unregister(client._cleanup_kernel)  # which would fail: there is none
        client = _client(notebook, folder, seconds)
        client.execute(env=environment, cleanup_kc=True)
    return notebooks.tidy(notebook)


def _client(notebook: NotebookNode, folder: Path, seconds: float) -> NotebookClient:
    this_python = KernelSpecManager(kernel_dirs=[])  # whatever else is installed
    return NotebookClient(
        notebook,
        km=AsyncKernelManager(kernel_spec_manager=this_python),
        extra_arguments=["--log-level=ERROR"],  # no word on encrypting the loopback
        timeout=seconds,
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(folder)}},
    )


def main(argv: list[str] | None = None) -> int:
    """Run the named notebooks in place; 1 where one failed (it is left as it was)."""
    parser = argparse.ArgumentParser(prog="python -m course_utils.authoring.execute")
    parser.add_argument("notebooks", nargs="+", type=Path)
    parser.add_argument("--tidy", action="store_true", help="normalize, run nothing")
    args = parser.parse_args(argv)
    failed = False
    for path in args.notebooks:
        try:
            notebook = notebooks.tidy(notebooks.read(path))
            if not args.tidy:
                run(notebook, folder=path.resolve().parent)
            new = notebooks.write(path, notebooks.text(notebook))
            print(f"{path.name}: {'stored' if new else 'as before'}", flush=True)
        except (ValueError, RuntimeError, CellControlSignal) as error:
            print(f"{path.name}: left as it was; {error}", file=sys.stderr)
            failed = True
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
