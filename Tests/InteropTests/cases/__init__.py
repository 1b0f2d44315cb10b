"""The cases, in the order in which they run. Importing a module adds its cases to the list."""

import harness


def all_cases() -> list:
    from cases import (  # noqa: F401
        versions,
        matrix,
        consuming,
        topics,
        administration,
        refusals,
        bad_input,
        crash,
        volume,
        stopping,
    )

    return harness.CASES
