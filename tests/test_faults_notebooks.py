"""Notebooks survive what is done to them: moved away, the kernel restarted half-way, each cell run twice.

| fault                                            | what the learner sees            | what is kept                  |
| ------------------------------------------------ | -------------------------------- | ----------------------------- |
| the file alone moved to a folder whose name has  | it runs: no cell needs a file    | the folder: no cell leaves a  |
| a blank and an umlaut                            | beside it                        | file there                    |
| the kernel restarted half-way, and a section     | it works, or ``NameError`` with  | what was printed before       |
| begun at once                                    | a name that a cell above defines |                               |
| then "Run All Above Selected Cell", and on       | the numbers that are stored in   | the numbers                   |
|                                                  | the notebook, where they are     |                               |
|                                                  | compared, on any data set        |                               |
| each cell run twice in a row                     | the same numbers, both times     | the numbers                   |

All in one go for each notebook: a restarted kernel is a new process, so that is what it begins with. The data set is
the small one, trainings are cut short, and pictures are not drawn.
"""

import ast
import re

import nbformat
import pytest
from conftest import NOTEBOOKS
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from test_notebooks import read, tags, text_of

QUICK = """
import base64
from vae_helpers import checks, explorers, figures
def dot(figure, png=base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)):
    return png
figures.png = explorers.base.png = dot
checks.findings.__globals__["REPEATS"] = 30
del base64, checks, explorers, figures, dot
"""
SHORTER = {  # what takes long, and less of it: the notebooks' own words on the left
    "01": {"epochs=5": "epochs=2", "train_images[:5_000]": "train_images[:500]"},
    "02": {"test_images[:40]": "test_images[:4]", "100_000, 2": "10_000, 2"},
    "03": {"epochs=4": "epochs=1"},
    "04": {
        '"epochs": 10': '"epochs": 1',
        '"epochs": 4': '"epochs": 1',
        '"epochs": 7': '"epochs": 1',
        "(50, False, 200), (50, True, 200), (200, True, 200), (1000, True, 40)": "(50, False, 9), (50, True, 9)",
        "exchanged, steps=200": "exchanged, steps=20",
        "steps, lr = 500": "steps, lr = 50",
        "range(600)": "range(60)",
    },
    "05": {"epochs=10": "epochs=1"},
    "06": {
        "seeds = range(3)": "seeds = range(2)",
        "steps=60": "steps=6",
        "steps in (60, 200)": "steps in (6, 20)",
        '"epochs": 8': '"epochs": 1',
        "max_iter=1000": "max_iter=9",
        "range(100 if len(x) < 200 else 200)": "range(10)",
    },
    "07": {
        "range(3)": "range(2)",
        "steps=3000": "steps=60",
        "train_images[:10_000]": "train_images[:500]",
        "epochs=3": "epochs=1",
        "for epochs in (3, 8)": "for epochs in (1, 3)",
        "count=500": "count=50",
    },
    "08": {"[:500]": "[:20]", "[:10_000]": "[:200]", '"epochs": 6': '"epochs": 2'},
    "09": {
        "hidden=256": "hidden=64",
        "steps=300": "steps=210",
        "(hidden=32)": "(hidden=8)",
        "shipped.items()": "list(shipped.items())[:2]",
        "for _ in range(200)": "for _ in range(20)",
    },
}


def shorter(notebook, number):
    """The notebook with less to compute; says so when it no longer holds the words of the list."""
    for old, new in SHORTER[number].items():
        cells = [cell for cell in notebook.cells if cell.cell_type == "code" and old in cell.source]
        assert cells, f"{number}: no cell says {old!r} any more; see SHORTER"
        for cell in cells:
            cell.source = cell.source.replace(old, new)
    return notebook


def in_halves(notebook):
    """The code cells before and from the beginning of the section that begins nearest to the middle."""
    cells, beginnings = [], []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cells.append(cell)
        elif re.match("## ", cell.source.lstrip()):
            beginnings.append(len(cells))
    middle = min(beginnings, key=lambda start: abs(start - len(cells) / 2))
    return cells[:middle], cells[middle:]


class Kernel:
    """A fresh kernel in ``folder``; ``run`` executes a cell there as JupyterLab does."""

    def __init__(self, notebook, folder):
        resources = {"metadata": {"path": str(folder)}}
        self.client = NotebookClient(notebook, timeout=600, kernel_name="python3", resources=resources)

    def __enter__(self):
        self.context = self.client.setup_kernel()
        self.context.__enter__()
        self.run(nbformat.v4.new_code_cell(QUICK))
        return self

    def __exit__(self, *error):
        self.context.__exit__(*error)

    def run(self, cell):
        """Run the cell. What it prints must be what is stored, if nbval compares it."""
        again = nbformat.from_dict(dict(cell, outputs=[]))
        self.client.execute_cell(again, 0)
        if "nbval-ignore-output" not in tags(cell):
            assert printed(again) == printed(cell), cell.source


def printed(cell):
    return "".join(text_of(output) for output in cell.outputs if output.get("name") != "stderr")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_moved_run_twice_and_restarted_half_way(path, small_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("VAE_COURSE_DATA", str(small_folder))
    folder = tmp_path / "Übungen zum VAE"
    folder.mkdir()
    notebook = shorter(read(path), path.name[:2])
    above, section = in_halves(notebook)
    with Kernel(notebook, folder) as kernel:
        begun_at_once(kernel, above, section[0])
        for cell in above + section:
            kernel.run(cell)
            kernel.run(cell)
    assert list(folder.iterdir()) == []


def begun_at_once(kernel, above, cell):
    try:
        kernel.run(cell)
    except CellExecutionError as error:
        assert error.ename == "NameError" and re.search("'(.*)'", error.evalue)[1] in names_of(above)


def names_of(cells):
    """The names that the cells define."""
    names = set()
    for node in ast.walk(ast.parse("\n".join(cell.source for cell in cells))):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.alias):
            names.add(node.asname or node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names
