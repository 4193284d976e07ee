"""The parts of uWSGI's API that applications call, inside gateserve.

What is not here raises NotImplementedError when it is called (or AttributeError where uWSGI has no
such name either), with a text that says what to use instead.
"""

import sys as _sys
import time as _time

SPOOL_RETRY = -1
SPOOL_OK = -2
SPOOL_IGNORE = 0

# As uWSGI has them: set by applications, called by the server where it says so.
applications = None  # mount points and callables, looked at when applications are loaded
spooler = None
mule_msg_hook = None

unbit = None
loop = None
magic_table = {}
sockets = []
is_a_reload = False


def micros():
    return _time.time_ns() // 1000


def signal_registered(number):
    return False


def signal_received():
    return 0


def mule_id():
    return 0


def in_farm(name=None):
    return False


def i_am_the_spooler():
    return False


def i_am_the_lord(name=None):
    return False


def ready():
    return worker_id() > 0  # noqa: F821 (native)


def ready_fd():
    return -1


def listen_queue(number=0):
    return 0


def parsefile(name):
    return _instead("parsefile", "read the file with configparser")()


def lock(number=0):
    _locks.take(_number(number))


def unlock(number=0):
    _locks.give(_number(number))


def is_locked(number=0):
    return _locks.taken(_number(number))


def _number(number):
    number = int(number)
    if number < 0 or number > _LOCKS - 1:
        raise ValueError("Invalid lock number")
    return number


_LOCKS = 8


class _Locks:
    """Locks that all processes share: bytes of one file that has no name.

    The system frees what a process that dies has taken. Threads of one process share its locks as
    far as the system sees it, so a lock of the process comes first.
    """

    def __init__(self, count):
        import tempfile
        import threading

        self._file = tempfile.TemporaryFile()
        self._threads = [threading.Lock() for _ in range(count)]

    def take(self, number):
        import fcntl

        self._threads[number].acquire()
        fcntl.lockf(self._file, fcntl.LOCK_EX, 1, number)

    def give(self, number):
        import fcntl

        if not self._threads[number].locked():
            return
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, number)
        self._threads[number].release()

    def taken(self, number):
        import fcntl

        if self._threads[number].locked():
            return True
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, number)
        except OSError:
            return True
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, number)
        return False


_locks = _Locks(_LOCKS)


def _instead(name, advice):
    def refuse(*args, **kwargs):
        raise NotImplementedError("gateserve has no uwsgi.%s(): %s" % (name, advice))

    refuse.__name__ = refuse.__qualname__ = name
    return refuse


_CACHE = "use a cache server, or Django's or Flask's cache in a file or database"
_SIGNAL = "use a system timer, --cron or --attach-daemon"
_QUEUE = "use a task queue such as Celery, RQ or Huey, started with --attach-daemon"
_SOCKET = "use the socket module"
_WEBSOCKET = "serve websockets from an ASGI server beside this one"
_ASYNC = "requests run in threads here: block, and raise --threads"
_READ = "read environ['wsgi.input'], which ends where a chunked body ends"
_METRIC = "use a metrics library; gateserve's own figures are at --stats and --metrics"

# Names, or beginnings of names, and what to do instead.
_ADVICE = [
    ("cache_", _CACHE),
    ("queue_", _QUEUE),
    ("spool", _QUEUE),
    ("spooler_", _QUEUE),
    ("send_to_spooler", _QUEUE),
    ("set_spooler_frequency", _QUEUE),
    ("mule_", _QUEUE),
    ("farm_", _QUEUE),
    ("websocket_", _WEBSOCKET),
    ("sharedarea_", "use multiprocessing.shared_memory"),
    ("metric_", _METRIC),
    ("snmp_", _METRIC),
    ("register_signal", _SIGNAL),
    ("signal", _SIGNAL),
    ("add_timer", _SIGNAL),
    ("add_rb_timer", _SIGNAL),
    ("add_cron", _SIGNAL),
    ("add_file_monitor", "use --touch-reload, or a library such as watchdog"),
    ("add_ms_timer", _SIGNAL),
    ("register_rpc", "call the function, or serve it over HTTP"),
    ("rpc", "call the function, or serve it over HTTP"),
    ("call", "call the function, or serve it over HTTP"),
    ("route", "route in the application"),
    ("async_", _ASYNC),
    ("suspend", _ASYNC),
    ("green_schedule", _ASYNC),
    ("wait_fd_", _ASYNC),
    ("connect", _SOCKET),
    ("connection_fd", _SOCKET),
    ("is_connected", _SOCKET),
    ("send", "return the body from the application"),
    ("recv", "read environ['wsgi.input']"),
    ("close", _SOCKET),
    ("chunked_read", _READ),
    ("chunked_read_nb", _READ),
    ("sendfile", "return environ['wsgi.file_wrapper'](file)"),
    ("offload", "return environ['wsgi.file_wrapper'](file)"),
    ("disconnect", "return from the application; work on in a thread or a task queue"),
    ("alarm", "write to the log, which can be watched"),
    ("embedded_data", "read a file of a package with importlib.resources"),
    ("extract", "read the file"),
    ("set_warning_message", "write to the log"),
    ("scrolls", "gateserve has no Legion subsystem"),
    ("lord_scroll", "gateserve has no Legion subsystem"),
    ("erlang", "gateserve has no Erlang subsystem"),
    ("add_var", "set it in environ"),
    ("log_this_request", "use --log-4xx, --log-5xx, --log-slow, or a route without donotlog:"),
    ("logsize", "it is in the request log"),
    ("cl", "read environ['CONTENT_LENGTH']"),
    ("setprocname", "set --procname, or use the setproctitle package"),
]

# What applications look for to know whether they may call it: not being there is the answer.
_ABSENT = {"post_fork_hook", "atexit", "after_req_hook", "pidfile", "mode", "spoolers"}


def __getattr__(name):
    if name not in _ABSENT and not name.startswith("__"):
        for known, advice in _ADVICE:
            if name == known or (known.endswith("_") and name.startswith(known)):
                return _instead(name, advice)
    raise AttributeError("gateserve's uwsgi module has no %r" % name)


class _Decorators:
    """Finds `uwsgidecorators`, which is part of this server as it is of uWSGI."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name != "uwsgidecorators":
            return None
        from importlib.machinery import ModuleSpec

        return ModuleSpec(name, _Decorators, origin="gateserve")

    @staticmethod
    def create_module(spec):
        return None

    @staticmethod
    def exec_module(module):
        exec(compile(_DECORATORS, "<gateserve>/uwsgidecorators.py", "exec"), module.__dict__)


_sys.meta_path.insert(0, _Decorators)
