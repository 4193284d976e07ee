"""Records what a gateway sends for one request each, and answers so that it is content.

    python3 record.py fastcgi|uwsgi|scgi PORT FILE...

Every connection on 127.0.0.1:PORT goes to the next FILE, up to the byte after which
nothing came for half a second.
"""

import socket
import sys

REPLY = b"Status: 200 OK\r\nContent-Type: text/plain\r\n\r\nok"
STDOUT = b"\x01\x06\x00\x01\x00" + bytes([len(REPLY)]) + b"\x00\x00" + REPLY
END_REQUEST = b"\x01\x06\x00\x01\x00\x00\x00\x00" + b"\x01\x03\x00\x01\x00\x08\x00\x00" + bytes(8)
REPLIES = {
    "fastcgi": STDOUT + END_REQUEST,
    "uwsgi": b"HTTP/1.1" + REPLY[len(b"Status:"):],
    "scgi": REPLY,
}


def received(peer):
    peer.settimeout(0.5)
    try:
        while piece := peer.recv(65536):
            yield piece
    except TimeoutError:
        pass


def main(protocol, port, *files):
    listener = socket.create_server(("127.0.0.1", int(port)))
    for file in files:
        peer, _ = listener.accept()
        with peer, open(file, "wb") as out:
            out.writelines(received(peer))
            peer.sendall(REPLIES[protocol])


if __name__ == "__main__":
    main(*sys.argv[1:])
