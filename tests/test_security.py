"""Nothing that is loaded can run code, nothing is fetched but MNIST, nothing opens Jupyter's door.

| fault                                            | what the learner sees            | what is kept                  |
| ------------------------------------------------ | -------------------------------- | ----------------------------- |
| a pickle in place of weights, codes, the list of | ``DataError`` with its name; for | the pickle's code does not    |
| weights (checksums right), of a data file, of a  | the last, its reader's error     | run                           |
| cached file, of the file that notebook 04 saves  |                                  |                               |
| a model's name that is a path, ``../vae``        | ``DataError`` with the names     | no other file is opened       |
| a mirror that sends on from https to http, where | ``DataError``: another SHA-256   | the cache holds no such bytes |
| other bytes wait                                 |                                  |                               |

The rest is read from the sources by their syntax trees: helper, tests, cells of notebooks and Python in the texts.
What only a browser can show stands in ``browser/test_security.py``.
"""

import ast
import gzip
import hashlib
import io
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
import textwrap
from contextlib import suppress
from functools import partial
from pathlib import Path

import nbformat
import numpy as np
import pytest
import requests
import torch
from conftest import NOTEBOOKS
from safetensors import SafetensorError
from safetensors.torch import load_file

import vae_helpers as vh
from vae_helpers import data, pretrained

ROOT = Path(__file__).parent.parent
TEXTS = [ROOT / "README.md", *sorted(ROOT.glob("notebooks/*.md"))]
COURSE = sorted([*ROOT.glob("vae_helpers/**/*.py"), *ROOT.glob("notebooks/*.py"), *NOTEBOOKS, *TEXTS])
TESTS = sorted(ROOT.glob("tests/**/*.py"))


# What the sources use


def python_of(path):
    """The Python in a file, piece by piece: a module, the cells of a notebook, the blocks of a text."""
    if path.suffix == ".py":
        return [path.read_text(encoding="utf-8")]
    if path.suffix == ".md":
        cells = [("markdown", path.read_text(encoding="utf-8"))]
    else:
        cells = [(cell.cell_type, cell.source) for cell in nbformat.read(path, as_version=4).cells]
    pieces = [source for kind, source in cells if kind == "code"]
    for _, source in [cell for cell in cells if cell[0] == "markdown"]:
        pieces += map(textwrap.dedent, re.findall(r"^[ ]*```python\n(.*?)^[ ]*```", source, re.M | re.S))
    return pieces


def uses(pieces):
    """(name, keywords) of everything that is imported, called or named: ``np.load(p)`` gives ("numpy.load", {})."""
    trees, short = [ast.parse(piece) for piece in pieces], {}  # magics and shell lines are no Python: none are there
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = f"{node.module}." if isinstance(node, ast.ImportFrom) and node.level == 0 else ""
            for alias in node.names:
                yield module + alias.name, {}
                short[alias.asname or alias.name] = module + alias.name
    for tree in trees:
        keywords = {
            node.func: {keyword.arg: getattr(keyword.value, "value", ...) for keyword in node.keywords}
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Name | ast.Attribute):
                first, *rest = ast.unparse(node).split(".")
                yield ".".join([short.get(first, first), *rest]), keywords.get(node, {"not": "called"})


RUNS_CODE = re.compile(  # readers of files that can run what they read, and readers of words as code
    r"((c|_)?pickle|dill|cloudpickle|joblib|shelve|marshal|torch\.hub|torch\.package)(\..*)?|pandas\.read_pickle"
    r"|torch\.(jit\.)?load|numpy\.load|yaml\.(unsafe_|full_)?load(_all)?|(builtins\.)?(eval|exec|__import__)"
)
GOES_OUT = re.compile(  # to the network, itself or by another program
    r"(urllib\.request|urllib3|requests|http|httpx|aiohttp|socket|ssl|ftplib|smtplib|websockets?|pooch|fsspec)(\..*)?"
    r"|sklearn\.datasets\.fetch_.*|torchvision(\..*)?|torch\.hub(\..*)?|webbrowser(\..*)?"
    r"|asyncio\.open_.*connection|subprocess(\..*)?|os\.(system|popen|exec.*|spawn.*|posix_spawn.*)|get_ipython(\..*)?"
)


def found(pattern, path):
    """The names in a file that match the pattern, those used in their safe form left out."""
    safe = [("torch.load", "weights_only", True), ("numpy.load", "allow_pickle", False)]
    names = set()
    for name, keywords in uses(python_of(path)):
        harmless = any(name == reader and keywords.get(key) is value for reader, key, value in safe)
        harmless |= name == "numpy.load" and not {"allow_pickle", "not"} & set(keywords)
        if pattern.fullmatch(name) and not harmless:
            names.add(name)
    return names


# In ``checks`` the formulas of the tables of mistakes are evaluated, which are written there; tests execute what
# stands in the notebooks; notebook 04 shows, on bytes made in the same cell, why not to unpickle.
EVALUATES = {"vae_helpers/checks/verdict.py", "vae_helpers/checks/notebook_03.py", "vae_helpers/checks/notebook_09.py"}
MAY_RUN_CODE = {path: {"eval"} for path in EVALUATES} | {
    "notebooks/04_implementation.ipynb": {
        "pickle",
        "pickle.dumps",
        "pickle.loads",
        "pickle.UnpicklingError",
        "torch.load",
    }
}
MAY_GO_OUT = {"vae_helpers/data.py": {"pooch", "requests", "urllib3"}}


def name_of(path):
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", COURSE, ids=name_of)
def test_the_course_reads_nothing_that_can_run_and_only_data_py_goes_out(path):
    assert found(RUNS_CODE, path) <= MAY_RUN_CODE.get(name_of(path), set())
    assert {name.partition(".")[0] for name in found(GOES_OUT, path)} <= MAY_GO_OUT.get(name_of(path), set())
    assert not re.search(r"""mktemp\(|["']/tmp""", "\n".join(python_of(path)))  # no name that others can foresee


def test_tests_unpickle_only_here():
    for path in TESTS:
        if path != Path(__file__):
            assert found(RUNS_CODE, path) <= {"eval", "exec"}, path


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import joblib", {"joblib"}),
        ("from pickle import loads as read", {"pickle.loads"}),
        ("import torch as t\nt.load(path)", {"torch.load"}),
        ("import torch\nread = torch.load", {"torch.load"}),
        ("import torch\ntorch.load(path, weights_only=False)", {"torch.load"}),
        ("import torch\ntorch.load(path, weights_only=True)", set()),
        ("from numpy import load\nload(path, allow_pickle=True)", {"numpy.load"}),
        ("import numpy as np\nnp.load(path, allow_pickle=choice)", {"numpy.load"}),
        ("import numpy as np\nnp.load(path)", set()),
        ("import yaml\nyaml.load(words, Loader=yaml.Loader)", {"yaml.load"}),
        ("model.eval()", set()),
        ("eval(words)", {"eval"}),
    ],
)
def test_this_reading_of_sources_finds(source, names, tmp_path):
    (tmp_path / "source.py").write_text(source)
    assert found(RUNS_CODE, tmp_path / "source.py") == names


def test_checks_evaluate_no_word_of_a_learner(tmp_path):
    """A call written out, given to each check as the answer, is not called."""
    words = f"__import__('os').mkdir({str(tmp_path / 'marker')!r})"
    checks = [check for check in vars(vh.checks).values() if isinstance(check, vh.checks.Check)]
    for check in checks:
        check(words)
    assert len(checks) > 20 and not any(check.solved for check in checks) and not (tmp_path / "marker").exists()


AUDITED = """
import json, pickle, sys

LOUD = ("pickle.", "socket.", "subprocess.", "urllib.", "os.system", "os.exec", "os.posix_spawn")
heard = []
sys.addaudithook(lambda event, _: heard.append(event) if event.startswith(LOUD) else None)
import vae_helpers as vh
from vae_helpers import pretrained

folder, page = sys.argv[1:]
for name, entry in json.loads((pretrained.FOLDER / "manifest.json").read_text()).items():
    vh.load_pretrained(name)
    if "codes_sha256" in entry:
        vh.load_codes(name)
digits = vh.load_mnist(folder)
vh.load_mnist(offline=True)
vh.BetaExplorer(digits.test_images[:4]).save_html(page)
quiet = list(heard)
pickle.loads(pickle.dumps(print))
print(quiet, heard)
"""


def test_loading_everything_unpickles_nothing_connects_nowhere_and_starts_no_program(small_folder, tmp_path):
    """The interpreter itself says so, by its audit events; at the end the program shows that it would have heard."""
    command = [sys.executable, "-c", AUDITED, str(small_folder), str(tmp_path / "page.html")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.stdout.splitlines()[-1:] == ["[] ['pickle.find_class']"], result.stdout + result.stderr


# A stranger's file


class Evil:
    """What a pickle may hold: loading it makes a folder."""

    def __init__(self, marker):
        self.marker = str(marker)

    def __reduce__(self):
        return os.mkdir, (self.marker,)


def written(save, *arguments, **more):
    file = io.BytesIO()
    save(file, *arguments, **more)
    return file.getvalue()


EVIL_FILES = {  # how it is written, and how a careless reader reads it
    "pickle": (
        lambda evil: pickle.dumps(evil, protocol=2),
        lambda file: pickle.load(file),
    ),
    "torch's file": (
        lambda evil: written(lambda file: torch.save({"weight": evil}, file)),
        lambda file: torch.load(file, weights_only=False),
    ),
    "numpy's file": (
        lambda evil: written(np.save, np.array([evil], dtype=object), allow_pickle=True),
        lambda file: np.load(file, allow_pickle=True),
    ),
}


def as_shipped(content, folder, place):
    """Read it in place of a shipped file; the checksum in the manifest is that of the content."""
    entry, sha256 = pretrained.recipe("vae"), hashlib.sha256(content).hexdigest()
    manifest = {"vae": entry | {"sha256": sha256, "codes_sha256": sha256}}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (folder / place).write_bytes(content)
    vh.load_codes("vae", folder) if "codes" in place else vh.load_pretrained("vae", folder)


def as_data(content, folder, name, pack):
    """Read it in place of one of the four files of a data folder."""
    (folder / "data" / name).write_bytes(pack(content))
    vh.load_mnist(folder / "data")


def as_saved(content, folder, name, load):
    """Read it as the file that a learner saved in notebook 04."""
    (folder / name).write_bytes(content)
    load(folder / name)


PLACES = {
    place: partial(as_shipped, place=place) for place in ("vae.safetensors", "vae.codes.safetensors", "manifest.json")
}
PLACES |= {
    f"{name}, {word}": partial(as_data, name=name, pack=pack)
    for name in data.FILES.values()
    for word, pack in (("packed", gzip.compress), ("as it is", bytes))
}
PLACES |= {
    "load_file": partial(as_saved, name="vae.safetensors", load=load_file),
    "torch.load": partial(as_saved, name="vae.pt", load=partial(torch.load, weights_only=True)),
}
REFUSED = dict.fromkeys(("load_file", "torch.load"), (SafetensorError, pickle.UnpicklingError))  # others: DataError


@pytest.mark.parametrize("kind", EVIL_FILES)
def test_a_careless_reader_would_run_the_strangers_code(kind, tmp_path):
    write, careless = EVIL_FILES[kind]
    careless(io.BytesIO(write(Evil(tmp_path / "marker"))))
    assert (tmp_path / "marker").is_dir()


@pytest.mark.parametrize("kind", EVIL_FILES)
@pytest.mark.parametrize("place", PLACES)
def test_a_strangers_file_is_refused_and_does_not_run(place, kind, small_folder, tmp_path):
    shutil.copytree(small_folder, tmp_path / "data")
    write, _ = EVIL_FILES[kind]
    with pytest.raises(REFUSED.get(place, vh.DataError)) as error:
        PLACES[place](write(Evil(tmp_path / "marker")), tmp_path)
    assert not (tmp_path / "marker").exists()
    assert len(str(error.value)) > 20
    assert place in REFUSED or place.partition(",")[0] in str(error.value)


@pytest.fixture
def cache(monkeypatch, small_folder, tmp_path):
    """A cache that holds the small data set, in MNIST's place, and no mirror that answers."""
    for key, name in data.FILES.items():
        monkeypatch.setitem(data.SHA256, key, hashlib.sha256((small_folder / name).read_bytes()).hexdigest())
    monkeypatch.delenv("VAE_COURSE_DATA", raising=False)
    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path / "cache")
    monkeypatch.setattr(data, "MIRRORS", ["http://127.0.0.1:9/"])
    return shutil.copytree(small_folder, tmp_path / "cache")


@pytest.mark.parametrize("kind", EVIL_FILES)
def test_a_strangers_file_in_the_cache_does_not_run(kind, cache, tmp_path):
    assert len(vh.load_mnist().train_images) == 1500
    for path in [path for path in cache.rglob("*") if path.is_file()]:  # whatever the course has put there
        path.write_bytes(EVIL_FILES[kind][0](Evil(tmp_path / "marker")))
    with suppress(vh.DataError):
        assert vh.load_mnist().name == data.OFFLINE  # no mirror answers
    assert not (tmp_path / "marker").exists()


@pytest.mark.parametrize("load", [vh.load_pretrained, vh.load_codes, pretrained.recipe])
@pytest.mark.parametrize("name", ["../vae", "./vae", "vae.codes", "/etc/passwd", "vae\0", "", "..", None])
def test_a_path_is_no_name_of_a_model(load, name):
    with pytest.raises(vh.DataError, match="expected the name of a shipped model"):
        load(name)


# Downloads


def test_every_file_comes_over_https_and_has_a_checksum():
    assert data.MIRRORS and all(mirror.startswith("https://") and mirror.endswith("/") for mirror in data.MIRRORS)
    assert set(data.SHA256) == set(data.FILES)
    assert all(re.fullmatch("[0-9a-f]{64}", sha256) for sha256 in data.SHA256.values())
    assert all(re.fullmatch(r"[\w-]+\.gz", name) for name in data.FILES.values())  # no name leads out of the cache


class Redirecting(requests.adapters.BaseAdapter):
    """Answers each request over https by sending on to http, and each over http with these bytes."""

    def __init__(self, content):
        super().__init__()
        self.content, self.asked = content, []

    def send(self, request, **more):
        self.asked.append(request.url)
        response = requests.Response()
        response.request, response.url, response.raw = request, request.url, io.BytesIO(self.content)
        response.status_code = 302 if request.url.startswith("https:") else 200
        if response.status_code == 302:
            response.headers["Location"] = request.url.replace("https:", "http:")
        return response

    def close(self):
        pass


def test_other_bytes_behind_a_redirect_to_http_are_refused(cache, monkeypatch):
    """Redirects are followed; the checksum decides, not the address."""
    adapter = Redirecting(b"<html>please log in</html>")
    monkeypatch.setattr(requests.Session, "get_adapter", lambda session, url: adapter)
    monkeypatch.setattr(data, "MIRRORS", ["https://mirror.example/"])
    for path in cache.iterdir():
        path.unlink()
    with pytest.raises(vh.DataError, match="expected a file with SHA-256 [0-9a-f]{64}, found other bytes"):
        vh.load_mnist()
    assert [url.partition(":")[0] for url in adapter.asked] == ["https", "http"]
    assert list(cache.iterdir()) == []


# Jupyter's door

DOOR_OPENED = re.compile(
    r"--ip\b|\bip\s*=|0\.0\.0\.0|--no-auth|JUPYTER_TOKEN|[Pp]asswd\(|disable_check_xsrf|allow_(origin|remote|credentials|unauth)"
    r"|(IdentityProvider|PasswordIdentityProvider|ServerApp|NotebookApp)\.(token|password|hashed_password|ip|allow)"
)
LISTENERS = re.compile(r".*(bind|HTTPServer|TCPServer|create_server|start_server)")


def files_of_the_course():
    folders = (ROOT, ROOT / ".ci", ROOT / "binder", ROOT / "notebooks")
    kinds = {"", ".md", ".py", ".ipynb", ".txt", ".toml", ".json", ".js", ".html", ".sh", ".cfg", ".yml", ".yaml"}
    files = [path for folder in folders for path in folder.glob("*")]
    files += [path for folder in ("vae_helpers", "tests") for path in (ROOT / folder).rglob("*")]
    return [path for path in files if path.is_file() and path.suffix in kinds and path != Path(__file__)]


def test_nothing_weakens_token_password_xsrf_or_origin_or_listens_beyond_this_machine():
    files = files_of_the_course()
    assert {"README.md", "TEACHING.md", "postBuild", "run", "servers.py"} <= {path.name for path in files}
    assert not [path for path in files if re.match(r"\.?jupyter.*(config|json)", path.name)]
    for path in files:
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if DOOR_OPENED.search(line)]
        # The tests' JupyterLab must not take a token over from whoever runs them: it makes its own.
        assert lines == [line for line in lines if 'if name != "JUPYTER_TOKEN"' in line], path


def test_servers_of_the_tests_listen_on_this_machine_only():
    places = set()
    for path in [*TESTS, *ROOT.glob("vae_helpers/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and LISTENERS.fullmatch(ast.unparse(node.func)) and node.args:
                if isinstance(node.args[0], ast.Tuple):
                    places.add(ast.unparse(node.args[0].elts[0]))
    assert places and places <= {"'localhost'", "'127.0.0.1'"}


# What a notebook shows before anyone has run it


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
def test_a_stored_notebook_runs_nothing_and_loads_nothing_from_elsewhere(path):
    cells = nbformat.read(path, as_version=4).cells
    kinds = {kind for cell in cells for output in cell.get("outputs", []) for kind in output.get("data", {})}
    assert kinds <= {"text/plain", "image/png"}
    prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert not re.search(
        r"<(script|iframe|img|object|embed|link|style|svg|form)\b|\son\w+\s*=|javascript:", prose, re.I
    )
    assert not re.search(r"!\[[^\]]*\]\(\s*\w+:", prose)
