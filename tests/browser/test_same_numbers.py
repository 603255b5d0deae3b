"""What the page computes is what Python computes: marks, read-outs and decoded images."""

import json
import math

import numpy as np
import pytest
import torch
from torch import nn

import vae_helpers as vh
from vae_helpers.explorers.base import number

from .conftest import save, wait_until_drawn

NUMBERS = 1e-4  # largest difference, relative or absolute
GREY = 1 / 255


def settings(explorer, n=25):
    """``n`` random settings of all controls, then each control at its ends (or options) and halfway between steps."""
    random = np.random.default_rng(0)

    def draw(control):
        if "options" in control:
            return control["options"][random.integers(len(control["options"]))]
        low, high, step = control["low"], control["high"], control["step"]
        if isinstance(step, int):
            return int(random.integers(low, high + 1))
        on_a_step = min(low + step * random.integers(round((high - low) / step) + 1), high)
        return float(random.choice([on_a_step, random.uniform(low, high)]))

    chosen = [{name: draw(control) for name, control in explorer.controls.items()} for _ in range(n)]
    for name, control in explorer.controls.items():
        special = control.get("options") or [control["low"], control["high"]]
        if isinstance(control.get("step"), float):
            middle = control["low"] + control["step"] * round((control["high"] - control["low"]) / control["step"] / 2)
            special += [middle, middle + control["step"] / 2, middle + 1.5 * control["step"]]
        chosen += [chosen[0] | {name: value} for value in special]
    return chosen


def plain(value):
    """What Python computed, as JSON would have it."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def assert_same_mark(ours, theirs, where):
    assert ours.keys() == theirs.keys(), where
    for key, value in ours.items():
        if key == "pixels":
            assert_same_picture(ours, theirs, where)
        elif isinstance(value, str | bool):
            assert theirs[key] == value, f"{where}, {key}"
        else:
            np.testing.assert_allclose(theirs[key], plain(value), rtol=NUMBERS, atol=NUMBERS, err_msg=f"{where}, {key}")


def assert_same_picture(ours, theirs, where):
    pixels, theirs = np.ravel(ours["pixels"]), np.array(theirs["pixels"], dtype=float)
    top = 255 if pixels.dtype == np.uint8 else 1
    assert pixels.shape == theirs.shape, where
    different = np.abs(pixels.astype(float) - theirs) > top * GREY
    # A sample's pixel is black where a uniform number is below the mean: rounding may decide one that is equal to it.
    allowed = 1 if np.isin(pixels, [0, 1]).all() and top == 1 else 0
    assert different.sum() <= allowed, f"{where}: {different.sum()} pixels differ"


def test_marks_and_readouts(explorer, new_page, tmp_path):
    page = new_page(bypass_csp=True)
    page.goto(save(explorer, tmp_path / "page.html", expose=True).as_uri())
    for values in settings(explorer):
        theirs = json.loads(
            page.evaluate(
                """(values) => JSON.stringify(EXPLORERS[data.explorer](values, data),
                   (key, value) => ArrayBuffer.isView(value) ? Array.from(value) : value)""",
                values,
            )
        )
        marks, readout = explorer.update(**values)
        assert theirs["readout"] == readout, values
        assert len(theirs["marks"]) == len(marks) == len(explorer.panels)
        for i, (ours, found) in enumerate(zip(marks, theirs["marks"], strict=True)):
            for j, (mark, other) in enumerate(zip(ours, found, strict=True)):
                assert_same_mark(mark, other, f"{values}, panel {i}, mark {j} ({mark['type']})")


def test_numbers_are_written_alike(explorers, new_page, tmp_path):
    page = new_page(bypass_csp=True)
    page.goto(save(explorers["BaselineExplorer"], tmp_path / "page.html", expose=True).as_uri())
    numbers = [0, -0.0, -0.001, 0.004, -1.005, 2.675, 99.995, 1e-9, -12.3456, 1234.5, 0.1 + 0.2]
    numbers += np.random.default_rng(0).normal(0, 3, 200).tolist()
    for digits in (0, 1, 2, 3, 4):
        theirs = page.evaluate("([numbers, digits]) => numbers.map((x) => number(x, digits))", [numbers, digits])
        assert theirs == [number(x, digits) for x in numbers]


class TanhVAE(vh.VAE):
    """A small network of other activations, freshly initialised."""

    def __init__(self):
        super().__init__()
        self.decoder = nn.Sequential(nn.Linear(2, 40), nn.Tanh(), nn.Linear(40, 30), nn.Softplus(), nn.Linear(30, 784))


def linear_vae():
    """Gaussian pixels around a ramp from 0 to 1, so that some images leave [0, 1] and are cut."""
    model = vh.LinearVAE()
    with torch.no_grad():
        model.decoder.bias.copy_(torch.linspace(0, 1, 784))
    return model


MODELS = {
    "VAE": lambda: vh.load_pretrained("vae"),
    "autoencoder": lambda: vh.load_pretrained("autoencoder"),
    "tanh": TanhVAE,
    "linear": linear_vae,
}

# The image as it is seen: both canvases of the second panel on white, read in the middle of its 28 × 28 squares.
SEEN = """async (points) => {
  const canvases = [...document.querySelectorAll(".box")[1].querySelectorAll("canvas")], [{ width, height }] = canvases;
  const sheet = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  const images = [];
  for (const [z1, z2] of points) {
    model.set("z1", z1);
    model.set("z2", z2);
    await new Promise(requestAnimationFrame); // the explorer asked for its frame first
    sheet.fillStyle = "white";
    sheet.fillRect(0, 0, width, height);
    for (const canvas of canvases) sheet.drawImage(canvas, 0, 0);
    const { data } = sheet.getImageData(0, 0, width, height);
    const middle = (i, length) => Math.floor(((i + 0.5) * length) / 28);
    const at = (row, column) => data[4 * (middle(row, height) * width + middle(column, width))];
    images.push(Array.from({ length: 784 }, (_, i) => at(Math.floor(i / 28), i % 28)));
  }
  return images;
}"""


@pytest.mark.parametrize("name", MODELS)
def test_the_image_on_the_canvas_is_torchs(name, new_page, tmp_path):
    torch.manual_seed(0)
    model = MODELS[name]()
    codes = torch.randn(100, 2)
    explorer = vh.LatentExplorer(model, codes, torch.arange(100) % 10)
    z = (2 * torch.rand(200, 2) - 1) * explorer.controls["z1"]["high"]
    with torch.no_grad():
        output = model.decode(z)
    expected = torch.sigmoid(output) if model.noise_log_var is None else output.clamp(0, 1)
    page = new_page(bypass_csp=True)
    page.goto(save(explorer, tmp_path / "page.html", expose=True).as_uri())
    wait_until_drawn(page.locator(".vae-explorer:not(h1)"))
    seen = 1 - np.array(page.evaluate(SEEN, z.tolist())) / 255  # ink is dark
    assert np.ptp(seen) > 0.2 and math.isfinite(seen.sum())
    assert np.abs(seen - expected.numpy()).max() <= GREY
