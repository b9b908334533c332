"""Answers HAProxy's question whether this replica takes new requests."""

import os
import socket
import threading
import time

NOTICE = 2  # seconds within which HAProxy asks for sure
PAUSE = 0.1  # seconds


class Door:
    def __init__(self):
        self.draining = False
        self._asked = {}  # by HAProxy's address: when it asked last, and whether it has heard `drain`
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
        """Waits until each HAProxy that asks has heard `drain`."""
        end = time.monotonic() + NOTICE
        while time.monotonic() < end and not hurry.is_set():
            if all(told for when, told in list(self._asked.values()) if when > end - 2 * NOTICE):
                return
            hurry.wait(PAUSE)

    def _answer(self):
        while True:
            try:
                connection, (address, *_) = self._listener.accept()
                with connection:
                    draining = self.draining
                    connection.sendall(b"drain\n" if draining else b"ready\n")
                self._asked[address] = time.monotonic(), draining
            except OSError:
                time.sleep(PAUSE)  # no more files, or a client that is gone
