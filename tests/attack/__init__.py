"""Answers that no bank lists, one table a lesson; tests/test_bank.py judges each.

A source may use NAMES and the course's version of every exercise.
A row is (exercise, what comes of it, source): "passes", "refused", or the name of the
mistake that is named. An attack on a check that found something becomes a row here.
"""

import copy
import math
import random
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils import data, evaluation, gaussians, losses, models, training
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
