"""Every notebook of the course, run whole in a real JupyterLab on a small data set, and each explorer in it moved."""

import shutil
from pathlib import Path

import pytest

from .conftest import move_each_control, wait_until_drawn
from .servers import Notebook, jupyter_lab

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(path.name for path in FOLDER.glob("[0-9]*.ipynb"))
WIDGET = "application/vnd.jupyter.widget-view+json"
SCREEN = {"viewport": {"width": 1280, "height": 900}}


@pytest.fixture(scope="module")
def lab(tmp_path_factory, small_folder):
    with jupyter_lab(tmp_path_factory.mktemp("lab"), VAE_COURSE_DATA=str(small_folder)) as lab:
        shutil.copytree(FOLDER, lab.root / "notebooks", ignore=shutil.ignore_patterns(".*"))
        yield lab


def is_explorer(output):
    data = output.get("data", {})
    return WIDGET in data and "Explorer object" in "".join(data["text/plain"])


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_runs_whole_and_its_explorers_move(name, lab, new_page):
    notebook = Notebook(new_page(**SCREEN), lab, f"notebooks/{name}")
    notebook.run_all()
    cells = notebook.cells()
    counts = [cell["count"] for cell in cells if cell["type"] == "code"]
    assert counts == list(range(1, len(counts) + 1))
    assert notebook.errors() == []

    shown = [i for i, cell in enumerate(cells) if any(is_explorer(output) for output in cell["outputs"])]
    assert len(shown) >= sum("Explorer(" in source for source in notebook.sources())  # each that is made is shown
    for i in shown:
        notebook.show(i)
        root = notebook.cell(i).locator("div.vae-explorer")
        wait_until_drawn(root)
        move_each_control(root)
