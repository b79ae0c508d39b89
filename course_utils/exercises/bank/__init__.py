"""The bank: what each exercise accepts, says and hints, one module a lesson."""

from . import lesson03, lesson06, lesson06_networks  # noqa: F401  each lesson registers its exercises
