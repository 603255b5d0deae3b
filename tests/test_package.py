"""The package: every public name importable, light to import, documented."""

import inspect
import os
import subprocess
import sys

import pytest

import vae_helpers as vh


@pytest.mark.parametrize("name", vh.__all__)
def test_public_names_are_there_and_documented(name):
    thing = getattr(vh, name)
    if inspect.isclass(thing) or inspect.isfunction(thing):
        assert inspect.getdoc(thing), name


@pytest.mark.parametrize("line, needed", [("vh", []), ("vh.load_mnist(sys.argv[1])", ["numpy"])])
def test_it_loads_no_package_before_it_is_needed(line, needed, small_folder):
    """torch alone takes more than a second, and whoever imports the helper waits for all that it loads."""
    code = f"import sys; import vae_helpers as vh; {line}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    command = [sys.executable, "-c", code, small_folder]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1].split()
    packages = {"numpy", "torch", "scipy", "sklearn", "matplotlib", "PIL", "IPython", "ipywidgets", "pooch", "requests"}
    assert sorted(packages.intersection(loaded)) == needed


@pytest.mark.parametrize("imports", ["torch, vae_helpers", "vae_helpers, torch"])
@pytest.mark.parametrize("wanted", [None, "2"])
def test_torch_takes_one_thread_unless_told_otherwise(imports, wanted):
    code = f"import {imports}; print(torch.get_num_threads())"
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    environment |= {"OMP_NUM_THREADS": wanted} if wanted else {}
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == (wanted or "1")


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(AttributeError, match="load_mnist"):
        vh.load_minst  # noqa: B018
