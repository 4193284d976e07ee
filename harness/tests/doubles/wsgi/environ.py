"""What the application learns of a request: its environ."""

import os
import sys

from fault import is_on
from request import Input

MOUNT = "/probe"


class Mapping(dict):
    """A dict that is none."""


class Errors:
    """`wsgi.errors`."""

    def __init__(self):
        self.in_body = ""

    def write(self, text):
        if not isinstance(text, str) or is_on("errors-take-bytes") and text:
            raise TypeError("text is expected")
        if is_on("errors-ascii-only"):
            text.encode("ascii")
        if is_on("errors-in-body"):
            self.in_body += text
        if not is_on("errors-lost"):
            octets = text.encode("utf-8", "backslashreplace")
            os.write(2, octets.replace(b"\n", b" ") if is_on("errors-lines-joined") else octets)
        return len(text)

    def writelines(self, lines):
        if is_on("errors-without-writelines"):
            raise AttributeError("writelines")
        for line in lines:
            self.write(line)

    def flush(self):
        pass


class Environs:
    """Makes the environ of each request."""

    def __init__(self, address):
        self.host, self.port = address[0], str(address[1])
        self.left_over = {}
        self.given = set()

    def of(self, head, body, state):
        has_body = bool(head.all("content-length") or head.all("transfer-encoding"))
        environ = Mapping() if is_on("environ-is-a-subclass") else {}
        environ.update(self.left_over)
        if is_on("os-environ-merged"):
            environ.update(os.environ)
        environ.update(self.cgi(head), **fields(head))
        environ.update(self.wsgi(self.input(body, has_body, state), head))
        for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            if is_on("empty-variables-left-out") and not environ.get(name):
                environ.pop(name, None)
        self.given = set(environ)
        return environ

    def forget(self, environ):
        """A request is over."""
        if is_on("environ-kept"):
            new = {name: environ[name] for name in environ if name not in self.given}
            self.left_over = {name: new[name] for name in new if not name.startswith("probe.")}

    def forget_all(self):
        """Nothing of an earlier fault stays."""
        self.left_over = {}
        os.environ.pop("HTTP_PROXY", None)

    def input(self, body, has_body, state):
        if is_on("input-of-the-connection") and "input" in state:
            state["input"].start(body, has_body)
        else:
            state["input"] = Input(body, has_body)
        return state["input"]

    def cgi(self, head):
        script, path, query = split(head.target)
        host = (head.all("host") or [self.host + ":" + self.port])[0]
        name, _, port = host.partition(":")
        environ = {
            "REQUEST_METHOD": head.method,
            "SCRIPT_NAME": script,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": name,
            "SERVER_PORT": port or "80",
            "SERVER_PROTOCOL": head.version,
            "REMOTE_ADDR": "127.0.0.1",
            "GATEWAY_INTERFACE": "CGI/1.1",
            "CONTENT_TYPE": "".join(head.all("content-type")[:1]),
            "CONTENT_LENGTH": "".join(head.all("content-length")[:1]),
        }
        if is_on("method-in-small-letters") and head.method != "GET":
            environ["REQUEST_METHOD"] = head.method.lower()
        if is_on("server-name-empty"):
            environ["SERVER_NAME"] = ""
        if is_on("server-port-a-number"):
            environ["SERVER_PORT"] = int(environ["SERVER_PORT"])
        if is_on("remote-addr-none"):
            environ["REMOTE_ADDR"] = None
        if is_on("protocol-always-11"):
            environ["SERVER_PROTOCOL"] = "HTTP/1.1"
        return environ

    def wsgi(self, stream, head):
        environ = {
            "wsgi.version": [1, 0] if is_on("version-a-list") else (1, 0),
            "wsgi.url_scheme": "" if is_on("scheme-empty") else "http",
            "wsgi.input": stream,
            "wsgi.input_terminated": True,
            "wsgi.errors": Errors(),
            "wsgi.multithread": not is_on("not-multithreaded"),
            "wsgi.multiprocess": False,
            "wsgi.run_once": is_on("run-once"),
        }
        if is_on("scheme-forwarded") and head.has("x-forwarded-proto", "https"):
            environ["wsgi.url_scheme"] = "https"
        if is_on("no-multiprocess"):
            del environ["wsgi.multiprocess"]
        if is_on("extension-in-capitals"):
            environ["Double.Extension"] = "1"
        return environ


def split(target):
    """SCRIPT_NAME, PATH_INFO and QUERY_STRING."""
    path, mark, query = target.partition("?")
    if mark and is_on("query-with-its-mark"):
        query = "?" + query
    path = decoded(path)
    if not path.startswith(MOUNT):
        return "", path, query
    path = path[len(MOUNT) :]
    if is_on("path-info-without-slash") and path.startswith("/relative"):
        return MOUNT, path[1:], query
    if is_on("script-name-a-slash") and path.startswith("/root"):
        return "/", MOUNT[1:] + path, query
    return MOUNT, path, query


def decoded(path):
    octets, at = bytearray(), 0
    while at < len(path):
        escaped = path[at] == "%"
        if escaped and is_on("space-stays-escaped") and path[at : at + 3] == "%20":
            escaped = False
        octets.append(int(path[at + 1 : at + 3], 16) if escaped else ord(path[at]))
        at += 3 if escaped else 1
    return octets.decode("utf-8" if is_on("path-as-utf8") else "latin-1")


def fields(head):
    """HTTP_*: one for each name."""
    environ = {}
    for name, value in head.fields:
        if "_" in name and not is_on("underscore-taken-for-hyphen"):
            continue
        name = name.upper().replace("-", "_")
        if name in ("CONTENT_TYPE", "CONTENT_LENGTH") and not is_on("http-content-type"):
            continue
        if name == "PROXY":
            if is_on("proxy-into-os-environ"):
                os.environ["HTTP_PROXY"] = value
            continue
        if not value and is_on("empty-field-dropped"):
            continue
        name = "HTTP_" + name
        if is_on("fields-as-utf8"):
            value = value.encode("latin-1").decode("utf-8", "replace")
        joint = ", "
        if name == "HTTP_COOKIE" and not is_on("cookies-joined-by-comma"):
            joint = "; "
        if name in environ and not (is_on("last-field-counts") and name != "HTTP_COOKIE"):
            value = environ[name] + joint + value
        environ[name] = value
    return environ
