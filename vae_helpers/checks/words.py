"""The words that the tables of mistakes are written in: every expression of a check may use them."""

# ruff: noqa: F401 (they are imported for the tables)

import math

import torch
from torch import exp, log, sigmoid
from torch.nn.functional import binary_cross_entropy, binary_cross_entropy_with_logits

from vae_helpers.objectives import kl_divergence as kl
from vae_helpers.objectives import reconstruction_loss as recon
from vae_helpers.objectives import reparameterize as draw

from .verdict import TODO, Check, Choice, between, is_stub, normal, one_line, outcome, same


def mean_error(values):
    return values.mean(), values.std() / len(values) ** 0.5


def spread(values, power):
    return values.mean(), values.std() / len(values) ** power


def gaussians(g):
    first = normal(g, 1, 1), normal(g, 1, 1).abs() + 0.1  # its log_var could be a variance
    return [first, *((normal(g, *shape), normal(g, *shape)) for shape in ((1, 3), (3, 1), (4, 3)))]
