"""What the application is asked before it is stopped: to prepare, and whether it is Ready."""

import time

PATIENCE = 5  # seconds for an answer
SILENCE = 10  # seconds: an application that answers nothing for so long hangs
PAUSE = 0.1  # seconds between two questions


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
