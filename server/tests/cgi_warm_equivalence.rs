//! The same Python scripts by exec and warm: the same bytes, the same lines in the log.

mod support;

use std::io::{ErrorKind, Read};
use support::Server;

use support::site::Site;

/// One script, and the request that it gets.
struct Case {
    name: &'static str,
    query: &'static str,
    body: &'static [u8],
    source: &'static str,
}

const fn case(name: &'static str, source: &'static str) -> Case {
    Case {
        name,
        query: "",
        body: b"",
        source,
    }
}

const fn asked(name: &'static str, query: &'static str, source: &'static str) -> Case {
    Case {
        query,
        ..case(name, source)
    }
}

const fn sent(name: &'static str, body: &'static [u8], source: &'static str) -> Case {
    Case {
        body,
        ..case(name, source)
    }
}

/// A script that says the head first.
macro_rules! page {
    ($source:literal) => {
        concat!(
            "print('Content-Type: text/plain\\n', flush=True)\n",
            $source
        )
    };
}

const CASES: &[Case] = &[
    case("print", page!("print('hello', 1, [2])")),
    case(
        "binary",
        page!("import sys; sys.stdout.buffer.write(bytes(range(256)) * 9)"),
    ),
    case("huge", page!("print('0123456789' * 300000)")),
    case("text", page!("print('\\u20ac \\U0001f40d')")),
    case("surrogates", page!("print('\\udcff')")),
    case(
        "encodings",
        page!(
            "import sys, locale\nfor f in sys.stdin, sys.stdout, sys.stderr:\n print(f, f.errors, f.line_buffering, f.write_through, f.newlines, f.seekable())\nprint(sys.getfilesystemencoding(), locale.getpreferredencoding(), locale.setlocale(locale.LC_CTYPE))"
        ),
    ),
    case(
        "newlines",
        page!("import sys; sys.stdout.write('a\\r\\nb\\rc\\n')"),
    ),
    case(
        "unflushed",
        "import sys\nsys.stdout.write('Content-Type: a/b\\n\\nlate')",
    ),
    case("exit-none", page!("import sys; sys.exit()")),
    case("exit-number", page!("import sys; sys.exit(3)")),
    case("exit-text", page!("import sys; sys.exit('no more')")),
    case("exit-tuple", page!("import sys; sys.exit((1, 2))")),
    case("exit-true", page!("raise SystemExit(True)")),
    case("no-head-3", "import sys; sys.exit(3)"),
    case("no-head-300", "import sys; sys.exit(300)"),
    case("no-head-minus-1", "import sys; sys.exit(-1)"),
    case("no-head-text", "import sys; sys.exit('why')"),
    case("no-head-os-exit", "import os; print('lost'); os._exit(5)"),
    case("no-head-traceback", "def f():\n    return {}['x']\nf()"),
    case(
        "exception",
        page!("def f(n):\n    assert n, 'none'\n    f(n - 1)\nf(2)"),
    ),
    case(
        "exception-chain",
        page!(
            "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise ValueError('\\u20ac') from error"
        ),
    ),
    case(
        "exception-group",
        page!("class E(Exception):\n    def __str__(self): raise RuntimeError\nraise E"),
    ),
    case(
        "recursion",
        page!("def f(): f()\ntry: f()\nexcept RecursionError: print('deep')"),
    ),
    case("keyboard", page!("raise KeyboardInterrupt")),
    case("syntax", "print('a'\n1 +"),
    case("indentation", "if True:\nprint(1)"),
    case("null", "print(1)\0"),
    case(
        "encoding-cookie",
        "# -*- coding: latin-1 -*-\nprint('Content-Type: a/b\\n')\nprint(ascii('\u{e9}'))",
    ),
    case("warning", page!("print('1' is 1)")),
    case(
        "deprecated",
        page!("import warnings; warnings.warn('old', DeprecationWarning)"),
    ),
    case(
        "excepthook",
        page!(
            "import sys\ndef hook(kind, error, trace): print(kind, error, trace.tb_lineno)\nsys.excepthook = hook\n1 / 0"
        ),
    ),
    case(
        "no-excepthook",
        page!("import sys\ndel sys.excepthook\nraise SystemExit(2)"),
    ),
    case(
        "execv",
        page!("import os; os.execv('/bin/sh', ['sh', '-c', 'echo $0 $1; exit 4', 'a', 'b'])"),
    ),
    case(
        "threads",
        page!(
            "import threading\nturn = [threading.Event() for n in range(4)]\ndef f(n): turn[n].wait(); print(n); turn[n + 1].set()\nfor n in range(3): threading.Thread(target=f, args=(n,)).start()\nprint('main'); turn[0].set()"
        ),
    ),
    case(
        "thread-exception",
        page!(
            "import threading\nt = threading.Thread(target=lambda: 1 / 0, name='t')\nt.start(); t.join()"
        ),
    ),
    case(
        "daemon-thread",
        page!(
            "import threading, time\nthreading.Thread(target=time.sleep, args=(99,), daemon=True).start()"
        ),
    ),
    case(
        "executor",
        page!(
            "from concurrent.futures import ThreadPoolExecutor as Pool\nPool(2).submit(print, 'done')"
        ),
    ),
    case(
        "atexit",
        page!(
            "import atexit, sys\natexit.register(print, 'first')\natexit.register(print, 'second')\nsys.exit(0)"
        ),
    ),
    case(
        "finalizers",
        page!(
            "class A:\n    def __del__(self): print('del', self.n)\na = A(); a.n = 1\nb = A(); b.n = 2; b.me = b\n_c = A(); _c.n = 3"
        ),
    ),
    case(
        "old-cycles",
        page!(
            "import gc\nclass A:\n    def __init__(self): self.me = self\n    def __del__(self): print('del', self.n)\ndef lost(n):\n    a = A(); a.n = n\nlost(1)\nkept = A(); kept.n = 2; gc.collect(1); lost(3)\nmany = [[] for _ in range(5000)]"
        ),
    ),
    case(
        "open-file",
        page!(
            "import os, tempfile\nname = tempfile.mktemp()\npid = os.fork()\nif not pid:\n    f = open(name, 'w'); f.write('kept')\nelse:\n    os.waitpid(pid, 0); print(open(name).read()); os.unlink(name)"
        ),
    ),
    case(
        "signal-handlers",
        page!(
            "import signal\nfor s in sorted(signal.valid_signals()):\n    print(s, signal.getsignal(s))\nprint(signal.pthread_sigmask(0, []))"
        ),
    ),
    case(
        "signal-state",
        page!(
            "print([l for l in open('/proc/self/status') if l.startswith('Sig') and l[3] != 'Q'])"
        ),
    ),
    case(
        "signal-caught",
        page!(
            "import signal, os\nsignal.signal(signal.SIGUSR1, lambda *_: print('usr1'))\nos.kill(os.getpid(), signal.SIGUSR1)"
        ),
    ),
    case("kill-self", page!("import os; os.kill(os.getpid(), 9)")),
    case("kill-group", page!("import os; os.killpg(0, 15)")),
    case("abort", "import os; os.abort()"),
    case(
        "group",
        page!("import os; print(os.getpgid(0) == os.getpid(), os.getsid(0) == os.getpid())"),
    ),
    case("umask", page!("import os; print(oct(os.umask(0)))")),
    case(
        "folder",
        page!(
            "import os; print(os.getcwd(), os.listdir('.') == os.listdir(os.path.dirname(__file__)))"
        ),
    ),
    case(
        "descriptors",
        page!("import os; print(os.listdir('/proc/self/fd'), open('/dev/null').fileno())"),
    ),
    case(
        "importlib",
        page!("import sys; print('importlib' in sys.modules, __loader__.name, __loader__.path)"),
    ),
    case(
        "limits",
        page!("import resource\nprint([resource.getrlimit(n) for n in range(16)])"),
    ),
    case(
        "environment",
        page!(
            "import os, posix\nprint([(k, v) for k, v in os.environ.items() if k != 'REMOTE_PORT' and k != 'SERVER_PORT' and k != 'HTTP_HOST'])\nprint(len(posix.environ), os.getenv('A'))"
        ),
    ),
    case(
        "putenv",
        page!(
            "import os; os.environ['NEW'] = '1'; del os.environ['PATH']\nos.system('/usr/bin/env | /usr/bin/grep -v -e PORT -e HOST | /usr/bin/sort')"
        ),
    ),
    case(
        "subprocess",
        page!(
            "import subprocess, sys\nprint(subprocess.run([sys.executable, '-c', 'import os; print(os.environ[\"SCRIPT_NAME\"])'], capture_output=True))"
        ),
    ),
    case(
        "multiprocessing-spawn",
        page!(
            "import multiprocessing as m\ndef f(x): return x * x\nif __name__ == '__main__':\n    with m.get_context('fork').Pool(2) as p: print(p.map(f, range(4)))"
        ),
    ),
    case(
        "main",
        page!(
            "if __name__ == '__main__': print(__file__, __doc__, __package__, __spec__, type(__loader__))\nprint([n for n in globals()])\nimport __main__; print(__main__.__file__)"
        ),
    ),
    case(
        "doc",
        "'''The text.'''\nprint('Content-Type: a/b\\n'); print(__doc__)",
    ),
    case("annotations", page!("x: int = 1\nprint(__annotations__)")),
    case(
        "dataclass",
        page!(
            "from dataclasses import dataclass\n@dataclass\nclass A:\n    x: 'int' = 2\nprint(A(), A.__module__)\nimport pickle; print(pickle.loads(pickle.dumps(A(4))))"
        ),
    ),
    case(
        "inspect",
        page!("import inspect\ndef f(): pass\nprint(inspect.getsource(f))"),
    ),
    case(
        "sibling",
        page!("import sibling; print(sibling.VALUE, sibling.__file__)"),
    ),
    case("relative-file", page!("print(open('data.txt').read())")),
    case(
        "path",
        page!(
            "import sys; print(sys.path, sys.executable, sys.prefix, sys.flags, sys.warnoptions, sys._xoptions)"
        ),
    ),
    asked(
        "argv",
        "one+t%77o+%22",
        page!("import sys; print(sys.argv, getattr(sys, 'orig_argv', 0))"),
    ),
    asked(
        "query",
        "a=1&b=2",
        page!("import os, sys; print(os.environ['QUERY_STRING'], sys.argv)"),
    ),
    sent(
        "stdin-text",
        b"a\r\nb\xc3\xa9\n",
        page!("import sys; print(ascii(sys.stdin.read()))"),
    ),
    sent(
        "stdin-binary",
        b"\0\xff\n",
        page!("import sys; print(sys.stdin.buffer.read(), sys.stdin.fileno())"),
    ),
    sent(
        "stdin-lines",
        b"one\ntwo",
        page!("import sys\nfor line in sys.stdin: print(repr(line))"),
    ),
    sent(
        "stdin-raw",
        b"raw",
        page!("import os; print(os.read(0, 99), os.read(0, 99))"),
    ),
    sent(
        "stdin-input",
        b"x\ny\n",
        page!("print(input(), input())\ninput()"),
    ),
    sent(
        "stdin-fileinput",
        b"x\ny\n",
        page!("import fileinput, sys\nprint(list(fileinput.input()))"),
    ),
    sent("stdin-unread", &[b'x'; 9], page!("print('enough')")),
    case(
        "no-stdin",
        page!("import sys; print(repr(sys.stdin.read()))"),
    ),
    case("stdout-closed", page!("import sys; sys.stdout.close()")),
    case(
        "descriptor-closed",
        page!("import os; print('lost'); os.close(1)"),
    ),
    case(
        "stderr",
        page!("import sys; sys.stderr.write('one\\ntwo'); print('x', file=sys.stderr)"),
    ),
    case(
        "logging",
        page!("import logging; logging.error('bad'); logging.info('quiet')"),
    ),
    case(
        "random",
        page!("import random; random.seed(4); print(random.random())"),
    ),
    case(
        "gc",
        page!("import gc; print(gc.isenabled(), gc.get_threshold(), gc.garbage)"),
    ),
    case(
        "asyncio",
        page!(
            "import asyncio\nasync def f(): await asyncio.sleep(0); return 7\nprint(asyncio.run(f()))"
        ),
    ),
];

/// What a client and an administrator see of one request.
#[derive(Debug, PartialEq)]
struct Seen {
    whole: bool,
    status: u16,
    fields: Vec<String>,
    body: String,
    log: Vec<String>,
}

fn look(server: &mut Server, case: &Case) -> Seen {
    let mut peer = server.connect();
    let method = if case.body.is_empty() { "GET" } else { "POST" };
    let query = if case.query.is_empty() { "" } else { "?" };
    let (name, query) = (case.name, format!("{query}{}", case.query));
    let length = case.body.len();
    let head = format!("{method} /cgi/{name}{query} HTTP/1.0\r\nContent-Length: {length}\r\n\r\n");
    peer.send([head.as_bytes(), case.body].concat());
    let mut reply = Vec::new();
    // A reply that was cut short ends in a reset.
    let whole = peer.read_to_end(&mut reply).map_err(|error| error.kind());
    assert_ne!(whole, Err(ErrorKind::WouldBlock), "{name} in time");
    let reply = String::from_utf8_lossy(&reply).into_owned();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap_or((&reply, ""));
    let mut fields: Vec<_> = head.split("\r\n").map(str::to_owned).collect();
    let status = fields.remove(0);
    fields.retain(|field| !field.starts_with("Date:"));
    let status = status.split(' ').nth(1).and_then(|word| word.parse().ok());
    let mut log = server.lines_until(&format!("/cgi/{name}{query} =>"));
    log.pop();
    // Without the time.
    let message = |line: String| {
        line.split_once(" - ")
            .map_or_else(|| line.clone(), |it| it.1.into())
    };
    Seen {
        whole: whole.is_ok(),
        status: status.unwrap_or(0),
        fields,
        body: body.to_owned(),
        log: log.into_iter().map(message).collect(),
    }
}

fn site(python: &str) -> Site {
    let site = Site::new();
    for case in CASES {
        let latin = case.name == "encoding-cookie";
        let source = format!("#!{python}\n{}\n", case.source);
        let bytes = if latin {
            source
                .chars()
                .map(|c| u8::try_from(u32::from(c)).unwrap())
                .collect()
        } else {
            source.into_bytes()
        };
        site.program(case.name, &bytes);
    }
    site.program("sibling.py", b"VALUE = 5\n");
    site.program("data.txt", b"beside");
    site
}

#[test]
fn a_script_does_the_same_by_exec_and_warm() {
    let Some(python) = support::scripts::python() else {
        return eprintln!("skipped: no python3 from 3.9 on");
    };
    let site = site(&python);
    let start = |mode| {
        let option = site.option();
        let args = ["--http-socket", "127.0.0.1:0", "--cgi", &option];
        Server::start(&[&args[..], &["--cgi-mode", mode, "--cgi-env", "A=b"]].concat())
    };
    let (mut exec, mut warm) = (start("exec"), start("warm"));
    let mut differ = Vec::new();
    for case in CASES {
        let expected = look(&mut exec, case);
        // Twice, since the second finds what the first left behind.
        for _ in 0..2 {
            let found = look(&mut warm, case);
            if found != expected {
                differ.push(format!(
                    "{}\n exec {expected:?}\n warm {found:?}",
                    case.name
                ));
            }
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}
