#!/usr/bin/env python3
"""What the tap costs on this machine, now: the rate through nginx with and without it.

Starts nginx, behind it gateserve with a native application, a WSGI application that says hello and
one that makes a page, and between them a `gatebench tap` in its one-line mode for each way, with its
lines to /dev/null or to a file. Each round measures all lanes of a way one after the other, every
other round in the opposite order; the ratios are those within a round, so that what else the machine
does weighs on both sides alike.

Printed are medians over the rounds: `ratio` of the rates with its range; `by CPU`, the CPU time of a
request in all processes together, wrk included, without the tap over the same with it, which is the
ratio where processor time is what limits, and depends little on what else runs; and the CPU time of a
request in microseconds, in all processes and in the tap's two threads. `lost` are octets that the tap
did not decode since it was behind; the figures count only where it is 0.

    cargo build --release -p gatebench -p gateserve -p gateserve-python && benches/tap/compare.py

Needs nginx and wrk. Exit code 1: a lane kept less than the share that is wanted.
"""

import argparse
import os
import pathlib
import re
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
TICK = os.sysconf("SC_CLK_TCK")

# The share of the rate that must remain.
WANTED = 0.85

# What nginx speaks: the module, and whether it keeps its connections.
WAYS = {"FastCGI kept": ("fastcgi", True), "FastCGI": ("fastcgi", False), "uwsgi": ("uwsgi", False)}

HELLO = """def application(environ, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain'), ('Content-Length', '5')])
    return [b'hello']
"""

# One that makes a page of a thousand rows first, as an application with a template does.
PAGE = """def application(environ, start_response):
    rows = ''.join('<tr><td>%d</td><td>%s</td></tr>' % (row, environ['PATH_INFO']) for row in range(1000))
    start_response('200 OK', [('Content-Type', 'text/plain'), ('Content-Length', '5')])
    return [b'hello' if rows else b'']
"""

APPS = {"native": None, "wsgi": HELLO, "page": PAGE}

PARAMS = {
    "QUERY_STRING": "$query_string", "REQUEST_METHOD": "$request_method",
    "CONTENT_TYPE": "$content_type", "CONTENT_LENGTH": "$content_length",
    "REQUEST_URI": "$request_uri", "PATH_INFO": "$document_uri", "SCRIPT_NAME": '""',
    "DOCUMENT_ROOT": "$document_root", "SERVER_PROTOCOL": "$server_protocol",
    "REQUEST_SCHEME": "$scheme", "REMOTE_ADDR": "$remote_addr", "REMOTE_PORT": "$remote_port",
    "SERVER_PORT": "$server_port", "SERVER_NAME": "$server_name",
    # What the probe is to answer.
    "HTTP_X_PROBE": "body=hello",
}


def arguments():
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent.parent / "target"))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gatebench", type=pathlib.Path, default=target / "release/gatebench")
    parser.add_argument("--gateserve", type=pathlib.Path, default=target / "release/gateserve")
    parser.add_argument("--before", type=pathlib.Path, help="another gatebench, measured beside")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="of each measurement")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--processes", type=int, default=2, help="of gateserve, and of nginx")
    parser.add_argument("--apps", default=",".join(APPS))
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--tcp", action="store_true", help="TCP between all of them, not Unix sockets")
    return parser.parse_args()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Room:
    """A folder, and what runs in it."""

    def __init__(self, folder, app):
        self.folder, self.app, self.running, self.taps = folder, app, [], {}
        self.port, self.at = free_port(), {}
        self.lanes = ["direct", *(["before"] if OPTIONS.before else []), "null", "file"]

    def open(self):
        """Starts all of it and waits until every lane answers."""
        os.chmod(self.folder, 0o755)
        if APPS[self.app]:
            (self.folder / "app.py").write_text(APPS[self.app])
        self.gateserve()
        for module in sorted({module for module, _ in WAYS.values()}):
            for lane in self.lanes[1:]:
                self.tap(module, lane)
        self.nginx()
        for way in OPTIONS.ways.split(","):
            for lane in self.lanes:
                self.wait(self.path(way, lane))

    def address(self, name):
        if name not in self.at:
            self.at[name] = f"127.0.0.1:{free_port()}" if OPTIONS.tcp else self.folder / f"{name}.sock"
        return self.at[name]

    def start(self, command, name, out=None):
        log = open(self.folder / f"{name}.log", "w")
        command = [str(word) for word in command]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out or log, stderr=log)
        self.running.append(process)
        return process

    def gateserve(self):
        app = ["--probe"] if self.app == "native" else ["--wsgi-file", self.folder / "app.py"]
        listen = [f"--{one}-socket={self.address(one)}" for one in ("fastcgi", "uwsgi")]
        options = ["--processes", OPTIONS.processes, "--chmod-socket=666", "--disable-logging"]
        self.start([OPTIONS.gateserve, *options, *listen, *app], "gateserve")

    def tap(self, module, lane):
        name = f"{module}-{lane}"
        program = OPTIONS.before if lane == "before" else OPTIONS.gatebench
        out = open(self.folder / f"{name}.lines" if lane == "file" else os.devnull, "w")
        ends = ["--listen", self.address(name), "--to", self.address(module)]
        self.taps[name] = self.start([program, "tap", *ends], name, out)

    def path(self, way, lane):
        return f"/{way.replace(' ', '-')}/{lane}"

    def nginx(self):
        upstreams, locations = "", ""
        for way, (module, keep) in WAYS.items():
            params = "".join(f"{module}_param {name} {value};" for name, value in PARAMS.items())
            for lane in self.lanes:
                to = self.address(module if lane == "direct" else f"{module}-{lane}")
                to = to if OPTIONS.tcp else f"unix:{to}"
                path = self.path(way, lane)
                name = path.strip("/").replace("/", "-")
                upstreams += f"upstream {name} {{ server {to}; {'keepalive 32;' if keep else ''} }}\n"
                keeps = "fastcgi_keep_conn on;" if keep else ""
                locations += f"location = {path} {{ {keeps} {params} {module}_pass {name}; }}\n"
        temps = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temps = "".join(f"{name}_temp_path {self.folder}/t-{name};" for name in temps)
        conf = self.folder / "nginx.conf"
        conf.write_text(
            f"""worker_processes {OPTIONS.processes}; daemon off; pid {self.folder}/nginx.pid;
            error_log {self.folder}/error.log;
            events {{ worker_connections 1024; }}
            http {{ access_log off; keepalive_requests 100000000; {temps} {upstreams}
              server {{ listen 127.0.0.1:{self.port}; server_name localhost; {locations} }} }}"""
        )
        self.start(["nginx", "-p", self.folder, "-c", conf], "nginx")

    def wait(self, path):
        text = b""
        for _ in range(500):
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1) as it:
                    it.settimeout(5)
                    it.sendall(b"GET %s HTTP/1.0\r\n\r\n" % path.encode())
                    text = b"".join(iter(lambda: it.recv(4096), b""))
                    if b" 200 " in text and text.endswith(b"hello"):
                        return
            except OSError:
                pass
            time.sleep(0.02)
        sys.exit(f"{path} does not answer with hello but: {text!r}")

    def measured(self, way, lane):
        """Requests per second; microseconds of a request in all processes, and in the tap's relay, user
        and system, and its decoder."""
        tap = self.taps.get(f"{WAYS[way][0]}-{lane}")
        before = [self.cpu(), *spent(tap)]
        command = ["wrk", "-t1", f"-c{OPTIONS.connections}", f"-d{OPTIONS.seconds}s", "--timeout", "10s"]
        command.append(f"http://127.0.0.1:{self.port}{self.path(way, lane)}")
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        time.sleep(0.1)
        if "Non-2xx" in text or "Socket errors" in text:
            sys.exit(f"{way}, {lane}:\n{text}")
        count = int(re.search(r"(\d+) requests in", text)[1])
        rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])
        return rate, *(1e6 * (now - then) / count for then, now in zip(before, [self.cpu(), *spent(tap)]))

    def cpu(self):
        """Seconds of everything that runs, and of the load generators that ran."""
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime + sum(family(process.pid) for process in self.running)

    def stop(self):
        """Ends all; what each tap says last."""
        for process in reversed(self.running):
            process.terminate()
        for process in self.running:
            process.wait()
        logs = {name: (self.folder / f"{name}.log").read_text().splitlines() for name in self.taps}
        return {name: lines[-1] for name, lines in logs.items() if lines}


def spent(tap):
    """Seconds of the tap's relay, user and system, and of its decoder."""
    seconds = [0.0, 0.0, 0.0]
    for task in pathlib.Path(f"/proc/{tap.pid}/task").iterdir() if tap else ():
        name, _, rest = (task / "stat").read_text().partition("(")[2].rpartition(")")
        user, system = (int(field) / TICK for field in rest.split()[11:13])
        if name == "decoder":
            seconds[2] += user + system
        else:
            seconds[0] += user
            seconds[1] += system
    return seconds


def family(pid):
    """Seconds of a process and of what descends from it."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
        children = [int(it) for task in tasks for it in (task / "children").read_text().split()]
    except OSError:
        return 0.0
    return sum(map(int, fields[11:13])) / TICK + sum(map(family, children))


def compare(room):
    """Measures every lane of each way; whether enough of the rate remains."""
    results = {}
    ways = OPTIONS.ways.split(",")
    for at in range(OPTIONS.rounds):
        print(f"{room.app}, round {at + 1} of {OPTIONS.rounds}", file=sys.stderr)
        for way in ways:
            for lane in room.lanes if at % 2 == 0 else reversed(room.lanes):
                results.setdefault((way, lane), []).append(room.measured(way, lane))
    is_met = True
    for way in ways:
        direct = results[way, "direct"]
        for lane in room.lanes:
            runs = results[way, lane]
            rate, cpu, user, system, decoder = (statistics.median(part) for part in zip(*runs))
            ratios = [run[0] / base[0] for run, base in zip(runs, direct)]
            ratio = statistics.median(ratios)
            by_cpu = statistics.median(base[1] / run[1] for run, base in zip(runs, direct))
            is_met &= lane in ("direct", "before") or ratio >= WANTED
            print(f"{room.app:7} {way:13} {lane:7} {rate:8.0f}  {ratio:5.3f}  {min(ratios):5.3f} - {max(ratios):5.3f}"
                  f"  {by_cpu:6.3f}  {cpu:6.1f}  {user:5.1f} {system:6.1f} {decoder:8.1f}", flush=True)
    return is_met


def main():
    missing = [one for one in ("wrk", "nginx") if not shutil.which(one)]
    if missing:
        sys.exit(f"not installed: {', '.join(missing)}")
    print(f"{os.cpu_count()} processors, Linux {os.uname().release}, load {os.getloadavg()[0]:.2f}, "
          f"{OPTIONS.connections} connections, {OPTIONS.rounds} rounds of {OPTIONS.seconds} s, "
          f"{'TCP' if OPTIONS.tcp else 'Unix sockets'}")
    print(f"{'':29} {'req/s':>8}  {'ratio':>5}  {'range':>13}  {'by CPU':>6}  {'all us':>6}  "
          f"{'user':>5} {'system':>6} {'decoder':>8}")
    is_met = True
    for app in OPTIONS.apps.split(","):
        with tempfile.TemporaryDirectory(prefix="gatebench-tap-") as name:
            room = Room(pathlib.Path(name), app)
            try:
                room.open()
                is_met &= compare(room)
            finally:
                said = room.stop()
            for tap, line in said.items():
                lost = re.search(r"(\d+) octets passed without", line)
                print(f"{app:7} {tap}: {line.split(':')[1].split(',')[0].strip()}, lost {lost[1] if lost else 0}")
    return 0 if is_met else 1


OPTIONS = arguments()
if __name__ == "__main__":
    sys.exit(main())
