"""What a class costs: kernels that start at once, one JupyterLab with many pages, the sums up to thousands.

    python tests/benchmarks/classroom.py [--kernels 5 10 20] [--pages 5 10 20] [--reserve 3] [--peak 764]

Linux, with Chromium for the pages; about ten minutes on two cores that do nothing else (another program that has torch
open would share its memory), and 10 GiB of free memory. What would leave less than the reserve (GiB) is left out.

*Kernels*: so many start at once, each with one thread, import what notebook 05 does, load the data (and hold all of
it, as notebooks 01 to 04 do), weights and codes, and show a ``LatentExplorer``. Memory is that of the kernel's process
by the system's account: *proportional* (what k processes share counts 1/k in each), *private*, *resident* (all that it
sees). Seconds run from the common start to the answer of the explorer's cell. The data comes from the four packed
files, or from a folder that holds them unpacked as well; the two take turns, in random order.

*Training*: so many kernels train at once by ``vh.fit`` in batches of 50, with one thread each, as the helper asks for,
and with one for each core, as torch takes by itself, taking turns; steps of all together, and processor time of a
step. Threads of one kernel wait for each other: where another program keeps a core busy, that is seen with a single
kernel already.

*Pages*: one JupyterLab, each learner a page with a notebook and kernel of its own, an explorer in it. Spans in which
nothing is touched and spans in which the mouse drags on all pages take turns. All processes share the machine, and
Chromium, which on a learner's own computer costs the server nothing, takes most of it: so processor seconds are
counted for each process, and are no measure of load. Messages are frames of type ``comm_msg`` from page to kernel.

*Sums*: what is measured, what was given (``--peak``: MiB that a kernel takes at the heaviest cell of a notebook, as
``notebooks.py`` measures it) and what is only multiplied, each by its name. A benchmark, not a test.
"""

import argparse
import ast
import asyncio
import gzip
import math
import os
import platform
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections import Counter
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version
from pathlib import Path

import nbformat
import pooch
import psutil
from jupyter_client import AsyncKernelManager
from playwright.sync_api import sync_playwright

import vae_helpers as vh
from vae_helpers.data import FILES

sys.path.insert(0, str(Path(__file__).parent.parent))  # the tests' folder
from browser.servers import Notebook, jupyter_lab, write_notebook  # noqa: E402

NOTEBOOK_05 = Path(__file__).parents[2] / "notebooks/05_mnist_results.ipynb"
MIB, GIB = 2**20, 2**30
SPAN = 4  # seconds of a turn of training
EXPLORER = [
    'vae, codes = vh.load_pretrained("vae"), vh.load_codes("vae")',
    "vh.LatentExplorer(vae, codes.mu[:800], codes.labels[:800], sample=True)",
]
FIT = [
    "import time\nimport vae_helpers as vh\nimages = vh.load_mnist().train_images[:250]",
    f"""\
def stop(history):
    if time.perf_counter() > end:
        raise KeyboardInterrupt  # as the stop button does

end = time.perf_counter() + {SPAN}
history = vh.fit(vh.VAE(), images, epochs=10**6, batch_size=50, on_epoch=stop, progress=False)""",
]
STEPS = "(5 * len(history.seconds), history.seconds[-1])"  # of that training, and its seconds
NOTE_STEPS = 12_000  # the training of notebook 04: 10 epochs of 60,000 images in batches of 50
CLASSES = 30, 300, 3000  # learners
MACHINE, SYSTEM = 64, 4  # GiB of a hub's machine, and those of it that the system keeps


def set_up():
    """The cells of a learner's notebook: the imports of notebook 05, data, weights and codes, explorer."""
    cells = [cell.source for cell in nbformat.read(NOTEBOOK_05, as_version=4).cells if cell.cell_type == "code"]
    assert cells[0].endswith("import vae_helpers as vh"), "the imports of notebook 05 have moved"
    return [cells[0], "digits = vh.load_mnist()", *EXPLORER]


def data_folders(folder):
    """{"packed": the four .gz files, "unpacked": the same and their contents}, in a temporary folder."""
    if vh.load_mnist().name != "MNIST":
        raise SystemExit("This wants MNIST: connect once, or set VAE_COURSE_DATA to a folder with its four files.")
    source = Path(os.environ.get("VAE_COURSE_DATA") or pooch.os_cache("vae-course"))
    folders = {name: folder / name for name in ("packed", "unpacked")}
    for place in folders.values():
        place.mkdir()
        for name in FILES.values():
            shutil.copyfile(source / name, place / name)
    for name in FILES.values():
        content = gzip.decompress((source / name).read_bytes())
        (folders["unpacked"] / name.removesuffix(".gz")).write_bytes(content)
    return folders


def room_for(what, size, reserve):
    """Whether so many bytes more leave the reserve (bytes) free; says so if not."""
    free = psutil.virtual_memory().available
    if free - size < reserve:
        print(f"{what} left out: {free / GIB:.1f} GiB are free, {reserve / GIB:.1f} stay so", flush=True)
    return free - size >= reserve


def processor_seconds(process):
    times = process.cpu_times()
    return times.user + times.system


# Kernels


@asynccontextmanager
async def kernels(count, cells, data, threads):
    """Start kernels at once and run the cells in each: [(client, process, seconds to the last cell's answer)]."""
    place, start = data.parent, time.perf_counter()
    files = [f"{place}/{threads}-{i}.json" for i in range(count)]
    managers = [AsyncKernelManager(transport="ipc", connection_file=file) for file in files]
    env = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    env |= {"VAE_COURSE_DATA": str(data), "IPYTHONDIR": str(place / "ipython")}
    env["OMP_NUM_THREADS"] = str(threads)

    async def begin(manager):
        await manager.start_kernel(env=env)
        client = manager.client()
        client.start_channels()
        await client.wait_for_ready(timeout=300)
        for cell in cells:
            await run(client, cell)
        return client, psutil.Process(manager.provisioner.pid), time.perf_counter() - start

    try:
        yield await asyncio.gather(*map(begin, managers))
    finally:
        await asyncio.gather(*(manager.shutdown_kernel(now=True) for manager in managers if manager.has_kernel))


async def run(client, cell, value="None"):
    """Run a cell and return what the expression ``value``, of literals, is worth afterwards."""
    answer = await client.execute(cell, store_history=False, user_expressions={"value": value}, reply=True, timeout=600)
    content = answer["content"]
    assert content["status"] == "ok", "\n".join(content.get("traceback", [content["status"]]))
    return ast.literal_eval(content["user_expressions"]["value"]["data"]["text/plain"])


async def class_of_kernels(count, data):
    """Means over the kernels: bytes pss, uss, rss and processor seconds; median and slowest seconds to the explorer."""
    async with kernels(count, set_up(), data, threads=1) as started:
        memory = [process.memory_full_info() for _, process, _ in started]
        found = {key: statistics.mean(getattr(one, key) for one in memory) for key in ("pss", "uss", "rss")}
        seconds = [taken for _, _, taken in started]
        found |= {"median": statistics.median(seconds), "slowest": max(seconds)}
        return found | {"cpu": statistics.mean(processor_seconds(process) for _, process, _ in started)}


async def measure_kernels(sizes, folders, reserve):
    """{(count, folder's name): the means of what ``class_of_kernels`` found}, printed as a table."""
    for folder in folders.values():
        await class_of_kernels(1, folder)  # the first reads all from disk
    print("\nKernels that start at once      MiB of each kernel         s to the explorer   CPU s   1 kernel = 1")
    print("    n  data       proportional  private  resident      median  slowest      each   median  slowest")
    found = {}
    for count in sizes:
        if found and not room_for(f"{count} kernels", count * found[1, "packed"]["uss"], reserve):
            break
        taken = {name: [] for name in folders}
        for _ in range(math.ceil(4 / count)):  # turns: a few kernels say less in one
            for name in random.sample(list(folders), len(folders)):
                taken[name].append(await class_of_kernels(count, folders[name]))
        for name in folders:
            one = found[count, name] = {key: statistics.mean(t[key] for t in taken[name]) for key in taken[name][0]}
            memory = "".join(f"{one[key] / MIB:{width}.0f}" for key, width in (("pss", 12), ("uss", 9), ("rss", 10)))
            print(f"{count:5}  {name:11}{memory}{one['median']:12.1f}{one['slowest']:9.1f}{one['cpu']:10.1f}", end="")
            growth = [one[key] / found[1, name][key] for key in ("median", "slowest")]
            print(f"{growth[0]:9.1f}{growth[1]:9.1f}", flush=True)
    return found


async def turn_of_training(started):
    """(steps a second of all kernels together, processor milliseconds of a step)."""
    before = sum(processor_seconds(process) for _, process, _ in started)
    done = await asyncio.gather(*(run(client, FIT[1], STEPS) for client, _, _ in started))
    used = sum(processor_seconds(process) for _, process, _ in started) - before
    return sum(steps / seconds for steps, seconds in done), 1000 * used / sum(steps for steps, _ in done)


async def measure_training(sizes, data, each, reserve, turns=3):
    """{(count, threads): median (steps a second, processor ms a step)}, printed as a table."""
    print("\nKernels that train at once       steps a second, all together   CPU ms    1 thread /")
    print("    n  OMP_NUM_THREADS           median (range)                 a step        more")
    found, cores = {}, max(os.cpu_count(), 2)
    for count in sizes:
        if found and not room_for(f"twice {count} kernels", 2 * count * each, reserve):
            break
        async with kernels(count, FIT, data, 1) as single, kernels(count, FIT, data, cores) as default:
            groups, taken = {1: single, cores: default}, {1: [], cores: []}
            for _ in range(turns):
                for threads in random.sample(list(groups), len(groups)):
                    taken[threads].append(await turn_of_training(groups[threads]))
        for threads, one in taken.items():
            found[count, threads] = rate, ms = [statistics.median(values) for values in zip(*one)]
            words = f"{rate:.0f} ({min(one)[0]:.0f}–{max(one)[0]:.0f})"
            print(f"{count:5}  {threads:<26}{words:28}{ms:9.1f}", end="")
            print("" if threads == 1 else f"{found[count, 1][0] / rate:13.1f}", flush=True)
    return found


# Pages


class Learner:
    """A page of JupyterLab with a notebook and a kernel of its own, and the explorer in it."""

    def __init__(self, browser, lab, name):
        write_notebook(lab.root / name, "import vae_helpers as vh", *EXPLORER)
        self.page = browser.new_context(viewport={"width": 1100, "height": 900}).new_page()
        self.notebook = Notebook(self.page, lab, name)
        for cell in range(3):
            self.notebook.run(cell)
        self.page.wait_for_selector(".vae-explorer .steered")
        self.notebook.command("docmanager:save")  # else it saves itself in some span
        self.notebook.show(2)
        box = self.page.locator(".vae-explorer .steered").bounding_box()
        self.middle, self.radius = (box["x"] + box["width"] / 2, box["y"] + box["width"] / 2), box["width"] / 4

    def move(self, angle):
        x, y = self.middle
        self.page.mouse.move(x + self.radius * math.cos(angle), y + self.radius * math.sin(angle))

    def take_messages(self):
        count = len(self.notebook.messages)
        self.notebook.messages.clear()
        return count


def drag(learners, seconds):
    """Drag on all pages for so long: (movements, messages while the button is down, messages of each page after)."""
    for learner in learners:
        learner.move(0)
        learner.take_messages()
        learner.page.mouse.down()
    movements, end = 0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        for learner in learners:
            learner.move(0.1 * movements / len(learners))
            movements += 1
    learners[0].page.wait_for_timeout(1000)  # messages on their way
    during = sum(learner.take_messages() for learner in learners)
    for learner in learners:
        learner.page.mouse.up()
    learners[0].page.wait_for_timeout(1000)
    return movements, during, [learner.take_messages() for learner in learners]


def groups(server):
    """{"server", "kernels", "Chromium": their processes now}."""
    ours = psutil.Process().children(recursive=True)
    chromium = [process for process in ours if process.is_running() and "chrom" in process.name()]
    return {"server": [server], "kernels": server.children(), "Chromium": chromium}


def spent(server, act):
    """Processor seconds of each group while ``act()`` runs, what it returned, and the seconds that it took."""
    before = {process: (processor_seconds(process), name) for name, all_ in groups(server).items() for process in all_}
    start = time.perf_counter()
    result = act()
    seconds, cpu = time.perf_counter() - start, Counter()
    for process, (earlier, name) in before.items():
        with suppress(psutil.NoSuchProcess):  # Chromium ends some by itself
            cpu[name] += processor_seconds(process) - earlier
    return cpu, result, seconds


def measure_pages(sizes, data, chromium, reserve, span):
    """{count: bytes of the server, its processor seconds a second for each page, messages}; of 0 pages, bytes only."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        with jupyter_lab(Path(folder), OMP_NUM_THREADS="1", VAE_COURSE_DATA=str(data)) as lab:
            server = psutil.Process(int(next(Path(folder).glob("runtime/jpserver-*.json")).stem.split("-")[1]))
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            print(f"\nPages of one JupyterLab {version('jupyterlab')}, Chromium {browser.version}")
            print("                              CPU s of      kernels,                moved    messages    server")
            print("    n  spans           seconds  server   all together  Chromium   a page  down  after       MiB")
            learners, found = [], {0: {"memory": server.memory_full_info().pss}}
            for count in sizes:
                while len(learners) < count and (not learners or room_for("a page more", GIB, reserve)):
                    learners.append(Learner(browser, lab, f"learner_{len(learners)}.ipynb"))
                if len(learners) < count:
                    break
                found[count] = measure_span(learners, server, span, turns=4 if count == 1 else 2)
            browser.close()
    return found


def measure_span(learners, server, span, turns):
    """Spans of dragging, each followed by one as long in which nothing is touched: their sums, printed as two rows."""
    cpu, seconds, movements = {"dragged": Counter(), "untouched": Counter()}, 0, 0
    during, after = 0, []
    for _ in range(turns):
        used, (moved, sent, at_end), taken = spent(server, lambda: drag(learners, span))
        cpu["dragged"] += used
        cpu["untouched"] += spent(server, lambda: learners[0].page.wait_for_timeout(1000 * taken))[0]
        seconds, movements, during, after = seconds + taken, movements + moved, during + sent, after + at_end
    memory = server.memory_full_info().pss
    for name, used in cpu.items():
        print(f"{len(learners):5}  {name:13}{seconds:10.1f}", end="")
        print(f"{used['server']:8.2f}{used['kernels']:13.2f}{used['Chromium']:12.1f}", end="")
        ends = "–".join(str(count) for count in sorted({min(after), max(after)}))
        words = f"{movements / len(learners):9.0f}{during:6}{ends:>7}{memory / MIB:10.0f}"
        print(words if name == "dragged" else "", flush=True)
    load = {name: used["server"] / seconds / len(learners) for name, used in cpu.items()}
    return {"memory": memory, "load": load, "during": during, "after": after}


# Sums


def show_sums(starts, training, pages, peak):
    """Print what follows from the measured figures and a kernel's peak (MiB): learners per GiB, limits, classes."""
    count, most, training_count = max(n for n, _ in starts), max(pages), max(n for n, _ in training)
    kernel, packed = (starts[count, name]["pss"] / MIB for name in ("unpacked", "packed"))
    base, server, crowd = (pages[n]["memory"] / MIB for n in (0, 1, most))
    share = (crowd - server) / max(most - 1, 1)
    open_page = statistics.mean(pages[1]["load"].values())
    begin, step = starts[count, "unpacked"]["cpu"], training[training_count, 1][1] / 1000
    print(f"\nMeasured: a kernel of {count} {kernel:.0f} MiB ({packed:.0f} with packed data), ", end="")
    print(f"{begin:.1f} CPU s to the explorer, {1000 * step:.1f} CPU ms a step;")
    print(f"  server {base:.0f} MiB, {server:.0f} with one page, {share:.1f} for each more. Given: peak {peak} MiB.")
    print("Multiplied: learners per GiB")
    print(f"  {1024 / (kernel + share):.1f} set up, in one server for all, which takes {server:.0f} MiB itself")
    print(f"  {1024 / (server + kernel):.1f} set up, a server each; {1024 / (server + peak):.1f} at the peak")
    guarantee, limit = (math.ceil(2 * mib / 1024) / 2 for mib in (server + peak, server + 2 * peak))
    print(
        f"  so of JupyterHub each learner gets {guarantee:g} GiB for certain (server, one kernel at its peak) ", end=""
    )
    print(f"and {limit:g} GiB at most (two)")

    print("\nMultiplied: a server each  GiB of memory     machines of    cores for")
    print(f"learners                   set up  at peak   {MACHINE} GiB, peak   open pages   start*   training of 04*")
    fit = int((MACHINE - SYSTEM) * 1024 / (server + peak))
    for learners in CLASSES:
        gib = [learners * (server + mib) / 1024 for mib in (kernel, peak)]
        cores = [learners * seconds for seconds in (open_page, begin / 300, NOTE_STEPS * step / 300)]
        print(f"{learners:8,}{gib[0]:25,.0f}{gib[1]:9,.0f}{math.ceil(learners / fit):14,}", end="")
        print(f"{cores[0]:14,.2f}{cores[1]:9,.1f}{cores[2]:15,.1f}")
    print("* all of them within 5 minutes")


def show_targets(starts, pages):
    counted = {count: found for count, found in pages.items() if count}
    print("\nCPU ms a second of the server, for each page")
    for count, found in counted.items():
        print(f"{count:5} open: {1000 * found['load']['dragged']:4.1f} dragged", end="")
        print(f"{1000 * found['load']['untouched']:6.1f} untouched")
    during, after = sum(f["during"] for f in counted.values()), sum((f["after"] for f in counted.values()), [])
    resident = starts[1, "packed"]["rss"] / MIB
    for met, target, found in [
        (during == 0, "messages while dragging: none", during),
        (set(after) == {1}, "messages at the end of a drag: one", f"{min(after)} to {max(after)}, {len(after)} drags"),
        (resident <= 500, "resident after set-up: at most 500 MiB", f"{resident:.0f} MiB"),
    ]:
        print(f"{'met' if met else 'NOT MET':8} {target:40} {found}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kernels", type=int, nargs="+", default=[5, 10, 20], help="how many start at once")
    parser.add_argument("--train", type=int, nargs="+", default=[10], help="how many train at once")
    parser.add_argument("--pages", type=int, nargs="+", default=[5, 10, 20], help="how many pages are dragged at once")
    parser.add_argument("--span", type=float, default=5, help="seconds of a span of dragging")
    parser.add_argument("--reserve", type=float, default=3, help="GiB of memory that stay free")
    parser.add_argument("--peak", type=int, default=764, help="MiB of a kernel at the heaviest cell of a notebook")
    options = parser.parse_args()
    if sys.platform != "linux" or not (chromium := shutil.which("chromium")):
        raise SystemExit("This wants Linux, which accounts for shared memory, and chromium on the PATH.")
    load, reserve = os.getloadavg()[0], options.reserve * GIB
    memory = psutil.virtual_memory()
    print(f"{os.cpu_count()} cores (load {load:.2f} before), {memory.total / GIB:.0f} GiB of memory ", end="")
    print(f"({memory.available / GIB:.0f} free), Python {platform.python_version()}, torch {version('torch')}")
    with tempfile.TemporaryDirectory() as folder:
        folders = data_folders(Path(folder))
        starts = asyncio.run(measure_kernels(sorted({1, *options.kernels}), folders, reserve))
        each, data = starts[1, "packed"]["uss"], folders["unpacked"]
        training = asyncio.run(measure_training(sorted({1, *options.train}), data, each, reserve))
        pages = measure_pages(sorted({1, *options.pages}), data, chromium, reserve, options.span)
    show_sums(starts, training, pages, options.peak)
    show_targets(starts, pages)


if __name__ == "__main__":
    main()
