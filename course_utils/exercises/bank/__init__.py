"""The bank: what each exercise accepts, says and hints, one module a lesson."""

from . import lesson00, lesson01, lesson03  # noqa: F401  each registers its exercises
