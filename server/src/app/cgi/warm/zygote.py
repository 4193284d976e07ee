# The interpreter that warm CGI scripts are forked from.
#
# A worker of gateserve starts it as `python3 -c ...` with a SEQPACKET socket as descriptor 0, and
# sends this text as the first packet, the modules to import as the second, the environment that it
# was started with as the third. It says R when it is ready. Each further packet is a request:
#
#     folder NUL  count NUL  count command line words, each NUL  NAME=value NUL ...
#     with four descriptors: standard input, output and error, and the link of this request
#
# What goes back over the link is a letter and four bytes: E not here, run it by exec; P the
# process; X its exit status; K the signal that killed it. The process stays a zombie until the
# worker has closed its end, so that its number and group cannot belong to anybody else before.
# A link that is closed early kills the group. The end of the socket is the end of everything here.
import sys

if not getattr(sys.flags, "safe_path", False):
    del sys.path[0]

import gc
import io
import os
import posix
import select

import _socket
import _warnings
import _weakref

FOUR = 4 * 4
KILL = 9
FIFO = 1, 0  # as what_is() tells it


class Zygote:
    def __init__(self):
        os.set_inheritable(0, False)
        control = os.dup(0)
        null = os.open("/dev/null", os.O_RDWR)
        os.dup2(null, 0)
        os.close(null)
        self.control = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET, 0, control)
        self.number = control
        self.poll = select.poll()
        self.poll.register(control, select.POLLIN)
        self.links = {}  # link: process not yet reaped
        self.watches = {}  # descriptor that tells the end of a process: its link
        self.codes = {}
        self.top = control
        self.streams = {}  # for a descriptor and the kind of its file

    def prepare(self):
        """Makes the streams of all requests to come; what a stream knows of its file, it knows from
        its beginning, so they are made on the kinds of files that requests come with."""
        null = os.open("/dev/null", os.O_RDWR)
        pipe = os.pipe()
        for fd, kinds in (0, (null, pipe[0])), (1, (pipe[1],)), (2, (pipe[1],)):
            own = os.dup(fd)
            for kind in kinds:
                os.dup2(kind, fd)
                self.streams[fd, what_is(fd)] = stream(fd)
            os.dup2(own, fd)
            os.close(own)
        for fd in (null, *pipe):
            os.close(fd)
        # Those of the boot go here and not in each request's process.
        sys.stdin = sys.__stdin__ = self.stream(0)
        sys.stdout = sys.__stdout__ = self.streams[1, FIFO]
        sys.stderr = sys.__stderr__ = self.streams[2, FIFO]

    def stream(self, fd):
        return self.streams.get((fd, what_is(fd))) or stream(fd)

    def preload(self):
        for name in self.control.recv(65536).decode().split(","):
            try:
                if name:
                    __import__(name)
            except Exception as error:
                what = "%s: %s" % (type(error).__name__, error)
                print("cgi-preload %s: %s" % (name, what), file=sys.stderr, flush=True)

    def serve(self):
        """Returns in a request's own process only, with what that has to do."""
        while True:
            for fd, _ in self.poll.poll():
                if fd in self.watches:
                    self.ended(fd)
                elif fd in self.links:
                    self.closed(fd)
                elif fd == self.number:
                    job = self.request()
                    if job is not None:
                        return job

    def request(self):
        flags = getattr(_socket, "MSG_CMSG_CLOEXEC", 0)
        space = _socket.CMSG_SPACE(FOUR)
        text, ancillary, _, _ = self.control.recvmsg(1 << 18, space, flags)
        if not text:
            self.leave()
        if not ancillary or len(ancillary[0][2]) != FOUR:
            return None
        fds = memoryview(ancillary[0][2]).cast("i").tolist()
        link = fds[3]
        self.top = max(self.top, *fds)
        job = self.fork(text.split(b"\0")[:-1], fds)
        if job is None:
            for fd in fds[:3]:
                os.close(fd)
            if link not in self.links:
                tell(link, b"E", 0)
                os.close(link)
        return job

    def fork(self, parts, fds):
        count = int(parts[1])
        words = [os.fsdecode(word) for word in parts[2 : 2 + count]]
        try:
            code = self.code(words[1])
            pid = os.fork()
        except Exception:
            # Not a text that compiles without a word: python3 itself says it best. Or no process.
            return None
        if pid == 0:
            return code, words, os.fsdecode(parts[0]), parts[2 + count :], fds
        try:
            os.setpgid(pid, pid)
        except OSError:
            pass
        link = fds[3]
        watch = os.pidfd_open(pid)
        self.top = max(self.top, watch)
        self.links[link] = pid
        self.watches[watch] = link
        self.poll.register(watch, select.POLLIN)
        self.poll.register(link, 0)
        tell(link, b"P", pid)
        return None

    def code(self, script):
        """The script compiled, anew whenever its file is another or has changed."""
        known = self.codes.get(script)
        if known is not None and known[0] == identity(os.stat(script)):
            return known[1]
        with open(script, "rb", buffering=0) as file:
            state = identity(os.fstat(file.fileno()))
            text = file.read()
        loud = ("error", None, Warning if sys.warnoptions else SyntaxWarning, None, 0)
        _warnings.filters.insert(0, loud)
        try:
            code = compile(text, script, "exec", dont_inherit=True)
        finally:
            _warnings.filters.remove(loud)
        if len(self.codes) >= 256:
            self.codes.clear()
        self.codes[script] = state, code
        return code

    def ended(self, watch):
        link = self.watches.pop(watch)
        self.poll.unregister(watch)
        os.close(watch)
        pid = abs(self.links[link])
        if self.links[link] < 0:
            # Its link is closed: nobody asks.
            del self.links[link]
            os.waitpid(pid, 0)
            os.close(link)
            return
        how = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        tell(link, b"X" if how.si_code == os.CLD_EXITED else b"K", how.si_status)

    def closed(self, link):
        pid = self.links[link]
        self.poll.unregister(link)
        try:
            os.killpg(pid, KILL)
        except OSError:
            pass
        if link in self.watches.values():
            self.links[link] = -pid
        else:
            del self.links[link]
            os.waitpid(pid, 0)
            os.close(link)

    def leave(self):
        for pid in self.links.values():
            try:
                os.killpg(abs(pid), KILL)
            except OSError:
                pass
        os._exit(0)


def identity(status):
    return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size


def tell(link, letter, number):
    try:
        os.write(link, letter + number.to_bytes(4, "little"))
    except OSError:
        pass


def become(zygote, words, folder, variables, fds):
    """What python3 does between its start and the first line of a script."""
    os.setpgid(0, 0)
    zygote.control.detach()
    for target in 0, 1, 2:
        os.dup2(fds[target], target)
    os.closerange(3, zygote.top + 1)
    os.chdir(folder)
    environment(variables)
    for fd, name in enumerate(("stdin", "stdout", "stderr")):
        text = zygote.stream(fd)
        if text is not getattr(sys, name):
            setattr(sys, name, text)
            setattr(sys, "__%s__" % name, text)
    sys.argv[:] = words[1:]
    if hasattr(sys, "orig_argv"):
        sys.orig_argv[:] = words
    script = words[1]
    if not getattr(sys.flags, "safe_path", False):
        sys.path.insert(0, os.path.dirname(script))
    main = type(sys)("__main__")
    names = main.__dict__
    names.clear()
    names.update(sys.modules["__main__"].__dict__)
    sys.modules["__main__"] = main
    # Not imported, which would also be seen: a script finds no importlib that it did not ask for.
    loader = sys.modules["_frozen_importlib_external"].SourceFileLoader
    names["__loader__"] = loader("__main__", script)
    names["__file__"] = script
    if sys.version_info < (3, 15):
        names["__cached__"] = None
    return names


def environment(variables):
    """Also for the C library, and with what the interpreter set itself (LC_CTYPE, PEP 538)."""
    known = os.environ._data  # of os.environb as well, which would do the same more slowly
    for name in known:
        posix.unsetenv(name)
    known.clear()
    posix.environ.clear()
    for variable in variables + ADDED:
        name, _, value = variable.partition(b"=")
        posix.putenv(name, value)
        posix.environ[name] = known[name] = value


def what_is(fd):
    """The kind of file, and which device."""
    status = os.fstat(fd)
    return status.st_mode >> 12, status.st_rdev


def stream(fd):
    """As the interpreter made its own, which were on other files."""
    name = ("<stdin>", "<stdout>", "<stderr>")[fd]
    mode = "r" if fd == 0 else "w"
    boot = (sys.__stdin__, sys.__stdout__, sys.__stderr__)[fd]
    raw = boot.write_through  # PYTHONUNBUFFERED
    binary = io.open(fd, mode + "b", 0 if raw else -1, None, None, None, False)
    (binary if raw else binary.raw).name = name
    at_lines = not raw and (fd == 2 or binary.isatty())
    text = io.TextIOWrapper(
        binary, boot.encoding, boot.errors, "\n", line_buffering=at_lines, write_through=raw
    )
    text.mode = mode
    return text


def only_the_script(code):
    """Takes the frames of this file out of an uncaught exception before it is shown."""
    if not hasattr(sys, "excepthook"):
        return
    shown_by = sys.excepthook

    def show(kind, error, trace):
        sys.excepthook = shown_by
        while trace is not None and trace.tb_frame.f_code is not code:
            trace = trace.tb_next
        error.__traceback__ = sys.last_traceback = trace
        shown_by(kind, error, trace)

    sys.excepthook = show


def fast_end(status, young):
    """Ends as the interpreter would, but leaves alone what it was booted with: taking that apart
    costs more than all the rest. What goes wrong here is left to the interpreter."""
    for name, act in (("threading", "_shutdown"), ("atexit", "_run_exitfuncs")):
        if name in sys.modules:
            getattr(sys.modules[name], act)()
    flush()
    left = []
    for name in the_scripts_own(sys.modules):
        try:
            left.append(_weakref.ref(sys.modules.pop(name)))
        except TypeError:
            pass
    collect(young)
    for module in reversed(left):
        empty(getattr(module(), "__dict__", None))
    collect(young + 1)
    flush()
    os._exit(status & 0xFF)


def the_scripts_own(modules):
    """Names of the modules that came after the boot. Those stand at the end, and to look at a name
    is to write to its page, so the search ends with the last that was there before."""
    names = []
    for name in reversed(modules):
        if name == LAST:
            break
        if name not in BOOTED:
            names.append(name)
    return ["__main__"] * ("__main__" in modules) + names[::-1]


def collections():
    """How often the youngest objects were looked through."""
    return gc.get_stats()[0]["collections"]


def collect(young):
    """While all that this process made is young, only the young are looked at. A collection of
    all would also give back what the interpreter keeps at hand, page by page."""
    if collections() > young:
        gc.collect()
    else:
        gc.collect(0)


def flush():
    for file in sys.stdout, sys.stderr:
        if file is not None and not file.closed:
            file.flush()


def empty(names):
    """As modules end: what begins with an underscore first."""
    if type(names) is not dict:
        return
    for private in True, False:
        for name in list(names):
            begins = name[:1] == "_" and name[1:2] != "_"
            if begins == private and name != "__builtins__":
                names[name] = None


zygote = Zygote()
zygote.preload()
zygote.prepare()
GIVEN = set(zygote.control.recv(1 << 18).split(b"\0"))
ADDED = [name + b"=" + value for name, value in os.environb.items()]
ADDED = [variable for variable in ADDED if variable not in GIVEN]
BOOTED = set(sys.modules)
LAST = next(reversed(sys.modules))
gc.collect()
gc.freeze()
zygote.control.send(b"R")
code, *job = zygote.serve()
names = become(zygote, *job)
del zygote, job
young = collections()
status = None
try:
    exec(code, names)
    status = 0
except SystemExit as end:
    status = {type(None): 0, int: end.code}.get(type(end.code))
    if status is None:
        raise
except BaseException:
    only_the_script(code)
    raise
try:
    del names, code
    fast_end(status, young)
except BaseException:
    pass
if status:
    sys.exit(status)
