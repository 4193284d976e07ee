"""gateserve, an application server with uWSGI's options, in the interpreter that it serves."""

import sys


def main():
    """The program `gateserve`."""
    from . import _gateserve

    # Modules come from the current folder, not from that of the program.
    sys.path[:1] = [""]
    sys.exit(_gateserve.start(sys.argv, _gateserve.__file__))
