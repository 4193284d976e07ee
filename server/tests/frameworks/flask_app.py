import flask

import shared

application = flask.Flask(__name__)


@application.get("/hello")
def hello():
    return "hello %s" % flask.request.args["name"]


@application.post("/upload")
def upload():
    file = flask.request.files["file"]
    return shared.verdict(flask.request.form["title"], file.filename, file.read())


@application.get("/stream")
def stream():
    return flask.Response(flask.stream_with_context(shared.pieces()))


@application.get("/download")
def download():
    return flask.send_file(shared.FILE, as_attachment=True)
