"""The bank: what each exercise accepts, says and hints, one module a lesson."""

from . import lesson03, lesson08, lesson08_numbers  # noqa: F401
