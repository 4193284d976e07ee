"""Which fault is switched on: at most one, named without the `wsgi/` before it."""

import os
import sys

SWITCHED = {"on": ""}


def is_on(name):
    return name == SWITCHED["on"]


def follow_orders(forget):
    """Reads from standard input which fault to switch on, an empty line for none, until it ends."""
    for line in sys.stdin:
        forget()
        SWITCHED["on"] = line.strip()
        print("switched", flush=True)
    os._exit(0)
