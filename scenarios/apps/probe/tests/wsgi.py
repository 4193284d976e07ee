"""Runs probe.py's WSGI callable on one CGI-like request, through wsgiref.

`validate` as second argument puts wsgiref's checker of PEP 3333 in between.
"""

import runpy
import sys
from wsgiref.handlers import BaseCGIHandler, read_environ
from wsgiref.validate import validator


class Gateway(BaseCGIHandler):
    def finish_content(self):
        """Sends the head of an empty reply without a Content-Length of its own."""
        if not self.headers_sent:
            self.send_headers()


application = runpy.run_path(sys.argv[1], run_name="probe")["application"]
if "validate" in sys.argv[2:]:
    application = validator(application)
environ = read_environ()
for name, value in {"SERVER_NAME": "localhost", "SERVER_PORT": "80", "PATH_INFO": ""}.items():
    environ.setdefault(name, value)
streams = sys.stdin.buffer, sys.stdout.buffer, sys.stderr
Gateway(*streams, environ, multithread=False, multiprocess=True).run(application)
