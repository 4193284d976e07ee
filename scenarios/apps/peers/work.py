"""What the path asks for: `.../sleep/MILLISECONDS` waits, `.../upload` reads the whole body."""

import time


def application(environ, start_response):
    steps = environ.get("PATH_INFO", "").split("/")
    if "sleep" in steps:
        time.sleep(int(steps[steps.index("sleep") + 1]) / 1000)
    if "upload" in steps:
        source = environ["wsgi.input"]
        left = int(environ["CONTENT_LENGTH"])
        while left > 0:
            read = source.read(min(left, 65536))
            if not read:
                raise OSError(f"the body ended {left} bytes early")
            left -= len(read)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "13")])
    return [b"Hello, world!"]
