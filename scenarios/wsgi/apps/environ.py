"""What the application is told of a request."""

import os
import re

TYPES = {"SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "CONTENT_TYPE", "CONTENT_LENGTH"}
WSGI = {
    "wsgi.version",
    "wsgi.url_scheme",
    "wsgi.input",
    "wsgi.errors",
    "wsgi.multithread",
    "wsgi.multiprocess",
    "wsgi.run_once",
}


def reply(start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"noted"]


def variables(environ, start_response):
    """Notes every variable that is a text."""
    note = environ["probe.note"]
    for name, value in sorted(environ.items()):
        if type(value) is str:
            note(name, value)
    note("path", environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""))
    return reply(start_response)


def shape(environ, start_response):
    """Notes of what kind environ and its values are."""
    note = environ["probe.note"]
    note("kind", "%s.%s" % (type(environ).__module__, type(environ).__name__))
    texts = [name for name in environ if name in TYPES or re.match(r"[A-Z_]+\Z", name)]
    note("no str", " ".join(sorted(name for name in texts if type(environ[name]) is not str)))
    note("missing", " ".join(sorted(WSGI - set(environ))))
    dotted = [name for name in environ if "." in name]
    note("odd names", " ".join(sorted(n for n in dotted if not re.match(r"[a-z0-9._]+\Z", n))))
    note("left out", " ".join(sorted(TYPES - set(environ))))
    version = environ.get("wsgi.version")
    note("version", "%s %r" % (type(version).__name__, version))
    note("scheme", environ.get("wsgi.url_scheme"))
    note("run once", bool(environ.get("wsgi.run_once")))
    note("PATH of the process", "PATH" in environ)
    return reply(start_response)


def clears(environ, start_response):
    """Does with environ whatever it likes."""
    environ.clear()
    environ["left.behind"] = "by the request before"
    return reply(start_response)


def stale(environ, start_response):
    """Notes what an earlier request left."""
    environ["probe.note"]("stale", environ.get("left.behind", "nothing"))
    return reply(start_response)


def process(environ, start_response):
    """Notes what a request brought into the environment of the process."""
    environ["probe.note"]("HTTP_PROXY", os.environ.get("HTTP_PROXY", ""))
    return reply(start_response)


def url(environ, start_response):
    """URL Reconstruction, as the PEP spells it."""
    from urllib.parse import quote

    url = environ["wsgi.url_scheme"] + "://"
    if environ.get("HTTP_HOST"):
        url += environ["HTTP_HOST"]
    else:
        url += environ["SERVER_NAME"]
        default = "443" if environ["wsgi.url_scheme"] == "https" else "80"
        if environ["SERVER_PORT"] != default:
            url += ":" + environ["SERVER_PORT"]
    url += quote(environ.get("SCRIPT_NAME", ""))
    url += quote(environ.get("PATH_INFO", ""))
    if environ.get("QUERY_STRING"):
        url += "?" + environ["QUERY_STRING"]
    environ["probe.note"]("url", url)
    return reply(start_response)


def concurrent(environ, start_response):
    """Asks the server for another request of its own before it answers, and notes whether the
    flags allow for what was seen."""
    import http.client

    note = environ["probe.note"]
    headers = {"X-Probe": "body=%d" % os.getpid()}
    client = http.client.HTTPConnection(environ["HTTP_HOST"], timeout=2)
    seen = "nothing"
    try:
        client.request("GET", environ.get("SCRIPT_NAME", "") + "/", headers=headers)
        other = int(client.getresponse().read())
        seen = "in parallel" if other else ""
    except (OSError, ValueError):
        pass
    finally:
        client.close()
    allowed = environ["wsgi.multithread"] or environ["wsgi.multiprocess"]
    note("flags", "deny it" if seen == "in parallel" and not allowed else "fit")
    return reply(start_response)
