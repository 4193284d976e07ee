import os

import falcon

import shared


class Hello:
    def on_get(self, request, response):
        response.text = "hello %s" % request.get_param("name")


class Upload:
    def on_post(self, request, response):
        parts = {}
        for part in request.get_media():
            if part.name == "file":
                parts["name"], parts["data"] = part.filename, part.stream.read()
            else:
                parts["title"] = part.text
        response.text = shared.verdict(parts["title"], parts["name"], parts["data"])


class Stream:
    def on_get(self, request, response):
        response.stream = shared.pieces()


class Download:
    def on_get(self, request, response):
        response.downloadable_as = os.path.basename(shared.FILE)
        response.set_stream(open(shared.FILE, "rb"), os.path.getsize(shared.FILE))


application = falcon.App()
for route, resource in [
    ("/hello", Hello()),
    ("/upload", Upload()),
    ("/stream", Stream()),
    ("/download", Download()),
]:
    application.add_route(route, resource)
