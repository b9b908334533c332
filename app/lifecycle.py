"""Warm-up and drain: the handshake with whoever deploys us. It lives in this one process's memory."""

import threading


class Lifecycle:
    """Not ready -> ready after `warmup` seconds; preparing -> drained `drain` seconds after prepare().

    The two waits stand for start-up work and for tasks in the background that have to be completed.
    """

    def __init__(self, warmup: float, drain: float, log):
        self._drain = drain
        self._log = log
        self._preparing = threading.Lock()  # taken once, never given back
        self._ready = threading.Event()
        self._drained = threading.Event()
        _after(warmup, self._reach, self._ready, "ready")

    @property
    def ready(self) -> bool:
        return self._ready.is_set()

    @property
    def drained(self) -> bool:
        """False too when nobody asked to prepare."""
        return self._drained.is_set()

    def prepare(self):
        """Starts the drain. A second call does not start it again."""
        if self._preparing.acquire(blocking=False):
            self._log("preparing for deploy")
            _after(self._drain, self._reach, self._drained, "drained")

    def _reach(self, state, name):
        state.set()
        self._log(name)


def _after(seconds, action, *args):
    if seconds == 0:
        return action(*args)
    timer = threading.Timer(seconds, action, args)
    timer.daemon = True  # a stop does not wait for it
    timer.start()
