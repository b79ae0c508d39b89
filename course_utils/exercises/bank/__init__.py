"""The bank: what each exercise accepts, says and hints, one module a lesson."""

from . import (  # noqa: F401  each lesson registers its exercises
    lesson03,
    lesson04,
    lesson05,
)
