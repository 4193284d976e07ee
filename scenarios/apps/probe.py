#!/usr/bin/env python3
"""The probe: the request says how to reply, the reply says what was seen.

A WSGI callable (`application`) and, run as a script, a CGI program. Its
commands travel in the header X-Probe; gatebench-probe's README lists them.
As a WSGI callable it hands a request over to another callable where `app=`
names one: `wsgi/iterable:closes` is `closes` in `wsgi/iterable.py` beside it.
Python 3.7 or newer, standard library only.
"""

import hashlib
import json
import os
import re
import runpy
import signal
import sys
import tempfile
import threading
import time

BLOCK = 64 * 1024
NO_LIMIT = 2**64 - 1
PERIOD = bytes(range(251))


class Unknown(Exception):
    """A command that the probe does not have, or a value it cannot use."""


class Death(Exception):
    """The reply was to end in a crash."""


# -- commands -----------------------------------------------------------------

TOKEN = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z")


def decoded(text):
    if re.search(rb"%(?![0-9A-Fa-f]{2})", text):
        raise ValueError
    return re.sub(rb"%(..)", lambda match: bytes([int(match.group(1), 16)]), text, flags=re.S)


def number(text, limit=NO_LIMIT):
    if not re.match(rb"[0-9]+\Z", text) or int(text) > limit:
        raise ValueError
    return int(text)


def chunk_count(text):
    return number(text) or one_of()(text)


def exit_status(text):
    return number(text, 2**32 - 1)


def duration(text):
    """Seconds from `300ms` or `2s`."""
    if text.endswith(b"ms"):
        return number(text[:-2]) / 1000
    if text.endswith(b"s"):
        return float(number(text[:-1]))
    raise ValueError


def one_line(text):
    if re.search(rb"[\r\n\0]", text):
        raise ValueError
    return text


def status(text):
    match = re.match(rb"([1-9][0-9]{2})(?: ([^\x00-\x1f\x7f]*))?\Z", text)
    if not match:
        raise ValueError
    return int(match.group(1)), b"%s %s" % (match.group(1), match.group(2) or b"")


def field(text):
    name, colon, value = text.partition(b":")
    if not colon or not TOKEN.match(name):
        raise ValueError
    return name, one_line(value).strip(b" \t\x0c")


def one_of(**words):
    """Reads one of these words ("_" stands for "-"), else what `words["_"]` reads, if given."""
    fallback = words.pop("_", None)
    values = {word.replace("_", "-").encode(): value for word, value in words.items()}

    def read(text):
        if text in values:
            return values[text]
        if fallback is None:
            raise ValueError
        return fallback(text)

    return read


def app_name(text):
    match = re.match(rb"(wsgi/[A-Za-z0-9_]+):([A-Za-z0-9_]+)\Z", text)
    if not match:
        raise ValueError
    return match.group(1).decode(), match.group(2).decode()


def case_name(text):
    if not re.match(rb"[a-z0-9]+\Z", text):
        raise ValueError
    return text.decode()


CONTENTS = {"body": bytes, "size": number, "raw": bytes, "location": one_line}
VALUES = {
    "status": status,
    "length": one_of(yes=True, no=False, _=lambda text: b"%d" % number(text)),
    "delay": duration,
    "burn": duration,
    "chunks": chunk_count,
    "pause": duration,
    "stderr": bytes,
    "stderr-size": number,
    "exit": exit_status,
    "die": one_of(before_head="before-head", after_head="after-head"),
    "read": one_of(all=NO_LIMIT, none=0, _=number),
    "app": app_name,
    "case": case_name,
    "recall": case_name,
}


class Plan:
    """What one request asks the probe to do."""

    def __init__(self):
        self.content = ("report", None)
        self.fields = []
        self.values = {"read": NO_LIMIT, "stderr": b"", "stderr-size": 0, "exit": 0, "case": "0"}

    def __getitem__(self, name):
        return self.values.get(name)

    @classmethod
    def parse(cls, header):
        plan = cls()
        for text in header.split(b";"):
            if text.strip():
                plan.apply(*(part.strip() for part in text.partition(b"=")))
        return plan

    def apply(self, name, equals, value):
        name = name.decode("latin-1")
        if name not in VALUES and name not in CONTENTS and name not in ("header", "echo"):
            raise Unknown("unknown probe command: " + name)
        try:
            if bool(equals) == (name == "echo"):
                raise ValueError
            self.set(name, decoded(value))
        except ValueError:
            raise Unknown("bad value for %s: %s" % (name, value.decode("latin-1"))) from None

    def set(self, name, value):
        if name == "echo":
            self.content = ("echo", None)
        elif name == "header":
            self.fields.append(field(value))
        elif name in CONTENTS:
            self.content = (name, CONTENTS[name](value))
        else:
            self.values[name] = VALUES[name](value)

    @property
    def echoes(self):
        return self.content[0] == "echo"

    def names(self, name):
        return any(given.lower() == name for given, _ in self.fields)


# -- the reply ----------------------------------------------------------------


class Answer:
    """A head and a payload: bytes, a size of the counter pattern, or None for an echo.

    The head is a status line (or None) and fields, or None where the payload holds it.
    """

    def __init__(self, plan, status=None, fields=(), payload=b"", has_head=True):
        self.plan, self.status, self.payload = plan, status, payload
        self.fields, self.has_head = list(fields), has_head

    def cgi_head(self):
        lines = [(b"Status", self.status)] if self.status else []
        return b"".join(b"%s: %s\n" % line for line in lines + self.fields) + b"\n"

    def nph_head(self):
        """As an NPH script writes it: a whole HTTP response, after which the connection closes."""
        lines = self.fields + [(b"Connection", b"close")]
        line = b"HTTP/1.1 %s\r\n" % (self.status or b"200 OK")
        return line + b"".join(b"%s: %s\r\n" % field for field in lines) + b"\r\n"

    def pieces(self):
        """What is written at once, with the time to wait before it."""
        size = self.payload if isinstance(self.payload, int) else len(self.payload)
        chunks = self.plan["chunks"] or 1
        start = 0
        for chunk in range(chunks if size else 0):
            wait = (self.plan["pause"] or 0) if chunk else 0
            chunk_end = size * (chunk + 1) // chunks
            while True:
                end = min(chunk_end, start + BLOCK)
                yield wait, self.cut(start, end)
                start, wait = end, 0
                if start == chunk_end:
                    break

    def cut(self, start, end):
        if isinstance(self.payload, int):
            phase = start % len(PERIOD)
            periods = (phase + end - start) // len(PERIOD) + 1
            return (PERIOD * periods)[phase : phase + end - start]
        return self.payload[start:end]


def document(plan, method, media_type, payload, size):
    fields = [] if plan.names(b"content-type") else [(b"Content-Type", media_type)]
    length = plan["length"]
    if length is None:
        length = payload is not None and plan["chunks"] is None
    if length is True:
        length = None if size is None else b"%d" % size
    if length and not plan.names(b"content-length"):
        fields.append((b"Content-Length", length))
    # CGI-4.3.3-HEAD-APP: no body for HEAD, with the head of a GET
    payload = b"" if method == "HEAD" else payload
    return Answer(plan, plan["status"] and plan["status"][1], fields + plan.fields, payload)


def is_target(environ, location):
    """Whether a local redirect made this request, which has the same commands again."""
    query = location.decode("latin-1").partition("?")[2]
    return query != "" and variable(environ, "QUERY_STRING") == query


def refusal(method, line, message):
    plan = Plan()
    plan.values["status"] = (int(line[:3]), line)
    text = compact({"probe": 1, "error": message})
    return document(plan, method, b"application/json", text, len(text))


def answer(plan, interface, method, report):
    kind, value = plan.content
    if plan["recall"]:
        text = compact({"probe": 1, "seen": Notes(plan["recall"]).told()})
        return document(plan, method, b"application/json", text, len(text))
    if plan["app"]:
        return refusal(method, b"501 Not Implemented", "app needs a WSGI server")
    if kind == "raw":
        if interface == "cgi":
            return Answer(plan, payload=value, has_head=False)
        return refusal(method, b"501 Not Implemented", "raw needs a CGI interface")
    if kind == "location" and not is_target(report["environ"], value):
        return Answer(plan, None if interface == "cgi" else b"302 Found", [(b"Location", value)])
    if kind == "echo":
        length = content_length(report["environ"])[0]
        return document(plan, method, b"application/octet-stream", None, length)
    if kind == "size":
        return document(plan, method, b"application/octet-stream", value, value)
    if kind == "body":
        return document(plan, method, b"text/plain", value, len(value))
    code, line = plan["status"] or (200, None)
    if kind == "report" and (code < 200 or code in (204, 304)):
        return Answer(plan, line, plan.fields)
    text = compact(report)
    return document(plan, method, b"application/json", text, len(text))


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


# -- what is seen -------------------------------------------------------------


def content_length(environ):
    """The number, or None; and what is wrong with it. CGI-4.1-NULL-UNSET: empty is none."""
    text = next((value for name, value in environ if name == "CONTENT_LENGTH"), "")
    try:
        return number(text.encode("latin-1")), None
    except ValueError:
        return None, "CONTENT_LENGTH is not a number: " + text if text else None


class Input:
    """A body. Without a length it has none, unless the server says that it ends the stream itself
    (wsgi.input_terminated), as it does with one that came in chunks."""

    def __init__(self, stream, ends=False):
        self.read, self.ends = stream.read, ends

    def wanted(self, environ, limit):
        length, error = content_length(environ)
        unknown = limit if self.ends and not error else 0
        return min(unknown if length is None else length, limit)


def blocks(stream, wanted):
    """CGI-4.2-APP-NO-OVERREAD: never more than CONTENT_LENGTH bytes."""
    while wanted > 0:
        block = stream.read(min(wanted, BLOCK))
        if not block:
            return
        wanted -= len(block)
        yield block


def read_body(environ, limit, stream):
    length, error = content_length(environ)
    wanted = stream.wanted(environ, limit)
    digest, size = hashlib.sha256(), 0
    try:
        for block in blocks(stream, wanted):
            digest.update(block)
            size += len(block)
        if size < wanted and length is not None:
            error = "ended after %d of %d bytes" % (size, wanted)
    except OSError as failure:
        error = "read failed: %s" % failure
    return {"size": size, "sha256": digest.hexdigest(), "error": error}


def seen(interface, environ, argv=None, cwd=None):
    return {
        "probe": 1,
        "language": "python",
        "interface": interface,
        "pid": os.getpid(),
        "environ": environ,
        "body": {"size": 0, "sha256": hashlib.sha256().hexdigest(), "error": None},
        "argv": argv,
        "cwd": cwd,
    }


def variable(environ, name):
    return next((value for given, value in environ if given == name), "")


def complaint(plan):
    """What goes to the error stream, in pieces."""
    yield plan["stderr"]
    for size in range(plan["stderr-size"], 0, -BLOCK):
        yield b"e" * min(size, BLOCK)


def body_pieces(plan, reply, environ, stream):
    if reply.payload is None:
        yield from blocks(stream, stream.wanted(environ, plan["read"]))
        return
    for wait, piece in reply.pieces():
        time.sleep(wait)
        yield piece


def burn(seconds):
    """Uses up so much CPU time."""
    end = time.thread_time() + seconds
    while seconds and time.thread_time() < end:
        sum(range(1000))


def follow(plan, report, stream):
    """Reads, waits, and gives the reply; Death where none is to come."""
    environ = report["environ"]
    if not plan.echoes:
        report["body"] = read_body(environ, plan["read"], stream)
    time.sleep(plan["delay"] or 0)
    burn(plan["burn"] or 0)
    if plan["die"] == "before-head":
        raise Death("before the head, as asked")
    return answer(plan, report["interface"], variable(environ, "REQUEST_METHOD"), report)


# -- applications of the scenarios --------------------------------------------

HERE = os.path.dirname(os.path.abspath(__file__))


class Notes:
    """What an application of a scenario saw, kept in a file that all workers share.

    Called with a name and a value it notes the value, with a name alone it counts.
    """

    def __init__(self, case):
        folder = HERE if os.access(HERE, os.W_OK) else tempfile.gettempdir()
        self.path = os.path.join(folder, "notes-" + case)

    def __call__(self, name, value=None):
        line = json.dumps([name, value if value is None else str(value)]) + "\n"
        with open(self.path, "a", encoding="ascii") as file:
            file.write(line)

    def told(self):
        seen = {}
        try:
            with open(self.path, encoding="ascii") as file:
                lines = [json.loads(line) for line in file]
        except FileNotFoundError:
            lines = []
        for name, value in lines:
            seen[name] = str(int(seen.get(name, 0)) + 1) if value is None else value
        return seen


class Guests:
    """The applications beside the probe; each file is run once."""

    def __init__(self):
        self.files, self.lock = {}, threading.Lock()

    def named(self, file, name):
        with self.lock:
            if file not in self.files:
                path = os.path.join(HERE, *file.split("/")) + ".py"
                self.files[file] = runpy.run_path(path, run_name=file.replace("/", "."))
        return self.files[file][name]


GUESTS = Guests()


def guest(plan, environ, start_response, how):
    """Hands the request over. The application finds the commands in `probe.plan`, and takes its
    notes with `probe.note`."""
    try:
        app = GUESTS.named(*plan["app"])
    except (OSError, KeyError) as failure:
        name = "%s:%s" % plan["app"]
        return probe(plan, environ, start_response, "no application %s: %r" % (name, failure))
    note = Notes(plan["case"])
    note("calls")
    note("called", how)
    environ["probe.plan"], environ["probe.note"] = plan, note
    return app(environ, start_response)


# -- WSGI ---------------------------------------------------------------------


def application(*arguments, **keywords):
    """The WSGI callable (PEP 3333). It is called with two positional arguments; how it was is
    what one scenario asks for."""
    given = dict(zip(("environ", "start_response"), arguments), **keywords)
    environ, start_response = given["environ"], given["start_response"]
    try:
        plan = Plan.parse(environ.get("HTTP_X_PROBE", "").encode("latin-1"))
    except Unknown as unknown:
        return probe(Plan(), environ, start_response, str(unknown))
    if plan["app"]:
        how = "%d positional" % len(arguments) + "".join(", %s=" % name for name in keywords)
        return guest(plan, environ, start_response, how)
    return probe(plan, environ, start_response)


def probe(plan, environ, start_response, problem=None):
    """Answers as the plan says, or with the problem."""
    pairs = [[name, value] for name, value in environ.items() if isinstance(value, str)]
    method = environ["REQUEST_METHOD"]
    body = Input(environ["wsgi.input"], environ.get("wsgi.input_terminated", False))
    if problem:
        line = b"501 Not Implemented" if plan["app"] else b"400 Bad Request"
        plan, reply = Plan(), refusal(method, line, problem)
    else:
        for text in complaint(plan):
            environ["wsgi.errors"].write(text.decode("latin-1"))
        environ["wsgi.errors"].flush()
        reply = follow(plan, seen("wsgi", pairs), body)
    fields = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in reply.fields]
    write = start_response((reply.status or b"200 OK").decode("latin-1"), fields)
    if plan["die"] == "after-head":
        write(b"")
        raise Death("after the head, as asked")
    return body_pieces(plan, reply, pairs, body)


# -- CGI ----------------------------------------------------------------------


def process_environ():
    """The environment as it was handed over: in order, with duplicates."""
    try:
        with open("/proc/self/environ", "rb") as file:
            texts = file.read().split(b"\0")
        pairs = [text.partition(b"=") for text in texts]
        pairs = [(name, value) for name, equals, value in pairs if equals]
        # A forked interpreter has there what it was booted with.
        if b"REQUEST_METHOD" in set(os.environb) - {name for name, _ in pairs}:
            pairs = os.environb.items()
    except OSError:
        pairs = os.environb.items()
    return [[name.decode("latin-1"), value.decode("latin-1")] for name, value in pairs]


def cgi():
    """One request as a CGI program (RFC 3875); gives the exit status."""
    stdin, stdout, stderr = Input(sys.stdin.buffer.raw), sys.stdout.buffer, sys.stderr.buffer
    environ = process_environ()
    method = variable(environ, "REQUEST_METHOD")
    argv = [os.fsencode(word).decode("latin-1") for word in sys.argv]
    report = seen("cgi", environ, argv, os.getcwdb().decode("latin-1"))
    try:
        plan = Plan.parse(variable(environ, "HTTP_X_PROBE").encode("latin-1"))
        for text in complaint(plan):
            stderr.write(text)
        stderr.flush()
        reply = follow(plan, report, stdin)
    except Unknown as unknown:
        plan, reply = Plan(), refusal(method, b"400 Bad Request", str(unknown))
    is_nph = os.path.basename(sys.argv[0]).startswith("nph-")
    head = reply.nph_head() if is_nph else reply.cgi_head()
    stdout.write(head if reply.has_head else b"")
    stdout.flush()
    if plan["die"] == "after-head":
        raise Death("after the head, as asked")
    for piece in body_pieces(plan, reply, environ, stdin):
        stdout.write(piece)
        stdout.flush()
    return plan["exit"] & 0xFF


def main():
    try:
        return cgi()
    except Death:
        os.kill(os.getpid(), signal.SIGKILL)
    except OSError as failure:
        sys.stderr.write("probe.py: %s\n" % failure)
    return 1


if __name__ == "__main__":
    # leave without a second try to flush a standard output that nobody reads
    ending = main()
    sys.stderr.flush()
    os._exit(ending)
