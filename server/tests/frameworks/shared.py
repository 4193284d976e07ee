"""What the applications of all three frameworks answer with."""

import os

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "download.bin")


def verdict(title, name, data):
    """What was uploaded, and whether it is what the test sends."""
    period = bytes(at * 7 % 253 for at in range(253))
    expected = (period * (len(data) // 253 + 1))[: len(data)]
    return "%s %s %d %s" % (title, name, len(data), data == expected)


def pieces():
    for number in range(50):
        yield b"%d " % number * 100
