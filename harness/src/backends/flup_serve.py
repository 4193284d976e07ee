"""Serves the probe beside this file with flup: SOCKET WORKERS."""

import sys

from flup.server.fcgi_fork import WSGIServer
from probe import application

socket, workers = sys.argv[1:]
options = {"bindAddress": socket, "umask": 0, "debug": False}
options.update(dict.fromkeys(("minSpare", "maxSpare", "maxChildren"), int(workers)))
WSGIServer(application, **options).run()
