#!/usr/bin/env python3
"""Runs the interop suite; scripts/interop is the usual way to start it."""

import argparse
import logging
import sys

import cases
import harness


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/interop", description=__doc__)
    parser.add_argument("--brokerd", help="the brokerd to run")
    parser.add_argument("--apus", default="apus", help="the apus command; else that on PATH")
    parser.add_argument("--bootstrap", metavar="HOST:PORT", help="use this running Kafka instead")
    parser.add_argument("--short", action="store_true", help="less data, fewer clients a case")
    parser.add_argument("--only", metavar="PATTERN", help="cases whose name contains this")
    parser.add_argument("--list", action="store_true", help="name the cases and stop")
    parser.add_argument("--keep", action="store_true", help="keep the brokers' files and logs")
    parser.add_argument("--verbose", action="store_true", help="tracebacks and the clients' logs")
    options = parser.parse_args()

    chosen = [
        c
        for c in cases.all_cases()
        if (not options.only or options.only in c.name) and not (options.short and c.full_only)
    ]
    if options.list:
        print(*(c.name for c in chosen), sep="\n")
        return 0
    if not chosen:
        print(f"no case has {options.only!r} in its name; --list shows them", file=sys.stderr)
        return 2
    if not options.brokerd and not options.bootstrap:
        parser.error("give --brokerd or --bootstrap")

    # The clients log each refused connection while a broker restarts; cases judge the outcome.
    logging.basicConfig(level=logging.INFO if options.verbose else logging.CRITICAL)
    with harness.scratch_folder(options.keep) as folder:
        context = harness.Context(
            options.brokerd, options.apus, folder, options.short, options.bootstrap
        )
        try:
            return harness.run(context, chosen, options.verbose)
        finally:
            if context.broker is not None:
                context.broker.__exit__()


if __name__ == "__main__":
    sys.exit(main())
