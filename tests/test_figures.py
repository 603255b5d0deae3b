"""Figures: what they draw and what they refuse."""

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

import vae_helpers as vh
from vae_helpers import figures


@pytest.fixture(scope="module")
def codes():
    return vh.load_codes("vae")


def test_show_keeps_the_sentence_beside_the_picture(monkeypatch):
    shown = []
    monkeypatch.setattr(figures, "display", lambda *args, **kwargs: shown.append((args, kwargs)))
    vh.show(Figure(figsize=(1, 1)), alt="An empty figure, for the test.")
    (bundle,), options = shown[0]
    assert bundle["image/png"].startswith(b"\x89PNG") and bundle["text/plain"] == "An empty figure, for the test."
    assert options["metadata"]["image/png"]["alt"] == bundle["text/plain"]
    with pytest.raises(ValueError, match="20 characters"):
        vh.show(Figure(), alt="a plot")


def test_latent_space_names_every_digit(codes):
    fig = vh.plot_latent_space(codes.mu, codes.labels, "codes")
    assert {text.get_text() for text in fig.axes[0].texts} == set("0123456789")
    assert len(vh.plot_latent_space(codes.mu, codes.labels, dots=1000).axes[0].collections[0].get_offsets()) == 1000
    with pytest.raises(ValueError, match="10,000 codes and 5 labels"):
        vh.plot_latent_space(codes.mu, codes.labels[:5])


def test_manifold_is_oriented_as_the_plane_is():
    """A decoder that paints z1 into the left half and z2 into the right half of each picture."""

    class Painter(torch.nn.Module):
        def decode(self, z):
            halves = torch.where(torch.arange(784) % 28 < 14, z[:, :1], z[:, 1:])
            return 3 * halves

    fig = vh.plot_manifold(Painter(), n=5)
    picture = fig.axes[0].images[0].get_array()
    left, right = picture[14::28, 7::28], picture[14::28, 21::28]
    assert (np.diff(left, axis=1) > 0).all() and (np.diff(left, axis=0) == 0).all()  # z1 grows to the right
    assert (np.diff(right, axis=0) < 0).all() and (np.diff(right, axis=1) == 0).all()  # z2 grows upwards


def test_images_keep_their_own_scale():
    fig = vh.plot_images(np.full((2, 784), 0.5), titles=["a", "b"])
    assert [ax.images[0].get_clim() for ax in fig.axes] == [(0, 1)] * 2
    fig = vh.plot_images(np.full((2, 28, 28), 128, np.uint8))
    assert fig.axes[0].images[0].get_clim() == (0, 255)


def test_history_is_drawn_for_training_and_test():
    test = [vh.Evaluation(170.0 - i, 160.0, 5.0, 0.5, 100) for i in range(3)]
    history = vh.History([200.0, 180.0, 170.0], [195.0] * 3, [5.0] * 3, test, [1.0, 2.0, 3.0])
    assert len(vh.plot_history(history).axes[0].lines) == 2
    curve = vh.LiveCurve()
    curve(history)
    assert bytes(curve.value).startswith(b"\x89PNG")
