"""Not in the contract: what applications send and receive besides pages, for the tests of what passes through."""

import base64
import gzip
import hashlib
import io
import struct
import time

from flask import Blueprint, Response, request, send_file

passing = Blueprint("passing", __name__)
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
TEXT = b"all work and no play makes jack a dull boy\n" * 500


@passing.route("/websocket", websocket=True)
def websocket():
    """Takes the connection over and echoes frames (short ones only) until it is closed."""
    connection = request.environ["werkzeug.socket"]
    key = base64.b64encode(hashlib.sha1((request.headers["Sec-WebSocket-Key"] + GUID).encode()).digest()).decode()
    connection.sendall(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {key}\r\n\r\n".encode()
    )
    stream = connection.makefile("rb")
    while (head := stream.read(2)) and len(head) == 2 and head[0] & 15 != 8:
        length = head[1] & 127
        mask, data = stream.read(4), stream.read(length)
        plain = bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))
        connection.sendall(struct.pack("BB", 0x81, length) + plain)
    return ""


@passing.route("/events")
def events():
    """Server-sent events: one now, and others, each after so many seconds of silence."""
    silence = float(request.args["silence"])
    others = int(request.args.get("others", "1"))

    def stream():
        yield "data: first\n\n"
        for _ in range(others):
            time.sleep(silence)
            yield "data: last\n\n"

    return Response(stream(), mimetype="text/event-stream")


@passing.route("/big")
def big():
    megabytes = int(request.args["megabytes"])
    return Response((b"x" * 2**20 for _ in range(megabytes)), headers={"Content-Length": megabytes * 2**20})


@passing.route("/upload", methods=["POST", "PUT"])
def upload():
    digest, length = hashlib.sha256(), 0
    while part := request.stream.read(2**16):
        digest.update(part)
        length += len(part)
    return f"{length} {digest.hexdigest()}"


@passing.route("/large-header")
def large_header():
    return "x", {"X-Large": "a" * int(request.args["bytes"])}


@passing.route("/cookies")
def cookies():
    return str(len(request.headers.get("Cookie", "")))


@passing.route("/slow", methods=["GET", "POST", "DELETE"])
def slow():
    time.sleep(float(request.args["seconds"]))
    return "at last"


@passing.route("/file")
def file():
    return send_file(io.BytesIO(TEXT), "text/plain", etag=hashlib.sha1(TEXT).hexdigest(), conditional=True)


@passing.route("/packed")
def packed():
    return gzip.compress(TEXT), {"Content-Encoding": "gzip", "Content-Type": "text/plain"}


@passing.route("/failing")
def failing():
    return "Sorry", 500
