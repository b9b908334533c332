"""The first process of a replica: starts the application, and lets it prepare before it is stopped.

    python process1.py COMMAND...

`docker stop`, `docker compose down`, a reboot and Docker Swarm only know a signal. On SIGTERM, SIGINT or SIGQUIT:
1. HAProxy, which asks here twice a second (agent-check), hears `drain` and sends no new request.
2. The application is asked to prepare, until /ready-for-deploy answers 200 and Ready.
3. The requests in flight are completed, and the application gets the signal.
A second such signal skips what is left of this. Other signals are passed on. The exit code is the application's, or 128
and the number of the signal that ended it.

    APP_PORT                  the application's port
    PROCESS1_PORT             the port for HAProxy's question; without it, HAProxy is not told
    PROCESS1_DRAIN_TIMEOUT    seconds for all steps before the application gets the signal
"""

import os
import signal
import socket
import struct
import sys
import threading
import time

STOPS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
PATIENCE = 5  # seconds for an answer
SILENCE = 10  # seconds: an application that answers nothing for so long hangs
PAUSE = 0.1  # seconds between two questions
DRAIN_TIMEOUT = 60  # seconds, where the variable is missing
NOTICE = 2  # seconds within which HAProxy asks for sure
STREAMING = 500  # milliseconds: what was sent so lately may be a part of an answer


def say(text):
    print(f"process 1: {text}", flush=True)


def main(command):
    """Runs the application to its end; returns the exit code."""
    # Signals are fetched by sigwaitinfo below. Threads inherit this mask, and the application gets an empty one.
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    door = Door()
    try:
        ignored = (signal.SIGPIPE, signal.SIGXFSZ)  # by Python, not by the application
        child = os.posix_spawnp(command[0], command, os.environ, setsigmask=(), setsigdef=ignored)
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr, flush=True)
        return 127 if isinstance(error, FileNotFoundError) else 126
    door.open()
    hurry = None
    while True:
        heard = signal.sigwaitinfo(signal.valid_signals())
        if heard.si_signo == signal.SIGCHLD:
            code = reap(child)
            if code is not None:
                return code
        elif heard.si_code > 0:
            pass  # from the terminal: the application got it, too
        elif heard.si_signo in STOPS and hurry is None:
            hurry = threading.Event()
            threading.Thread(target=stop, args=(child, heard.si_signo, hurry, door), daemon=True).start()
        else:
            if heard.si_signo in STOPS:
                hurry.set()
            os.kill(child, heard.si_signo)


def reap(child):
    """Collects the processes that have ended; returns the application's exit code if it is one of them."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return None
        if pid == child:
            return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        if pid == 0:
            return None


def stop(child, number, hurry, door):
    """Takes the steps before the application gets the signal. Whatever fails, it gets the signal."""
    try:
        began = time.monotonic()
        end = began + float(os.environ.get("PROCESS1_DRAIN_TIMEOUT") or DRAIN_TIMEOUT)
        port = int(os.environ.get("APP_PORT") or 5000)
        door.draining = True
        say("told to stop: asks the application to prepare")
        answers, result = handshake(port, end, hurry)
        if answers:
            door.wait_until_told(hurry)
            finish_requests(port, end, hurry)
        if not hurry.is_set():
            say(f"the application {result}: stops it after {time.monotonic() - began:.1f} s")
    except Exception as error:
        say(f"stops the application without the handshake: {error!r}")
    finally:
        if not hurry.is_set():
            os.kill(child, number)


def handshake(port, end, hurry):
    """Asks the application to prepare, and waits until it says Ready.

    Returns whether it answers requests, and what it said. It is not waited for where that is of no use: it does not
    listen, warms up, hangs, or does not know the handshake.
    """
    try:
        heard = time.monotonic()
        status, text = ask(port, "/prepare-for-deploy", end)
        if (status, text) == (404, "Not ready"):
            return True, "warms up and has nothing to prepare"
        knows = 200 <= status < 400
        while not hurry.is_set():
            if status:
                heard = time.monotonic()
            elif time.monotonic() - heard >= SILENCE:
                return False, f"has not answered for {SILENCE} s"
            if time.monotonic() >= end:
                return True, "has not said Ready in time"
            status, text = ask(port, "/ready-for-deploy", end)
            if (status, text) == (200, "Ready"):
                return True, "said Ready"
            # Before Ready, some answer 404 and their own words: then the answer to the first question decides.
            knows = knows or text == "Not ready"
            if status and not knows:
                return True, f"does not know the handshake (answers {status})"
            hurry.wait(PAUSE)
        return False, ""
    except ConnectionRefusedError:
        return False, "does not listen"


def ask(port, path, end):
    """The status and the text of an answer; status 0: none. Throws ConnectionRefusedError when nobody listens."""
    import http.client  # only here: it would take memory all the time

    patience = max(0.1, min(PATIENCE, end - time.monotonic()))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patience)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        answer = connection.getresponse()
        return answer.status, answer.read(1000).decode("utf-8", "replace").strip()
    except ConnectionRefusedError:
        raise
    except (OSError, http.client.HTTPException):
        return 0, ""
    finally:
        connection.close()


class Door:
    """Answers HAProxy's question whether this replica takes new requests."""

    def __init__(self):
        self.draining = False
        self._told = threading.Event()
        self._asked = float("-inf")
        self._listener = None
        try:
            # Before the application runs. A port that is taken must not keep it from running.
            self._listener = socket.create_server(("", int(os.environ["PROCESS1_PORT"])), backlog=16)
        except (KeyError, ValueError, OSError):
            pass

    def open(self):
        if self._listener:
            threading.Thread(target=self._answer, daemon=True).start()

    def wait_until_told(self, hurry):
        """Waits until HAProxy has heard `drain`, if it asks at all."""
        end = time.monotonic() + NOTICE
        while self._asked > end - 2 * NOTICE and time.monotonic() < end and not hurry.is_set():
            if self._told.wait(PAUSE):
                return

    def _answer(self):
        while True:
            try:
                connection, _ = self._listener.accept()
                with connection:
                    draining = self.draining
                    connection.sendall(b"drain\n" if draining else b"ready\n")
                self._asked = time.monotonic()
                if draining:
                    self._told.set()
            except OSError:
                time.sleep(PAUSE)  # no more files, or a client that is gone


def finish_requests(port, end, hurry):
    """Waits until two looks in a row see no request in flight: HAProxy may just be sending its last one."""
    free = 0
    while free < 2 and time.monotonic() < end and not hurry.wait(PAUSE):
        free = 0 if any(in_flight(family, port) for family in (socket.AF_INET, socket.AF_INET6)) else free + 1


def in_flight(family, port):
    """Whether a connection to the port has a request in flight, by the kernel's own times (sock_diag(7), tcp_info).

    HAProxy keeps idle connections. In one with a request, the last data came from HAProxy, or an answer is being sent.
    What is silent in between, such as a WebSocket, looks idle: that is left to the application's own end.
    """
    dump, request, established, info = 0x300, 0x1, 1 << 1, 1 << 1
    question = struct.pack("=IHHII", 72, 20, dump | request, 1, 0)
    question += struct.pack("=BBBxI", family, socket.IPPROTO_TCP, info, established) + bytes(48)
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4) as kernel:
            kernel.settimeout(1)
            kernel.send(question)
            while True:
                for kind, told in parts(kernel.recv(1 << 17), "=IH", 16):
                    if kind != 20:
                        return False  # the end, or an error
                    if struct.unpack_from(">H", told, 4)[0] == port and is_busy(told):
                        return True
    except OSError:
        return False  # a kernel without it


def is_busy(told):
    unsent = struct.unpack_from("=I", told, 60)[0]
    for kind, value in parts(told[72:], "=HH", 4):
        if kind == 2:
            sent, received = struct.unpack_from("=I4xI", value, 44)  # milliseconds ago
            pieces_in, pieces_out = struct.unpack_from("=II", value, 152)
            unanswered = received < sent or pieces_in > 0 == pieces_out
            return unanswered or unsent > 0 or sent < STREAMING
    return False


def parts(data, head, size):
    """Kind and content of each part of a netlink message: its length and kind come first."""
    while len(data) >= size:
        first, second = struct.unpack_from(head, data)
        length = max(first, size)
        yield second, data[size:length]
        data = data[(length + 3) & ~3 :]


if __name__ == "__main__":
    os._exit(main(sys.argv[1:]))
