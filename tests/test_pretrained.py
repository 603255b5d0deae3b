"""The shipped weights: whole, as good as the manifest says, and what their training command writes."""

import json
import shutil

import pytest
import torch
from test_objectives import exact_elbo
from test_training import eigenvalues_of, exact_maximum

import vae_helpers as vh
from vae_helpers import pretrained
from vae_helpers.pretrained import __main__ as command

MANIFEST = json.loads((pretrained.FOLDER / "manifest.json").read_text(encoding="utf-8"))
WITH_CODES = [name for name in MANIFEST if command.has_codes(name)]


def test_all_files_of_the_course_take_less_than_30_megabytes():
    root = pretrained.FOLDER.parents[1]
    parts = [path for name in ("notebooks", "vae_helpers", "tests") for path in (root / name).rglob("*.*")]
    assert sum(path.stat().st_size for path in parts if "__pycache__" not in path.parts) < 30e6


def test_every_recipe_is_shipped_and_nothing_else():
    files = {path.name for path in pretrained.FOLDER.glob("*.safetensors")}
    assert set(MANIFEST) == set(command.RECIPES)
    assert files == {f"{name}.safetensors" for name in MANIFEST} | {f"{name}.codes.safetensors" for name in WITH_CODES}
    assert len(vh.BETA_SNAPSHOTS) >= 7
    for beta, name in vh.BETA_SNAPSHOTS.items():
        assert MANIFEST[name]["beta"] == beta


def as_measured(name, digits):
    """The test images as the manifest's figures were measured on them, and what the model is told beside them."""
    x = vh.as_pixels(digits.test_images)
    if MANIFEST[name]["training"].get("dynamic_binarization"):
        x = vh.binarize(x, torch.Generator().manual_seed(0))
    return x, {"labels": digits.test_labels} if MANIFEST[name]["model"] == "ConditionalVAE" else {}


@pytest.mark.parametrize("name", MANIFEST)
def test_weights_reach_the_figures_of_the_manifest(name, digits):
    if digits.name != "MNIST":
        pytest.skip("MNIST is not at hand")
    x, told = as_measured(name, digits)
    now, shipped = vh.evaluate(vh.load_pretrained(name), x, **told), MANIFEST[name]["test"]
    for part in ("loss", "recon", "kl"):
        assert getattr(now, part) == pytest.approx(shipped[part], abs=0.05)


def test_all_were_trained_on_the_training_images_only():
    grey = {name: "MNIST, 60000 grey images" for name in MANIFEST}
    data = {name: entry["training"]["data"] for name, entry in MANIFEST.items()}
    assert data == grey | {"deep": "MNIST, 60000 binarized images"}


def test_deep_model_comes_near_the_published_row():
    """Burda et al. 2016, table 1: 86.76 nats for this network with other settings; see notebook 08."""
    measured = MANIFEST["deep"]["importance_weighted"]
    assert measured["n"] == 10_000 and measured["k"] == 1000
    assert measured["loss"] <= 95 and measured["standard_error"] < 0.5
    assert measured["loss"] < MANIFEST["deep"]["test"]["loss"]


def test_importance_weighted_figure_repeats_on_a_part(digits):
    if digits.name != "MNIST":
        pytest.skip("MNIST is not at hand")
    x, model = as_measured("deep", digits)[0][:500], vh.load_pretrained("deep")
    few = command._importance_weighted(model, x, 50)
    elbo = vh.evaluate(model, x).loss
    assert few["n"] == 500 and elbo - 6 < few["loss"] < elbo  # fifty draws are worth some nats, and never a loss


def test_more_dimensions_do_no_harm():
    losses = [MANIFEST[name]["test"]["loss"] for name in ("vae", "latent_5", "latent_10", "latent_20")]
    assert losses == sorted(losses, reverse=True)
    assert MANIFEST["latent_50"]["test"]["loss"] < MANIFEST["latent_20"]["test"]["loss"] + 1


def test_linear_models_stand_just_below_their_exact_maximum(digits):
    if digits.name != "MNIST":
        pytest.skip("MNIST is not at hand")
    eigenvalues = eigenvalues_of(digits.train_images)
    for latent, best in zip((1, 2, 5, 10), (-17.0145, 12.4277, 90.6986, 182.1547), strict=True):
        assert best == pytest.approx(exact_maximum(eigenvalues, latent), abs=1e-4)
        model = vh.load_pretrained(f"linear_{latent}").double()
        parts = torch.as_tensor(digits.train_images.copy()).split(10_000)
        with torch.no_grad():
            reached = sum(exact_elbo(model, vh.as_pixels(part).double()).sum().item() for part in parts) / 60_000
        print(f"{latent} dimensions: exact maximum {best:.4f}, reached {reached:.4f}")
        assert best - 0.1 < reached <= best


def test_reference_is_as_good_as_promised():
    assert MANIFEST["vae"]["test"]["loss"] <= 151.5


@pytest.mark.parametrize("name", WITH_CODES)
def test_codes_are_those_of_the_model(name, digits):
    codes = vh.load_codes(name)
    assert codes.mu.shape == (10_000, 2) and codes.labels.shape == (10_000,)
    assert (codes.log_var is None) == (name == "autoencoder")
    if digits.name == "MNIST":
        x, told = as_measured(name, digits)
        mu, _ = vh.load_pretrained(name).encode(x, *map(torch.tensor, told.values()))
        torch.testing.assert_close(codes.mu, mu.detach(), rtol=2e-3, atol=2e-3)
        assert codes.labels.tolist() == digits.test_labels.tolist()


def test_codes_that_are_not_shipped_are_named():
    with pytest.raises(vh.DataError, match="no codes of 'deep'.*encode"):
        vh.load_codes("deep")


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
