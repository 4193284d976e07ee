"""A WSGI server that is right in everything but the fault that is switched on.

    python3 server.py PROBE

It serves PROBE's `application` over HTTP/1.1 at /probe, on a free port of the loopback that it
prints, with a thread for each connection. A line of its standard input names the fault to switch
on, an empty one switches it off; at the end of its input it ends.
"""

import os
import runpy
import socket
import sys
import threading
import traceback

from environ import Environs
from exchange import Exchange
from fault import follow_orders, is_on
from request import Bad, Head, body_of


def main():
    application = runpy.run_path(sys.argv[1], run_name="probe")["application"]
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    print(listener.getsockname()[1], flush=True)
    environs = Environs(listener.getsockname())
    threading.Thread(target=follow_orders, args=(environs.forget_all,), daemon=True).start()
    while True:
        connection, _ = listener.accept()
        arguments = connection, application, environs
        threading.Thread(target=serve, args=arguments, daemon=True).start()


def serve(connection, application, environs):
    """Answers one request after another."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    state = {}
    with connection, connection.makefile("rb") as file:
        try:
            while answer(connection, file, state, application, environs):
                pass
        except OSError:
            return
        linger(connection)


def answer(connection, file, state, application, environs):
    """Answers the next request; whether another one may follow."""
    try:
        head = Head.read(file)
        if head is None:
            return False
        body = body_of(head, file, lambda: connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n"))
    except Bad as bad:
        connection.sendall(b"HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % bad.args)
        return False
    exchange = Exchange(connection, head)
    environ = environs.of(head, body, state)
    try:
        exchange.run(application, environ)
    except BaseException as error:  # an application's SystemExit is no reason to go down
        if is_on("system-exit-ends-the-server") and isinstance(error, SystemExit):
            os._exit(1)
        if not is_on("exceptions-unlogged"):
            traceback.print_exc()
        exchange.fail()
    environs.forget(environ)
    if is_on("unread-body-stays"):
        return exchange.keeps
    return exchange.keeps and body.drained()


def linger(connection):
    """Lets the client read its reply before what it still sends can reset the connection."""
    try:
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(1)
        while connection.recv(65536):
            pass
    except OSError:
        pass


if __name__ == "__main__":
    main()
