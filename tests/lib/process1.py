"""Starts applications of many kinds under process1, all at once, and stops each. Prints a JSON object: what became of each.

Runs in a container of the application's image, as `python cases.py`; a kind is given on its own command line.
"""

import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

# With less patience, so that the tests need not wait.
UNDER = """
import runpy, sys
sys.path.insert(0, "/opt/process1")
import handshake
handshake.PATIENCE, handshake.SILENCE = 0.5, 1
runpy.run_path("/opt/process1", run_name="__main__")
"""


def application(prepare=(200, "Preparing"), before=(200, "Not ready"), drain=0.0, listens=True, answers=True):
    """An application whose answers to the two questions are given; with them, it is Ready `drain` seconds after the first."""
    prepared = None

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            nonlocal prepared
            if not answers:
                time.sleep(60)
            status, text = prepare
            if self.path == "/prepare-for-deploy" and status == 200:
                prepared = time.monotonic()
            if self.path == "/ready-for-deploy":
                drained = prepared is not None and time.monotonic() - prepared >= drain
                status, text = (200, "Ready\n") if drained else before
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    signal.signal(signal.SIGUSR1, lambda *_: os._exit(9))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["APP_PORT"]) if listens else 0), Handler)
    print("listens", flush=True)
    server.serve_forever()


HTML = (404, "<h1>Not Found</h1>")
APPLICATIONS = {
    "ready later": {"drain": 1},
    "404 until ready": {"drain": 1, "before": (404, "Not ready")},
    "404 in its own words until ready": {"drain": 1, "before": HTML},
    "never ready": {"drain": 60},
    "told twice": {"drain": 60},
    "warms up": {"prepare": (404, "Not ready"), "before": (404, "Not ready")},
    "no handshake": {"prepare": HTML, "before": HTML},
    "only errors": {"prepare": (500, "no"), "before": (500, "no")},
    "hangs": {"answers": False},
    "does not listen": {"listens": False},
    "another signal": {},
    "killed": {},
}
COMMANDS = {
    "ends by itself": [sys.executable, "-c", "print('listens', flush=True); raise SystemExit(7)"],
    "no such program": ["/no/such/program"],
    "tells its signals": ["cat", "/proc/self/status"],
}


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return str(listener.getsockname()[1])


def outcome(kind, command):
    environment = dict(os.environ, APP_PORT=free_port(), PROCESS1_DRAIN_TIMEOUT="2" if kind == "never ready" else "60")
    under = [sys.executable, "-I", "-S", "-c", UNDER, *command]
    one = subprocess.Popen(under, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said = one.stdout.readline()
    began = time.monotonic()
    if kind == "another signal":
        one.send_signal(signal.SIGUSR1)
    elif kind == "killed":
        with open(f"/proc/{one.pid}/task/{one.pid}/children") as children:
            os.kill(int(children.read()), signal.SIGKILL)
    elif kind in APPLICATIONS:
        one.terminate()
    if kind == "told twice":
        said += one.stdout.readline()
        one.terminate()
    said += one.communicate()[0]
    return {"code": one.returncode, "seconds": time.monotonic() - began, "said": said}


def main():
    commands = {kind: [sys.executable, __file__, kind] for kind in APPLICATIONS} | COMMANDS
    outcomes = {}

    def note(kind):
        outcomes[kind] = outcome(kind, commands[kind])

    threads = [threading.Thread(target=note, args=(kind,)) for kind in commands]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps(outcomes))


if __name__ == "__main__":
    application(**APPLICATIONS[sys.argv[1]]) if sys.argv[1:] else main()
