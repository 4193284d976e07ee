"""One request handed to the application, and its reply on the wire."""

import io
import itertools
import os
import re
import sys
import threading
import time
from email.utils import formatdate

from fault import is_on

HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "trailers",
    "transfer-encoding",
    "upgrade",
}


class FileWrapper:
    """`wsgi.file_wrapper`."""

    def __init__(self, file, size=8192):
        self.file, self.size, self.is_read = file, size, False
        if hasattr(file, "close") and not is_on("file-wrapper-without-close"):
            self.close = file.close
        elif is_on("file-wrapper-needs-close"):
            self.close = file.close

    def __iter__(self):
        self.is_read = True
        if is_on("file-wrapper-from-the-start") and isinstance(self.file, io.BufferedReader):
            self.file.seek(0)
        if is_on("file-wrapper-by-fileno") and hasattr(self.file, "fileno"):
            try:
                return iter([os.pread(self.file.fileno(), 1 << 20, self.position())])
            except io.UnsupportedOperation:
                pass
        return iter(lambda: self.file.read(self.size), b"")

    def position(self):
        return self.file.tell() if isinstance(self.file, io.BufferedReader) else 0


class OwnWayWrapper:
    """A file wrapper that only the server can read."""

    def __init__(self, file, size=8192):
        self.own = FileWrapper(file, size)
        if hasattr(self.own, "close"):
            self.close = self.own.close


class Exchange:
    """The reply to one request."""

    def __init__(self, connection, head):
        self.connection, self.head = connection, head
        self.keeps = head.keeps
        self.status, self.fields = None, []
        self.is_called = self.is_head_sent = self.is_chunked = False
        self.left = None  # octets that Content-Length has announced and that are still to come
        self.is_counted = False  # whether the reply is one block whose length is known
        self.written = 0
        self.kept = []
        self.wrappers = []
        self.lock = threading.RLock()

    # -- the application ---------------------------------------------------------------------

    def run(self, application, environ):
        self.errors = environ["wsgi.errors"]
        if not is_on("no-file-wrapper"):
            environ["wsgi.file_wrapper"] = self.wrap
        environ["wsgi.early_hints"] = self.hint
        again = dict(environ)
        if is_on("called-by-keyword"):
            result = application(environ=environ, start_response=self.start_response)
        else:
            result = application(environ, self.start_response)
        if result is None and is_on("none-is-empty"):
            result = []
        if result is None:
            raise TypeError("the application returned None")
        if is_on("starts-before-iterating") and not self.is_called:
            raise AssertionError("start_response was not called")
        iterator = result
        failed = True
        try:
            if is_on("asks-for-a-name"):
                getattr(result, "name", None)
            iterator = iter(self.blocks(result))
            self.send(result, iterator)
            failed = False
        finally:
            self.close(result, iterator, failed)
        if is_on("close-error-cuts-the-reply"):
            self.finish()
        if is_on("called-twice") or is_on("called-twice-for-head") and self.head.method == "HEAD":
            self.call_again(application, again)

    def call_again(self, application, environ):
        """Once more for a request without a body, and nobody sees what comes of it."""
        if not environ.get("CONTENT_LENGTH") and "HTTP_TRANSFER_ENCODING" not in environ:
            unseen = Exchange(self.connection, self.head)
            unseen.put = lambda data: None
            application(environ, unseen.start_response)

    def blocks(self, result):
        if isinstance(result, OwnWayWrapper):
            return result.own
        if is_on("file-wrapper-sees-through"):
            first = next((w for w in self.wrappers if w.is_read is False), None)
            if first is not None and first is not result and not isinstance(result, list):
                return first
        if is_on("file-wrapper-sends-at-once"):
            idle = [w for w in self.wrappers if w is not result and not w.is_read]
            if isinstance(result, list) and idle:
                return itertools.chain(idle[0], result)
        return result

    def send(self, result, iterator):
        counts = hasattr(result, "__len__") and not isinstance(result, OwnWayWrapper)
        one = counts and len(result) == 1 and not self.written
        self.is_counted = one and not is_on("one-block-uncounted")
        waiting = None
        for block in iterator:
            if not isinstance(block, bytes):
                raise TypeError("a block is %s, not bytes" % type(block))
            if block == b"" and self.is_chunked and is_on("empty-block-ends-the-body"):
                self.put(b"0\r\n\r\n")
            if block == b"" and is_on("empty-block-sends-the-head"):
                self.send_head(0)
            if 0 < len(block) < 64 and is_on("iterable-held-back"):
                block = (waiting or b"") + block
                waiting = None if self.head.method == "HEAD" else block
                block = b"" if waiting else block
            if block and self.body(block) and not is_on("sends-more-than-announced"):
                break
        if waiting:
            self.body(waiting)
        for block in self.kept:
            self.body(block)
        self.kept = []
        if not self.is_head_sent and is_on("nothing-for-an-empty-body") and not self.written:
            raise AssertionError("the application gave no data")
        if not is_on("close-error-cuts-the-reply"):
            self.finish()

    def close(self, result, iterator, failed):
        if failed and is_on("close-forgotten-after-an-error"):
            return
        if not failed and is_on("close-forgotten"):
            return
        if self.head.method == "HEAD" and is_on("close-forgotten-for-head"):
            return
        if self.left == 0 and is_on("close-forgotten-at-the-length"):
            return
        if isinstance(sys.exc_info()[1], OSError) and is_on("close-forgotten-when-the-client-left"):
            return
        of = iterator if is_on("close-of-the-iterator") else result
        close = getattr(of, "close", None)
        if close is not None:
            try:
                close()
            except Exception as error:
                if is_on("close-error-cuts-the-reply"):
                    raise
                if is_on("close-error-unlogged"):
                    return
                print("close() failed: %r" % error, file=sys.stderr, flush=True)

    # -- start_response, write, file_wrapper, early_hints ------------------------------------

    def start_response(self, status, fields, exc_info=None):
        try:
            return self.started(status, fields, exc_info)
        finally:
            if is_on("exc-info-kept"):
                self.kept_error = exc_info
            exc_info = None

    def started(self, status, fields, exc_info):
        if exc_info and self.is_head_sent and not is_on("late-exc-info-ignored"):
            if is_on("late-exc-info-another-error"):
                raise AssertionError("the head is sent already")
            raise exc_info[1].with_traceback(exc_info[2])
        if self.is_called and not exc_info and not is_on("second-call-replaces"):
            raise AssertionError("start_response was called before")
        if not is_on("failed-call-forgotten"):
            self.is_called = True
        if not is_on("fields-checked-late"):
            check(status, fields)
        self.is_called = True
        old = self.fields if exc_info and is_on("exc-info-adds-fields") else []
        new = {name.lower() for name, _ in fields}
        old = [pair for pair in old if pair[0].lower() not in new]
        if not self.is_head_sent:
            self.status, self.fields = text(status), old + [(text(n), text(v)) for n, v in fields]
        if is_on("list-of-fields-emptied"):
            fields.clear()
        if is_on("head-after-a-while") and not exc_info:
            threading.Timer(0.05, self.send_head, [None]).start()
        return None if is_on("no-write") else self.write

    def write(self, octets):
        if not isinstance(octets, bytes):
            raise TypeError("write() takes bytes")
        self.written += 1
        if is_on("written-data-lost") and octets:
            return
        if is_on("written-after-the-iterable") or is_on("written-data-held-back"):
            self.kept.append(octets)
            if is_on("written-data-held-back"):
                self.kept, octets = [], b"".join(self.kept)
                threading.Timer(1.0, self.body, [octets]).start()
                time.sleep(0)
            return
        if octets:
            self.body(octets)
        elif is_on("empty-write-sends-the-head"):
            self.send_head(None)

    def wrap(self, *arguments):
        if len(arguments) == 1 and is_on("file-wrapper-needs-a-size"):
            raise TypeError("file_wrapper takes a file and a size")
        if len(arguments) == 2 and is_on("file-wrapper-takes-no-size"):
            raise TypeError("file_wrapper takes a file")
        kind = OwnWayWrapper if is_on("file-wrapper-not-iterable") else FileWrapper
        wrapper = kind(*arguments)
        if kind is FileWrapper:
            self.wrappers.append(wrapper)
        return wrapper

    def hint(self, fields):
        if not is_on("hints-dropped") and self.head.version == "HTTP/1.1":
            lines = b"".join(b"%s: %s\r\n" % (octets(n), octets(v)) for n, v in fields)
            self.put(b"HTTP/1.1 103 Early Hints\r\n" + lines + b"\r\n")

    # -- the wire ----------------------------------------------------------------------------

    def body(self, block):
        """Sends a block; whether the announced length is reached."""
        with self.lock:
            self.send_head(len(block) if self.is_counted else None, block)
            if not self.has_body:
                return False
            if self.left is not None:
                excess = len(block) > self.left and is_on("sends-more-than-announced")
                block = block if excess else block[: self.left]
                self.left = max(0, self.left - len(block))
            self.put(self.framed(block))
            return self.left == 0

    def framed(self, block):
        if is_on("large-block-cut"):
            block = block[:65536]
        if is_on("line-feeds-translated"):
            block = block.replace(b"\n\r", b"\r\n\r")
        return b"%x\r\n%s\r\n" % (len(block), block) if self.is_chunked and block else block

    def finish(self):
        """The application has given all."""
        with self.lock:
            self.send_head(0)
            if self.left and self.has_body:
                if is_on("short-body-padded"):
                    self.put(bytes(self.left))
                    return
                self.keeps = False
                print("the body is %d octets short" % self.left, file=sys.stderr, flush=True)
            elif self.is_chunked:
                self.put(b"0\r\n\r\n")

    def fail(self):
        """An exception came out of the application."""
        if self.is_head_sent:
            if is_on("error-ends-the-body"):
                return self.finish()
            if self.left and is_on("error-fills-the-body"):
                self.put(bytes(self.left))
                return None
            self.keeps = False
            return None
        status = "200 OK" if is_on("errors-are-200") else "500 Internal Server Error"
        self.status, self.fields, self.is_counted = status, [("Content-Type", "text/plain")], True
        self.left = None
        self.body(b"Internal Server Error\n")
        return None

    def send_head(self, length, first=None):
        """Sends the head, once; `length` is that of the whole body where it is known."""
        with self.lock:
            if self.is_head_sent:
                return
            if self.status is None:
                raise AssertionError("start_response was not called")
            if is_on("fields-checked-late"):
                check(self.status, self.fields)
            self.is_head_sent = True
            fields = [pair for pair in self.fields if pair[0].lower() != "connection"]
            if is_on("last-set-cookie-counts"):
                cookies = [pair for pair in fields if pair[0] == "Set-Cookie"]
                fields = [pair for pair in fields if pair not in cookies[:-1]]
            if is_on("answers-conditions") and self.head.all("if-none-match"):
                self.status = "304 Not Modified"
            fields = self.frame(fields, length, first) + self.added(fields)
            lines = b"".join(b"%s: %s\r\n" % (octets(n), octets(v)) for n, v in fields)
            self.put(b"HTTP/1.1 %s\r\n%s\r\n" % (octets(self.status), lines))
            if self.errors.in_body and self.is_chunked:
                self.put(self.framed(octets(self.errors.in_body)))

    def frame(self, fields, length, first):
        """Says how long the body is, or how its end is told."""
        code = int(self.status[:3])
        is_head = self.head.method == "HEAD"
        bodiless = code < 200 or code == 204
        self.has_body = not (is_head or bodiless or code == 304)
        if code == 304 and is_on("body-for-304"):
            self.has_body = True
        if bodiless and is_on("body-for-204"):
            self.has_body = True
        if bodiless and not self.has_body:
            return [pair for pair in fields if pair[0].lower() != "content-length"]
        name = (lambda name: name) if is_on("length-by-its-case") else str.lower
        known = {"Content-Length", "content-length"} if is_on("length-by-its-case") else {"content-length"}
        told = [value for field, value in fields if name(field) in known]
        if told:
            self.left = int(told[0])
            self.has_body |= is_head and is_on("body-for-head")
            return fields
        if first is not None and len(first) == 1 and is_on("length-of-the-first-block"):
            length = 1
        if is_head and not (is_on("length-zero-for-head") and length == 0):
            length = None
        if length is not None:
            self.left = length
            return fields + [("Content-Length", str(length))]
        chunks = self.head.version == "HTTP/1.1" and not is_on("never-in-chunks")
        if not self.has_body:
            return fields
        if chunks or is_on("chunks-for-http10"):
            self.is_chunked = True
            return fields + [("Transfer-Encoding", "chunked")]
        self.keeps = False
        return fields

    def added(self, fields):
        names = {name.lower() for name, _ in fields}
        more = []
        if "date" not in names and not is_on("no-date") or is_on("date-added-to-date"):
            more.append(("Date", formatdate(usegmt=True)))
        if "server" not in names:
            more.append(("Server", "double"))
        if is_on("caching-forbidden"):
            more.append(("Cache-Control", "no-store"))
        if not self.keeps:
            more.append(("Connection", "close"))
        return more

    def put(self, data):
        self.connection.sendall(data)


def text(value):
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value


def octets(value):
    return value.encode("latin-1")


def check(status, fields):
    """Refuses what no application may give (PEP 3333, The start_response() Callable)."""
    takes_bytes = is_on("bytes-taken-for-text")
    texts = [status] + [part for pair in fields for part in pair]
    if not all(type(part) is str or takes_bytes and type(part) is bytes for part in texts):
        raise TypeError("status and fields are str")
    texts = [text(part) for part in texts]
    if not re.match(r"[1-9][0-9]{2} [^\x00-\x1f\x7f]*\Z", texts[0]):
        raise ValueError("the status is malformed: %r" % status)
    if any(re.search(r"[\x00-\x08\x0a-\x1f\x7f]", part) for part in texts):
        raise ValueError("a field has a control character")
    for name, _ in fields:
        if text(name).lower() in HOP_BY_HOP and not is_on("hop-by-hop-passed"):
            raise AssertionError("%s is not the application's" % text(name))
