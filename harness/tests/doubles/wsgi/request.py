"""A request: its head, its body, and the stream that the application reads."""

import time

from fault import is_on

LIMIT = 1 << 16
DRAIN = 1 << 24


class Bad(Exception):
    """A request that is answered with this status."""


class Head:
    """Request line and fields, each octet one character."""

    def __init__(self, line, fields):
        parts = line.split(" ")
        if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
            raise Bad(b"400 Bad Request")
        self.method, self.target, self.version = parts
        self.fields = fields

    @classmethod
    def read(cls, file):
        """The next one, or None where the client has hung up."""
        lines = []
        while True:
            line = file.readline(LIMIT)
            if not line.endswith(b"\n"):
                return None
            line = line.rstrip(b"\r\n").decode("latin-1")
            if not line and lines:
                break
            lines.append(line)
        pairs = [line.partition(":") for line in lines[1:]]
        return cls(lines[0], [(name, value.strip(" \t")) for name, _, value in pairs])

    def all(self, name):
        return [value for field, value in self.fields if field.lower() == name]

    def has(self, name, word):
        return any(word in value.lower() for value in self.all(name))

    @property
    def keeps(self):
        return self.version == "HTTP/1.1" and not self.has("connection", "close")


def body_of(head, file, send_continue):
    """The body that follows the head; 100 is sent when it is first read."""
    waits = head.has("expect", "100-continue")
    waits = waits and (head.version != "HTTP/1.0" or is_on("continue-for-http10"))
    if waits and is_on("expect-unanswered"):
        time.sleep(60)
    on_first = send_continue if waits else None
    if head.has("transfer-encoding", "chunked"):
        return Chunked(file, on_first)
    length = head.all("content-length")
    if length and not length[0].isdigit():
        raise Bad(b"400 Bad Request")
    return Sized(file, on_first, int(length[0]) if length else 0)


class Body:
    """Octets of a body as they come."""

    def __init__(self, file, on_first):
        self.file, self.on_first, self.is_at_end = file, on_first, False

    def some(self, size):
        """At least one octet and at most `size`; none at the end."""
        if self.on_first:
            self.on_first()
            self.on_first = None
        octets = b"" if self.is_at_end else self.next(size)
        self.is_at_end = not octets
        return octets

    def drained(self):
        """Reads what the application left; whether the connection is in step then."""
        if self.on_first and not self.is_at_end:
            return False
        left = DRAIN
        while left > 0:
            octets = self.some(LIMIT)
            if not octets:
                return not self.is_cut()
            left -= len(octets)
        return False


class Sized(Body):
    """A body with a length."""

    def __init__(self, file, on_first, size):
        super().__init__(file, on_first)
        self.left, self.is_at_end = size, size == 0

    def next(self, size):
        octets = self.file.read1(min(size, self.left))
        if not octets and is_on("short-input-padded"):
            octets = bytes(min(size, self.left))
        self.left -= len(octets)
        return octets

    def is_cut(self):
        return self.left > 0


class Chunked(Body):
    """A body in chunks."""

    def __init__(self, file, on_first):
        super().__init__(file, on_first)
        self.left, self.is_whole = 0, False

    def next(self, size):
        if self.left == 0 and not self.begin():
            return b""
        octets = self.file.read1(min(size, self.left))
        self.left -= len(octets)
        if self.left == 0:
            self.file.readline(LIMIT)
        return b"%x\r\n%s\r\n" % (len(octets), octets) if is_on("chunked-body-raw") else octets

    def begin(self):
        """Reads the line of the next chunk; false at the last one."""
        if self.is_whole:
            return False
        line = self.file.readline(LIMIT).split(b";")[0].strip()
        self.left = int(line, 16) if line else 0
        if self.left == 0:
            self.is_whole = bool(line)
            while self.file.readline(LIMIT).strip():
                pass
        return self.left > 0

    def is_cut(self):
        return not self.is_whole


class Input:
    """`wsgi.input`."""

    def __init__(self, body, has_body):
        self.start(body, has_body)

    def start(self, body, has_body):
        self.body, self.rest, self.has_body = body, b"", has_body
        self.has_length = has_body and isinstance(body, Sized)

    def fill(self, size):
        """Has `size` octets at hand, or all that are left; all for a negative size."""
        while size < 0 or len(self.rest) < size:
            octets = self.body.some(LIMIT)
            if not octets:
                break
            self.rest += octets
            if is_on("read-returns-early") and size > 0:
                break

    def take(self, size):
        octets, self.rest = self.rest[:size], self.rest[size:]
        return octets

    def read(self, size=None):
        if size is None and is_on("read-needs-a-size"):
            raise TypeError("read() takes a size")
        if size == -1 and is_on("read-minus-one-refused"):
            raise ValueError("a size is not negative")
        if size == 0 and is_on("read-zero-is-all"):
            size = None
        if size and is_on("read-size-ignored"):
            size = None
        everything = size is None or size < 0
        if everything and is_on("input-ends-after-a-chunk") and isinstance(self.body, Chunked):
            return self.body.some(LIMIT)
        self.fill(-1 if everything else size)
        if is_on("input-raises-at-its-end") and size and not self.rest and self.has_length:
            raise OSError("the body is over")
        if is_on("empty-input-is-none") and not self.has_body:
            return None
        return self.take(len(self.rest) if everything else size)

    def readline(self, size=None):
        if size is not None and (size < 0 or is_on("readline-size-ignored")):
            size = None
        while b"\n" not in self.rest:
            before = len(self.rest)
            self.fill(before + 1)
            if len(self.rest) == before:
                break
        end = self.rest.find(b"\n") + 1 or len(self.rest)
        line = self.take(end if size is None else min(end, size))
        if is_on("readline-strips"):
            line = line.rstrip(b"\r\n")
        return bytearray(line) if is_on("readline-gives-bytearray") else line

    def readlines(self, hint=None):
        if hint and is_on("readlines-hint-refused"):
            raise TypeError("readlines() takes no hint")
        if is_on("readlines-is-one-line"):
            return [self.read(-1)]
        lines, size = [], 0
        for line in self:
            lines.append(line)
            size += len(line)
            if hint and size >= hint:
                break
        return lines

    def __iter__(self):
        if is_on("input-not-iterable"):
            raise TypeError("the input is not iterable")
        return iter(self.readline, b"")
