"""What a browser lets happen: hostile words stay words, a saved page reaches no network, Jupyter keeps its door shut.

| attempt                                         | what the learner sees     | what is kept                         |
| ----------------------------------------------- | ------------------------- | ------------------------------------ |
| code in a title, a question, a name, an alt     | the letters of that code  | nothing of it runs: in JupyterLab,   |
| text, a folder's name, an error message         |                           | a saved page, nbconvert's HTML       |
| a saved page is made to fetch, send, frame, run | nothing; the console says | its content-security policy: no      |
| what it did not bring along                     | what was refused          | request reaches the server           |
| a stranger at the port of a learner's Jupyter   | nothing                   | token, XSRF and origin are asked for |

Each policy is tried once more without it, so that these tests can fail.
"""

import http.server
import json
import re
import shutil
import threading
from contextlib import suppress

import nbformat
import psutil
import pytest
from nbconvert import HTMLExporter
from nbconvert.preprocessors import ExecutePreprocessor

import vae_helpers as vh

from .conftest import save, settle, wait_until_drawn, watched
from .servers import Notebook, jupyter_lab, write_notebook

# Hostile words

HOSTILE = [
    "<script>window.broken = 'script'</script>",
    "<img src=x onerror=\"window.broken = 'img'\">",
    "<svg onload=window.broken='svg'></svg>",
    "</script><script>window.broken = 'end of script'</script>",
    "</title></textarea></style><script>window.broken = 'end of title'</script>",
    "\" onfocus=\"window.broken = 'attribute'\" autofocus tabindex=1 x='' '",
    "<!-- <script> ]]>",
    "one\u2028two\u2029three",
    "{{SCRIPT}} {{CSS}} {{STATE}}",
    r"${window.broken = 'template'} $\frac{1$ \u003cb>",
    *("__proto__", "constructor", "dtype", "bytes"),
]
ALL = " & ".join(HOSTILE)
FOLDER = HOSTILE[1]  # without a slash: a folder may be called so
CELLS = [
    f"""import torch
import vae_helpers as vh
HOSTILE, ALL, FOLDER = {HOSTILE!r}, {ALL!r}, {FOLDER!r}""",
    """replies = {words: f"reply to {words}" for words in HOSTILE}
curves = {ALL: [3.0, 2, 1], f"broken {ALL}": [3.0, 2, 2]}
symptom = vh.SymptomExplorer(ALL, replies, HOSTILE[0], curves, {ALL: torch.zeros(1, 784)}, ylabel=ALL, xlabel=ALL)
symptom""",
    """plane = vh.LatentExplorer(vh.LinearVAE(), torch.randn(20, 2), torch.zeros(20, dtype=int), title=ALL)
plane""",
    """walk = vh.WalkExplorer({ALL: vh.LinearVAE()}, torch.zeros(2, 28, 28, dtype=torch.uint8))
walk""",
    "vh.show(walk.at(), alt=ALL)",
    "digits = vh.load_mnist(FOLDER)",
    "vh.load_mnist(ALL)",
]
SYMPTOM, PLANE, WALK, PICTURE, FOLDER_NAME, ERROR = range(1, 7)
DRAWN = """
window.drawn = [];
const { fillText } = CanvasRenderingContext2D.prototype;
CanvasRenderingContext2D.prototype.fillText = function (words, ...place) {
  window.drawn.push(words);
  return fillText.call(this, words, ...place);
};"""


@pytest.fixture(scope="module")
def made():
    """The explorers of ``CELLS``, by name."""
    names = {}
    for cell in CELLS[:PICTURE]:
        exec(cell, names)
    return names


def assert_words(root, explorer):
    """The explorer in the page shows its hostile words as they are, and has no element but its own."""
    tags = root.evaluate("(root) => [...root.querySelectorAll('*')].map(({ tagName }) => tagName.toLowerCase())")
    assert set(tags) <= {"div", "span", "fieldset", "legend", "label", "input", "canvas", "output"}
    labels = root.locator("legend, div.control > label").all_text_contents()
    assert labels == [control["label"] for control in explorer.controls.values()]
    assert root.locator(".title").all_text_contents() == [str(panel["title"]) for panel in explorer.panels]
    alts = root.locator(".box").evaluate_all("(boxes) => boxes.map((box) => box.getAttribute('aria-label'))")
    assert alts == [panel["alt"] for panel in explorer.panels]
    assert root.page.evaluate("window.broken") is None


def assert_guesses_answered(root):
    """Each option is what it says, the reply is its own, and curves, rows and axes are drawn with their names."""
    radios = root.get_by_role("radio")
    labels = root.locator("fieldset label").all_text_contents()
    assert [label.strip() for label in labels] == ["not yet", *HOSTILE]
    for i, words in enumerate(HOSTILE, start=1):
        radios.nth(i).check()
        settle(root.page)
        sign = "✔" if i == 1 else "✘"
        assert root.locator(".readout").text_content() == f"{sign} reply to {words}"
    drawn = root.page.evaluate("window.drawn")
    assert {ALL, f"broken {ALL}"} <= set(drawn)
    assert "".join(f"✘ {HOSTILE[0]}".split())[1:] in "".join("".join(drawn).split())


@pytest.mark.parametrize("name", ["symptom", "plane", "walk"])
def test_hostile_words_stay_words_in_a_saved_page(name, made, new_page, tmp_path):
    explorer = made[name]
    explorer._plain["label"] = explorer.label = ALL  # only a subclass can give it
    page = new_page(bypass_csp=True)  # the policy must not be what saves us
    page.add_init_script(DRAWN)
    page.goto(save(explorer, tmp_path / "page.html").as_uri())
    root = page.locator("div.vae-explorer")
    wait_until_drawn(root)
    assert_words(root, explorer)
    assert page.title() == page.locator("h1").text_content() == root.get_attribute("aria-label") == ALL
    assert page.locator("script").count() == 2 and page.locator("img, svg, b, body > style").count() == 0
    if name == "symptom":
        assert_guesses_answered(root)


def test_half_a_character_does_not_cost_the_page(new_page, tmp_path):
    """A lone surrogate cannot be written as UTF-8: a question mark stands for it in the page's title."""
    explorer = vh.LatentExplorer(vh.LinearVAE(), [[0.0, 0]], [0], title="\ud800")
    explorer._plain["label"] = explorer.label = "half \ud800"
    page = new_page()
    page.goto(save(explorer, tmp_path / "page.html").as_uri())
    wait_until_drawn(page.locator("div.vae-explorer"))
    assert page.title() == "half ?"


@pytest.fixture(scope="module")
def lab(tmp_path_factory, small_folder):
    with jupyter_lab(tmp_path_factory.mktemp("lab")) as lab:
        shutil.copytree(small_folder, lab.root / FOLDER)
        write_notebook(lab.root / "hostile.ipynb", *CELLS)
        yield lab


@pytest.fixture(scope="module")
def hostile_notebook(browser, lab):
    """The hostile cells, run in JupyterLab."""
    page = watched(browser.new_context(viewport={"width": 1280, "height": 1400}).new_page())
    page.add_init_script(DRAWN)
    notebook = Notebook(page, lab, "hostile.ipynb")
    notebook.run_all()
    yield notebook
    page.context.close()


def test_hostile_words_stay_words_in_jupyterlab(hostile_notebook, made):
    for cell, name in ((SYMPTOM, "symptom"), (PLANE, "plane"), (WALK, "walk")):
        hostile_notebook.show(cell)
        root = hostile_notebook.cell(cell).locator("div.vae-explorer")
        wait_until_drawn(root)
        assert_words(root, made[name])
        if name == "symptom":
            assert_guesses_answered(root)
    for cell, words in ((PICTURE, None), (FOLDER_NAME, FOLDER), (ERROR, ALL)):
        hostile_notebook.show(cell)
        output = hostile_notebook.cell(cell).locator(".jp-OutputArea-output").last
        output.wait_for()
        assert output.locator("script, svg, [onerror], [onload], [onfocus]").count() == 0
        assert words is None or words in output.text_content()
    settle(hostile_notebook.page)
    assert hostile_notebook.page.evaluate("window.broken") is None
    assert hostile_notebook.page.errors == []


def test_hostile_words_stay_words_in_nbconverts_html(new_page, tmp_path, small_folder):
    """Executed and converted as ``jupyter nbconvert --execute --to html`` does it, with the state of the widgets.

    Where words hold ``<!-- <script>``, nbconvert's page loses the end of that state: no widget there, and nothing runs.
    """
    shutil.copytree(small_folder, tmp_path / FOLDER)
    write_notebook(tmp_path / "hostile.ipynb", *CELLS)
    notebook = nbformat.read(tmp_path / "hostile.ipynb", 4)
    run = ExecutePreprocessor(timeout=600, kernel_name="python3", allow_errors=True)
    run.preprocess(notebook, {"metadata": {"path": str(tmp_path)}})
    for template in ("lab", "classic"):  # the alt text is written by the second only
        html, _ = HTMLExporter(template_name=template).from_notebook_node(notebook)
        (tmp_path / "page.html").write_text(html, encoding="utf-8")
        page = new_page()
        page.route(re.compile("^https?:"), lambda route: route.fulfill(body=""))  # its libraries come from elsewhere
        page.goto((tmp_path / "page.html").as_uri())
        assert page.evaluate("window.broken") is None
        text = page.locator("body").text_content()
        assert f"{FOLDER}: 1,500 training" in text and f"{ALL}/train-images" in text
        assert page.locator("[onerror], [onload], [onfocus], img[src=x], svg[onload]").count() == 0
        if template == "classic":
            assert page.locator("img").get_attribute("alt") == ALL
        state = page.locator('script[type="application/vnd.jupyter.widget-state+json"]').text_content()
        assert all(words in state for words in ("end of script", "end of title", "verdicts", "walks"))
        page.errors.clear()  # of the libraries left out


# A saved page and the network

ATTEMPTS = {  # what is tried, ``url`` being the server's: what forbids it, and in a browser without trusted types
    "fetch(url)": "connect-src",
    "navigator.sendBeacon(url)": "connect-src",
    "new WebSocket(url.replace('http', 'ws'))": "connect-src",
    "new EventSource(url)": "connect-src",
    "add('img', { src: url })": "img-src",
    "add('iframe', { src: url })": "frame-src",
    "add('video', { src: url })": "media-src",
    "add('link', { rel: 'stylesheet', href: url })": "style-src-elem",
    "add('style', { textContent: `@import '${url}'` })": "style-src-elem",
    "add('form', { action: url, target: '_blank' }).submit()": "form-action",
    "add('base', { href: url }), add('img', { src: 'relative' })": "base-uri",
    "add('script', { src: url })": ("require-trusted-types-for", "script-src-elem"),
    "add('script', { textContent: 'fetch(url)' })": ("require-trusted-types-for", "script-src-elem"),
    "add('b', { onclick: null }).setAttribute('onclick', 'fetch(url)'), last.click()": (
        "require-trusted-types-for",
        "script-src-attr",
    ),
    "eval('fetch(url)')": ("require-trusted-types-for", "script-src"),
    "add('b').innerHTML = `<img src=${url}>`": ("require-trusted-types-for", "img-src"),
}
PREPARE = """(address) => {
  window.url = address;
  window.refused = [];
  document.addEventListener("securitypolicyviolation", (event) => refused.push(event.effectiveDirective));
  window.add = (tag, properties = {}) => {
    window.last = document.createElement(tag);
    document.body.append(last);
    return Object.assign(last, properties);
  };
}"""


@pytest.fixture
def server():
    """A local server that counts: ``hits``, ``url``."""

    class Counting(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.hits += 1
            self.send_response(200)
            self.send_header("Access-Control-Allow-Origin", "*")
            self.end_headers()

        do_POST = do_GET

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Counting) as server:
        server.hits, server.url = 0, f"http://127.0.0.1:{server.server_port}/"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.parametrize("kept", ["whole policy", "without trusted types", "no policy"])
def test_a_saved_page_reaches_no_network_and_runs_nothing_foreign(kept, server, new_page, tmp_path):
    """With its policy; as a browser reads it that knows no trusted types; and, to show what is tried, without any."""
    path = save(vh.BaselineExplorer(), tmp_path / "page.html")
    text = path.read_text(encoding="utf-8")
    (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="(.+?)">', text)
    assert policy.startswith("default-src 'none'; script-src 'sha256-") and "unsafe" not in policy
    known = {"whole policy": policy, "without trusted types": policy.partition("; require-trusted-types")[0]}
    path.write_text(text.replace(policy, known.get(kept, "")), encoding="utf-8")
    page = new_page()
    page.goto(path.as_uri())
    wait_until_drawn(page.locator("div.vae-explorer"))
    page.evaluate(PREPARE, server.url)
    for attempt, directives in ATTEMPTS.items():
        before, server.hits = page.evaluate("refused.length"), 0
        page.evaluate(f"void setTimeout(() => {{ {attempt} }})")  # later: while the debugger evaluates, eval is free
        if kept == "no policy":
            wait_for(page, lambda: server.hits, f"{attempt}: no request arrives without the policy")
            assert page.evaluate("refused") == []
        else:
            wait_for(page, lambda: page.evaluate("refused.length") > before, f"{attempt}: nothing is refused")
            expected = [directives] if isinstance(directives, str) else directives
            assert expected[-1 if kept == "without trusted types" else 0] in page.evaluate("refused")[before:], attempt
            assert server.hits == 0, attempt
    page.errors.clear()  # the browser's reports of what it refused


def wait_for(page, happened, otherwise):
    for _ in range(1000):
        if happened():
            return
        page.wait_for_timeout(20)
    raise AssertionError(otherwise)


# Jupyter's own door


def test_jupyter_started_as_the_readme_says_lets_no_stranger_in(lab, browser):
    """Token, XSRF and origin are asked for, and nothing listens beyond this machine, kernels included."""
    (info,) = [json.loads(file.read_text()) for file in (lab.root.parent / "runtime").glob("jpserver-*.json")]
    assert info["hostname"] == "localhost" and not info["password"] and len(info["token"]) > 20
    context = browser.new_context()
    assert context.request.get(f"{lab.url}api/contents").status == 403
    context.new_page().goto(f"{lab.url}lab?token={lab.token}")  # logged in: the browser has the cookie
    assert context.request.get(f"{lab.url}api/contents").status == 200
    stranger = {"Origin": "http://stranger.example"}
    assert context.request.post(f"{lab.url}api/kernels", data="{}").status == 403  # no XSRF token: another page's form
    assert (
        context.request.get(f"{lab.url}api/kernels", headers=stranger).headers.get("access-control-allow-origin")
        is None
    )
    started = context.request.post(f"{lab.url}api/kernels", data="{}", headers={"Authorization": f"token {lab.token}"})
    assert started.status == 201
    socket = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "eA==",
    }
    channels = f"{lab.url}api/kernels/{started.json()['id']}/channels"
    assert context.request.get(channels, headers=socket | stranger).status == 403
    context.close()
    server, ports = psutil.Process(info["pid"]), []
    for process in [server, *server.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):  # it has just ended
            ports += [one.laddr for one in process.net_connections("inet") if one.status == psutil.CONN_LISTEN]
    assert len(ports) > 5 and {port.ip for port in ports} <= {"127.0.0.1", "::1"}
