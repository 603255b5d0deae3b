"""Train every shipped model again from MNIST and write weights, codes and manifest.

    python -m vae_helpers.pretrained [NAME ...] [--into FOLDER]

About a quarter of an hour on two cores. Ends with a table of the test figures, now and in the manifest that
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
from ..models import as_pixels
from ..training import evaluate, fit
from . import BETA_SNAPSHOTS, FOLDER, load_pretrained

TRAINING = {"epochs": 30, "batch_size": 200, "lr": 3e-3, "schedule": "one_cycle", "seed": 0}
WIDTHS = {"latent": 2, "hidden": 512}
RECIPES = {"autoencoder": {"model": "Autoencoder", "beta": 0}} | {
    name: {"model": "VAE", "beta": beta} for beta, name in BETA_SNAPSHOTS.items()
}


def train(name, digits, folder):
    """Train one model, write its weights and codes into ``folder`` and return its entry of the manifest."""
    recipe = RECIPES[name]
    torch.manual_seed(TRAINING["seed"])
    model = getattr(models, recipe["model"])(**WIDTHS)
    history = fit(model, digits.train_images, beta=recipe["beta"], progress=sys.stderr.isatty(), **TRAINING)
    sha256 = _write(folder / f"{name}.safetensors", model.state_dict())
    model.load_state_dict({key: tensor.half().float() for key, tensor in model.state_dict().items()})
    mu, log_var = _codes(model, digits.test_images)
    codes = {"mu": mu, "labels": torch.tensor(digits.test_labels)} | ({} if log_var is None else {"log_var": log_var})
    test = evaluate(model, digits.test_images)
    return recipe | {
        "widths": WIDTHS,
        "training": TRAINING | {"data": f"{digits.name}, {len(digits.train_images)} grey images"},
        "seconds": round(history.seconds[-1]),
        "test": {part: round(getattr(test, part), 3) for part in ("loss", "recon", "kl", "standard_error")},
        "sha256": sha256,
        "codes_sha256": _write(folder / f"{name}.codes.safetensors", codes),
    }


@torch.no_grad()
def _codes(model, images):
    return model.encode(as_pixels(images))


def _write(path, tensors):
    """Write floats as 16-bit floats and return the file's SHA-256."""
    content = save({key: tensor.half() if tensor.is_floating_point() else tensor for key, tensor in tensors.items()})
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def _objective(test, beta):
    return test["recon"] + beta * test["kl"]


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
    shipped = FOLDER / "manifest.json"
    before = json.loads(shipped.read_text(encoding="utf-8")) if shipped.exists() else {}
    target = arguments.into / "manifest.json"
    manifest = json.loads(target.read_text(encoding="utf-8")) if target.exists() else {}
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
