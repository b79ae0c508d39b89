"""Run every notebook and say which ones do not hold what they promise.

    python -m course_utils.authoring.verify              = make verify
    python -m course_utils.authoring.verify --solutions  outputs repeat, exactly
    python -m course_utils.authoring.verify --lessons    unsolved, they run to the end

Solutions run under nbval: every output but pictures is compared with the stored one.
Lessons run unsolved, in a copy, two at a time: each exercise must stay open, and
nothing may fail or warn. Numbers narrow it: `verify 02` or `verify --lessons 02 07`.
"""

from __future__ import annotations

import argparse
import copy
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree.ElementTree import Element as Case

from nbformat import NotebookNode

from . import execute, notebooks
from .release import exercise_name

SANITIZE = notebooks.ROOT / "tests" / "nbval_sanitize.cfg"
PEAK_MB = 1536
SECONDS, LONG_SECONDS, LONG = 60, 150, (7, 8)
MOST_PROBLEMS, MOST_LINES = 5, 20  # that are printed, of a notebook and of a cell
SETUP = re.compile(r'failed on setup with "(.*?)"', re.DOTALL)  # in pytest's report
SLACK = 3  # machines differ: slow is reported, this many times slower fails


@dataclass
class Verdict:
    """What one notebook did.

    Args:
        name: the file's name without its ending.
        seconds: of the run.
        peak_mb: the kernel's largest resident memory, 0 where unknown.
        exercises: state -> how many exercises ended in it.
        problems: sentences; empty where all is well.
        notes: sentences that fail nothing.
    """

    name: str
    seconds: float = 0.0
    peak_mb: float = 0.0
    exercises: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        mark = "FAILED" if self.problems else "ok"
        states = ", ".join(f"{n} {state}" for state, n in self.exercises.items())
        memory = f"{self.peak_mb:5.0f} MB" if self.peak_mb else " " * 8
        notes = f"  ({'; '.join(self.notes)})" if self.notes else ""
        numbers = f"{self.seconds:5.1f} s  {memory}"
        return f"{mark:6} {self.name:32} {numbers}  {states}{notes}".rstrip()


def limit(name: str) -> int:
    """The seconds that a lesson may take on a small laptop."""
    return LONG_SECONDS if notebooks.number(Path(name)) in LONG else SECONDS


# ---------------------------------------------------------------- lessons, unsolved


def verify_lesson(path: Path) -> Verdict:
    """Run one lesson unsolved, in a copy, and look at what it left."""
    verdict = Verdict(path.stem)
    try:
        notebook = copy.deepcopy(notebooks.read(path))
    except ValueError as error:
        verdict.problems.append(str(error))
        return verdict
    with tempfile.TemporaryDirectory() as folder:
        ran = execute.run(notebook, folder=Path(folder))
    verdict.seconds, verdict.peak_mb = ran.seconds, ran.peak_mb
    verdict.problems += noise(notebook)
    if ran.stopped and not any(
        p.startswith(ran.stopped[:60]) for p in verdict.problems
    ):
        verdict.problems.append(ran.stopped)
    verdict.exercises, unlike = states(notebook, wanted="open")
    if not ran.stopped:
        verdict.problems += unlike
    _measure(verdict)
    return verdict


def noise(notebook: NotebookNode) -> list[str]:
    """What cells said that they must not say: stderr, errors that nobody announced."""
    found = []
    for cell in notebooks.code_cells(notebook):
        expected = "raises-exception" in notebooks.tags(cell)
        for output in cell.outputs:
            if output.output_type == "stream" and output.name == "stderr":
                said = output.text.strip().splitlines()[:1]
                found.append(f"cell {cell.id!r}: on stderr: {''.join(said)[:160]}")
            elif output.output_type == "error" and not expected:
                found.append(f"cell {cell.id!r}: {output.ename}: {output.evalue[:160]}")
    return found


def states(notebook: NotebookNode, *, wanted: str) -> tuple[dict[str, int], list[str]]:
    """How the exercises ended, and which of them not as wanted, in sentences."""
    count: dict[str, int] = {}
    unlike = []
    for cell in notebooks.code_cells(notebook):
        if "exercise" not in notebooks.tags(cell):
            continue
        name, found = exercise_name(cell), notebooks.records([cell])
        state = found[-1]["state"] if found else "no record"
        count[state] = count.get(state, 0) + 1
        if state != wanted or found[-1]["exercise"] != name:
            unlike.append(f"cell {cell.id!r}: exercise {name} is {state}, not {wanted}")
    return count, unlike


def _measure(verdict: Verdict) -> None:
    seconds = limit(verdict.name)
    if verdict.seconds > SLACK * seconds:
        verdict.problems.append(
            f"took {verdict.seconds:.0f} s; {seconds} s is the aim, {SLACK} times that "
            "the limit"
        )
    elif verdict.seconds > seconds:
        verdict.notes.append(f"aim: {seconds} s")
    if verdict.peak_mb > PEAK_MB:
        verdict.problems.append(
            f"needs {verdict.peak_mb:.0f} MB of memory; {PEAK_MB} MB is the limit"
        )


# ---------------------------------------------------------------- solutions, strict


def nbval_command(paths: list[Path], *, n: int, report: Path) -> list[str]:
    """Strict nbval: every output but pictures must repeat."""
    parallel = ["-p", "no:xdist"]
    if n > 1:
        parallel = ["-n", str(n), "--dist", "loadscope", "--no-loadscope-reorder"]
    return [
        sys.executable, "-m", "pytest", "-q", "--no-header", "--color=no",
        "-p", "no:cacheprovider", "-o", "addopts=", "-o", "junit_family=xunit1",
        "--nbval", "--nbval-current-env", f"--nbval-sanitize-with={SANITIZE}",
        f"--nbval-cell-timeout={execute.CELL_SECONDS}", f"--junitxml={report}",
        *parallel, *map(str, _long_ones_first(paths)),
    ]  # fmt: skip


def verify_solutions(paths: list[Path], *, n: int = 2) -> list[Verdict]:
    """Run the solutions under nbval, each in a kernel of its own."""
    cases, said = _nbval(paths, n)
    lost: dict[Path, str] = {}
    for _ in range(execute.STARTS - 1):
        again = {p: why for p in paths if (why := _did_not_start(cases[p]))}
        if not again:
            break
        lost |= again
        new, said = _nbval(list(again), 1)
        cases |= new
    verdicts = [_solution_verdict(path, cases[path]) for path in paths]
    for path, verdict in zip(paths, verdicts, strict=True):
        if path in lost:
            verdict.notes.append(f"not at the first start: {lost[path]}")
    if said and not any(v.problems for v in verdicts):
        verdicts[0].problems.append(said)
    return verdicts


def _nbval(paths: list[Path], n: int) -> tuple[dict[Path, list[Case]], str]:
    """Each notebook's cells, as pytest reports them; what pytest said if it failed."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        done = subprocess.run(
            nbval_command(paths, n=min(n, len(paths)), report=report),
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            capture_output=True, text=True, encoding="utf-8", errors="replace",
        )  # fmt: skip
        root = ElementTree.parse(report).getroot() if report.exists() else []
        cases = [case for suite in root for case in suite.iter("testcase")]
    said = (done.stdout + done.stderr).strip()[-2000:]
    return (
        {p: [c for c in cases if p.stem in c.get("classname", "")] for p in paths},
        f"pytest ended with {done.returncode}: {said}" if done.returncode else "",
    )


def _did_not_start(cases: list[Case]) -> str:
    """Why no cell of a notebook ran, "" where one did."""
    errors = [error for case in cases for error in case.iter("error")]
    found = [SETUP.search(error.get("message", "")) for error in errors]
    reasons = [match[1] for match in found if match]
    return reasons[0] if reasons and len(reasons) == len(cases) else ""


def _solution_verdict(path: Path, cases: list[Case]) -> Verdict:
    """From pytest's report: a test case for each code cell, in order."""
    verdict = Verdict(path.stem)
    try:
        notebook = notebooks.read(path)
    except ValueError as error:
        verdict.problems.append(str(error))
        return verdict
    if why := _did_not_start(cases):
        verdict.problems.append(f"the kernel did not start: {why}")
        return verdict
    code = notebooks.code_cells(notebook)
    for case in cases:
        verdict.seconds += float(case.get("time", 0))
        for bad in (*case.iter("failure"), *case.iter("error")):
            index = int(re.search(r"\d+$", case.get("name", "0"))[0])
            verdict.problems.append(
                f"cell {code[index].id!r}: {explained(bad.text or '')}"
            )
    if len(cases) != len(code):
        verdict.problems.append(f"{len(cases)} of {len(code)} code cells ran")
    verdict.exercises, unlike = states(notebook, wanted="passed")
    verdict.problems += unlike
    _measure(verdict)
    return verdict


def explained(failure: str) -> str:
    """What nbval says of a cell, without the cell and the frames of its traceback.

    >>> print(explained("Cell 3: Cell outputs differ\\n\\nInput:\\n1\\n\\n"
    ...                 "Traceback:\\n mismatch 'text/plain'\\n  '2' == '1'"))
    Cell outputs differ
        mismatch 'text/plain'
         '2' == '1'
    """
    text = re.sub(r"(?:\x1b|#x1B)\[[0-9;]*m", "", failure)
    what = re.search(r"Cell \d+: (.*)", text)
    head = what[1] if what else text.strip().split("\n")[0]
    lines = [ln for ln in text.partition("Traceback:")[2].split("\n") if ln.strip()]
    if "exception" in head:  # the traceback's last lines name the error
        return f"{head}: {lines[-1].strip()}" if lines else head
    return "\n".join([head, *(f"   {ln[:200]}" for ln in lines[:MOST_LINES])])


# ---------------------------------------------------------------- both


def main(argv: list[str] | None = None) -> int:
    """Print a line for each notebook and what is wrong; 1 where something is."""
    parser = argparse.ArgumentParser(
        prog="python -m course_utils.authoring.verify",
        description="Run every notebook; without options, solutions and lessons.",
    )
    parser.add_argument("--solutions", action="store_true", help="only these")
    parser.add_argument("--lessons", action="store_true", help="only these")
    parser.add_argument("-n", type=int, default=2, help="notebooks at a time (2)")
    parser.add_argument("--root", type=Path, default=notebooks.ROOT)
    parser.add_argument("only", nargs="*", metavar="NN", help="numbers of lessons")
    args = parser.parse_args(argv)
    both = args.solutions == args.lessons
    verdicts: list[Verdict] = []
    if both or args.solutions:
        verdicts += _solutions(_chosen(args.root / "solutions", args.only), args.n)
    if both or args.lessons:
        verdicts += _lessons(_chosen(args.root / "lessons", args.only), args.n)
    return _conclude(verdicts)


def _chosen(folder: Path, only: list[str]) -> list[Path]:
    numbers = {int(name) for name in only}
    paths = notebooks.find(folder)
    return [p for p in paths if not numbers or notebooks.number(p) in numbers]


def _long_ones_first(paths: list[Path]) -> list[Path]:
    """The last lessons first, so that no worker waits for another's long one."""
    return paths[::-1]


def _solutions(paths: list[Path], n: int) -> list[Verdict]:
    if not paths:
        return []
    print("solutions: every output repeats", flush=True)
    verdicts = verify_solutions(paths, n=n)
    print(*verdicts, sep="\n")
    return verdicts


def _lessons(paths: list[Path], n: int) -> list[Verdict]:
    if not paths:
        return []
    print("lessons: unsolved, they run to the end", flush=True)
    verdicts = []
    with ThreadPoolExecutor(max_workers=n) as pool:
        for verdict in pool.map(verify_lesson, _long_ones_first(paths)):
            print(verdict, flush=True)
            verdicts.append(verdict)
    return verdicts


def _conclude(verdicts: list[Verdict]) -> int:
    wrong = [v for v in verdicts if v.problems]
    if not verdicts:
        print("There is no notebook to verify.")
        return 1
    if not wrong:
        print(f"Runs as they should be: {len(verdicts)} of {len(verdicts)}.")
        return 0
    print(f"{len(wrong)} of {len(verdicts)} runs have problems:")
    for verdict in wrong:
        for problem in verdict.problems[:MOST_PROBLEMS]:
            print(f"  {verdict.name}, {problem}")
        more = len(verdict.problems) - MOST_PROBLEMS
        if more > 0:  # one cell that fails takes those below with it
            print(f"  {verdict.name}, and {more} more")
    return 1


if __name__ == "__main__":
    sys.exit(main())
