"""Execute notebooks on MNIST, each from a fresh kernel, and write the outputs that ``pytest`` compares.

    python tests/execute_notebooks.py [NUMBER ...]

This is the only writer of outputs, and of the list of what they claim (``claims.py``). What would differ from run to
run without meaning anything is dropped: widget state, progress bars, time stamps, the exact Python version.
"""

import resource
import sys
import time
from pathlib import Path

import claims
import nbformat
from nbclient import NotebookClient

from vae_helpers import load_mnist

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
WIDGET = "application/vnd.jupyter.widget-view+json"
STAND_IN = "Run this cell in Jupyter to see what moves here. The still picture below shows it at rest."


def execute(path):
    """Run every cell of the notebook in a fresh kernel and write it back with its outputs."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(NOTEBOOKS)}}
    ).execute()
    clean(notebook)
    nbformat.validate(notebook)
    nbformat.write(notebook, path)


def clean(notebook):
    """Drop from an executed notebook what means nothing to its next reader."""
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = _joined([output for output in map(_without_widget, cell.outputs) if output is not None])


def _joined(outputs):
    """Neighbouring pieces of one stream, cut where the kernel happened to flush, become one output."""
    joined = []
    for output in outputs:
        if output.output_type == "stream" and joined and joined[-1].get("name") == output.name:
            joined[-1]["text"] += output.text
        else:
            joined.append(output)
    return joined


def _without_widget(output):
    """A widget needs Jupyter: a sentence stands in for it, and nothing for a finished progress bar."""
    if WIDGET not in output.get("data", {}):
        return output
    if "it/s" in output.data.get("text/plain", "") or "step/s" in output.data.get("text/plain", ""):
        return None
    output.data = {"text/plain": STAND_IN}
    return output


def main():
    if load_mnist().name != "MNIST":
        sys.exit(
            "expected MNIST, because the stored outputs show it: set VAE_COURSE_DATA to a folder with its four files"
        )
    numbers = sys.argv[1:]
    paths = [path for path in sorted(NOTEBOOKS.glob("[0-9]*.ipynb")) if not numbers or path.name[:2] in numbers]
    for path in paths:
        start = time.perf_counter()
        execute(path)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024  # largest kernel so far
        print(f"{path.name:35} {time.perf_counter() - start:6.0f} s   largest kernel so far {peak:5.0f} MB", flush=True)
    claims.PAGE.write_text(claims.page(), encoding="utf-8")


if __name__ == "__main__":
    main()
