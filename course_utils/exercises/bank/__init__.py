"""The bank: what each exercise accepts, says and hints, one module a lesson."""

from . import lesson02, lesson02_steps, lesson03, lesson07, lesson07_use  # noqa: F401
