"""The bank: what each exercise accepts, says and hints, one module a lesson."""

from . import lesson02_steps, lesson03  # noqa: F401  they register their exercises
