"""What `pytest` does differently here, with and without `--nbval`.

nbval compares every output with the stored one. Two things are changed: a number that
varies (`≈ 0.09`) may be near the stored one, and a kernel that does not start is
started again. nbval has no option for either.
"""

import os

from nbval.plugin import IPyNbCell, IPyNbFile

from course_utils.shown import agree

# Small tensors are slower on two threads, far slower beside another program.
os.environ.setdefault("OMP_NUM_THREADS", "1")

plain_sanitize, plain_setup = IPyNbCell.sanitize, IPyNbFile.setup


class Text(str):
    """An output's text, unlike another only where a reader would say so."""

    def __ne__(self, other):
        return not agree(self, other)


def sanitize(cell, content):
    """What nbval compares, by `stored != new`."""
    content = plain_sanitize(cell, content)
    return Text(content) if isinstance(content, str) else content


def setup(notebook):
    """Start the kernel. Its ports are chosen before it opens them: one can be taken."""
    try:
        plain_setup(notebook)
    except RuntimeError:  # it died or did not answer
        plain_setup(notebook)


IPyNbCell.sanitize, IPyNbFile.setup = sanitize, setup
