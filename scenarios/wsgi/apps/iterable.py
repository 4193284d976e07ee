"""The iterable that the application returns."""

import time

TEXT = ("Content-Type", "text/plain")


class Closes:
    """Blocks, and a close() that is noted."""

    def __init__(self, environ, blocks):
        self.note, self.blocks = environ["probe.note"], iter(blocks)

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.blocks)

    def close(self):
        self.note("close")


def closes(environ, start_response):
    """Two blocks."""
    start_response("200 OK", [TEXT])
    return Closes(environ, [b"one, ", b"two"])


def closes_after_error(environ, start_response):
    """A block, and an exception."""
    start_response("200 OK", [TEXT])

    def blocks():
        yield b"one"
        raise RuntimeError("no second block")

    return Closes(environ, blocks())


def closes_at_length(environ, start_response):
    """More blocks than the length has room for."""
    start_response("200 OK", [TEXT, ("Content-Length", "5")])
    return Closes(environ, [b"first", b"second"])


def closes_when_left(environ, start_response):
    """Blocks for as long as somebody takes them, 15 s at most."""
    start_response("200 OK", [TEXT])

    def blocks():
        environ["probe.note"]("begun")
        for _ in range(300):
            yield b"x" * 8192
            time.sleep(0.05)

    return Closes(environ, blocks())


class OnlyIterable(Closes):
    """Iterated by an object that is another one and has a close() of its own."""

    def __iter__(self):
        return Iterator(self)


class Iterator:
    def __init__(self, result):
        self.result = result

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.result.blocks)

    def close(self):
        self.result.note("close of the iterator")


def closes_the_result(environ, start_response):
    start_response("200 OK", [TEXT])
    return OnlyIterable(environ, [b"one, ", b"two"])


class Fails(Closes):
    def close(self):
        self.note("close")
        raise RuntimeError("trouble-in-close")


def close_fails(environ, start_response):
    start_response("200 OK", [TEXT])
    return Fails(environ, [b"one, ", b"two"])


class Watched:
    """Notes which of its attributes are asked for."""

    ALLOWED = {"__iter__", "__next__", "__len__", "__class__", "__length_hint__", "close"}

    def __init__(self, note):
        object.__setattr__(self, "note", note)

    def __getattribute__(self, name):
        if name not in Watched.ALLOWED:
            object.__getattribute__(self, "note")("asked for", name)
        return object.__getattribute__(self, name)

    def __iter__(self):
        return iter([b"watched"])


def watched(environ, start_response):
    start_response("200 OK", [TEXT])
    return Watched(environ["probe.note"])


def nothing(environ, start_response):
    """An empty list."""
    start_response("202 Accepted", [TEXT, ("X-Sent", "yes")])
    return []


def empty_block(environ, start_response):
    """A block without an octet."""
    start_response("202 Accepted", [TEXT, ("X-Sent", "yes")])
    return [b""]


def empty_iterator(environ, start_response):
    """An iterator that is over at once."""
    start_response("202 Accepted", [TEXT, ("X-Sent", "yes")])
    return iter(())


def returns_none(environ, start_response):
    start_response("200 OK", [TEXT])


def slow(environ, start_response):
    """A block, a wait, another block."""
    start_response("200 OK", [TEXT])

    def blocks():
        yield b"first, "
        time.sleep(0.8)
        yield b"second"

    return blocks()


def octets(environ, start_response):
    """Every octet there is, and line ends of all kinds."""
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    return iter([bytes(range(128)), bytes(range(128, 256)) + b"\r\n\n\r"])


def large(environ, start_response):
    """Five blocks of 200 000 octets of the counter."""
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    whole = bytes(range(251)) * 4000
    return iter([whole[at : at + 200_000] for at in range(0, 1_000_000, 200_000)])


def gaps(environ, start_response):
    """Blocks with empty ones between."""
    start_response("200 OK", [TEXT])
    return iter([b"one", b"", b"two", b""])


def raises(environ, start_response):
    """Raises when it is called."""
    raise RuntimeError("trouble-in-the-call")


def raises_first(environ, start_response):
    """Raises when its first block is asked for."""
    start_response("200 OK", [TEXT])

    def blocks():
        if environ:
            raise RuntimeError("trouble-in-the-first-block")
        yield b""

    return blocks()


def raises_later(environ, start_response):
    """Raises after a block of a body without a length."""
    start_response("200 OK", [TEXT])

    def blocks():
        yield b"block " * 2000
        raise RuntimeError("trouble-in-the-second-block")

    return blocks()


def raises_in_length(environ, start_response):
    """Raises in the middle of a body whose length was told."""
    start_response("200 OK", [TEXT, ("Content-Length", "20000")])

    def blocks():
        yield b"block " * 2000
        raise RuntimeError("trouble-in-the-second-block")

    return blocks()


def exits(environ, start_response):
    raise SystemExit(3)
