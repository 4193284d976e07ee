"""wsgi.input and wsgi.errors."""

KEPT = []


def reply(start_response, body=b"noted"):
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield body


def told(value):
    """A value as the notes have it: every octet one character."""
    if isinstance(value, list):
        return "[%s]" % ", ".join(told(each) for each in value)
    return repr(bytes(value).decode("latin-1")) if value is not None else "None"


def ask(stream, order):
    """`readline 10` calls readline(10)."""
    name, *sizes = order.split()
    if name == "iter":
        return list(stream)
    return getattr(stream, name)(*map(int, sizes))


def calls(environ, start_response):
    """Calls what the probe's `body` lists, such as `read 3, readline`, and notes what came."""
    note, stream = environ["probe.note"], environ["wsgi.input"]
    got, kinds = [], set()
    for order in environ["probe.plan"].content[1].decode().split(", "):
        try:
            value = ask(stream, order)
        except Exception as error:
            got.append(type(error).__name__)
            continue
        got.append(told(value))
        kinds |= {type(each).__name__ for each in (value if isinstance(value, list) else [value])}
    note("got", " ".join(got))
    note("kinds", " ".join(sorted(kinds)))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"noted"]


def whole(environ, start_response):
    """Reads the body as far as its end is known: by its length, or because it is terminated."""
    note, stream = environ["probe.note"], environ["wsgi.input"]
    length = environ.get("CONTENT_LENGTH")
    ends = environ.get("wsgi.input_terminated")
    note("end", "by length" if length else "terminated" if ends else "unknown")
    parts = []
    left = int(length) if length else (1 << 20 if ends else 0)
    while left > 0:
        part = stream.read(min(left, 65536))
        if not part:
            break
        parts.append(part)
        left -= len(part)
    note("got", told(b"".join(parts)))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"noted"]


def terminated(environ, start_response):
    """Reads to the end without a length, where the server says that this is safe."""
    note = environ["probe.note"]
    is_safe = environ.get("wsgi.input_terminated") is True
    note("offered", "yes" if is_safe else "no")
    if is_safe:
        note("got", told(environ["wsgi.input"].read()))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"noted"]


def unread(environ, start_response):
    """Answers without a look at the body."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"unread"]


def keeps(environ, start_response):
    """Keeps its input for later."""
    KEPT.append(environ["wsgi.input"])
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"kept"]


def reads_kept(environ, start_response):
    """Reads the input of an earlier request."""
    got = ""
    while KEPT:
        try:
            got += told(KEPT.pop().read(3))
        except Exception as error:
            got += type(error).__name__
    environ["probe.note"]("stale", got)
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"noted"]


def errors(environ, start_response):
    """Uses all of wsgi.errors and notes what it raises."""
    note, stream = environ["probe.note"], environ["wsgi.errors"]
    raised = []
    calls = [
        ("write", ("first-complaint\n",)),
        ("writelines", (["second-complaint\n", "third-complaint\n"],)),
        ("flush", ()),
    ]
    for name, arguments in calls:
        try:
            getattr(stream, name)(*arguments)
        except Exception as error:
            raised.append("%s: %s" % (name, type(error).__name__))
    note("raised", ", ".join(raised))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return iter([b"body"])


def unicode_errors(environ, start_response):
    """Writes what no octet spells."""
    note, stream = environ["probe.note"], environ["wsgi.errors"]
    try:
        stream.write("euro \u20ac surrogate \ud800 beyond \U0001f600\n")
        stream.flush()
        note("raised", "")
    except Exception as error:
        note("raised", type(error).__name__)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"noted"]
