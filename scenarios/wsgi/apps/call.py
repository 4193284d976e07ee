"""How the server calls the application."""


def plain(environ, start_response):
    """A reply, and nothing else."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"plain"]


def generator(environ, start_response):
    """Calls start_response only when its result is iterated."""
    start_response("201 Created", [("Content-Type", "text/plain")])
    yield b"from the "
    yield b"generator"


class Instance:
    """The class is called, its instance is iterated (the PEP's AppClass)."""

    def __init__(self, environ, start_response):
        self.start_response = start_response

    def __iter__(self):
        self.start_response("201 Created", [("Content-Type", "text/plain")])
        yield b"from the instance"
