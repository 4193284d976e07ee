"""py-autoreload: a thread of the first worker that looks for modules whose files have changed."""

import os
import sys
import threading
import time

import uwsgi


def files(ignored):
    """The source files of all modules, with the time of their last change."""
    found = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if name in ignored or not isinstance(file, str):
            continue
        if file.endswith((".pyc", ".pyo")):
            file = file[:-1]
        try:
            found[file] = os.stat(file).st_mtime_ns
        except OSError:
            pass  # a module of a zip file, or one that is being replaced
    return found


def fault(file):
    """Why the file cannot be reloaded, if it cannot: a server that has ended reloads nothing."""
    try:
        if file.endswith(".py"):
            with open(file, "rb") as source:
                compile(source.read(), file, "exec")
    except (SyntaxError, ValueError, OSError) as error:
        return error


def watch(seconds, ignored, known):
    while True:
        time.sleep(seconds)
        now = files(ignored)
        changed = [file for file, at in now.items() if known.get(file, at) != at]
        known.update(now)
        faults = [(file, fault(file)) for file in changed]
        for file, error in faults:
            uwsgi.log("[uwsgi-python-reloader] module/file %s has been modified" % file)
            if error:
                uwsgi.log("[uwsgi-python-reloader] not reloaded: %s" % error)
        if changed and not any(error for _, error in faults):
            uwsgi.reload()
            return


def start(seconds, ignored):
    uwsgi.log("Python auto-reloader enabled")
    arguments = seconds, ignored, files(ignored)
    threading.Thread(target=watch, args=arguments, name="uWSGIAutoReloader", daemon=True).start()
