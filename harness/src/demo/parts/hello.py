"""The application of the demo: a CGI script, or a WSGI application in pre-forked workers.

The query tells it what to do before it answers:
  sleep=MS   wait          spin=MS   keep a core busy      leak=MIB  keep that much memory for ever
  crash=1    die           show=1    tell what it saw (JSON); else it says hello
"""
import time

BEGAN = time.monotonic_ns()  # The interpreter is up, and this file is being run.

import os
import sys

served = 0
leaked = []


def quoted(text):
    """JSON, without the time it takes to import the module."""
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c >= " " else "\\u%04x" % ord(c) for c in text) + '"'


def obey(query):
    for word in query.split("&"):
        name, _, value = word.partition("=")
        if name == "sleep":
            time.sleep(int(value) / 1000)
        elif name == "spin":
            until = time.process_time() + int(value) / 1000
            while time.process_time() < until:
                pass
        elif name == "leak":
            leaked.append(bytearray(os.urandom(1024)) * (int(value) * 1024))
        elif name == "crash":
            os.kill(os.getpid(), 11)


def answer(environ):
    """Content type and body."""
    global served
    served += 1
    entered = time.monotonic_ns()
    query = environ.get("QUERY_STRING", "")
    obey(query)
    if "show=1" not in query:
        return "text/plain", b"Hello, world!\n"
    seen = ",".join(
        quoted(name) + ":" + quoted(value)
        for name, value in sorted(environ.items())
        if isinstance(value, str)
    )
    numbers = (os.getpid(), os.getppid(), served, BEGAN, entered, time.monotonic_ns())
    body = '{"pid":%d,"ppid":%d,"served":%d,"began":%d,"entered":%d,"done":%d' % numbers
    body += ',"environ":{%s}}\n' % seen
    return "application/json", body.encode("utf-8", "surrogateescape")


def application(environ, start_response):
    kind, body = answer(environ)
    start_response("200 OK", [("Content-Type", kind), ("Content-Length", str(len(body)))])
    return [body]


if __name__ == "__main__":
    kind, body = answer(dict(os.environ))
    head = "Content-Type: %s\r\nContent-Length: %d\r\n\r\n" % (kind, len(body))
    sys.stdout.buffer.write(head.encode() + body)
