"""Train every shipped model again from MNIST and write weights, codes and manifest.

    python -m vae_helpers.pretrained [NAME ...] [--into FOLDER]

About an hour on two cores, half of it for "deep". Ends with a table of the test figures, now and in the manifest that
was there before, and with exit code 1 when the objective of a model, reconstruction + beta · KL, moved by
more than 1 nat.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save

from .. import models
from ..data import load_mnist
from ..models import as_pixels, binarize
from ..objectives import importance_weighted_bound
from ..training import evaluate, fit
from . import BETA_SNAPSHOTS, FOLDER, load_pretrained

TRAINING = {"epochs": 30, "batch_size": 200, "lr": 3e-3, "schedule": "one_cycle", "seed": 0}
LINEAR = {"epochs": 60, "batch_size": 250, "lr": 1e-2}
RECIPES = {  # what is not said is a plain VAE with beta = 1 and two latent dimensions, trained as above
    "autoencoder": {"model": "Autoencoder", "beta": 0},
    **{name: {"beta": beta} for beta, name in BETA_SNAPSHOTS.items()},
    "conditional": {"model": "ConditionalVAE"},
    **{f"latent_{latent}": {"latent": latent} for latent in (5, 10, 20, 50)},
    **{f"linear_{latent}": {"model": "LinearVAE", "latent": latent, "training": LINEAR} for latent in (1, 2, 5, 10)},
    "deep": {
        "model": "DeepVAE",
        "latent": 50,
        "training": {"epochs": 800, "lr": 2e-3, "dynamic_binarization": True},
        "k": 1000,
    },
}


def train(name, digits, folder):
    """Train one model, write its weights and, of a plane, its codes into ``folder``; return its manifest entry."""
    recipe = {"model": "VAE", "beta": 1, "latent": 2} | RECIPES[name]
    training, k = TRAINING | recipe.pop("training", {}), recipe.pop("k", None)
    kind, beta, widths = getattr(models, recipe["model"]), recipe["beta"], {"latent": recipe.pop("latent")}
    torch.manual_seed(training["seed"])
    model = kind(**widths)
    told, told_test = {}, {}
    if kind is models.ConditionalVAE:
        told, told_test = {"labels": digits.train_labels}, {"labels": digits.test_labels}
    history = fit(model, digits.train_images, beta=beta, progress=sys.stderr.isatty(), **told, **training)
    entry = {"sha256": _write(folder / f"{name}.safetensors", model.state_dict())}
    model.load_state_dict({key: tensor.half().float() for key, tensor in model.state_dict().items()})
    pixels = "grey"
    test_images = as_pixels(digits.test_images)
    if training.get("dynamic_binarization"):
        pixels, test_images = "binarized", binarize(test_images, torch.Generator().manual_seed(0))
    test = evaluate(model, test_images, **told_test)
    if k:
        entry["importance_weighted"] = _importance_weighted(model, test_images, k)
    if has_codes(name):
        entry["codes_sha256"] = _write(folder / f"{name}.codes.safetensors", _codes(model, digits, told_test))
    return entry | {
        **recipe,
        "widths": widths,
        "training": training | {"data": f"{digits.name}, {len(digits.train_images)} {pixels} images"},
        "seconds": round(history.seconds[-1]),
        "test": {part: round(getattr(test, part), 3) for part in ("loss", "recon", "kl", "standard_error")},
    }


def _importance_weighted(model, x, k):
    """The importance-weighted estimate of −log p(x) with ``k`` draws an image, on all of ``x``, by one fixed seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        bounds = torch.cat([importance_weighted_bound(model, part, k) for part in x.split(100)]).double()
    error = bounds.std().item() / len(x) ** 0.5
    return {"k": k, "loss": round(-bounds.mean().item(), 3), "standard_error": round(error, 3), "n": len(x)}


def has_codes(name):
    """Whether the model's codes are shipped too: those of the planes that explorers draw."""
    return "latent" not in RECIPES[name]


@torch.no_grad()
def _codes(model, digits, told):
    mu, log_var = model.encode(as_pixels(digits.test_images), *map(torch.tensor, told.values()))
    codes = {"mu": mu, "labels": torch.tensor(digits.test_labels)}
    return codes if log_var is None else codes | {"log_var": log_var}


def _write(path, tensors):
    """Write floats as 16-bit floats and return the file's SHA-256."""
    content = save({key: tensor.half() if tensor.is_floating_point() else tensor for key, tensor in tensors.items()})
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def _objective(test, beta):
    return test["recon"] + beta * test["kl"]


def _entries(path):
    """What a manifest holds: nothing where it is missing or damaged, which this command mends."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(RECIPES)}; all when none is given")
    parser.add_argument("--into", type=Path, default=FOLDER, help="folder to write to (the package's own)")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(RECIPES)
    if unknown:
        parser.error(f"unknown model {', '.join(unknown)}: expected names of {', '.join(RECIPES)}")
    digits = load_mnist()
    if digits.name != "MNIST":
        sys.exit(f"expected MNIST, found {digits.name}: the shipped models are trained on MNIST only")
    arguments.into.mkdir(parents=True, exist_ok=True)
    before, target = _entries(FOLDER / "manifest.json"), arguments.into / "manifest.json"
    manifest = _entries(target)
    moved = False
    print(f"{'model':20} {'beta':>5} {'test −ELBO':>10} {'recon':>8} {'KL':>7} {'before':>8} {'seconds':>7}")
    for name in arguments.names or RECIPES:
        manifest[name] = entry = train(name, digits, arguments.into)
        target.write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        load_pretrained(name, arguments.into)
        test, old = entry["test"], before.get(name, {}).get("test")
        moved |= old is not None and abs(_objective(test, entry["beta"]) - _objective(old, entry["beta"])) > 1
        was = f"{old['loss']:8.2f}" if old else f"{'—':>8}"
        figures = f"{test['loss']:10.2f} {test['recon']:8.2f} {test['kl']:7.2f} {was}"
        print(f"{name:20} {entry['beta']:5} {figures} {entry['seconds']:7}", flush=True)
    sys.exit(1 if moved else 0)


if __name__ == "__main__":
    main()
