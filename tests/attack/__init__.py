"""Answers that no bank lists, two tables a lesson.

tests/test_bank.py judges `answers_lessonNN`, `make attack` the long `long_lessonNN`:
no answer of theirs does on all probes what a listed one or an earlier row does.

A source may use NAMES and the course's version of every exercise.
A row is (exercise, what comes of it, source): "passes", "refused", or the name of the
mistake that is named. An attack on a check that found something becomes a row here.
"""

import copy
import importlib
import math
import pkgutil
import random
import textwrap
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils import data, evaluation, gaussians, losses, models, training
from course_utils.exercises import bank, judge
from course_utils.exercises.bank.lesson04 import GRID  # `eps` and `weight`

NAMES = {
    "copy": copy, "math": math, "random": random, "time": time, "np": np,
    "torch": torch, "F": F, "nn": nn, "Tensor": Tensor, "data": data,
    "evaluation": evaluation, "gaussians": gaussians, "losses": losses,
    "models": models, "training": training, "log": torch.log, "log1p": torch.log1p,
    "exp": torch.exp, "sigmoid": torch.sigmoid, "softplus": F.softplus,
    "logsigmoid": F.logsigmoid, "ones_like": torch.ones_like,
    "zeros_like": torch.zeros_like, "maximum": torch.maximum, "where": torch.where,
    "bce": F.binary_cross_entropy,
} | GRID  # fmt: skip


def rows(kind: str) -> list[tuple[str, str, str]]:
    """The rows of all tables of one kind, "answers" or "long"."""
    names = [module.name for module in pkgutil.iter_modules(__path__)]
    tables = [f"{__name__}.{name}" for name in names if name.startswith(f"{kind}_")]
    return [row for name in tables for row in importlib.import_module(name).ANSWERS]


def check(name: str, expected: str, source: str) -> None:
    """Judge one row; an AssertionError shows what the learner would read."""
    others = {exercise.name: exercise.reference for exercise in bank().values()}
    scope = NAMES | others | {"__name__": "__main__"}
    exec(textwrap.dedent(source), scope)
    verdict = judge(scope[name], name)
    if expected in ("passes", "refused"):
        assert (verdict.state == "passed") == (expected == "passes"), verdict.message
    else:
        assert verdict.mistake == expected, (verdict.mistake, verdict.message)
