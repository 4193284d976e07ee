from django.conf import settings

settings.configure(
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="a secret of a test",
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
)

from django.core.wsgi import get_wsgi_application
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.urls import path

import shared


def hello(request):
    return HttpResponse("hello %s" % request.GET["name"], content_type="text/plain")


def upload(request):
    file = request.FILES["file"]
    return HttpResponse(shared.verdict(request.POST["title"], file.name, file.read()))


def stream(request):
    return StreamingHttpResponse(shared.pieces())


def download(request):
    return FileResponse(open(shared.FILE, "rb"), as_attachment=True)


urlpatterns = [
    path("hello", hello),
    path("upload", upload),
    path("stream", stream),
    path("download", download),
]
application = get_wsgi_application()
