"""Explorers, from Python: what they compute, what they send to the page, what they refuse before anything is drawn.

What the page does with it is tested in a real browser, in ``tests/browser``.
"""

import json
import re
import warnings

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
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
                assert readout == explorer.readout and not re.search(r"\b(nan|inf|NaN|Infinity)\b", readout)
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


# The conditional model


def test_conditional_decoder_is_torchs_for_every_digit():
    model, z = vh.load_pretrained("conditional"), 2 * torch.randn(100, 2)
    y = torch.arange(100) % 10
    with torch.no_grad():
        expected = torch.sigmoid(model.decode(z, y)).numpy()
    np.testing.assert_allclose(Decoder(model, classes=10).mean(z.numpy(), y), expected, atol=1e-5)


def test_conditional_explorer_shows_the_digit_that_was_chosen(explorers):
    explorer = next(explorer for explorer in explorers if isinstance(explorer, vh.ConditionalExplorer))
    codes, model = vh.load_codes("conditional"), vh.load_pretrained("conditional")
    (dots, *_), (large,), (*ten, frame) = explorer.update(digit=7, z1=0.5, z2=-1)[0]
    with torch.no_grad():
        expected = torch.sigmoid(model.decode(torch.tensor([[0.5, -1.0]]), torch.tensor([7])))[0].numpy()
    np.testing.assert_allclose(large["pixels"], expected, atol=1e-5)
    np.testing.assert_array_equal(ten[7]["pixels"], large["pixels"])
    assert (min(frame["x"]), min(frame["y"])) == (ten[7]["x"], ten[7]["y"])
    sevens = codes.mu[codes.labels == 7].numpy()
    assert len(dots["x"]) <= 600 and set(dots["x"]) <= set(sevens[:, 0])
    distance = np.hypot(*(sevens - [0.5, -1]).T).min()
    assert explorer.update(digit=7, z1=0.5, z2=-1)[1].endswith(f"of a 7 is {distance:.2f} away")


def test_conditional_explorer_refuses_what_it_cannot_show():
    codes, labels = torch.randn(50, 2), torch.arange(50) % 10
    with pytest.raises(ValueError, match=r"told the digit \(ConditionalVAE, 10 classes\), found VAE; LatentExplorer"):
        vh.ConditionalExplorer(vh.VAE(), codes, labels)
    with pytest.raises(ValueError, match="codes of every digit, found none of 8, 9"):
        vh.ConditionalExplorer(vh.ConditionalVAE(), codes, labels.clamp(max=7))
    with pytest.raises(ValueError, match="2 latent dimensions and 10 numbers of the label to 784 pixels, found 15"):
        vh.ConditionalExplorer(vh.ConditionalVAE(latent=5), codes, labels)
    with pytest.raises(ValueError, match="found 12 to 784; ConditionalExplorer shows it"):
        vh.LatentExplorer(vh.ConditionalVAE(), codes, labels)


# Rate and distortion


def words_overlap(fig, ax):
    """Pairs of texts on ``ax`` that cover one another, and texts that leave it."""
    renderer = FigureCanvasAgg(fig).get_renderer()
    fig.draw(renderer)
    boxes = [(words.get_text(), words.get_window_extent(renderer)) for words in ax.texts]
    outside = [words for words, box in boxes if not ax.bbox.contains(*box.min) or not ax.bbox.contains(*box.max)]
    return outside + [(a, b) for i, (a, one) in enumerate(boxes) for b, other in boxes[:i] if one.overlaps(other)]


def test_rate_and_distortion_are_the_manifests_and_the_line_has_slope_minus_beta(digits):
    explorer = vh.RateDistortionExplorer(digits.test_images[:2])
    for beta, name in vh.BETA_SNAPSHOTS.items():
        fig, test = explorer.at(beta=beta), vh.pretrained.recipe(name)["test"]
        (line, ring, _), _ = explorer.update(beta=beta)[0]
        assert (ring["x"], ring["y"]) == ([test["kl"]], [test["recon"]])
        (left, right), (high, low) = line["x"], line["y"]
        assert (low - high) / (right - left) == pytest.approx(-beta)
        at_zero = high + beta * left  # where the line crosses rate 0
        assert at_zero == pytest.approx(test["recon"] + beta * test["kl"])
        assert f"recon + KL = {test['recon'] + test['kl']:.1f}, recon + β·KL = {at_zero:.1f} nats" in explorer.readout
        assert words_overlap(fig, fig.axes[0]) == []


# Collapse in the linear model


def test_collapse_is_exact():
    """Log-likelihood and KL against the model written out: covariance W Wᵀ + σ² I, posterior, both over the data."""
    random = np.random.default_rng(0)
    x = random.standard_normal((400, 14)) * np.linspace(2, 0.1, 14) @ random.standard_normal((14, 14))
    x -= x.mean(axis=0)
    values, vectors = (side[..., ::-1] for side in np.linalg.eigh(x.T @ x / len(x)))
    explorer = vh.CollapseExplorer(values)
    for noise in explorer.controls["noise"]["options"][::6]:
        explorer.at(noise=noise)
        used = np.sqrt(np.maximum(values[:10] - noise, 0))
        w = torch.tensor(vectors[:, :10] * used)
        covariance = w @ w.T + noise * torch.eye(14)
        normal = torch.distributions.MultivariateNormal(torch.zeros(14, dtype=torch.float64), covariance)
        log_px = normal.log_prob(torch.tensor(x)).mean().item()
        posterior = noise * torch.linalg.inv(w.T @ w + noise * torch.eye(10))  # its covariance, diagonal here
        mu = torch.tensor(x) @ w @ posterior / noise
        kl = vh.kl_divergence(mu, posterior.diagonal().log().expand_as(mu)).mean().item()
        per_dimension = 0.5 * (mu**2 + posterior.diagonal() - 1 - posterior.diagonal().log()).mean(dim=0).numpy()
        active, total, found = re.search(
            r"(\d+) of 10 .* KL (\S+) nats in all; exact log p\(x\) (\S+) nats", explorer.readout
        ).groups()
        assert int(active) == (values[:10] > noise).sum()
        assert float(total) == pytest.approx(kl, abs=0.0051)
        assert float(found.replace("−", "-")) == pytest.approx(log_px, abs=0.051)
        bars = [mark["height"] for mark in explorer.update(noise=noise)[0][1] if mark["type"] == "bar"]
        np.testing.assert_allclose(bars, per_dimension[: len(bars)], atol=1e-9)
        assert np.abs(per_dimension[len(bars) :]).max(initial=0) < 1e-9


@pytest.mark.parametrize(
    ("eigenvalues", "message"),
    [
        ([1.0, 2.0, 3.0], r"largest eigenvalue first, found 1 to 3 .* \[::-1\]"),
        ([3.0, 1.0, -1.0], "no negative eigenvalue, found -1"),
        ([0.0, 0.0], "the first is positive"),
        (np.eye(3), r"found shape \(3, 3\); np.linalg.eigvalsh"),
        ([3.0, float("nan")], "a row of finite numbers"),
        ([], r"found shape \(0,\)"),
    ],
)
def test_collapse_explorer_wants_eigenvalues(eigenvalues, message):
    with pytest.raises(ValueError, match=message):
        vh.CollapseExplorer(eigenvalues)


@pytest.mark.parametrize("n", [1, 4, 12])
def test_collapse_explorer_takes_few_eigenvalues_and_zeros(n):
    values = np.r_[np.linspace(3, 1, n), [0.0] * 3]
    explorer = vh.CollapseExplorer(torch.tensor(values))
    explorer.at(noise=1.5)
    assert f": {(values > 1.5).sum()} of {min(10, n + 3)} latent dimensions active" in explorer.readout


# The bound with K draws


def bounds(explorer, **values):
    """The bound for each K, and its standard error, as drawn."""
    band, line, *_ = explorer.update(**values)[0][1]
    return line["y"], (band["high"] - band["low"]) / 2


def test_bound_is_log_p_for_every_k_when_q_is_the_posterior():
    bound, error = bounds(vh.BoundExplorer(), mu=0.5, log_var=np.log(0.5), k=1)
    np.testing.assert_allclose(bound, -0.5 * np.log(4 * np.pi) - 0.25, atol=1e-12)
    np.testing.assert_allclose(error, 0, atol=1e-12)


@pytest.mark.parametrize(("mu", "log_var"), [(-1, 0), (0, 0), (2, -2), (1, -4)])
def test_bound_is_the_elbo_at_one_and_what_the_helper_estimates_at_k(mu, log_var):
    explorer = vh.BoundExplorer()
    bound, error = bounds(explorer, mu=mu, log_var=log_var, k=1)
    kl = vh.kl_divergence(*torch.tensor([[float(mu)], [float(log_var)]]).double()).item()
    elbo = -0.5 * (np.log(2 * np.pi) + (1 - mu) ** 2 + np.exp(log_var)) - kl
    assert abs(bound[0] - elbo) < 4 * error[0]
    assert f"(K = 1 is the ELBO, exactly −{-elbo:.3f})" in explorer.update(mu=mu, log_var=log_var, k=1)[1]
    normal = torch.distributions.Normal
    q = normal(float(mu), np.exp(log_var / 2))
    torch.manual_seed(0)
    z = q.sample((3000, 64))
    log_w = normal(0.0, 1.0).log_prob(z) + normal(z, 1.0).log_prob(torch.tensor(1.0)) - q.log_prob(z)
    for i, k in enumerate(explorer.KS):
        groups = log_w[:, :k].logsumexp(dim=1) - np.log(k)
        assert abs(bound[i] - groups.mean().item()) < 4 * np.hypot(error[i], groups.std().item() / 3000**0.5)
        assert f"± {error[i]:.3f} nats" in explorer.update(mu=mu, log_var=log_var, k=k)[1]


# A bug by its symptom

OPTIONS = {"the KL is missing": "No, it is there.", "the sum became a mean": "Yes, see line 3."}
RIGHT = [500.0, 200, 160, 155]


def symptom(broken, **more):
    curves = {"right program": RIGHT, "broken program": broken}
    arguments = {"question": "Which line?", "options": OPTIONS, "answer": "the sum became a mean", "curves": curves}
    return vh.SymptomExplorer(**arguments | more)


def words(marks):
    return [mark["words"] for mark in marks if mark["type"] == "text"]


def test_the_broken_program_is_hidden_until_a_guess():
    explorer = symptom([0.7, 0.3, 0.2, 0.2], pictures={"rebuilt": np.random.default_rng(0).random((3, 784))})
    (plot, pictures), readout = explorer.update("not yet")
    assert words(plot) == ["right program", "guess first"] and words(pictures) == ["guess first"]
    assert sum(mark["type"] == "curve" for mark in plot) == 1 and len(pictures) == 1
    assert not any(reply in readout for reply in OPTIONS.values())
    for guess, sign in (("the KL is missing", "✘"), ("the sum became a mean", "✔")):
        (plot, pictures), readout = explorer.update(guess)
        assert set(words(plot)) == {"right program", "broken program", f"{sign} {guess}"}
        assert sum(mark["type"] == "curve" for mark in plot) == 2
        assert readout == f"{sign} {OPTIONS[guess]}"
        assert [mark["type"] for mark in pictures] == ["text", "picture"]
    assert explorer.guess == "not yet"
    with pytest.raises(ValueError, match="guess: expected one of not yet, .*found 'maybe'"):
        explorer.guess = "maybe"


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ([600.0, 400, 300, 290], "broken program"),
        ([499.9, 199.9, 159.9, 154.9], "broken program"),
        ([600.0, NAN, NAN, NAN], "broken program:\nnot a number from epoch 2 on"),
        ([600.0, 450, 1e30, INF], "broken program\nleaves the picture ↑\nand ends as no number"),
        ([600.0, 450, -1e30, -1e300], "broken program\nleaves the picture ↓"),
        ([1e9, 1e9, 1e9, 1e9], "broken program\nlies above this picture ↑"),
        ([-1e9, -1e9, NAN, -1e9], "broken program\nlies below this picture ↓"),
        ([NAN, INF, NAN, NAN], "broken program\nis not a number at all"),
        ([600.0, NAN, 200, 190], "broken program"),
    ],
)
def test_the_right_curve_stays_readable_whatever_the_broken_program_gives(broken, said, tmp_path):
    explorer = symptom(broken)
    low, high = explorer.panels[0]["ylim"]
    assert low < min(RIGHT) and max(RIGHT) < high and high - low < 5 * np.ptp(RIGHT)
    fig = explorer.at(guess="the KL is missing")
    marks = explorer.update("the KL is missing")[0][0]
    assert said in words(marks)
    drawn = [y for mark in marks if mark["type"] in ("curve", "points") for y in mark["y"]]
    assert np.isfinite(drawn).all() and len(drawn) == 4 + np.isfinite(broken).sum()
    assert words_overlap(fig, fig.axes[0]) == []
    explorer.save_html(tmp_path / "page.html")
    assert not re.search(r"NaN|Infinity", (tmp_path / "page.html").read_text().partition('id="state">')[2][:2000])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"answer": "another"}, "the answer among them .* and the answer 'another'"),
        ({"options": OPTIONS | {"not yet": "?"}}, "none of them 'not yet'"),
        ({"curves": {"right": RIGHT}}, "expected two curves .* found 'right' with 4 numbers"),
        ({"curves": {}}, "found none"),
        ({"curves": {"right": RIGHT, "broken": [1.0]}}, "'broken' with 1 numbers"),
        ({"curves": {"broken": [1.0, NAN], "right": RIGHT}}, "finite numbers of the right program.* in 'broken'"),
        ({"pictures": {"rebuilt": np.zeros((3, 28, 28))}}, r"\(n, 784\), found shape \(3, 28, 28\) in 'rebuilt'"),
    ],
)
def test_symptom_explorer_refuses_what_does_not_fit(arguments, message):
    with pytest.raises(ValueError, match=message):
        symptom([1.0, 2.0], **arguments)


@pytest.mark.parametrize("name", ["$\\frac{1$", "$x$", "<b>", "{{CSS}}"])
def test_a_still_picture_shows_words_as_they_are(name):
    """As the page does: a dollar is no beginning of a formula."""
    curves = {name: RIGHT, f"broken {name}": RIGHT}
    for explorer in (symptom([], curves=curves, ylabel=name, xlabel=name), latent(title=name)):
        fig = explorer.at()
        FigureCanvasAgg(fig).draw()  # where matplotlib would read a formula
        shown = [*fig.axes[0].texts, fig.axes[0].title, fig.axes[0].xaxis.label]
        assert name in [words.get_text() for words in shown] and not any(words.get_parse_math() for words in shown)


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
    assert lines < 700
