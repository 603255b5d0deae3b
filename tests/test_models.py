"""The networks beyond the reference: what a label does, how deep the deep one is, pixels that are drawn."""

import numpy as np
import pytest
import torch
from torch import nn

import vae_helpers as vh
from vae_helpers.models import as_tensor


@pytest.fixture
def batch():
    torch.manual_seed(0)
    return torch.rand(6, 784), torch.tensor([0, 1, 2, 3, 9, 9])


@torch.no_grad()
def test_a_label_enters_as_one_column_of_each_first_layer(batch):
    x, y = batch
    model, z = vh.ConditionalVAE(), torch.randn(6, 2)
    first = model.decoder[0]
    hidden = z @ first.weight[:, :2].T + first.weight[:, 2 + y].T + first.bias
    torch.testing.assert_close(model.decode(z, y), model.decoder[2](torch.relu(hidden)))
    mu, _ = model.encode(x, y)
    first = model.encoder[0]
    hidden = x @ first.weight[:, :784].T + first.weight[:, 784 + y].T + first.bias
    torch.testing.assert_close(mu, model.to_mu(torch.relu(hidden)))


@torch.no_grad()
def test_bounds_of_a_conditional_model_are_told_the_label(batch):
    x, y = batch
    torch.manual_seed(0)
    model = vh.ConditionalVAE(hidden=32)
    draws = torch.stack([vh.negative_elbo(model, x, labels=y).loss for _ in range(400)])
    bounds = torch.stack([vh.importance_weighted_bound(model, x, 1, labels=y) for _ in range(400)])
    error = ((draws.var(dim=0) + bounds.var(dim=0)) / 400).sqrt()
    assert ((draws.mean(dim=0) + bounds.mean(dim=0)).abs() < 5 * error).all()
    assert vh.importance_weighted_bound(model, x, 7, chunk=3, labels=y).shape == (6,)


def test_a_conditional_model_is_a_vae_for_each_digit(batch):
    """With one label for all, it is an ordinary VAE whose first biases hold the label's column."""
    x, _ = batch
    model, plain = vh.ConditionalVAE(), vh.VAE()
    state = model.state_dict()
    for name, width in (("encoder.0", 784), ("decoder.0", 2)):
        weight = state[f"{name}.weight"]
        state[f"{name}.bias"] = state[f"{name}.bias"] + weight[:, width + 3]
        state[f"{name}.weight"] = weight[:, :width]
    plain.load_state_dict(state)
    torch.manual_seed(1)
    told = vh.negative_elbo(model, x, labels=torch.full((6,), 3))
    torch.manual_seed(1)
    torch.testing.assert_close(tuple(told), tuple(vh.negative_elbo(plain, x)))


@pytest.mark.parametrize("label", [-1, 10])
def test_a_label_that_is_no_digit_is_named(batch, label):
    with pytest.raises(ValueError, match=f"from 0 to 9, found {label} to {label}"):
        vh.ConditionalVAE(hidden=8)(batch[0], torch.full((6,), label))


def test_deep_model_has_the_published_layers():
    model = vh.DeepVAE()
    widths = [tuple(layer.weight.shape) for layer in model.modules() if isinstance(layer, nn.Linear)]
    assert widths == [(200, 784), (200, 200), (50, 200), (50, 200), (200, 50), (200, 200), (784, 200)]
    assert sum(isinstance(layer, nn.Tanh) for layer in model.modules()) == 4
    logits, mu, log_var = model(torch.rand(3, 784))
    assert logits.shape == (3, 784) and mu.shape == log_var.shape == (3, 50)


def test_binarized_pixels_are_drawn_with_their_grey_value():
    x = torch.linspace(0, 1, 11).repeat(20_000, 1)
    draws = vh.binarize(x, torch.Generator().manual_seed(0))
    assert set(draws.unique().tolist()) == {0.0, 1.0}
    error = (x[0] * (1 - x[0]) / len(x)).sqrt()
    assert ((draws.mean(dim=0) - x[0]).abs() <= 5 * error).all()
    assert torch.equal(draws, vh.binarize(x, torch.Generator().manual_seed(0)))
    assert not torch.equal(draws, vh.binarize(x, torch.Generator().manual_seed(1)))
    assert draws.dtype == x.dtype


@pytest.mark.parametrize("array", [np.zeros((3, 28, 28), np.uint8), np.zeros((3, 784), np.float32)])
def test_a_tensor_shares_the_arrays_memory_unless_it_is_read_only(array):
    assert as_tensor(array).data_ptr() == array.ctypes.data
    array.setflags(write=False)
    assert as_tensor(array).data_ptr() != array.ctypes.data  # torch has no read-only tensors


def test_every_grey_value_is_its_255th():
    grey = np.resize(np.arange(256, dtype=np.uint8), (1, 784))
    assert torch.equal(vh.as_pixels(grey), torch.tensor(grey) / 255)
