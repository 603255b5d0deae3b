"""Rules that every notebook keeps, read from its file, and proof that nbval would notice a wrong number."""

import ast
import re
import subprocess
import sys

import nbformat
import pytest
import torch
from conftest import NOTEBOOKS
from nbclient import NotebookClient

import vae_helpers as vh

TAGS = {"nbval-ignore-output", "raises-exception", "hide-input"}
DEFEATS_NBVAL = re.compile(r"interact\(|Output\(|clear_output|display_id|%%time|%time|# *NBVAL")
MACHINE_PATH = re.compile(r"(?:/home/|/root/|/tmp/|/work/|/Users/|[A-Z]:\\\\)")

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path):
    return nbformat.read(path, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tags(cell):
    return set(cell.metadata.get("tags", []))


def text_of(output):
    """All text an output holds: a stream's text, or its text/plain."""
    return output.get("text", "") + output.get("data", {}).get("text/plain", "")


def test_there_are_notebooks():
    assert [path.name[:2] for path in NOTEBOOKS] == [f"{number:02}" for number in range(1, 10)]


@every_notebook
def test_was_executed_in_order_from_a_fresh_kernel(path):
    cells = code_cells(read(path))
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))


@every_notebook
def test_stores_no_error_no_warning_no_machine_path_no_widget_state(path):
    notebook = read(path)
    assert "widgets" not in notebook.metadata
    for cell in code_cells(notebook):
        for output in cell.outputs:
            assert output.output_type != "error" or "raises-exception" in tags(cell), cell.id
            assert output.get("name") != "stderr", (cell.id, output.get("text"))
            assert not MACHINE_PATH.search(text_of(output)), (cell.id, text_of(output))
            assert "Warning:" not in text_of(output), cell.id


@every_notebook
def test_shows_mnist(path):
    text = "".join(text_of(output) for cell in code_cells(read(path)) for output in cell.outputs)
    assert "MNIST: 60,000 training and 10,000 test images" in text


@every_notebook
def test_every_picture_has_its_sentence(path):
    pictures = 0
    for cell in code_cells(read(path)):
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                pictures += 1
                alt = output.metadata.get("image/png", {}).get("alt", "")
                assert len(alt) >= 20 and alt == output.data["text/plain"], cell.id
    assert pictures > 0
    for alt, target in re.findall(r"!\[(.*?)\]\((.*?)\)", markdown(path), re.S):
        assert len(alt) >= 20, target


def markdown(path):
    return "\n\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")


@every_notebook
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)\s]+)\)", markdown(path)):
        if not target.startswith(("http", "#")):
            assert (path.parent / target.split("#")[0]).exists(), target


@every_notebook
def test_headings_form_an_outline(path):
    text = re.sub(r"```.*?```", "", markdown(path), flags=re.S)
    levels = [len(marks) for marks in re.findall(r"^(#+) ", text, re.M)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(deeper - level <= 1 for level, deeper in zip(levels, levels[1:], strict=False))


@every_notebook
def test_nothing_defeats_nbval(path):
    compared = 0
    for cell in code_cells(read(path)):
        assert tags(cell) <= TAGS, (cell.id, tags(cell))
        assert not DEFEATS_NBVAL.search(cell.source), cell.id
        assert not any(line.rstrip().endswith(";") for line in cell.source.splitlines()), cell.id
        if "nbval-ignore-output" in tags(cell):
            continue
        compared += bool(cell.outputs)
        for name in ("load_mnist(", "tqdm", "Explorer(", ".sliders("):
            assert name not in cell.source, f"{cell.id}: the output of {name} differs from run to run"
        assert "fit(" not in cell.source or "progress=False" in cell.source, f"{cell.id}: fit prints its seconds"
    assert compared >= 5


@every_notebook
def test_is_of_a_readable_size(path):
    cells = code_cells(read(path))
    lines = sorted(len([line for line in cell.source.splitlines() if line.strip()]) for cell in cells)
    assert lines[int(0.9 * (len(lines) - 1))] <= 20
    assert path.stat().st_size < 500_000


def printed_number(notebook):
    """The first compared cell with a number in its printed output: (cell's index, output, match)."""
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "code" and "nbval-ignore-output" not in tags(cell):
            for output in cell.outputs:
                match = re.search(r"\d", output.get("text", ""))
                if match:
                    return index, output, match
    raise AssertionError("no compared cell prints a number")


def run_nbval(path):
    """Run nbval as ``pytest`` does here, on one notebook; the kernel finds the helper as it is installed."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--nbval",
        "--nbval-current-env",
        "-p",
        "no:cacheprovider",
        str(path),
    ]
    return subprocess.run(command, cwd=path.parent, capture_output=True, text=True, check=False)


@every_notebook
def test_a_changed_number_fails(path, tmp_path):
    """A digit changed in the stored output of one cell: nbval must fail at that cell and at no other."""
    notebook = read(path)
    index, output, match = printed_number(notebook)
    notebook.cells = notebook.cells[: index + 1]
    digit = str((int(match.group()) + 1) % 10)
    for changed in (False, True):
        if changed:
            output["text"] = output["text"][: match.start()] + digit + output["text"][match.end() :]
        copy = tmp_path / path.name
        nbformat.write(notebook, copy)
        result = run_nbval(copy)
        if changed:
            assert result.returncode == 1 and re.search(r"\b1 failed\b", result.stdout), result.stdout
        else:
            assert result.returncode == 0, result.stdout


DRIVE = """
import gc, json, re
from vae_helpers import Explorer
from vae_helpers.explorers.base import packed
_driven = 0
for _explorer in [thing for thing in gc.get_objects() if issubclass(type(thing), Explorer)]:
    for _name, _control in _explorer.controls.items():
        _values = _control.get("options")
        if _values is None:
            _low, _high = _control["low"], _control["high"]
            _values = [_low, (_low + _high) / 2, _high]
        _pictures = set()
        for _value in _values:
            setattr(_explorer, _name, _value)
            _marks, _readout = _explorer.update(**_explorer.values)
            assert _readout and not re.search(r"(?i)\\b(nan|inf|infinity)\\b", _readout), (_name, _value, _readout)
            _pictures.add(json.dumps(packed(_marks, bytes.hex)))
        _where = f"{type(_explorer).__name__}: {_name}"
        assert len(_pictures) == len(_values), f"{_where} gives {len(_pictures)} pictures for {len(_values)} values"
    _driven += 1
print("driven", _driven)
"""


@every_notebook
def test_every_control_can_be_driven_over_its_range(path, small_folder, monkeypatch):
    """The whole notebook on a small data set of another name, then every control of every explorer in it."""
    monkeypatch.setenv("VAE_COURSE_DATA", str(small_folder))
    notebook = read(path)
    notebook.cells.append(nbformat.v4.new_code_cell(DRIVE))
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(path.parent)}}).execute()
    driven = int(notebook.cells[-1].outputs[0].text.split()[1])
    asked = sum(text.count("Explorer(") for text in (cell.source for cell in code_cells(read(path))))
    assert driven == asked > 0


# What the notebooks teach is what the helper does.


def definitions(number, *names):
    """Run the notebook's own definitions of ``names``, taken out by its syntax tree, and return them."""
    path = next(path for path in NOTEBOOKS if path.name.startswith(number))
    namespace = {}
    exec("import math, torch\nfrom torch import nn\nimport torch.nn.functional as F\nimport numpy as np", namespace)
    wanted = []
    for cell in code_cells(read(path)):
        for node in ast.parse(cell.source).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name in names:
                wanted.append(node)
    assert {node.name for node in wanted} == set(names)
    exec(compile(ast.Module(wanted, []), path.name, "exec"), namespace)
    return [namespace[name] for name in names]


@pytest.fixture
def batch():
    torch.manual_seed(0)
    return 3 * torch.randn(7, 2), 2 * torch.randn(7, 2), 4 * torch.randn(7, 784), torch.rand(7, 784)


@pytest.mark.parametrize("number", ["02", "04"])
def test_kl_and_reconstruction_taught_are_the_helpers(number, batch):
    mu, log_var, logits, x = batch
    kl_divergence, reconstruction_loss = definitions(number, "kl_divergence", "reconstruction_loss")
    torch.testing.assert_close(kl_divergence(mu, log_var), vh.kl_divergence(mu, log_var))
    torch.testing.assert_close(reconstruction_loss(logits, x), vh.reconstruction_loss(logits, x))


@pytest.mark.parametrize("number", ["03", "04"])
def test_reparameterize_taught_is_the_helpers(number, batch):
    mu, log_var, _, _ = batch
    (reparameterize,) = definitions(number, "reparameterize")
    eps = torch.randn(7, 2)
    torch.testing.assert_close(reparameterize(mu, log_var, eps), vh.reparameterize(mu, log_var, eps))
    draws = []
    for function in (reparameterize, vh.reparameterize):
        torch.manual_seed(1)
        draws.append(function(mu, log_var))
    torch.testing.assert_close(*draws)


def test_model_and_loss_taught_are_the_helpers(batch):
    x = batch[3]
    names = ("VAE", "negative_elbo", "reparameterize", "kl_divergence", "reconstruction_loss")
    VAE, negative_elbo, *_ = definitions("04", *names)
    taught, helper = VAE(), vh.VAE()
    taught.load_state_dict(helper.state_dict())
    results = []
    for model, loss in ((taught, negative_elbo), (helper, vh.negative_elbo)):
        torch.manual_seed(1)
        parts = loss(model, x, beta=2.0)
        parts[0].mean().backward()
        results.append([*parts, model.to_mu.weight.grad, model.decoder[0].weight.grad])
    torch.testing.assert_close(*results)
