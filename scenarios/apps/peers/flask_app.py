"""The same thirteen bytes from Flask, as most deployments have a framework."""

from flask import Flask

application = Flask(__name__)


@application.route("/", defaults={"path": ""})
@application.route("/<path:path>")
def hello(path):
    return "Hello, world!"
