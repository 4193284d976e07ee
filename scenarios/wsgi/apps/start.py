"""start_response and write."""

import gc
import sys
import time
import weakref

TEXT = ("Content-Type", "text/plain")


class Trouble(Exception):
    """What goes wrong in an application."""


def fields(environ):
    """The fields that the probe was told to send."""
    pairs = environ["probe.plan"].fields
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs]


def body(environ):
    kind, value = environ["probe.plan"].content
    return value if kind == "body" else b"body"


def sends(environ, start_response):
    """Status, fields and body as the probe was told."""
    status = environ["probe.plan"]["status"]
    start_response(status[1].decode("latin-1") if status else "200 OK", fields(environ))
    return [body(environ)]


def streams(environ, start_response):
    """The same body in blocks of three octets, from an iterator without a length."""
    status = environ["probe.plan"]["status"]
    start_response(status[1].decode("latin-1") if status else "200 OK", fields(environ))
    text = body(environ)
    return iter([text[at : at + 3] for at in range(0, len(text), 3)])


def trapped(environ, start_response, status, given):
    """Calls start_response; what it raises is noted and answered with 500."""
    note = environ["probe.note"]
    try:
        start_response(status, given)
        note("raised", "nothing")
        return None
    except Exception as error:
        note("raised", type(error).__name__)
        start_response("500 Internal Server Error", [TEXT], sys.exc_info())
        return [b"refused"]


def hop_by_hop(environ, start_response):
    """Sends fields that are the server's own, in a reply of one block."""
    given = [TEXT, ("Content-Length", "4")] + fields(environ)
    return trapped(environ, start_response, "200 OK", given) or [b"body"]


def splits(environ, start_response):
    """A field with a line end in it."""
    given = [TEXT, ("X-Split", "a\r\nX-Injected: b")]
    return trapped(environ, start_response, "200 OK", given) or [b"body"]


def bytes_field(environ, start_response):
    """A field whose value is no text."""
    given = [TEXT, ("X-Bytes", b"octets")]
    return trapped(environ, start_response, "200 OK", given) or [b"body"]


def list_kept(environ, start_response):
    """Looks after the call at the list that it gave."""
    given = [TEXT, ("X-One", "1")]
    start_response("200 OK", given)
    environ["probe.note"]("list", "as given" if given == [TEXT, ("X-One", "1")] else "changed")
    return [b"noted"]


def writer(environ, start_response):
    """Notes what start_response gives back, and uses it."""
    write = start_response("200 OK", [TEXT])
    environ["probe.note"]("callable", callable(write))
    write(b"written")
    return []


def twice(environ, start_response):
    """Calls start_response again, without exc_info."""
    note = environ["probe.note"]
    start_response("200 OK", [TEXT, ("X-First", "1")])
    try:
        start_response("202 Accepted", [TEXT, ("X-Second", "2")])
        note("raised", "nothing")
    except Exception as error:
        note("raised", type(error).__name__)
    return [b"body"]


def twice_after_failure(environ, start_response):
    """The same after a first call that was refused."""
    note = environ["probe.note"]
    try:
        start_response("200 OK", [TEXT, ("X-First", "a\r\nb")])
        note("first", "nothing")
    except Exception as error:
        note("first", type(error).__name__)
    try:
        start_response("202 Accepted", [TEXT, ("X-Second", "2")])
        note("raised", "nothing")
    except Exception as error:
        note("raised", type(error).__name__)
        raise
    return [b"body"]


def replaces(environ, start_response):
    """Finds out after start_response that something is wrong."""
    start_response("200 OK", [TEXT, ("X-Old", "1"), ("Content-Length", "999")])
    try:
        raise Trouble("noticed late")
    except Trouble:
        start_response("503 Service Unavailable", [TEXT, ("X-New", "2")], sys.exc_info())
    return iter([b"repla", b"ced"])


def replaces_the_status(environ, start_response):
    """The same after the probe's `delay`, and nothing but the status changes."""
    start_response("200 OK", [TEXT])
    try:
        time.sleep(environ["probe.plan"]["delay"] or 0)
        raise Trouble("noticed late")
    except Trouble:
        start_response("503 Service Unavailable", [TEXT], sys.exc_info())
    return iter([b"repla", b"ced"])


def replaces_after_empty(environ, start_response):
    """Finds out after a first, empty block."""
    start_response("200 OK", [TEXT, ("X-Old", "1")])

    def blocks():
        yield b""
        try:
            raise Trouble("noticed late")
        except Trouble:
            start_response("503 Service Unavailable", [TEXT], sys.exc_info())
        yield b"replaced"

    return blocks()


def replaces_after_empty_write(environ, start_response):
    """Finds out after an empty write."""
    note = environ["probe.note"]
    start_response("200 OK", [TEXT])(b"")
    try:
        raise Trouble("noticed late")
    except Trouble:
        try:
            start_response("503 Service Unavailable", [TEXT], sys.exc_info())
            note("raised", "nothing")
        except Trouble:
            note("raised", "Trouble")
    return [b"body"]


def too_late(environ, start_response):
    """Finds out when the head and a block are sent."""
    note = environ["probe.note"]
    start_response("200 OK", [TEXT])

    def blocks():
        yield b"block " * 2000
        trouble = Trouble("noticed too late")
        try:
            raise trouble
        except Trouble:
            try:
                start_response("503 Service Unavailable", [TEXT], sys.exc_info())
            except Exception as error:
                same = error is trouble
                note("raised", "the same" if same else "another: " + type(error).__name__)
                raise
            note("raised", "nothing")
        yield b"and more"

    return blocks()


def forgets(environ, start_response):
    """Looks whether its exception is kept after the call."""
    start_response("200 OK", [TEXT])
    held = []
    try:
        raise Trouble("to be forgotten")
    except Trouble as trouble:
        held.append(weakref.ref(trouble))
        start_response("503 Service Unavailable", [TEXT], sys.exc_info())
    gc.collect()
    environ["probe.note"]("exception", "kept" if held[0]() is not None else "forgotten")
    return [b"noted"]


def writes_then_iterates(environ, start_response):
    """Some of the body by write(), the rest by the iterable."""
    start_response("200 OK", [TEXT])(b"written, ")
    return [b"iterated"]


def writes_and_waits(environ, start_response):
    """A first block by write(), and then nothing for a while."""
    start_response("200 OK", [TEXT])(b"written")
    time.sleep(0.8)
    return [b", iterated"]


def one_octet_blocks(environ, start_response):
    """A first block of one octet, and then more."""
    start_response("200 OK", [TEXT])
    return iter([b"a", b"bcd"])


def early_hints(environ, start_response):
    """Sends hints before the reply, where the server offers it."""
    hint = environ.get("wsgi.early_hints")
    environ["probe.note"]("offered", hint is not None)
    if hint is not None:
        hint([("Link", "</style.css>; rel=preload")])
    start_response("200 OK", [TEXT])
    return [b"body"]
