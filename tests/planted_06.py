"""Mistakes planted in the exercises of notebook 06, and right answers written otherwise; see ``test_checks.py``."""

PLANTED = {}

VARIANTS = {}
