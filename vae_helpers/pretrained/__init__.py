"""Weights that ship with the course, so that no notebook waits for another one's training.

Each model is a safetensors file (16-bit floats); ``manifest.json`` says how it was trained, what it reaches
on MNIST's test set and what its file's SHA-256 is. ``python -m vae_helpers.pretrained`` trains all of them again.
"""

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import load

from .. import models
from ..data import DataError

FOLDER = Path(__file__).parent
BETA_SNAPSHOTS = {
    0: "reconstruction_only",
    0.1: "beta_0.1",
    0.3: "beta_0.3",
    1: "vae",
    3: "beta_3",
    10: "beta_10",
    30: "beta_30",
    1000: "kl_only",
}


class Codes(NamedTuple):
    """Encodings of MNIST's 10,000 test images: ``mu``, ``log_var`` (10000, 2), ``labels`` (10000,)."""

    mu: torch.Tensor
    log_var: torch.Tensor | None
    labels: torch.Tensor


def load_pretrained(name="vae", folder=FOLDER):
    """The trained model ``name`` in evaluation mode.

    Names: "vae" (the reference, 784–512–2–512–784), "autoencoder"; those of ``BETA_SNAPSHOTS``, which maps each beta
    to its model; "conditional" (a ``ConditionalVAE``); "latent_5", "latent_10", "latent_20", "latent_50" (the reference
    with so many latent dimensions); "linear_1", "linear_2", "linear_5", "linear_10" (``LinearVAE``s); "deep" (a
    ``DeepVAE``, trained on dynamically binarized pixels). Raises ``DataError`` for an unknown name and a missing or
    damaged file.
    """
    known = recipe(name, folder)
    model = getattr(models, known["model"])(**known["widths"])
    model.load_state_dict(_read(folder, name, known["sha256"]))
    return model.eval()


def load_codes(name="vae", folder=FOLDER):
    """``Codes`` of MNIST's test set under the shipped model ``name`` (``log_var`` is None for the autoencoder).

    Shipped for "vae", "autoencoder", "conditional" and the models of ``BETA_SNAPSHOTS``. Raises ``DataError`` as
    ``load_pretrained`` does, and for a model without shipped codes.
    """
    known = recipe(name, folder)
    if "codes_sha256" not in known:
        raise DataError(f"no codes of {name!r} are shipped: load_pretrained({name!r}).encode(x) computes them")
    tensors = _read(folder, f"{name}.codes", known["codes_sha256"])
    return Codes(tensors["mu"], tensors.get("log_var"), tensors["labels"].long())


def recipe(name="vae", folder=FOLDER):
    """What the manifest says of the shipped model ``name``: its widths, training and ``test`` figures (nats per image).

    Raises ``DataError`` for an unknown name.
    """
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    if name not in manifest:
        raise DataError(f"expected the name of a shipped model ({', '.join(manifest)}), found {name!r}")
    return manifest[name]


def _read(folder, name, sha256):
    path = folder / f"{name}.safetensors"
    advice = (
        "Restore it with 'git checkout vae_helpers/pretrained' or train it with 'python -m vae_helpers.pretrained'."
    )
    if not path.is_file():
        raise DataError(f"{path}: expected this file, found none. {advice}")
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise DataError(f"{path}: expected a file with SHA-256 {sha256}, found {found}. {advice}")
    return {key: tensor.float() for key, tensor in load(content).items()}
