"""What learners wait for: the seconds and the memory of each notebook, of the helper's import, and the sizes of files.

    python tests/benchmarks/notebooks.py [NUMBER ...] [--rounds 7] [--set-up-only]

*Imports*: fresh Pythons, one after another in random order, each given one line; what it takes longer than one that
is given nothing is the line's own time, round by round. The files have been read before: the first import after a
computer has been switched on takes longer by its disk.

*Notebooks*: each from a fresh kernel, all cells, on the data that ``load_mnist`` finds. Set-up is what its first cells
do, imports and data (``setup``, ``imports``, ``load-data``); the first picture (or explorer) comes so many seconds
after the kernel was asked for, if its cells are run without a pause. Memory is that of the kernel's process as Linux
counts it: resident after set-up, and the highest it ever was. Pages that kernels share, of libraries and of unpacked
data, are counted in each.

*Sizes*: files as they are committed, and all that a clone fetches. This is a benchmark, not a test: it says at its end
which targets were met.
"""

import argparse
import base64
import math
import os
import platform
import random
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import torch
from nbclient import NotebookClient

ROOT = Path(__file__).parent.parent.parent
HELPER = "import vae_helpers"
LINES = {
    "nothing": "",
    HELPER: "import vae_helpers as vh",
    "vh.load_mnist()": "import vae_helpers as vh; vh.load_mnist()",
    "import torch": "import torch",
    "vh.load_pretrained()": "import vae_helpers as vh; vh.load_pretrained()",
    "vh.show": "import vae_helpers as vh; vh.show",
    "an explorer": "import vae_helpers as vh; codes = vh.load_codes(); "
    "vh.LatentExplorer(vh.load_pretrained(), codes.mu, codes.labels)",
}
COLUMNS = {
    "kernel": "15.1f",
    "set-up": "8.1f",
    "picture": "15.1f",
    "all": "6.0f",
    "after set-up": "20.0f",
    "peak": "6.0f",
}
PICTURES = {"image/png", "application/vnd.jupyter.widget-view+json"}


def time_imports(rounds):
    """Seconds of each line beyond those of an empty one: {line: [one for each round]}."""
    times = {name: [] for name in LINES}
    for _ in range(rounds + 1):
        for name in random.sample(list(LINES), len(LINES)):
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", LINES[name]], check=True, stdout=subprocess.DEVNULL)
            times[name].append(time.perf_counter() - start)
    nothing = times.pop("nothing")
    return {name: [a - b for a, b in zip(took, nothing)][1:] for name, took in times.items()}  # the first warms up


def memory(pid, kind):
    """MiB of a process: "VmRSS", resident now, or "VmHWM", the most so far."""
    return int(re.search(rf"{kind}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())[1]) / 1024


def run_notebook(path, set_up_only):
    """{what: seconds or MiB} of a notebook, run from a fresh kernel: all of it, or until its first picture."""
    client = NotebookClient(
        nbformat.read(path, as_version=4),
        timeout=1200,
        kernel_name="python3",
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(path.parent)}},
    )
    cells = [(i, cell) for i, cell in enumerate(client.nb.cells) if cell.cell_type == "code"]
    first = [cell.id in ("setup", "imports", "load-data") for _, cell in cells].index(False)
    found, start = {}, time.perf_counter()
    with client.setup_kernel():
        pid = client.km.provisioner.pid
        found["kernel"] = time.perf_counter() - start
        for i, cell in cells[:first]:
            client.execute_cell(cell, i)
        found["set-up"] = time.perf_counter() - start - found["kernel"]
        found["after set-up"] = memory(pid, "VmRSS")
        for i, cell in cells[first:]:
            if set_up_only and "picture" in found:
                return found
            client.execute_cell(cell, i)
            if any(PICTURES & output.get("data", {}).keys() for output in cell.outputs):
                found.setdefault("picture", time.perf_counter() - start)
        return found | {"all": time.perf_counter() - start, "peak": memory(pid, "VmHWM")}


def sizes(path):
    """Bytes of a notebook: in all, of its pictures, of its words and code."""
    notebook = nbformat.read(path, as_version=4)
    outputs = [output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", [])]
    pictures = [base64.b64decode(data["image/png"]) for data in outputs if "image/png" in data]
    return path.stat().st_size, sum(map(len, pictures)), sum(len(cell.source.encode()) for cell in notebook.cells)


def git(*command):
    return subprocess.run(["git", *command], cwd=ROOT, check=True, capture_output=True).stdout


def show_sizes(paths):
    """Print the sizes of notebooks and repository, in kB."""
    print(f"\n{'kB':30}  in all  pictures  words and code")
    for path in paths:
        whole, pictures, words = (count / 1000 for count in sizes(path))
        print(f"{path.name:30}{whole:8.0f}{pictures:10.0f}{words:16.0f}")
    files = [ROOT / name.decode() for name in git("ls-files", "-z").split(b"\0") if name]
    print(f"{len(files)} files: {sum(path.stat().st_size for path in files if path.is_file()) / 1e6:.1f} MB")
    print(f"what a clone fetches: {len(git('bundle', 'create', '-q', '-', 'HEAD')) / 1e6:.1f} MB", end=", ")
    print(f"without history {len(git('archive', '--format=tar.gz', 'HEAD')) / 1e6:.1f} MB")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("numbers", nargs="*", metavar="NUMBER", help="of notebooks, such as 05 (default: all)")
    parser.add_argument("--rounds", type=int, default=7, help="of the imports (default 7)")
    parser.add_argument(
        "--set-up-only", action="store_true", help="run each notebook no further than its first picture"
    )
    options = parser.parse_args()
    paths = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
    paths = [path for path in paths if not options.numbers or path.name[:2] in options.numbers]
    print(
        f"{os.cpu_count()} cores (load {os.getloadavg()[0]:.2f} before), Python {platform.python_version()}", end=", "
    )
    print(f"torch {torch.__version__}, OMP_NUM_THREADS {os.environ.get('OMP_NUM_THREADS', 'not set (so one)')}")

    print(f"\n{'seconds':30}  median (range)")
    imports = time_imports(options.rounds)
    for name, took in imports.items():
        print(f"{name:30}{statistics.median(took):8.3f} ({min(took):.3f}–{max(took):.3f})")

    print(f"\n{'':34}seconds: kernel  set-up  first picture   all   MiB: after set-up  peak")
    found = {}
    for path in paths:
        now = found[path.name[:2]] = run_notebook(path, options.set_up_only)
        row = "".join(f"{now.get(name, math.nan):{form}}" for name, form in COLUMNS.items())
        print(f"{path.name:34}{row.replace('nan', '  –')}", flush=True)
    show_sizes(paths)

    took = statistics.median(imports[HELPER])
    targets = [(took <= 0.3, f"{HELPER}: at most 0.3 s", f"{took:.3f} s")]
    if "05" in found:
        resident = found["05"]["after set-up"]
        targets.append((resident <= 500, "05 after its set-up: at most 500 MiB", f"{resident:.0f} MiB"))
    print()
    for met, target, measured in targets:
        print(f"{'met' if met else 'NOT MET':8} {target:40} {measured}")


if __name__ == "__main__":
    main()
