"""Answers that no bank lists, one table a lesson; tests/test_bank.py judges each.

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

NAMES = {
    "copy": copy, "math": math, "random": random, "time": time, "np": np,
    "torch": torch, "F": F, "nn": nn, "Tensor": Tensor, "data": data,
    "evaluation": evaluation, "gaussians": gaussians, "losses": losses,
    "models": models, "training": training,
}  # fmt: skip
