"""The WSGI server: one process, threads, and a stop that loses nothing."""

import logging
import signal
import socket

from waitress import create_server, wasyncore

THREADS = 16
# Longer than a load balancer keeps an idle connection (nginx: 60 seconds), so that the closing side is never ours
# while a request is on its way.
IDLE_TIMEOUT = 120  # seconds
MAX_CONNECTIONS = 1000  # an idle one costs no thread


def listen(host: str, port: int) -> socket.socket:
    """Throws OSError when the address is taken or unknown."""
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    return socket.create_server(address[:2], family=family, backlog=1024)


def serve(app, listener: socket.socket, log):
    """Serves until SIGTERM or SIGINT, then finishes what is in flight and returns."""
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    server = create_server(
        app,
        sockets=[listener],
        threads=THREADS,
        channel_timeout=IDLE_TIMEOUT,
        connection_limit=MAX_CONNECTIONS,
        asyncore_use_poll=True,
        ident=None,
    )
    stopping = False

    def stop(_signal, _frame):
        nonlocal stopping
        stopping = True
        server.pull_trigger()  # wakes the loop below

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)

    def turn(seconds):
        wasyncore.loop(timeout=seconds, map=server._map, use_poll=True, count=1)

    # Not server.run(): its stop drops the requests that wait for a thread, and the ends of long responses.
    while not stopping:
        turn(1)
    log("stopping: finishing the requests in flight")
    turn(0)  # takes in what has already connected
    server.del_channel()
    server.socket.close()
    while _close_idle(server):
        turn(1)
    log("stopped")


def _close_idle(server):
    """Closes the connections that wait for nothing; returns those that do."""
    for connection in list(server.active_channels.values()):
        if not connection.requests and not connection.total_outbufs_len:
            connection.handle_close()
    return server.active_channels
