"""The promises around the code: Binder builds, the README's commands are those that CI runs, style holds."""

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def dockerfile():
    """The Dockerfile that repo2docker (and so Binder) would build, and what it logged."""
    command = [str(Path(sys.executable).parent / "jupyter-repo2docker"), "--no-build", "--debug", str(ROOT)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout + result.stderr


def test_binder_installs_the_course_and_fetches_mnist(dockerfile):
    assert re.search(r'pip install.* -r "binder/requirements.txt"', dockerfile)
    assert "binder/postBuild" in dockerfile
    assert re.search(r"python[-= ]*3\.12", dockerfile, re.I)


def test_binder_takes_the_cpu_build_of_torch_and_the_course_itself():
    lines = (ROOT / "binder/requirements.txt").read_text().splitlines()
    assert lines == ["--extra-index-url https://download.pytorch.org/whl/cpu", "-r ../requirements.txt"]
    assert (ROOT / "requirements.txt").read_text().rstrip().endswith("-e .")


def test_post_build_never_fails_over_a_dead_mirror(tmp_path):
    script = ROOT / "binder/postBuild"
    assert script.stat().st_mode & stat.S_IXUSR
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    result = subprocess.run(
        ["bash", str(script)],
        env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0 and "MNIST was not fetched" in result.stdout


def test_versions_are_exact():
    for name in ("requirements.txt", "tests/requirements.txt", "tests/benchmarks/requirements.txt"):
        for line in (ROOT / name).read_text().splitlines():
            assert not line or line.startswith(("#", "-")) or re.fullmatch(r"[a-z0-9-]+==[\d.]+", line), line


def test_every_requirement_is_used():
    used = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("vae_helpers/**/*.py"))
    used += "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("notebooks/*.ipynb"))
    names = re.findall(r"^([a-z-]+)==", (ROOT / "requirements.txt").read_text(), re.M)
    for name in set(names) - {"jupyterlab", "nbval"}:
        module = {"scikit-learn": "sklearn"}.get(name, name)
        assert re.search(rf"(?:import|from) {module}\b", used), name


def test_ci_runs_the_readmes_test_command():
    command = "python3 -m venv .venv && .venv/bin/pip install -r tests/requirements.txt && .venv/bin/pytest"
    assert command in README
    assert command.replace("install", "install -q") in (ROOT / ".ci/run").read_text()


def test_readme_opens_notebook_01_and_its_links_lead_somewhere():
    assert ".venv/bin/jupyter lab notebooks/01_intuition.ipynb" in README
    assert "urlpath=lab/tree/notebooks/01_intuition.ipynb" in README
    for target in re.findall(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"", README):
        target = "".join(target)
        if not target.startswith(("http", "#")):
            assert (ROOT / target).exists(), target


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids="-".join)
def test_ruff(command):
    result = subprocess.run([sys.executable, "-m", "ruff", *command, "."], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("path", sorted(ROOT.glob("tests/benchmarks/*.py")), ids=lambda path: path.stem)
def test_benchmarks_start(path):
    """What they measure is theirs to say; here only that they still fit the course that they import."""
    result = subprocess.run([sys.executable, path, "--help"], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0 and result.stdout.startswith("usage:"), result.stderr
