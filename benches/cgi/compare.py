#!/usr/bin/env python3
"""What CGI costs here and elsewhere, on this machine, now.

Starts gateserve, lighttpd, and nginx before gateserve and fcgiwrap, each with 32 connections of wrk
and the same static C program; gateserve also with a Python script, executed and warm; and the bare
posix_spawn loop. Each round measures all of them one after the other; the ratios are those within
a round, so that what else the machine does weighs on both sides alike. Printed are the medians of
the ratios with a 95 % bootstrap interval, and the CPU time of a request, in microseconds, of the
server with its children and of the load generator (with nginx) beside it.

    cargo build --release -p gateserve && benches/cgi/compare.py

Needs cc, wrk, nginx, lighttpd and fcgiwrap. What is not there is left out by name.
"""

import argparse
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
TICK = os.sysconf("SC_CLK_TCK")
CORES = len(os.sched_getaffinity(0))


def arguments():
    target = os.environ.get("CARGO_TARGET_DIR", HERE.parent.parent / "target")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gateserve", default=pathlib.Path(target) / "release/gateserve")
    parser.add_argument("--before", help="another gateserve, measured beside")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=2, help="of each measurement")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--workers", type=int, default=CORES)
    parser.add_argument("--only", default="", help="part of the names of what to measure")
    parser.add_argument("--args", default="", help="more options for gateserve, not for --before")
    return parser.parse_args()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """Processes that together answer at a URL."""

    def __init__(self, name, path="/cgi-bin/hello"):
        self.name, self.port, self.path = name, free_port(), path
        self.backend, self.gateway = [], []

    def start(self, *command, gateway=False, **more):
        process = subprocess.Popen(
            [str(word) for word in command], stdout=LOG, stderr=LOG, start_new_session=True, **more
        )
        (self.gateway if gateway else self.backend).append(process)

    def wait(self):
        for _ in range(500):
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1) as it:
                    it.settimeout(5)
                    it.sendall(b"GET %s HTTP/1.0\r\n\r\n" % self.path.encode())
                    text = b"".join(iter(lambda: it.recv(4096), b""))
                    if b" 200 " in text and text.endswith(b"Hello, world!"):
                        return
            except OSError:
                pass
            time.sleep(0.02)
        sys.exit(f"{self.name} does not answer: see {LOG.name}")

    def stop(self):
        for process in self.backend + self.gateway:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except OSError:
                pass
            process.wait()

    def spent(self):
        """CPU seconds so far: of the server and its children, and of its gateway."""
        return [sum(map(cpu, processes)) for processes in (self.backend, self.gateway)]


def cpu(process):
    """Seconds that a process, its living descendants and those already waited for have used."""
    ticks = 0
    waiting = [process.pid]
    while waiting:
        pid = waiting.pop()
        try:
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
        except (OSError, ValueError):
            continue
        ticks += sum(map(int, fields[11:15]))
    return ticks / TICK


def nginx(server, folder, socket_path, keep=False):
    """With `keep`, as its manual says for an application server that keeps connections."""
    kept = ("keepalive 32;", "fastcgi_keep_conn on;") if keep else ("", "")
    conf = folder / f"{server.name.replace(' ', '-')}.nginx.conf"
    conf.write_text(
        f"""worker_processes {OPTIONS.workers}; daemon off; pid {conf}.pid; error_log {LOG.name};
        user root;
        events {{ worker_connections 512; }}
        http {{ access_log off; client_body_temp_path {folder}/t; fastcgi_temp_path {folder}/t;
          proxy_temp_path {folder}/t; uwsgi_temp_path {folder}/t; scgi_temp_path {folder}/t;
          upstream cgi {{ server unix:{socket_path}; {kept[0]} }}
          server {{ listen 127.0.0.1:{server.port}; root {folder};
            location /cgi-bin/ {{ {kept[1]} include /etc/nginx/fastcgi_params;
              fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
              fastcgi_pass cgi; }} }} }}"""
    )
    server.start("nginx", "-p", folder, "-c", conf, gateway=True)


def gateserve(name, folder, binary, *more, path="/cgi-bin/hello", fastcgi=False, keep=False):
    server = Server(name, path)
    bound = folder / (name.replace(" ", "-") + ".sock")
    address = ("--fastcgi-socket", bound) if fastcgi else ("--http-socket", f"127.0.0.1:{server.port}")
    if binary == OPTIONS.gateserve:
        more += tuple(OPTIONS.args.split())
    server.start(
        binary, *address, "--workers", OPTIONS.workers, "--cgi", f"/cgi-bin={folder}/cgi-bin", *more
    )
    if fastcgi:
        nginx(server, folder, bound, keep)
    return server


def lighttpd(folder):
    server = Server("lighttpd")
    conf = folder / "lighttpd.conf"
    conf.write_text(
        f"""server.modules = ("mod_cgi", "mod_alias")
        server.document-root = "{folder}"
        server.port = {server.port}
        server.bind = "127.0.0.1"
        cgi.assign = ("" => "")
        $HTTP["url"] !~ "^/cgi-bin/" {{ cgi.assign = () }}
        """
    )
    server.start("lighttpd", "-D", "-f", conf)
    return server


def fcgiwrap(folder):
    server = Server("nginx + fcgiwrap")
    bound = folder / "fcgiwrap.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(bound))
        listener.listen(512)
        server.start("fcgiwrap", "-c", OPTIONS.workers, stdin=listener)
    nginx(server, folder, bound)
    return server


def measured(server):
    """Requests per second; CPU microseconds of a request in the server, and beside it."""
    before, own = server.spent(), load_cpu()
    command = ["wrk", "-t1", f"-c{OPTIONS.connections}", f"-d{OPTIONS.seconds}s", "--timeout", "10s"]
    command.append(f"http://127.0.0.1:{server.port}{server.path}")
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    time.sleep(0.1)
    after, own = server.spent(), load_cpu() - own
    if "Non-2xx" in text or "Socket errors" in text:
        sys.exit(f"{server.name}:\n{text}")
    count = int(re.search(r"(\d+) requests in", text)[1])
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])
    spent = after[0] - before[0], own + after[1] - before[1]
    return rate, *(1e6 * seconds / count for seconds in spent)


def load_cpu():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def looped(folder):
    command = [folder / "loop", folder / "cgi-bin/hello", str(CORES), str(OPTIONS.seconds)]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    runs, seconds = text.split()
    return int(runs) / OPTIONS.seconds, 1e6 * float(seconds) / int(runs), 0.0


def built(folder):
    (folder / "cgi-bin").mkdir()
    (folder / "t").mkdir()
    os.chmod(folder, 0o755)
    cc = os.environ.get("CC", "cc")
    subprocess.run([cc, "-O2", "-static", HERE / "hello.c", "-o", folder / "cgi-bin/hello"], check=True)
    subprocess.run([cc, "-O2", HERE / "loop.c", "-o", folder / "loop"], check=True)
    script = folder / "cgi-bin/hello.py"
    script.write_text(
        "#!/usr/bin/python3\n"
        'print("Content-Type: text/plain\\r\\nContent-Length: 13\\r\\n\\r\\nHello, world!", end="")\n'
    )
    script.chmod(0o755)


def interval(ratios):
    draws = (statistics.median(random.choices(ratios, k=len(ratios))) for _ in range(2000))
    draws = sorted(draws)
    return draws[50], draws[1949]


def compare(results, what, target, ratio):
    """One line of the second table; `ratio` takes a round."""
    rounds = range(OPTIONS.rounds)
    try:
        ratios = [ratio(lambda name, part=0: results[name][at][part]) for at in rounds]
    except KeyError:
        return
    low, high = interval(ratios)
    middle = statistics.median(ratios)
    verdict = "" if target is None else "met" if middle >= target else "missed"
    aim = "" if target is None else f"{target:.2f}"
    print(f"{what:62} {middle:6.2f}  {low:5.2f} - {high:5.2f}  {aim:>6}  {verdict}")


def servers(folder):
    ours = OPTIONS.gateserve
    yield lambda: gateserve("gateserve", folder, ours)
    if OPTIONS.before:
        yield lambda: gateserve("before", folder, OPTIONS.before)
    if has("lighttpd"):
        yield lambda: lighttpd(folder)
    if has("nginx") and has("fcgiwrap"):
        yield lambda: gateserve("nginx + gateserve", folder, ours, fastcgi=True)
        yield lambda: gateserve("nginx + gateserve, kept", folder, ours, fastcgi=True, keep=True)
        yield lambda: fcgiwrap(folder)
    script = {"path": "/cgi-bin/hello.py"}
    yield lambda: gateserve("python exec", folder, ours, **script)
    yield lambda: gateserve("python warm", folder, ours, "--cgi-mode", "warm", **script)
    if OPTIONS.before:
        old = OPTIONS.before
        yield lambda: gateserve("warm before", folder, old, "--cgi-mode", "warm", **script)


def has(program):
    found = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin")
    if not found:
        print(f"left out: {program} is not installed")
    return found


def report(results):
    print(f"\n{'':26} {'req/s':>8} {'server us':>10} {'beside us':>10}")
    for name, rounds in results.items():
        rate, cost, beside = (statistics.median(part) for part in zip(*rounds))
        print(f"{name:26} {rate:8.0f} {cost:10.0f} {beside:10.0f}")
    print(f"\n{'':62} {'ratio':>6}  {'95 %':>13}  {'target':>6}")

    def by(one, other):
        return lambda of: of(one) / of(other)

    compare(results, "behind nginx: gateserve / fcgiwrap", 1.4, by("nginx + gateserve", "nginx + fcgiwrap"))
    compare(results, "the same, with connections that nginx keeps (fcgiwrap cannot)", 1.4,
            by("nginx + gateserve, kept", "nginx + fcgiwrap"))
    compare(results, "HTTP: gateserve / lighttpd mod_cgi", 1.2, by("gateserve", "lighttpd"))
    compare(results, "CPU of a request: lighttpd / gateserve", None,
            lambda of: of("lighttpd", 1) / of("gateserve", 1))
    compare(results, "Python: warm / exec", 8.0, by("python warm", "python exec"))
    compare(results, "HTTP: gateserve / (spawn loop x (1 - share beside it))", 0.85, of_the_limit)
    compare(results, "the same by CPU of a request, whatever else runs", 0.85,
            lambda of: of("spawn loop", 1) / of("gateserve", 1))
    compare(results, "HTTP: gateserve / before", None, by("gateserve", "before"))
    compare(results, "CPU of a request: before / gateserve", None,
            lambda of: of("before", 1) / of("gateserve", 1))
    compare(results, "Python warm: gateserve / before", None, by("python warm", "warm before"))


def of_the_limit(of):
    """Of the programs that the loop starts in the CPU time that is left to the server. Says little
    where others use the machine too: they leave different shares to loop and server."""
    own, beside = of("gateserve", 1), of("gateserve", 2)
    return of("gateserve") / (of("spawn loop") * (own / (own + beside)))


def main():
    if not has("wrk"):
        return 2
    with tempfile.TemporaryDirectory(prefix="gatebench-cgi-") as name:
        folder = pathlib.Path(name)
        built(folder)
        started = []
        try:
            for start in servers(folder):
                started.append(start())
            started = [it for it in started if OPTIONS.only in it.name or not drop(it)]
            for server in started:
                server.wait()
            results = {server.name: [] for server in started}
            results["spawn loop"] = []
            for at in range(OPTIONS.rounds):
                print(f"round {at + 1} of {OPTIONS.rounds}", file=sys.stderr)
                for server in started:
                    results[server.name].append(measured(server))
                results["spawn loop"].append(looped(folder))
            report(results)
        finally:
            for server in started:
                server.stop()
    return 0


def drop(server):
    server.stop()
    return True


OPTIONS = arguments()
LOG = tempfile.NamedTemporaryFile("w+", prefix="gatebench-cgi-", suffix=".log")
if __name__ == "__main__":
    sys.exit(main())
