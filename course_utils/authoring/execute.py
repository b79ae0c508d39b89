"""Run notebooks in this Python's kernel, and store what a later run repeats.

    python -m course_utils.authoring.execute solutions/02_the_minimax_game.ipynb

runs a solution in place. No times are recorded, cell ids stay, and what differs between
machines and runs is left out, so that a diff shows what changed in the lesson.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from ipykernel.kernelspec import RESOURCES, get_kernel_dict
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from . import notebooks

CELL_SECONDS = 120  # as nbval's limit in `verify`
# Jupyter chooses a kernel's ports some time before the kernel opens them, and another
# program can take one meanwhile; new ports are chosen at the next start.
STARTS = 3

_PEAK = """
def _peak_mb():
    try:
        with open("/proc/self/status") as status:
            line = next(line for line in status if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    except (OSError, StopIteration):
        import sys, psutil
        try:
            import resource
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            return peak / (2**20 if sys.platform == "darwin" else 1024)
        except ImportError:
            return psutil.Process().memory_info().peak_wset / 2**20
print(_peak_mb())
"""


@dataclass(frozen=True)
class Ran:
    """What a run took, and where it ended early.

    Args:
        seconds: from the kernel's start to its end.
        peak_mb: the kernel's largest resident memory; 0 where unknown.
        stopped: why the run ended before the last cell, "" where it did not.
    """

    seconds: float
    peak_mb: float
    stopped: str = ""


class _ThisPython(KernelSpecManager):
    """The kernel of the running interpreter, whatever else is installed."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        return KernelSpec(resource_dir=RESOURCES, **get_kernel_dict())


def run(notebook: NotebookNode, *, folder: Path, seconds: float = CELL_SECONDS) -> Ran:
    """Run every cell, in place, up to the first that fails.

    Args:
        notebook: gets outputs and execution counts.
        folder: the kernel's working directory.
        seconds: limit of one cell.
    """
    start, stopped, peak = time.perf_counter(), "", 0.0
    with ExitStack() as kernel:
        try:
            client = _begun(notebook, folder, seconds, kernel)
        except RuntimeError as error:
            stopped = f"the kernel did not start: {error}"
        else:
            stopped = _run_cells(client, seconds)
            peak = 0.0 if stopped else _peak(client)
    notebooks.tidy(notebook)
    return Ran(time.perf_counter() - start, peak, stopped)


def _begun(
    notebook: NotebookNode, folder: Path, seconds: float, kernel: ExitStack
) -> NotebookClient:
    """A client whose kernel answers; closing `kernel` ends both."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    for left in reversed(range(STARTS)):
        client = NotebookClient(
            notebook,
            km=AsyncKernelManager(kernel_spec_manager=_ThisPython()),
            extra_arguments=["--log-level=ERROR"],  # no word on encrypting the loopback
            timeout=seconds,
            record_timing=False,
            store_widget_state=False,
            coalesce_streams=True,
            resources={"metadata": {"path": str(folder)}},
        )
        try:
            kernel.enter_context(client.setup_kernel(env=environment, cleanup_kc=True))
            break
        except RuntimeError:
            if not left:
                raise
    return client


def _run_cells(client: NotebookClient, seconds: float) -> str:
    """Why it stopped before the end, or ""."""
    for i, cell in enumerate(client.nb.cells):
        try:
            client.execute_cell(cell, i)
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            return _reason(error, cell, seconds)
    return ""


def _reason(error: Exception, cell: NotebookNode, seconds: float) -> str:
    if isinstance(error, CellExecutionError):
        return f"cell {cell.id!r}: {error.ename}: {error.evalue}"
    if isinstance(error, CellTimeoutError):
        return f"cell {cell.id!r}: ran for more than {seconds:g} seconds"
    return f"cell {cell.id!r}: the kernel died (out of memory?)"


def _peak(client: NotebookClient) -> float:
    """Asked of the kernel itself, in a cell that is not part of the notebook."""
    probe = new_code_cell(_PEAK)
    client.nb.cells.append(probe)
    try:
        client.execute_cell(probe, len(client.nb.cells) - 1, store_history=False)
        return float(probe.outputs[0].text)
    except (CellExecutionError, CellTimeoutError, DeadKernelError):
        return 0.0  # the notebook itself has run
    except (LookupError, AttributeError, ValueError):
        return 0.0
    finally:
        client.nb.cells.pop()


def main(argv: list[str] | None = None) -> int:
    """Run the named notebooks in place; 1 where one failed (it is left as it was)."""
    parser = argparse.ArgumentParser(
        prog="python -m course_utils.authoring.execute",
        description="Run notebooks in place and store their outputs.",
    )
    parser.add_argument("notebooks", nargs="+", type=Path)
    parser.add_argument(
        "--seconds", type=float, default=CELL_SECONDS, help="limit of one cell"
    )
    parser.add_argument(
        "--tidy", action="store_true", help="normalize only, run nothing"
    )
    args = parser.parse_args(argv)
    failed = False
    for path in args.notebooks:
        try:
            failed |= not _in_place(path, args.seconds, run_it=not args.tidy)
        except ValueError as error:
            print(error, file=sys.stderr)
            failed = True
    return 1 if failed else 0


def _in_place(path: Path, seconds: float, *, run_it: bool) -> bool:
    notebook = notebooks.read(path)
    if run_it:
        ran = run(notebook, folder=path.resolve().parent, seconds=seconds)
        if ran.stopped:
            print(f"{path.name}: left as it was; {ran.stopped}", file=sys.stderr)
            return False
        print(f"{path.name}: {ran.seconds:.0f} s, {ran.peak_mb:.0f} MB", end=", ")
    else:
        print(f"{path.name}", end=": ")
        notebooks.tidy(notebook)
    new = notebooks.write(path, notebooks.text(notebook))
    print("stored" if new else "as before")
    return True


if __name__ == "__main__":
    sys.exit(main())
