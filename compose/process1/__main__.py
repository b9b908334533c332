"""The first process of a replica: starts the application, and lets it prepare before it is stopped.

    python process1 COMMAND...

`docker stop`, `docker compose down`, a reboot and Docker Swarm only know a signal. On SIGTERM, SIGINT or SIGQUIT:
1. HAProxy, which asks here twice a second (agent-check), hears `drain` and sends no new request. Each host has one.
2. The application is asked to prepare, until /ready-for-deploy answers 200 and Ready.
3. The requests in flight are completed, and the application gets the signal.
A second such signal skips what is left of this. Other signals are passed on. The exit code is the application's, or 128
and the number of the signal that ended it.

    APP_PORT                  the application's port
    PROCESS1_PORT             the port for HAProxy's question; without it, HAProxy is not told
    PROCESS1_DRAIN_TIMEOUT    seconds for all steps before the application gets the signal
    PROCESS1_PAUSE            seconds for which it goes on first, until HAProxy has found the replica that takes its place
"""

import fcntl
import os
import signal
import sys
import threading
import time

from door import Door
from handshake import handshake
from in_flight import finish_requests

STOPS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
DRAIN_TIMEOUT = 60  # seconds, where the variable is missing
PIPE = 1 << 20  # bytes, what a user without rights may have (pipe(7))


def say(text):
    print(f"process 1: {text}", flush=True)


def main(command):
    """Runs the application to its end; returns the exit code."""
    widen_log()
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


def widen_log():
    """While the Docker Engine hangs or is down, nobody reads the log; an application that logs waits when its pipe is full."""
    for stream in (1, 2):
        try:
            fcntl.fcntl(stream, fcntl.F_SETPIPE_SZ, PIPE)
        except (AttributeError, OSError):  # an older Python; no pipe
            pass


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
        hurry.wait(float(os.environ.get("PROCESS1_PAUSE") or 0))
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


if __name__ == "__main__":
    os._exit(main(sys.argv[1:]))
