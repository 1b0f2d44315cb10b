"""The cases, in the order of a run: importing a module adds its cases to the list."""

from importlib import import_module

import harness

MODULES = (
    "versions",
    "matrix",
    "consuming",
    "topics",
    "administration",
    "refusals",
    "bad_input",
    "groups",
    "shell",
    "crash",
    "volume",
    "stopping",
)


def all_cases() -> list:
    for module in MODULES:
        import_module(f"cases.{module}")
    return harness.CASES
