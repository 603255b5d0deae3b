"""Checks of the exercises: ``vh.checks.kl_divergence(my_kl)`` prints one verdict and, where it can, names the mistake.

The exercises of each notebook stand in a module of their own. Each is one entry: where it is taught, its inputs (small
ones first), the right expression, and a table of ``mistake | its name``. How they are used is in ``verdict.py``.
Expressions may use every name of their module.
"""

from importlib import import_module

from .sanity import findings, sanity  # noqa: F401
from .verdict import Check

for _number in range(1, 10):
    _module = import_module(f".notebook_{_number:02}", __name__)
    globals().update({name: thing for name, thing in vars(_module).items() if isinstance(thing, Check)})


def progress(notebook):
    """Print how many of the notebook's exercises (``"02"``) are solved in this session."""
    checks = [check for check in globals().values() if isinstance(check, Check) and check.notebook == notebook]
    print(f"{sum(check.solved for check in checks)} of {len(checks)} solved")
