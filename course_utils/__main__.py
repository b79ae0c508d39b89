"""`python -m course_utils COMMAND`: one line a command, each in its own module."""

import os
import sys
from importlib import import_module

# command: (module, function, what it does); imported only when it is called.
COMMANDS = {
    "lab": ("lab", "main", "open the lessons in JupyterLab"),
    "reset": ("lab", "reset_main", "a fresh copy of one lesson, yours kept"),
    "train": ("runs.cli", "train", "a DCGAN from the command line, without a notebook"),
    "sample": ("runs.cli", "sample", "new images of a trained DCGAN, as a picture"),
    "report": ("runs.cli", "report", "one HTML page about a run"),
    "doctor": ("doctor", "main", "what this machine has, and what to mend"),
    "progress": ("authoring.progress", "main", "how the exercises stand"),
    "release": ("authoring.release", "main", "instructors: solutions/ to lessons/"),
}


def main(argv: list[str]) -> int:
    """Call the command that is named first; the rest are its own arguments."""
    if argv and argv[0] in COMMANDS:
        module, function, _ = COMMANDS[argv[0]]
        command = getattr(import_module(f"course_utils.{module}"), function)
        return command(argv[1:]) or 0
    helped = not argv or argv[0] in ("-h", "--help", "help")
    out = sys.stdout if helped else sys.stderr
    print("python -m course_utils COMMAND\n", file=out)
    for name, (_, _, says) in COMMANDS.items():
        print(f"  {name:<9} {says}", file=out)
    if not helped:
        print(f"\nthere is no command {argv[0]!r}", file=out)
    return 0 if helped else 2


def _run(argv: list[str]) -> int:
    """`main`; Ctrl-C, a reader who has left, a full disk: no traceback."""
    # `-m` puts the present folder first, where a learner's own random.py or torch.py
    # would be taken for the real one.
    here = os.getcwd()
    sys.path[:] = [folder for folder in sys.path if folder not in ("", here)]
    # Threads that wait for each other sleep instead of spinning: where another program
    # is busy, training on two threads is 5 to 10 times as fast. Kernels inherit it.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and stream.errors == "strict":  # a word it cannot write
            stream.reconfigure(errors="backslashreplace")
    try:
        status = main(argv)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("stopped.", file=sys.stderr)
        return 130  # what shells say after Ctrl-C
    except OSError as error:  # a reader has left, as in `... | head -1`, or no room
        if not isinstance(error, BrokenPipeError):
            print(f"stopped: {error}.", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


if __name__ == "__main__":
    sys.exit(_run(sys.argv[1:]))
