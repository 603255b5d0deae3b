"""Mistakes planted in the exercises of notebook 09, and right answers written otherwise; see ``test_checks.py``."""

PLANTED = {}

VARIANTS = {}
