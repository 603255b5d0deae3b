"""The package: every public name importable, light to import, documented."""

import inspect
import subprocess
import sys

import pytest

import vae_helpers as vh


@pytest.mark.parametrize("name", vh.__all__)
def test_public_names_are_there_and_documented(name):
    thing = getattr(vh, name)
    if inspect.isclass(thing) or inspect.isfunction(thing):
        assert inspect.getdoc(thing), name


def test_import_does_not_load_torch():
    code = "import sys, vae_helpers; vae_helpers.load_mnist; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(AttributeError, match="load_mnist"):
        vh.load_minst  # noqa: B018
