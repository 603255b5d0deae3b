"""Explorers, from Python: what they compute, what they send to the page, what they refuse before anything is drawn.

What the page does with it is tested in a real browser, in ``tests/browser``.
"""

import json
import re
import warnings

import numpy as np
import pytest
import torch
from torch import nn

import vae_helpers as vh
from vae_helpers.explorers import base
from vae_helpers.explorers.latent import Decoder


@pytest.fixture(scope="module")
def codes():
    return vh.load_codes("vae")


@pytest.fixture(scope="module")
def explorers(explorers):
    """One of each kind, and the latent explorer of an autoencoder too."""
    autoencoder = vh.LatentExplorer(vh.load_pretrained("autoencoder"), *vh.load_codes("autoencoder")[::2])
    return [autoencoder, *explorers.values()]


def latent(model=None, n=50, codes=None, labels=None, **more):
    """A LatentExplorer of a fresh network, with what the test wants to be wrong."""
    codes = torch.randn(n, 2) if codes is None else codes
    labels = torch.arange(n) % 10 if labels is None else labels
    return vh.LatentExplorer(model or vh.VAE(), codes, labels, **more)


def settings(control):
    """Values over a control's whole range."""
    if "options" in control:
        return control["options"]
    kind = int if isinstance(control["step"], int) else float
    return [kind(value) for value in np.linspace(control["low"], control["high"], 7)]


def same(a, b):
    """Whether two lists of marks draw the same."""
    return repr(base.packed(a, bytes.hex)) == repr(base.packed(b, bytes.hex))


def test_every_kind_is_tested(explorers):
    kinds = {getattr(vh, name) for name in vh.__all__ if name.endswith("Explorer")} - {vh.Explorer}
    assert {kind.__name__ for kind in kinds} == {type(explorer).__name__ for explorer in explorers}


def test_every_control_changes_the_picture_over_its_whole_range(explorers):
    for explorer in explorers:
        start = explorer.values
        for name, control in explorer.controls.items():
            pictures = []
            for value in settings(control):
                explorer.at(**start | {name: value})
                marks, readout = explorer.update(**explorer.values)
                assert readout == explorer.readout and "nan" not in readout
                assert len(marks) == len(explorer.panels)
                pictures += [marks] if not any(same(marks, other) for other in pictures) else []
            assert len(pictures) >= min(4, len(settings(control))), (type(explorer).__name__, name)
        explorer.at(**start)


def test_still_picture_shows_every_mark(explorers):
    for explorer in explorers:
        fig = explorer.at()
        assert len(fig.axes) == len(explorer.panels)
        marks, _ = explorer.update(**explorer.values)
        for ax, panel, moving in zip(fig.axes, explorer.panels, marks, strict=True):
            drawn = panel["marks"] + moving
            assert len(ax.texts) == sum(mark["type"] == "text" for mark in drawn)
            assert len(ax.lines) == sum(mark["type"] == "curve" for mark in drawn)
            assert len(ax.images) == sum(mark["type"] == "picture" for mark in drawn)
            assert ax.get_xlim() == tuple(panel["xlim"]) and ax.get_ylim() == tuple(panel["ylim"])
        with pytest.raises(ValueError, match="expected controls named"):
            explorer.at(nonsense=1)


@pytest.mark.parametrize("name", ["vae", "autoencoder"])
def test_decoder_is_torchs_on_shipped_weights(name):
    model, z = vh.load_pretrained(name), 2 * torch.randn(200, 2)
    with torch.no_grad():
        expected = torch.sigmoid(model.decode(z)).numpy()
    np.testing.assert_allclose(Decoder(model).mean(z.numpy()), expected, atol=1e-5)


@pytest.mark.parametrize("activation", [nn.ReLU, nn.Tanh, nn.Sigmoid, nn.Softplus, nn.Identity])
def test_decoder_runs_the_activations_it_names(activation):
    model = vh.VAE()
    model.decoder = nn.Sequential(nn.Linear(2, 30), activation(), nn.Linear(30, 20), activation(), nn.Linear(20, 784))
    z = torch.randn(50, 2)
    with torch.no_grad():
        expected = torch.sigmoid(model.decode(z)).numpy()
    np.testing.assert_allclose(Decoder(model).mean(z.numpy()), expected, atol=1 / 255)


def test_linear_vae_shows_its_mean_cut_to_the_range_of_a_pixel():
    model, z = vh.LinearVAE(), 8 * torch.rand(50, 2) - 4
    with torch.no_grad():
        expected = model.decode(z).clamp(0, 1).numpy()
    np.testing.assert_allclose(Decoder(model).mean(z.numpy()), expected, atol=1 / 255)


def test_weights_too_large_for_16_bits_are_sent_in_32():
    small, large = Decoder(vh.VAE()), Decoder(with_weight(1e6))
    assert {layer["weight"].dtype.name for layer in small.layers} == {"float16"}
    assert {layer["weight"].dtype.name for layer in large.layers} == {"float32"}


class Twice(vh.VAE):
    def decode(self, z):
        return self.decoder(2 * z)


def with_decoder(*layers):
    model = vh.VAE()
    model.decoder = nn.Sequential(*layers)
    return model


def with_weight(value):
    model = vh.VAE()
    with torch.no_grad():
        model.decoder[0].weight[3, 1] = value
    return model


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": with_decoder(nn.Linear(2, 8), nn.Dropout(), nn.Linear(8, 784))}, "found Dropout.*no other layer"),
        ({"model": with_decoder(nn.Linear(2, 49), nn.Unflatten(1, (1, 7, 7)))}, "found Unflatten"),
        ({"model": with_decoder(nn.ReLU(), nn.Linear(2, 784))}, "found ReLU"),
        ({"model": with_decoder(nn.Linear(2, 100))}, "784 pixels, found 2 to 100"),
        ({"model": vh.VAE(latent=10)}, "found 10 to 784; a plane has two dimensions"),
        ({"model": Twice()}, r"expected model.decode\(z\) to be model.decoder\(z\) and no more"),
        ({"model": with_weight(float("nan"))}, "expected finite weights.*did the training diverge"),
        ({"codes": torch.randn(40, 2)}, "one label for each code, found 40 codes and 50 labels"),
        ({"codes": torch.randn(50, 3)}, r"codes \(n, 2\).*found shape \(50, 3\)"),
        ({"codes": torch.zeros(0, 2), "labels": torch.zeros(0)}, r"codes \(n, 2\)"),
        ({"codes": torch.full((50, 2), float("inf"))}, "finite codes"),
        ({"labels": torch.arange(50)}, "labels from 0 to 9, found 0 to 49"),
        ({"model": vh.LinearVAE(), "sample": True}, "Bernoulli pixels"),
    ],
)
def test_latent_explorer_refuses_before_anything_is_drawn(arguments, message):
    torch.manual_seed(0)
    with pytest.raises(ValueError, match=f"(?s){message}"):
        latent(**arguments)


def test_posterior_explorer_wants_a_distribution():
    with pytest.raises(ValueError, match="expected a model that encodes an image as mu and log_var"):
        vh.PosteriorExplorer(vh.Autoencoder(), np.zeros((2, 28, 28), np.uint8), torch.randn(5, 2), torch.arange(5))


def test_a_place_outside_the_plane_is_moved_to_its_edge_and_that_is_said():
    explorer = latent()
    edge = explorer.controls["z1"]["high"]
    with pytest.warns(UserWarning, match=rf"z1 = 99 lies outside .* to {edge:g}: set to {edge:g}"):
        explorer.z = (99, 0.5)
    assert explorer.z == (edge, 0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        explorer.z = (-edge, edge)


@pytest.mark.parametrize("nonsense", [float("nan"), "left", None])
def test_a_place_that_is_no_number_is_refused_and_the_old_one_kept(nonsense):
    explorer = latent()
    explorer.z = (1, 1)
    with pytest.raises(ValueError, match="z1: expected a number from"):
        explorer.z1 = nonsense
    assert explorer.z == (1, 1)


def test_an_option_that_is_none_is_refused(explorers):
    beta = next(explorer for explorer in explorers if isinstance(explorer, vh.BetaExplorer))
    with pytest.raises(ValueError, match="beta: expected one of 0, 0.1, .*, found 7"):
        beta.beta = 7


def test_elbo_touches_when_q_is_the_posterior():
    explorer = vh.ElboExplorer()
    explorer.at(mu=0.5, var=0.5)
    assert "gap 0.0000" in explorer.readout and "they touch" in explorer.readout
    explorer.at(mu=0.0, var=1.0)
    assert "ELBO −1.9189 + gap 0.4034 = log p(x) −1.5155" in explorer.readout


@pytest.mark.parametrize(("mu", "log_var"), [(0, 0), (1, 0), (2, -1.4), (-3, 2), (3, -4)])
def test_area_under_the_integrand_is_the_closed_form(mu, log_var):
    explorer = vh.GaussianKLExplorer()
    explorer.at(mu=mu, log_var=log_var)
    area, closed = (float(part) for part in re.findall(r"= (\S+); closed form (\S+)", explorer.readout)[0])
    exact = torch.distributions.kl_divergence(
        torch.distributions.Normal(float(mu), np.exp(log_var / 2)), torch.distributions.Normal(0.0, 1.0)
    ).item()
    assert closed == pytest.approx(exact, abs=6e-4) and area == pytest.approx(exact, abs=1.1e-3)


def test_posterior_draws_are_those_of_the_encoder(codes):
    images, vae = vh.load_mnist(offline=True).test_images[:3], vh.load_pretrained("vae")
    explorer = vh.PosteriorExplorer(vae, images, codes.mu, codes.labels)
    marks, _ = explorer.update(image=2, draw=4)
    with torch.no_grad():
        mu, log_var = vae.encode(vh.as_pixels(images))
        z = vh.reparameterize(mu[2], log_var[2], torch.tensor(explorer._eps[4], dtype=torch.float32))
        decoded = torch.sigmoid(vae.decode(z)).numpy()
    np.testing.assert_allclose([marks[1][3]["x"][0], marks[1][3]["y"][0]], z.numpy(), atol=1e-6)
    np.testing.assert_allclose(marks[2][0]["pixels"], decoded, atol=1e-5)
    sigma = torch.exp(log_var[2] / 2).numpy()
    np.testing.assert_allclose([marks[1][1]["rx"], marks[1][1]["ry"]], np.sqrt(-2 * np.log(0.05)) * sigma, rtol=1e-3)


def test_beta_explorer_says_what_the_manifest_says():
    explorer = vh.BetaExplorer(vh.load_mnist(offline=True).test_images[:4])
    explorer.at(beta=10)
    test = vh.pretrained.recipe("beta_10")["test"]
    assert f"rate (KL) {test['kl']:.1f}, distortion (reconstruction) {test['recon']:.1f}" in explorer.readout


def test_sliders_are_joined_to_every_number():
    explorer = latent(sample=True)
    joined = explorer.sliders().children
    assert [slider.description for slider in joined] == ["z₁", "z₂", "draw"]
    assert [(slider.min, slider.max) for slider in joined][:2] == [
        (explorer.controls[name]["low"], explorer.controls[name]["high"]) for name in ("z1", "z2")
    ]


def test_a_saved_page_holds_everything_and_may_ask_the_network_for_nothing(explorers, tmp_path):
    for explorer in explorers:
        page = tmp_path / "page.html"
        explorer.save_html(page)
        text = page.read_text(encoding="utf-8")
        assert page.stat().st_size < 3e6
        assert "{{" not in text and "default-src 'none'" in text
        assert not re.search(r"https?://|src=|@import|url\(", text)
        state = json.loads(re.search(r'<script type="application/json" id="state">(.*?)</script>', text, re.S).group(1))
        assert {name: state[name] for name in explorer.controls} == explorer.values
    with pytest.raises(OSError):
        explorer.save_html(tmp_path / "no such folder" / "page.html")


def test_a_saved_page_escapes_what_it_shows(tmp_path):
    latent(title="</script><img src=x onerror=alert(1)>").save_html(tmp_path / "page.html")
    assert "<img" not in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_numbers_in_read_outs_are_rounded_as_the_page_does():
    assert [base.number(x, 1) for x in (-0.01, -1.25, 3, -2)] == ["0.0", "−1.3", "3.0", "−2.0"]


def test_javascript_is_a_few_hundred_lines():
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in base.FOLDER.glob("*.js"))
    assert lines < 600
