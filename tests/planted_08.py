"""Mistakes planted in the exercises of notebook 08, and right answers written otherwise; see ``test_checks.py``."""

PLANTED = {}

VARIANTS = {}
