"""The checklist for anybody's VAE: sound models pass, each invariant notices what it is about, nothing is disturbed.

The ten broken programs of notebook 09 are in ``test_spot_the_bug.py``.
"""

import re

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import vae_helpers as vh
from vae_helpers.checks import findings, sanity
from vae_helpers.checks.sanity import INVARIANTS


def faults(model, images, **parts):
    return {found.name: found.message for found in findings(model, images, **parts) if found.passed is False}


@pytest.fixture
def images(digits):
    return digits.test_images[:40]


@pytest.fixture
def vae():
    torch.manual_seed(0)
    return vh.VAE(latent=3, hidden=32)


@pytest.mark.parametrize("latent", [1, 2, 20])
@pytest.mark.parametrize("kind", [vh.VAE, vh.DeepVAE, vh.LinearVAE, vh.Autoencoder])
def test_fresh_models_are_sound(kind, latent, images):
    torch.manual_seed(latent)
    found = findings(kind(latent=latent), images)
    assert [name for name, *_ in found] == list(INVARIANTS)
    missing = {"noise", "freedom", "bound"} if kind is vh.Autoencoder else set()
    assert {name for name, passed, _ in found if passed is None} == missing
    assert all(passed is not False for _, passed, _ in found), found


def test_a_conditional_model_is_told_its_labels(images, digits):
    assert faults(vh.ConditionalVAE(hidden=32), images, labels=digits.test_labels[:40]) == {}


def test_says_one_line_an_invariant_and_returns_nothing(vae, images, capsys):
    assert sanity(vae, images) is None
    lines = capsys.readouterr().out.splitlines()
    assert [re.match(r"✔ (\w+): ", line)[1] for line in lines] == list(INVARIANTS)


def test_nothing_is_disturbed(vae, images):
    before = [parameter.clone() for parameter in vae.parameters()]
    state = torch.get_rng_state()
    assert faults(vae, images) == {}
    assert torch.equal(state, torch.get_rng_state()) and vae.training
    assert all(torch.equal(old, new) and new.grad is None for old, new in zip(before, vae.parameters()))
    assert set(vars(vae)) == set(vars(vh.VAE()))  # no planted function is left behind


class Broken(vh.VAE):
    """A VAE whose codes, logits or draws pass through a function."""

    def __init__(self, codes=None, logits=None, draw=vh.reparameterize):
        super().__init__(latent=3, hidden=32)
        self.codes, self.logits, self.draw = codes or (lambda *code: code), logits or (lambda a: a), draw

    def encode(self, x):
        return self.codes(*super().encode(x))

    def decode(self, z):
        return self.logits(super().decode(z))

    def forward(self, x):
        mu, log_var = self.encode(x)
        return self.decode(self.draw(mu, log_var)), mu, log_var


def like(mu):
    return torch.randn_like(mu)


@pytest.mark.parametrize(
    "name, words, change",
    [
        ("shapes", "logits of the images' shape", {"logits": lambda a: a[:, :700]}),
        ("shapes", "one shape", {"codes": lambda m, v: (m, v[:, :1])}),
        ("shapes", "NaN", {"logits": lambda a: a / 0}),
        ("company", "mu of an image depends", {"codes": lambda m, v: (m - m.mean(0), v)}),
        ("company", "mu of an image depends", {"codes": lambda m, v: (m.cumsum(0), v)}),
        ("company", "log_var of an image depends", {"codes": lambda m, v: (m, v + m.sum())}),
        ("noise", "no noise", {"draw": lambda m, v: m}),
        (
            "noise",
            "in 1 of 3 dimensions",
            {"draw": lambda m, v: torch.cat([m[:, :1], vh.reparameterize(m, v)[:, 1:]], 1)},
        ),
        ("noise", "share", {"draw": lambda m, v: m + (v / 2).exp() * torch.randn(1, 3, dtype=m.dtype)}),
        ("noise", "share", {"draw": lambda m, v: m + (v / 2).exp() * like(m[:, :1])}),
        ("noise", "the variance", {"draw": lambda m, v: m + v.exp() * like(m)}),
        ("noise", "whatever log_var", {"draw": lambda m, v: m + like(m)}),
        ("noise", "2 · log_var", {"draw": lambda m, v: m + (2 * v).exp() * like(m)}),
        ("noise", "stretch first", {"draw": lambda m, v: (like(m) + m) * (v / 2).exp()}),
        ("noise", "not 0 and 1", {"draw": lambda m, v: m + (v / 2).exp() * torch.rand_like(m)}),
        ("gradient", "back to mu", {"draw": lambda m, v: vh.reparameterize(m, v).detach()}),
        ("gradient", "from mu back through the encoder", {"codes": lambda m, v: (m.detach(), v)}),
        ("gradient", "from log_var back through the encoder", {"codes": lambda m, v: (m, v.detach())}),
        ("gradient", "back to log_var", {"draw": lambda m, v: vh.reparameterize(m, v.detach())}),
        ("freedom", "taught to be −2", {"codes": lambda m, v: (m, F.softplus(v))}),
        ("freedom", "taught to be 1", {"codes": lambda m, v: (m, -F.softplus(v))}),
        ("freedom", "taught to be −2", {"codes": lambda m, v: (m, v.tanh())}),
    ],
)
def test_a_fault_of_the_model_is_named(name, words, change, images):
    torch.manual_seed(0)
    found = faults(Broken(**change), images)
    assert words in found[name], found


def whole(formula):
    """A loss made of the reconstruction and the KL of each image."""
    return lambda model, x: formula(vh.negative_elbo(model, x), x)


def swapped(edge):
    """The cross-entropy with image and prediction exchanged, the image cut to [edge, 1 − edge]."""

    def loss(model, x):
        logits, mu, log_var = model(x)
        cross_entropy = F.binary_cross_entropy(x.clamp(edge, 1 - edge), logits.sigmoid(), reduction="none")
        return cross_entropy.sum(dim=-1) + vh.kl_divergence(mu, log_var)

    return loss


@pytest.mark.parametrize(
    "words, loss",
    [
        ("averaged over the pixels, the KL is not", whole(lambda e, x: e.recon / 784 + e.kl)),
        ("−ELBO divided by their number", whole(lambda e, x: (e.recon + e.kl) / 784)),
        ("both averaged", whole(lambda e, x: e.recon / 784 + e.kl / 3)),
        ("averaged over the latent", whole(lambda e, x: (e.recon + e.kl / 3).mean())),
        ("subtracted", whole(lambda e, x: (e.recon - e.kl).mean())),
        ("wrong sign", whole(lambda e, x: e.kl - e.recon)),
        ("KL is missing", whole(lambda e, x: e.recon)),
        ("reconstruction is missing", whole(lambda e, x: e.kl)),
        ("½", whole(lambda e, x: e.recon + 2 * e.kl)),
        ("grows with the batch", whole(lambda e, x: e.loss.sum())),
        ("β grows with the batch", whole(lambda e, x: e.recon.mean() + e.kl.sum())),
        ("once too often", whole(lambda e, x: e.recon.mean() + e.kl.mean() / len(x))),
        ("weighed by 4:", whole(lambda e, x: e.recon + 4 * e.kl)),
        ("weighed by 0.5:", whole(lambda e, x: (e.recon + e.kl / 2).mean())),
        ("expected −log p(x|z) + KL = ", whole(lambda e, x: 1.5 * e.loss)),
        ("expected −log p(x|z) + KL = ", whole(lambda e, x: e.loss.mean() + 3)),
        ("several draws", lambda model, x: (vh.negative_elbo(model, x).loss + vh.negative_elbo(model, x).loss) / 2),
        ("its gradient is not", whole(lambda e, x: e.recon + e.kl.detach())),
        ("its gradient is not", whole(lambda e, x: e.loss.mean().detach())),
        ("found (1,)", whole(lambda e, x: e.loss.mean().reshape(1))),
        ("exchanged", swapped(0)),
        ("exchanged", swapped(1e-7)),
        ("stopped with ZeroDivisionError", lambda model, x: 1 / 0),
        ("stopped with", lambda model, x: "text"),
    ],
)
def test_a_fault_of_the_loss_is_named(words, loss, vae, images):
    found = faults(vae, images, loss=loss)
    assert set(found) == {"loss"} and words in found["loss"], found


@pytest.mark.parametrize(
    "loss",
    [
        whole(lambda e, x: e),
        whole(lambda e, x: e.loss),
        whole(lambda e, x: e.loss.mean()),
        whole(lambda e, x: (e.loss.mean(), e.recon.mean(), e.kl.mean())),
    ],
)
def test_losses_of_every_form_are_accepted(loss, vae, images):
    assert faults(vae, images, loss=loss) == {}


@pytest.mark.parametrize(
    "words, bound",
    [
        ("log K", lambda model, x, k: vh.importance_weighted_bound(model, x, k) + torch.tensor(k).log()),
        ("one bound for each", lambda model, x, k: vh.importance_weighted_bound(model, x, k).mean()),
        ("must be the ELBO", lambda model, x, k: vh.importance_weighted_bound(model, x, 10)),
        ("must be the ELBO", lambda model, x, k: -vh.reconstruction_loss(model(x)[0], x)),
        ("nats from it", lambda model, x, k: vh.importance_weighted_bound(model, x, k) - 0.92 * 3),
    ],
)
def test_a_fault_of_the_bound_is_named(words, bound, vae, images):
    found = faults(vae, images, bound=bound)
    assert set(found) == {"bound"} and words in found["bound"], found


def test_a_bound_that_averages_logarithms_is_named(vae, images):
    """It is the ELBO for every K: below log p(x) as it should be, and not what it is called."""

    def mean_of_logarithms(model, x, k):
        return torch.stack([vh.importance_weighted_bound(model, x, 1) for _ in range(k)]).mean(dim=0)

    found = faults(vae, images, bound=mean_of_logarithms)
    assert set(found) == {"bound"} and "times p(x)" in found["bound"]


def test_batch_norm_and_dropout_are_no_fault_of_the_code(images):
    torch.manual_seed(0)
    model = vh.VAE(latent=3, hidden=32)
    model.encoder.extend([nn.BatchNorm1d(32), nn.Dropout(0.1)])
    model.train()
    model(vh.as_pixels(images))
    assert "company" not in faults(model, images)


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("latent", [1, 2])
def test_a_few_images_are_enough(count, latent, images):
    torch.manual_seed(count)
    assert faults(vh.VAE(latent=latent, hidden=32), images[:count]) == {}


def test_a_wide_network_learns_its_log_var_in_short_steps(images):
    """Long ones take hundreds, and may not arrive."""
    calls = []

    class Wide(vh.VAE):
        def encode(self, x):
            calls.append(len(x))
            return super().encode(x)

    torch.manual_seed(0)
    assert faults(Wide(latent=50, hidden=2000), images[:16]) == {} and len(calls) < 70


def test_a_decoder_that_ends_in_a_sigmoid_is_named(images):
    """As in many a tutorial: decode gives probabilities, and the loss is right for them."""

    def loss(model, x):
        p, mu, log_var = model(x)
        return F.binary_cross_entropy(p, x, reduction="none").sum(dim=-1) + vh.kl_divergence(mu, log_var)

    torch.manual_seed(0)
    found = faults(Broken(logits=torch.sigmoid), images, loss=loss)
    assert set(found) == {"loss"} and "decode seems to give probabilities" in found["loss"], found


def test_encode_and_decode_may_be_modules(images):
    class Parts(nn.Module):
        def __init__(self):
            super().__init__()
            self.vae = vh.VAE(latent=3, hidden=32)
            self.encode, self.decode = Encode(self.vae), self.vae.decoder

        def forward(self, x):
            mu, log_var = self.encode(x)
            return self.decode(vh.reparameterize(mu, log_var)), mu, log_var

    class Encode(nn.Module):
        def __init__(self, vae):
            super().__init__()
            self.vae = vae

        def forward(self, x):
            return self.vae.encode(x)

    torch.manual_seed(0)
    assert faults(Parts(), images) == {}  # it has no noise_log_var either: Bernoulli pixels


def test_pixels_up_to_255_are_named(vae, images):
    found = faults(vae, images.astype("float32"))
    assert set(found) == set(INVARIANTS) and all("pixels in [0, 1]" in message for message in found.values())


def test_a_model_that_stops_is_named_and_never_raises(images):
    class Stops(nn.Module):
        def encode(self, x):
            raise RuntimeError("several\nlines")

        forward = decode = encode

    for model in (Stops(), nn.Linear(784, 2), None):
        found = faults(model, images)
        assert set(found) == set(INVARIANTS) and all("\n" not in message for message in found.values())


def test_a_program_that_does_it_all_in_forward_is_judged_as_well(images):
    """No encode or decode is called inside: the invariants that plant codes look at its own."""

    class AllInForward(vh.VAE):
        def forward(self, x):
            h = self.encoder(x)
            mu, log_var = self.to_mu(h), self.to_log_var(h)
            return self.decoder(vh.reparameterize(mu, log_var)), mu, log_var

    torch.manual_seed(0)
    found = {found.name: found.passed for found in findings(AllInForward(hidden=32), images)}
    assert found["noise"] is None and all(passed for name, passed in found.items() if name != "noise"), found
