"""Real servers for the tests: JupyterLab with its token on, Voilà, and a notebook open in JupyterLab."""

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import nbformat

BIN = Path(sys.executable).parent


def write_notebook(path, *sources):
    """Write a notebook with these code cells."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, path)


@contextmanager
def serving(command, folder, answers, **environment):
    """Run a server with all its settings in ``folder`` until ``answers()`` is not None, hand that out, stop it."""
    own = {f"JUPYTER_{name}_DIR": str(folder / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    own |= {"JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"), "IPYTHONDIR": str(folder / "ipython")}
    inherited = {name: value for name, value in os.environ.items() if name != "JUPYTER_TOKEN"}
    log = folder / "log"
    with log.open("w") as out:
        env = inherited | own | environment
        server = subprocess.Popen([str(part) for part in command], env=env, stdout=out, stderr=subprocess.STDOUT)
    try:
        for _ in range(300):
            if (answer := answers()) is not None:
                break
            assert server.poll() is None, log.read_text()
            time.sleep(0.2)
        else:
            raise AssertionError(f"no answer from {command[0]}:\n{log.read_text()}")
        yield answer
    finally:
        server.terminate()
        try:
            server.wait(20)  # it shuts its kernels down first
        except subprocess.TimeoutExpired:
            server.kill()


def free_port():
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]


def listens(port):
    """True once something listens at this port, None until then."""
    try:
        socket.create_connection(("localhost", port), timeout=5).close()
    except OSError:
        return None
    return True


class Lab:
    """A running JupyterLab: its address, its random token, the folder that it shows."""

    def __init__(self, url, token, root):
        self.url, self.token, self.root = url, token, root

    def rest(self, path):
        """What the server's REST interface says."""
        request = urllib.request.Request(f"{self.url}api/{path}", headers={"Authorization": f"token {self.token}"})
        return json.load(urllib.request.urlopen(request, timeout=10))


@contextmanager
def jupyter_lab(folder, **environment):
    """JupyterLab as a learner starts it, with a page that tests can talk to; it shows the folder ``folder``/root.

    Its news are off: asking for them needs a network, and lays a question over the page.
    """
    root, runtime, config = folder / "root", folder / "runtime", folder / "config/labconfig"
    root.mkdir()
    config.mkdir(parents=True)
    no_news = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
    (config / "page_config.json").write_text(json.dumps(no_news))
    port = free_port()
    command = [BIN / "jupyter", "lab", "--no-browser", f"--port={port}", f"--ServerApp.root_dir={root}"]
    command.append("--LabApp.expose_app_in_browser=True")
    if os.name == "posix" and os.geteuid() == 0:
        command.append("--allow-root")

    def answers():
        for file in runtime.glob("jpserver-*.json"):
            server = json.loads(file.read_text())
            assert len(server["token"]) > 20
            if listens(port):
                return Lab(server["url"], server["token"], root)
        return None

    with serving(command, folder, answers, **environment) as lab:
        yield lab


class Notebook:
    """A notebook open in JupyterLab. ``messages``: what the page has sent to the kernel for widgets."""

    PANEL = "window.jupyterapp.shell.currentWidget"

    def __init__(self, page, lab, name):
        self.page, self.messages = page, []
        page.on("websocket", lambda socket: socket.on("framesent", self._sent))
        page.goto(f"{lab.url}lab/tree/{name}?token={lab.token}&reset")
        page.wait_for_function(
            """() => {
              const kernel = window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel;
              return kernel?.connectionStatus === "connected" && kernel.status === "idle";
            }""",
            timeout=60_000,
        )

    def _sent(self, frame):
        text = frame if isinstance(frame, str) else frame.decode("utf-8", errors="replace")
        if '"comm_msg"' in text:
            self.messages.append(text)

    def command(self, name, arguments="{}"):
        """Execute one of JupyterLab's commands and wait until it is done."""
        return self.page.evaluate(f"async () => {{ await jupyterapp.commands.execute('{name}', {arguments}); }}")

    def run_all(self):
        self.command("notebook:run-all-cells")

    def run(self, cell):
        """Run one cell and return what it printed."""
        self.page.evaluate(f"{self.PANEL}.content.activeCellIndex = {cell}")
        self.command("notebook:run-cell")
        return self.printed(cell)

    def outputs(self, cell):
        return self.page.evaluate(f"{self.PANEL}.content.widgets[{cell}].model.outputs?.toJSON() ?? []")

    def printed(self, cell):
        return "".join(text for output in self.outputs(cell) for text in output.get("text", ""))

    def cells(self):
        """Type, execution count and outputs of each cell."""
        return self.page.evaluate(
            f"{self.PANEL}.content.widgets.map(({{ model }}) => "
            "({ type: model.type, count: model.executionCount, outputs: model.outputs?.toJSON() ?? [] }))"
        )

    def sources(self):
        """What stands in each code cell."""
        return self.page.evaluate(
            f"{self.PANEL}.content.widgets.filter(({{ model }}) => model.type === 'code')"
            ".map(({ model }) => model.sharedModel.source)"
        )

    def cell(self, index):
        """A locator of one cell; ``show`` it first."""
        return self.page.locator(f'.jp-Notebook .jp-Cell[data-windowed-list-index="{index}"]')

    def state(self):
        """What a stray key press would change: cells, which are selected, the mode, the kernel."""
        return self.page.evaluate(
            f"""() => {{
              const {{ content, sessionContext }} = {self.PANEL};
              const status = sessionContext.kernelDisplayStatus; // a message makes it busy for a moment
              return [content.activeCellIndex, content.mode, content.selectedCells.length, content.widgets.length,
                content.widgets.map(({{ model }}) => model.type + model.sharedModel.source).join(),
                ["idle", "busy"].includes(status) ? "running" : status, document.querySelectorAll(".jp-Dialog").length];
            }}"""
        )

    def show(self, cell):
        """Scroll a cell into view: JupyterLab draws the others only when they are needed."""
        self.page.evaluate(f"async () => {{ await {self.PANEL}.content.scrollToItem({cell}, 'start'); }}")

    def errors(self):
        """The errors among all outputs."""
        found = [output for cell in self.cells() for output in cell["outputs"] if output["output_type"] == "error"]
        return [re.sub(r"\x1b\[[\d;]*m", "", "\n".join(output["traceback"])) for output in found]
