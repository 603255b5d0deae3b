"""The shipped weights: whole, as good as the manifest says, and what their training command writes."""

import json
import shutil

import pytest
import torch

import vae_helpers as vh
from vae_helpers import pretrained
from vae_helpers.pretrained import __main__ as command

MANIFEST = json.loads((pretrained.FOLDER / "manifest.json").read_text(encoding="utf-8"))


def test_every_recipe_is_shipped_and_nothing_else():
    files = {path.name for path in pretrained.FOLDER.glob("*.safetensors")}
    assert set(MANIFEST) == set(command.RECIPES)
    assert files == {f"{name}{kind}.safetensors" for name in MANIFEST for kind in ("", ".codes")}
    assert sum(path.stat().st_size for path in pretrained.FOLDER.iterdir() if path.is_file()) < 20e6
    assert len(vh.BETA_SNAPSHOTS) >= 7
    for beta, name in vh.BETA_SNAPSHOTS.items():
        assert MANIFEST[name]["beta"] == beta


@pytest.mark.parametrize("name", MANIFEST)
def test_weights_reach_the_figures_of_the_manifest(name, digits):
    if digits.name != "MNIST":
        pytest.skip("MNIST is not at hand")
    now, shipped = vh.evaluate(vh.load_pretrained(name), digits.test_images), MANIFEST[name]["test"]
    for part in ("loss", "recon", "kl"):
        assert getattr(now, part) == pytest.approx(shipped[part], abs=0.05)


def test_all_were_trained_on_the_training_images_only():
    assert {entry["training"]["data"] for entry in MANIFEST.values()} == {"MNIST, 60000 grey images"}


def test_reference_is_as_good_as_promised():
    assert MANIFEST["vae"]["test"]["loss"] <= 151.5


@pytest.mark.parametrize("name", MANIFEST)
def test_codes_are_those_of_the_model(name, digits):
    codes = vh.load_codes(name)
    assert codes.mu.shape == (10_000, 2) and codes.labels.shape == (10_000,)
    assert (codes.log_var is None) == (name == "autoencoder")
    if digits.name == "MNIST":
        mu, _ = vh.load_pretrained(name).encode(vh.as_pixels(digits.test_images))
        torch.testing.assert_close(codes.mu, mu.detach(), rtol=2e-3, atol=2e-3)
        assert codes.labels.tolist() == digits.test_labels.tolist()


def test_unknown_name_says_which_there_are():
    with pytest.raises(vh.DataError, match="autoencoder.*found 'vea'"):
        vh.load_pretrained("vea")


@pytest.mark.parametrize("damage", ["truncated", "missing", "flipped"])
def test_damaged_weights_are_named(damage, tmp_path):
    folder = tmp_path / "weights"
    folder.mkdir()
    for name in ("vae.safetensors", "manifest.json"):
        shutil.copy(pretrained.FOLDER / name, folder)
    path = folder / "vae.safetensors"
    if damage == "missing":
        path.unlink()
    else:
        content = bytearray(path.read_bytes())
        content[5000] ^= 1
        path.write_bytes(content[:-100] if damage == "truncated" else content)
    with pytest.raises(vh.DataError, match="vae.safetensors: expected .*found .*git checkout"):
        vh.load_pretrained("vae", folder)


def test_training_command_writes_what_it_says(digits, tmp_path, monkeypatch):
    monkeypatch.setattr(command, "TRAINING", command.TRAINING | {"epochs": 1})
    small = vh.Digits(
        digits.train_images[:1000], digits.train_labels[:1000], digits.test_images[:100], digits.test_labels[:100], "x"
    )
    entry = command.train("vae", small, tmp_path)
    (tmp_path / "manifest.json").write_text(json.dumps({"vae": entry}))
    model = vh.load_pretrained("vae", tmp_path)
    assert vh.evaluate(model, small.test_images).loss == pytest.approx(entry["test"]["loss"], abs=1e-3)
    mu, log_var, labels = vh.load_codes("vae", tmp_path)
    assert mu.shape == log_var.shape == (100, 2) and labels.tolist() == small.test_labels.tolist()
    assert entry["training"]["seed"] == 0 and entry["training"]["epochs"] == 1
