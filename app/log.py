"""One line per event and per request, on stdout."""

import string
from datetime import datetime, timezone
from time import monotonic

MAX_REQUEST_ID = 200  # characters


def log(message: str):
    now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
    # One write, so that the lines of two threads never mix.
    print(f"{now} {message}\n", end="", flush=True)


def log_requests(app):
    """Wraps a WSGI application: method, path exactly as received, status, milliseconds, X-Request-ID.

    Not the query string: it may hold what must not be logged.
    """

    def logged(environ, start_response):
        started = monotonic()
        status = "500"

        def remember_status(line, headers, exc_info=None):
            nonlocal status
            status = line[:3]
            return start_response(line, headers, exc_info)

        try:
            return app(environ, remember_status)
        finally:
            took = (monotonic() - started) * 1000
            request_id = _printable(environ.get("HTTP_X_REQUEST_ID", "-")[:MAX_REQUEST_ID])
            path = environ["REQUEST_URI"].partition("?")[0]
            log(
                f"{_printable(environ['REQUEST_METHOD'])} {_printable(path)} {status} "
                f"{took:.1f}ms id={request_id}"
            )

    return logged


_AS_THEY_ARE = frozenset(string.ascii_letters + string.digits + string.punctuation)


def _printable(text):
    """Escapes spaces, control characters and all that is not ASCII, so that no request can forge a line."""
    return "".join(c if c in _AS_THEY_ARE else f"%{ord(c):02X}" for c in text)
