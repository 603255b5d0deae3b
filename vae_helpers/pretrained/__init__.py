"""Weights that ship with the course, so that no notebook waits for another one's training.

Each model is a safetensors file (16-bit floats); ``manifest.json`` says how it was trained, what it reaches
on MNIST's test set and what its file's SHA-256 is. ``python -m vae_helpers.pretrained`` trains all of them again.
"""

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError
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
KINDS = ("Autoencoder", "VAE", "DeepVAE", "ConditionalVAE", "LinearVAE")


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
    ``DeepVAE``, trained on dynamically binarized pixels). Raises ``DataError`` for an unknown name, and for a file that
    is missing, damaged, of another architecture or not of numbers.
    """
    known = recipe(name, folder)
    kind, widths = known["model"], known["widths"]
    try:
        model = getattr(models, kind)(**widths)
    except (TypeError, RuntimeError) as error:
        raise _damaged(Path(folder) / "manifest.json", f"the widths of a {kind}", f"{widths} ({error})") from error
    path, tensors = _read(folder, name, known["sha256"])
    _check(path, tensors, _shapes(model.state_dict()))
    model.load_state_dict(tensors)
    return model.eval()


def load_codes(name="vae", folder=FOLDER):
    """``Codes`` of MNIST's test set under the shipped model ``name`` (``log_var`` is None for the autoencoder).

    Shipped for "vae", "autoencoder", "conditional" and the models of ``BETA_SNAPSHOTS``. Raises ``DataError`` as
    ``load_pretrained`` does, and for a model without shipped codes.
    """
    known = recipe(name, folder)
    if "codes_sha256" not in known:
        raise DataError(f"no codes of {name!r} are shipped: load_pretrained({name!r}).encode(x) computes them")
    path, tensors = _read(folder, f"{name}.codes", known["codes_sha256"])
    n = tensors["labels"].numel() if "labels" in tensors else 10_000
    shapes = {"mu": (n, 2), "log_var": (n, 2), "labels": (n,)}
    if known["model"] == "Autoencoder":
        del shapes["log_var"]
    _check(path, tensors, shapes)
    return Codes(tensors["mu"], tensors.get("log_var"), tensors["labels"].long())


def recipe(name="vae", folder=FOLDER):
    """What the manifest says of the shipped model ``name``: its widths, training and ``test`` figures (nats per image).

    Raises ``DataError`` for an unknown name, and for a manifest that is missing or damaged.
    """
    path = Path(folder) / "manifest.json"
    try:
        manifest = json.loads(_content(path))
    except (ValueError, RecursionError) as error:
        raise _damaged(path, "a list of models in JSON", f"something else ({error})") from error
    if not isinstance(manifest, dict) or not manifest:
        raise _damaged(path, "a list of models by name", repr(manifest)[:20])
    if not isinstance(name, str) or name not in manifest:
        raise DataError(f"expected the name of a shipped model ({', '.join(manifest)}), found {name!r}")
    entry = manifest[name]
    if not _is_whole(entry):
        whole = f"model (one of {', '.join(KINDS)}), widths, sha256, beta, training and test figures of {name!r}"
        raise _damaged(path, whole, entry)
    return entry


def _is_whole(entry):
    kinds = {"model": str, "widths": dict, "sha256": str, "beta": int | float, "training": dict, "test": dict}
    return (
        isinstance(entry, dict)
        and all(isinstance(entry.get(key), kind) for key, kind in kinds.items())
        and entry["model"] in KINDS
        and {"loss", "recon", "kl", "standard_error"} <= set(entry["test"])
    )


def _read(folder, name, sha256):
    """The path of a file and its tensors as 32-bit floats."""
    path = Path(folder) / f"{name}.safetensors"
    content = _content(path)
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise _damaged(path, f"a file with SHA-256 {sha256}", found)
    try:
        tensors = load(content)
    except (SafetensorError, KeyError) as error:  # KeyError: a kind of number that torch does not have
        raise _damaged(path, "tensors as safetensors writes them", f"something else ({error})") from error
    return path, {key: tensor.float() for key, tensor in tensors.items()}


def _content(path):
    if not path.is_file():
        raise _damaged(path, "this file", "none")
    return path.read_bytes()


def _shapes(tensors):
    return {key: tuple(tensor.shape) for key, tensor in tensors.items()}


def _check(path, tensors, shapes):
    """Raise ``DataError`` unless the tensors have these names and shapes, and no others, and hold finite numbers."""
    found = _shapes(tensors)
    for key in sorted(shapes.keys() | found.keys()):
        if found.get(key) != shapes.get(key):
            raise _damaged(path, f"{key} of shape {shapes.get(key, 'none')}", found.get(key, "none"))
        wrong = (~tensors[key].isfinite()).sum()
        if wrong:
            raise _damaged(path, f"finite numbers in {key}", f"{wrong} that are infinite or not a number")


def _damaged(path, expected, found):
    return DataError(
        f"{path}: expected {expected}, found {found}. "
        "Restore it with 'git checkout vae_helpers/pretrained' or train it with 'python -m vae_helpers.pretrained'."
    )
