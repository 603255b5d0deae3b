"""Wrong weights, wrong images, wrong numbers and a stopped training: each says what is wrong, and nothing is lost.

| fault                                             | what the learner sees            | what is kept                 |
| ------------------------------------------------- | -------------------------------- | ---------------------------- |
| weights or codes cut off, a bit flipped, missing, | ``DataError``: path, expected,   | the file, as it was          |
| of another architecture, not numbers              | found, how to restore            |                              |
| the list of weights missing, cut off, flipped, of | ``DataError``, as above          | the file, as it was          |
| other content                                     |                                  |                              |
| images: another shape (colour, one alone, none),  | ``ValueError`` before the first  | the model, untouched         |
| range (0 to 255, −1 to 1, divided twice), NaN     | step: expected, found, what to do|                              |
| images that are no array, a class for a model,    | ``TypeError`` before the first   | the model, untouched         |
| model and images exchanged                        | step                             |                              |
| labels: too few, no whole numbers, no digits,     | ``ValueError`` before the first  | the model, untouched         |
| given for one of training and test only           | step                             |                              |
| one image, evaluated or trained on                | a figure that says: no standard  | –                            |
|                                                   | error                            |                              |
| a loss that is not a number: learning rate too    | ``FloatingPointError``: epoch,   | the history of the epochs    |
| high, huge ``log_var``, weights, noise, beta      | batch, likely reason             | before (in the error)        |
| the stop button, in any place of ``fit``; a real  | one line: so many whole epochs   | the history, all its lists   |
| SIGINT                                            |                                  | of one length; a model to go |
|                                                   |                                  | on with                      |
| shapes that do not match in the formulas          | an error that names both sizes   | –                            |
| no draw for a bound; codes, images, labels or a   | ``ValueError``: expected, found  | –                            |
| history that have no picture                      |                                  |                              |
"""

import asyncio
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import torch
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
from PIL import Image
from safetensors.torch import load_file, save

import vae_helpers as vh
from vae_helpers import pretrained, training

SAYS = "{path}: expected .+, found .+ Restore it with 'git checkout"


@pytest.fixture
def folder(tmp_path):
    """A folder of the shipped model with the smallest files, and a model with codes."""
    for name in ("manifest.json", "linear_1.safetensors", "autoencoder.codes.safetensors", "vae.codes.safetensors"):
        shutil.copy(pretrained.FOLDER / name, tmp_path)
    return tmp_path


def refused(load, path, *words):
    """Loading raises a ``DataError`` that says all it should, and leaves the file as it was."""
    before = path.read_bytes() if path.exists() else None
    with pytest.raises(vh.DataError) as error:
        load()
    assert re.match(SAYS.format(path=re.escape(str(path))), str(error.value), re.S), error.value
    assert all(word in str(error.value) for word in words), error.value
    assert before == (path.read_bytes() if path.exists() else None)


def entered(folder, name, key="sha256"):
    """Enter the checksum of the file into the list, as a careless trainer of other weights would."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    file = f"{name}.codes" if key == "codes_sha256" else name
    manifest[name][key] = hashlib.sha256((folder / f"{file}.safetensors").read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


# Weights

FILES = {
    "linear_1": lambda folder: vh.load_pretrained("linear_1", folder),
    "vae.codes": lambda folder: vh.load_codes("vae", folder),
}
every_file = pytest.mark.parametrize("name", FILES)


@every_file
def test_what_was_not_damaged_loads(name, folder):
    FILES[name](folder)


@every_file
def test_a_file_cut_off_anywhere_is_refused(name, folder):
    path = folder / f"{name}.safetensors"
    content = path.read_bytes()
    for length in [0, 1, 7, 8, 9, 100, *np.random.default_rng(0).integers(len(content), size=50), len(content) - 1]:
        path.write_bytes(content[:length])
        refused(lambda: FILES[name](folder), path, "SHA-256")


@every_file
def test_a_flipped_bit_anywhere_is_refused(name, folder):
    path, random = folder / f"{name}.safetensors", np.random.default_rng(0)
    content = path.read_bytes()
    for place in random.integers(len(content), size=60):
        damaged = bytearray(content)
        damaged[place] ^= 1 << random.integers(8)
        path.write_bytes(damaged)
        refused(lambda: FILES[name](folder), path, "SHA-256")


@every_file
def test_a_missing_file_is_named(name, folder):
    (folder / f"{name}.safetensors").unlink()
    refused(lambda: FILES[name](folder), folder / f"{name}.safetensors", "found none")


def test_a_broken_header_is_refused_though_its_checksum_is_entered(folder):
    """Any of 300 flipped bits of the header: the tensors as they were (a bit of padding), or ``DataError``."""
    path, random = folder / "linear_1.safetensors", np.random.default_rng(0)
    content, whole = path.read_bytes(), vh.load_pretrained("linear_1", folder).state_dict()
    errors = 0
    for place in random.integers(8 + int.from_bytes(content[:8], "little"), size=300):
        damaged = bytearray(content)
        damaged[place] ^= 1 << random.integers(8)
        path.write_bytes(damaged)
        entered(folder, "linear_1")
        try:
            tensors = vh.load_pretrained("linear_1", folder).state_dict()
        except vh.DataError as error:
            errors += 1
            assert re.match(SAYS.format(path=re.escape(str(path))), str(error), re.S)
        else:
            assert tensors.keys() == whole.keys()
    assert errors > 250


def rewritten(path, change):
    tensors = {key: tensor.clone() for key, tensor in load_file(path).items()}
    change(tensors)
    path.write_bytes(save(tensors))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda w: w.pop("log_var"), ("log_var of shape (1,), found none",)),
        (lambda w: w.update(extra=torch.zeros(3)), ("extra of shape none, found (3,)",)),
        (lambda w: w.update(vh.VAE().state_dict()), ("of shape", "found")),
        (lambda w: w.update({"encoder.weight": torch.zeros(2, 784)}), ("encoder.weight", "(1, 784)", "(2, 784)")),
        (lambda w: w["decoder.weight"][5].fill_(np.nan), ("finite numbers in decoder.weight", "found 1 that")),
        (lambda w: w["decoder.bias"].fill_(np.inf), ("finite numbers in decoder.bias", "found 784 that")),
    ],
)
def test_other_weights_are_refused_though_their_checksum_is_entered(change, words, folder):
    path = folder / "linear_1.safetensors"
    rewritten(path, change)
    entered(folder, "linear_1")
    refused(lambda: vh.load_pretrained("linear_1", folder), path, *words)


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("vae", lambda c: c.pop("log_var"), ("log_var of shape (10000, 2), found none",)),
        ("vae", lambda c: c.pop("labels"), ("labels of shape (10000,), found none",)),
        ("vae", lambda c: c.update(mu=c["mu"][1:]), ("mu of shape (10000, 2), found (9999, 2)",)),
        ("vae", lambda c: c["mu"][7].fill_(np.nan), ("finite numbers in mu", "found 2 that")),
        ("autoencoder", lambda c: c.update(log_var=c["mu"].clone()), ("log_var of shape none",)),
    ],
)
def test_other_codes_are_refused_though_their_checksum_is_entered(name, change, words, folder):
    path = folder / f"{name}.codes.safetensors"
    rewritten(path, change)
    entered(folder, name, "codes_sha256")
    refused(lambda: vh.load_codes(name, folder), path, *words)


def test_a_list_cut_off_anywhere_is_refused(folder):
    path = folder / "manifest.json"
    content = path.read_bytes().rstrip()
    for length in np.linspace(0, len(content) - 1, 60, dtype=int):
        path.write_bytes(content[:length])
        refused(lambda: vh.load_pretrained("linear_1", folder), path, "JSON")


def test_a_flipped_bit_in_the_list_gives_the_model_or_says_what_is_wrong(folder):
    path, random = folder / "manifest.json", np.random.default_rng(0)
    content, errors = path.read_bytes(), 0
    for place in random.integers(content.index(b'"linear_1"'), content.index(b'"linear_10"'), size=200):
        damaged = bytearray(content)
        damaged[place] ^= 1 << random.integers(8)
        path.write_bytes(damaged)
        try:
            vh.load_pretrained("linear_1", folder)
        except vh.DataError as error:
            errors += 1
            assert "expected" in str(error) and "found" in str(error)
    assert errors > 50


OTHER_LISTS = ["", "[]", "{}", "\ufeff{}", "null", "[" * 100_000, '{"linear_1": 3}', '{"linear_1": {"sha256": "0"}}']


@pytest.mark.parametrize("content", OTHER_LISTS, ids=lambda content: content[:20])
def test_a_list_of_other_content_is_refused(content, folder):
    path = folder / "manifest.json"
    path.write_text(content, encoding="utf-8")
    refused(lambda: vh.load_pretrained("linear_1", folder), path)
    path.unlink()
    refused(lambda: vh.load_pretrained("linear_1", folder), path, "found none")


@pytest.mark.parametrize(
    "entry", [{"model": "Path"}, {"model": "nn"}, {"widths": {"depth": 3}}, {"widths": {"latent": -1}}, {"test": {}}]
)
def test_an_entry_of_the_list_that_describes_no_model_is_refused(entry, folder):
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["linear_1"] |= entry
    path.write_text(json.dumps(manifest), encoding="utf-8")
    refused(lambda: vh.load_pretrained("linear_1", folder), path)


# Images and labels


@pytest.fixture(scope="module")
def few():
    """Sixty images and their labels, drawn: strokes of full ink on paper."""
    images = np.zeros((60, 28, 28), np.uint8)
    for i, image in enumerate(images):
        image[4 + i % 18 : 8 + i % 18, 5:23] = 255
    return images, np.arange(60) % 10


def untouched(run, model, error, match):
    """``run`` raises the error before the first step: the model's weights are as they were."""
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    with pytest.raises(error, match=match):
        run()
    assert all(tensor.equal(before[key]) for key, tensor in model.state_dict().items())


def with_one(images, value):
    """The images as floats, with one pixel of the last one replaced."""
    images = images / 255
    images[-1, 14, 14] = value
    return images


WRONG_IMAGES = {
    "colour, last": (lambda i: np.stack([i] * 3, axis=-1), ValueError, r"grey images .* found \(\d+, 28, 28, 3\)"),
    "colour, first": (lambda i: np.stack([i] * 3, axis=1), ValueError, r"grey images .* found \(\d+, 3, 28, 28\)"),
    "one alone": (lambda i: i[0], ValueError, r"found \(\d+, 28\) \(one image alone is images\[:1\]\)"),
    "one flat": (lambda i: i[0].ravel(), ValueError, r"found \(\d+,\) \(one image alone is images\[:1\]\)"),
    "a PIL image": (lambda i: Image.fromarray(i[0]), ValueError, r"one image alone is images\[:1\]"),
    "none": (lambda i: i[:0], ValueError, r"non-empty batch .* found \(0, 28, 28\)"),
    "an empty list": (lambda i: [], ValueError, r"non-empty batch .* found \(0,\)"),
    "another size": (lambda i: np.zeros((3, 32, 32), np.uint8), ValueError, r"found \(\d, 32, 32\)"),
    "0 to 255 as floats": (lambda i: i.astype(np.float32), ValueError, "found 0 to 255 .*float32.*; scale them"),
    "0 to 255 as integers": (lambda i: i.astype(np.int64), ValueError, "found 0 to 255 .*int64.*; scale them"),
    "0 to 255 in lists": (lambda i: i.tolist(), ValueError, "found 0 to 255 .*; scale them"),
    "-1 to 1": (lambda i: i / 127.5 - 1, ValueError, "found -1 to 1 .*; scale them so that paper is 0"),
    "one pixel above 1": (lambda i: with_one(i, 1.5), ValueError, "found 0 to 1.5"),
    "one NaN": (lambda i: with_one(i, np.nan), ValueError, "found nan to nan .* find out where these come from"),
    "one infinity": (lambda i: with_one(i, np.inf), ValueError, "found 0 to inf .* find out where these come from"),
    "divided twice": (lambda i: i / 255 / 255, ValueError, "no pixel above 1/255 .* divide by 255 only once"),
    "0 and 1 in uint8": (lambda i: i // 255, ValueError, "no pixel above 1/255 .*uint8.* make 0 and 1 floats"),
    "None": (lambda i: None, TypeError, "array or tensor of numbers, found NoneType"),
    "words": (lambda i: "digits", TypeError, "array or tensor of numbers, found str"),
    "all of Digits": (lambda i: vh.Digits(i, i, i, i, "x"), TypeError, "found Digits"),
    "objects": (lambda i: np.array([i[0], None], dtype=object), TypeError, "numbers, found ndarray"),
    "complex": (lambda i: i.astype(complex), TypeError, "numbers, found ndarray"),
}


@pytest.mark.parametrize("case", WRONG_IMAGES)
def test_wrong_images_are_named_before_the_first_step(case, few):
    make, error, match = WRONG_IMAGES[case]
    model, images = vh.VAE(hidden=8), few[0]
    untouched(lambda: vh.fit(model, make(images), 1, progress=False), model, error, match)
    untouched(lambda: vh.evaluate(model, make(images)), model, error, match)
    untouched(lambda: vh.as_pixels(make(images)), model, error, match)
    if case != "None":
        untouched(lambda: vh.fit(model, images, 1, test_images=make(images), progress=False), model, error, match)


RIGHT_IMAGES = {
    "a list of arrays": list,
    "a list of PIL images": lambda i: [Image.fromarray(image) for image in i],
    "a tensor": torch.tensor,
    "floats": lambda i: i / 255,
    "floats of half the bits": lambda i: (i / 255).astype(np.float16),
    "yes and no": lambda i: i > 127,
    "one colour": lambda i: i[:, None],
    "flat": lambda i: i.reshape(len(i), -1),
    "backwards in memory": lambda i: i[::-1][::-1],
}


@pytest.mark.parametrize("case", RIGHT_IMAGES)
def test_images_that_can_be_understood_are(case, few):
    torch.testing.assert_close(vh.as_pixels(RIGHT_IMAGES[case](few[0])), torch.tensor(few[0]).flatten(1) / 255)


def test_one_image_is_enough(few):
    model = vh.VAE(hidden=8)
    history = vh.fit(model, few[0][:1], 2, batch_size=50, test_images=few[0][:1], progress=False)
    assert len(history.loss) == 2 and np.isfinite(history.loss).all()
    one = vh.evaluate(model, few[0][:1])
    assert one.n == 1 and np.isfinite(one.loss) and "one image: no standard error" in str(one)


WRONG_LABELS = {
    "too few": (lambda y: y[1:], ValueError, r"one label for each of 60 images, found \(59,\)"),
    "one-hot": (lambda y: np.eye(10)[y], ValueError, r"one label for each of 60 images, found \(60, 10\)"),
    "one for all": (lambda y: 3, ValueError, r"one label for each of 60 images, found \(\)"),
    "from 1 to 10": (lambda y: y + 1, ValueError, "from 0 to 9, found 1 to 10"),
    "negative": (lambda y: y - 1, ValueError, "from 0 to 9, found -1 to 8"),
    "halves": (lambda y: y + 0.5, ValueError, "whole numbers as labels, found 0.5"),
    "NaN": (lambda y: y * np.nan, ValueError, "whole numbers as labels, found nan"),
    "words": (lambda y: [str(label) for label in y], TypeError, "numbers, found list"),
}


@pytest.mark.parametrize("case", WRONG_LABELS)
def test_wrong_labels_are_named_before_the_first_step(case, few):
    make, error, match = WRONG_LABELS[case]
    images, labels = few
    model, more = vh.ConditionalVAE(hidden=8), {"batch_size": 60, "progress": False}
    untouched(lambda: vh.fit(model, images, 1, labels=make(labels), **more), model, error, match)
    untouched(lambda: vh.evaluate(model, images, labels=make(labels)), model, error, match)


def test_labels_for_only_one_of_training_and_test_are_missed_before_the_first_step(few):
    images, labels = few
    model = vh.ConditionalVAE(hidden=8)
    for more in ({"labels": labels}, {"test_labels": labels}):
        run = partial(vh.fit, model, images, 1, test_images=images, progress=False, **more)
        untouched(run, model, ValueError, "or for neither, found one of both")


@pytest.mark.parametrize("kind", [list, np.asarray, torch.tensor])
def test_labels_may_be_a_list_an_array_or_a_tensor(kind, few):
    images, labels = few
    model = vh.ConditionalVAE(hidden=8)
    assert vh.evaluate(model, images, labels=kind(labels)) == vh.evaluate(model, images, labels=labels)
    assert vh.negative_elbo(model, vh.as_pixels(images), labels=kind(labels)).loss.shape == (60,)


@pytest.mark.parametrize("measure", [vh.fit, vh.evaluate])
def test_a_class_and_exchanged_arguments_are_named(measure, few):
    with pytest.raises(TypeError, match=r"a model first, such as VAE\(\), found <class .*VAE'>"):
        measure(vh.VAE, few[0])
    with pytest.raises(TypeError, match=r"a model first, such as VAE\(\), found array"):
        measure(few[0], vh.VAE())


# A loss that is not a number


def spoilt(part, value):
    """A VAE with one of its parts filled with the value."""
    model = vh.VAE(hidden=8)
    with torch.no_grad():
        model.get_parameter(part).fill_(value)
    return model


def noisy():
    model = vh.LinearVAE()
    with torch.no_grad():
        model.noise_log_var.fill_(-1000.0)  # exp(1000) is infinite
    return model


@pytest.mark.parametrize(
    ("make", "settings", "reason"),
    [
        (lambda: spoilt("to_log_var.bias", 200.0), {}, "log_var exceeds 88"),
        (lambda: spoilt("to_mu.bias", np.nan), {}, "weights are no longer numbers"),
        (noisy, {}, "noise_log_var"),
        (lambda: vh.VAE(hidden=8), {"beta": np.nan}, "beta is not a number"),
    ],
)
def test_the_first_batch_without_a_number_stops_with_the_likely_reason(make, settings, reason, few):
    model = make()
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    with pytest.raises(FloatingPointError, match=f"in batch 1 of epoch 1 .*Likely: .*{reason}") as caught:
        vh.fit(model, few[0], 2, progress=False, **settings)
    assert caught.value.history == vh.History()
    for key, tensor in model.state_dict().items():
        torch.testing.assert_close(tensor, before[key], equal_nan=True)


class Spoiling(vh.VAE):
    """A VAE whose log_var becomes huge at the forward pass of this number."""

    def __init__(self, at):
        super().__init__(hidden=8)
        self.passes, self.at = 0, at

    def encode(self, x):
        self.passes += 1
        mu, log_var = super().encode(x)
        return mu, log_var + (200 if self.passes == self.at else 0)


def test_a_loss_that_overflows_later_keeps_the_epochs_before(few):
    """Four batches an epoch: the eleventh is the third of the third epoch."""
    with pytest.raises(FloatingPointError, match="in batch 3 of epoch 3 .*holds the 2 epochs before") as caught:
        vh.fit(model := Spoiling(11), few[0], 5, batch_size=15, progress=False)
    history = caught.value.history
    assert len(history.loss) == len(history.recon) == len(history.kl) == len(history.seconds) == 2
    assert all(parameter.isfinite().all() for parameter in model.parameters())


def test_steps_far_too_long_stop_too(few):
    with pytest.raises(FloatingPointError, match="smaller learning rate"):
        vh.fit(vh.VAE(hidden=8), few[0], 20, batch_size=10, lr=1e10, progress=False)


def test_huge_log_var_is_seen_in_every_figure(few):
    model = spoilt("to_log_var.bias", 200.0)
    assert vh.kl_divergence(torch.zeros(3, 2), torch.full((3, 2), 200.0)).isinf().all()
    assert not np.isfinite(vh.evaluate(model, few[0]).loss)
    assert "inf" in str(vh.evaluate(model, few[0])) or "nan" in str(vh.evaluate(model, few[0]))


# The stop button

PLACES = {  # what is being done when the interrupt comes, and the call of it that is interrupted
    "a batch is computed": ("vae_helpers.training.negative_elbo", 11),
    "a batch is drawn": ("vae_helpers.training.as_pixels", 13),
    "weights are updated": ("torch.optim.Adam.step", 10),
    "an epoch is noted": ("vae_helpers.training._record", 3),
    "the test set is measured": ("vae_helpers.training.evaluate", 3),
    "an epoch is printed": ("vae_helpers.training._print_epoch", 3),
}


@pytest.mark.parametrize("place", PLACES)
def test_an_interrupt_anywhere_keeps_whole_epochs_and_a_model_to_go_on_with(place, few, monkeypatch, capsys):
    name, nth = PLACES[place]
    owner, _, attribute = name.rpartition(".")
    target = training if owner == "vae_helpers.training" else torch.optim.Adam
    whole, calls = getattr(target, attribute), []

    def interrupted(*arguments, **more):
        calls.append(1)
        result = whole(*arguments, **more)
        if len(calls) == nth:
            raise KeyboardInterrupt
        return result

    monkeypatch.setattr(target, attribute, interrupted)
    model, images = vh.VAE(hidden=8), few[0]
    history = vh.fit(model, images, 50, batch_size=15, test_images=images[:5])
    epochs = len(history.seconds)
    assert 1 <= epochs < 4
    assert {len(values) for values in vars(history).values()} == {epochs}
    assert f"Interrupted: the history holds {epochs} whole epochs" in capsys.readouterr().out
    again = vh.fit(model, images, 2, progress=False)
    assert again.loss[-1] < history.loss[0] and np.isfinite(vh.evaluate(model, images).loss)
    vh.plot_history(history)


ENDLESS = """
import numpy as np, torch
import vae_helpers as vh
images = np.tile(np.arange(784, dtype=np.uint8).reshape(1, 28, 28), (200, 1, 1))
model = vh.VAE(hidden=16)
tell = lambda history: print(len(history.loss), flush=True)
history = vh.fit(model, images, 1_000_000, progress=False, on_epoch=tell)
print("kept", len(history.loss) == len(history.seconds) > 2, np.isfinite(vh.evaluate(model, images).loss))
"""


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_real_interrupt_of_a_process():
    with subprocess.Popen([sys.executable, "-c", ENDLESS], stdout=subprocess.PIPE, text=True) as process:
        while process.stdout.readline() != "3\n":
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        lines = process.stdout.read().splitlines()
    assert process.returncode == 0 and "Interrupted" in lines[-2] and lines[-1] == "kept True True"


def test_the_stop_button_of_a_notebook():
    """The kernel is interrupted while ``fit`` runs; the cell ends without an error, and so does the next one."""
    train, use = ENDLESS.rsplit("\n", 2)[0], ENDLESS.splitlines()[-1]
    client = NotebookClient(new_notebook(cells=[new_code_cell(train), new_code_cell(use)]), kernel_name="python3")

    async def interrupt(cell, cell_index):
        async def when_three_are_done():
            while not any("3\n" in output.get("text", "") for output in cell.outputs):
                await asyncio.sleep(0.05)
            await client.km.interrupt_kernel()

        if cell_index == 0:
            interrupt.task = asyncio.ensure_future(when_three_are_done())

    client.on_cell_execute = interrupt
    notebook = client.execute()
    assert "Interrupted" in notebook.cells[0].outputs[-1].text
    assert notebook.cells[1].outputs[0].text == "kept True True\n"


# The formulas

IMAGES, PLANE = torch.zeros(4, 784), torch.zeros(4, 2)


@pytest.mark.parametrize(
    ("call", "sizes"),
    [
        (lambda: vh.kl_divergence(PLANE, torch.zeros(4, 3)), "3.*2"),
        (lambda: vh.kl_divergence(PLANE, torch.zeros(5, 2)), "5|4"),
        (lambda: vh.reparameterize(PLANE, torch.zeros(4, 3)), "3.*2"),
        (lambda: vh.reparameterize(PLANE, PLANE, torch.zeros(50, 2)), "4.*50"),
        (lambda: vh.reconstruction_loss(IMAGES, torch.zeros(3, 784)), "4.*3"),
        (lambda: vh.reconstruction_loss(IMAGES[:1], IMAGES), "1.*4"),
        (lambda: vh.reconstruction_loss(IMAGES, torch.zeros(4, 100)), "784.*100"),
        (lambda: vh.reconstruction_loss(IMAGES, torch.zeros(4, 100), 0.0), "100.*784"),
        (lambda: vh.negative_elbo(vh.VAE(hidden=8), torch.zeros(4, 28, 28)), "112x28.*784x8"),
        (lambda: vh.importance_weighted_bound(vh.VAE(hidden=8), torch.zeros(4, 28), 5), "4x28.*784x8"),
        (lambda: vh.VAE(hidden=8).decode(torch.zeros(4, 3)), "4x3.*2x8"),
        (lambda: vh.ConditionalVAE(hidden=8).decode(PLANE, torch.tensor([1, 2])), "4.*2"),
    ],
)
def test_shapes_that_do_not_match_are_an_error_with_both_sizes(call, sizes):
    with pytest.raises(RuntimeError, match=sizes):
        call()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: vh.importance_weighted_bound(vh.VAE(hidden=8), IMAGES, 0), "one draw at least.*k=0"),
        (lambda: vh.importance_weighted_bound(vh.VAE(hidden=8), IMAGES, 5, chunk=-1), "one at a time.*chunk=-1"),
        (lambda: vh.importance_weighted_bound(vh.Autoencoder(hidden=8), IMAGES, 5), "log_var, found none"),
        (lambda: vh.plot_latent_space(torch.zeros(4, 10), range(4)), r"codes \(n, 2\).*\(4, 10\)"),
        (lambda: vh.plot_latent_space(PLANE, [1, 2, 3, 10]), "from 0 to 9.*1 to 10"),
        (lambda: vh.plot_latent_space(PLANE, [1, 2, 3]), "4 codes and 3 labels"),
        (lambda: vh.plot_history(vh.History()), "one whole epoch"),
        (lambda: vh.plot_images(IMAGES[:0]), "found no image"),
        (lambda: vh.plot_images(IMAGES + 255), r"from 0 to 1.*found 255 \(float32\)"),
        (lambda: vh.plot_images(IMAGES, titles=["a", "b"]), "each of 4 images, found 2"),
    ],
)
def test_what_has_no_answer_or_picture_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
