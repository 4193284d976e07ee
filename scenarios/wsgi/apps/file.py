"""wsgi.file_wrapper: each notes whether there is one."""

import gzip
import io
import os
import tempfile

TEXT = ("Content-Type", "text/plain")


def wrapper(environ):
    """The server's, or one as the PEP shows where it has none."""
    own = environ.get("wsgi.file_wrapper")
    environ["probe.note"]("offered", "yes" if own else "no")
    return own or (lambda file, size=8192: iter(lambda: file.read(size), b""))


def real_file(content):
    """A file of the file system, at its start."""
    file = tempfile.TemporaryFile()
    file.write(content)
    file.flush()
    opened = open(os.dup(file.fileno()), "rb")
    opened.seek(0)
    return opened


class Plain:
    """Only read(size), as the least of file-like objects has it."""

    def __init__(self, content):
        self.content = io.BytesIO(content)

    def read(self, size):
        return self.content.read(size)


class Noted(Plain):
    """The same with a close() that is noted."""

    def __init__(self, content, note):
        super().__init__(content)
        self.note = note

    def close(self):
        self.note("close")


def offered(environ, start_response):
    wrapper(environ)
    start_response("200 OK", [TEXT])
    return [b"noted"]


def without_size(environ, start_response):
    """wrapper(file), of an object with read() alone."""
    wrap = wrapper(environ)
    start_response("200 OK", [TEXT])
    return wrap(Noted(b"content of the file", environ["probe.note"]))


def with_size(environ, start_response):
    """wrapper(file, size)."""
    wrap = wrapper(environ)
    start_response("200 OK", [TEXT])
    return wrap(Noted(b"content of the file", environ["probe.note"]), 4)


def joined(environ, start_response):
    """Iterates the wrapper itself."""
    wrap, note = wrapper(environ), environ["probe.note"]
    for name, file in [("bytesio", io.BytesIO(b"content")), ("plain", Noted(b"content", note))]:
        try:
            note(name, b"".join(wrap(file, 3)).decode())
        except Exception as error:
            note(name, type(error).__name__)
    start_response("200 OK", [TEXT])
    return [b"noted"]


def unused(environ, start_response):
    """Makes a wrapper and returns something else."""
    wrapper(environ)(real_file(b"content of the file"))
    start_response("200 OK", [TEXT])
    return [b"other"]


def not_closable(environ, start_response):
    """A file without close()."""
    wrap = wrapper(environ)
    start_response("200 OK", [TEXT])
    return wrap(Plain(b"content of the file"), 8192)


def positioned(environ, start_response):
    """A real file, some octets into it."""
    wrap = wrapper(environ)
    file = real_file(b"skipped, content of the file")
    file.seek(9)
    start_response("200 OK", [TEXT])
    return wrap(file, 8192)


def positioned_with_length(environ, start_response):
    """The same, and no further than Content-Length."""
    wrap = wrapper(environ)
    file = real_file(b"skipped, content of the file")
    file.seek(9)
    start_response("200 OK", [TEXT, ("Content-Length", "7")])
    return wrap(file, 8192)


def compressed(environ, start_response):
    """An object whose fileno() leads to other octets than its read()."""
    wrap = wrapper(environ)
    start_response("200 OK", [TEXT])
    raw = real_file(gzip.compress(b"content of the file"))
    return wrap(gzip.GzipFile(fileobj=raw), 8192)


def pipe(environ, start_response):
    """A pipe: no file to map or to seek in."""
    wrap = wrapper(environ)
    start_response("200 OK", [TEXT])
    reading, writing = os.pipe()
    os.write(writing, b"content of the pipe")
    os.close(writing)
    return wrap(io.FileIO(reading), 8192)


def through_middleware(environ, start_response):
    """Something between application and server changes what the wrapper gives."""
    wrap = wrapper(environ)
    start_response("200 OK", [TEXT])
    inner = wrap(real_file(b"content of the file"), 8192)


    def changed():
        for block in inner:
            yield block.upper()

    return changed()
