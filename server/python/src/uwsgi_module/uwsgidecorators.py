"""The decorators that come with uWSGI, as far as gateserve has what they decorate."""

from functools import wraps
from threading import Thread

import uwsgi

postfork_chain = []


def postfork_chain_hook():
    for function in postfork_chain:
        function()


uwsgi.post_fork_hook = postfork_chain_hook


class postfork:
    """Runs a function in each worker after the fork; `@postfork(2)` in the second alone."""

    def __init__(self, f):
        self.f, self.wid = (f, 0) if callable(f) else (None, f)
        postfork_chain.append(self)

    def __call__(self, *args, **kwargs):
        if self.f is None:
            self.f = args[0]
            return self.f
        if self.wid in (0, uwsgi.worker_id()):
            return self.f()


def thread(f):
    """Calling the function runs it in a thread of its own."""

    def start(*args):
        Thread(target=f, args=args, daemon=True).start()
        return f

    return start


def lock(f):
    """One process at a time runs the function."""

    @wraps(f)
    def locked(*args, **kwargs):
        uwsgi.lock()
        try:
            return f(*args, **kwargs)
        finally:
            uwsgi.unlock()

    return locked


class harakiri:
    """The function gets so many seconds."""

    def __init__(self, seconds):
        self.s = seconds

    def __call__(self, f):
        @wraps(f)
        def limited(*args, **kwargs):
            uwsgi.set_user_harakiri(self.s)
            result = f(*args, **kwargs)
            uwsgi.set_user_harakiri(0)
            return result

        return limited


def _refuse(name, advice):
    def decorator(*args, **kwargs):
        raise NotImplementedError("gateserve has no @%s: %s" % (name, advice))

    decorator.__name__ = decorator.__qualname__ = name
    return decorator


_TIMER = "use a system timer, --cron or --attach-daemon"
_QUEUE = "use a task queue such as Celery, RQ or Huey, started with --attach-daemon"

timer = _refuse("timer", _TIMER)
rbtimer = _refuse("rbtimer", _TIMER)
cron = _refuse("cron", _TIMER)
signal = _refuse("signal", _TIMER)
filemon = _refuse("filemon", "use --touch-reload, or a library such as watchdog")
spool = _refuse("spool", _QUEUE)
spoolraw = _refuse("spoolraw", _QUEUE)
spoolforever = _refuse("spoolforever", _QUEUE)
mulefunc = _refuse("mulefunc", _QUEUE)
mule = _refuse("mule", _QUEUE)
muleloop = _refuse("muleloop", _QUEUE)
mulemsg = _refuse("mulemsg", _QUEUE)
farm = _refuse("farm", _QUEUE)
rpc = _refuse("rpc", "call the function, or serve it over HTTP")
erlang = _refuse("erlang", "gateserve has no Erlang subsystem")
