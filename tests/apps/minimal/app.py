"""Somebody else's application with the contract of the task sheet: Flask's own server, no settings of ours."""

import os
import random
import socket
import threading
import time

import psycopg2
from flask import Flask, request

from passing import passing

WARMUP = float(os.environ.get("MINIMAL_WARMUP", "10"))  # seconds
DRAIN = os.environ.get("MINIMAL_DRAIN", "5-15")  # seconds, a number or a range to choose from
FAIL = "MINIMAL_FAIL" in os.environ  # answers 500 on / to whoever comes through the front door
ONE = os.environ.get("MINIMAL_ONE")  # a key in Redis: of those that are given it, the first alone gets ready

app = Flask(__name__)
app.register_blueprint(passing)
started = time.monotonic()
drained = threading.Event()


def connect():
    return psycopg2.connect(os.environ["DATABASE_URI"].replace("+psycopg2", ""))


def count(key):
    with socket.create_connection((os.environ["REDIS_HOST"], int(os.environ["REDIS_PORT"]))) as redis:
        redis.sendall(f"INCR {key}\r\n".encode())
        return redis.recv(100).decode().strip(":\r\n")


# create_db.py imports this file, and is no replica.
unready = __name__ == "__main__" and bool(ONE) and count(ONE) != "1"


@app.before_request
def warm_up():
    if unready or time.monotonic() - started < WARMUP:
        return "Not ready", 404


@app.route("/")
def hello():
    if FAIL and "X-Request-ID" in request.headers:
        print("told to fail", flush=True)
        return "Sorry", 500
    return "Hello from the minimal application"


@app.route("/status")
def status():
    """What the file says, where a test has put one: a status, and what to answer with it."""
    try:
        with open("/tmp/status") as file:
            code, _, text = file.read().partition(" ")
            return text, int(code)
    except FileNotFoundError:
        return "OK"


@app.route("/palindrom/<text>")
def palindrom(text):
    if text != text[::-1]:
        return "no"
    with connect() as connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO minimal (text) VALUES (%s)", (text,))
    return "yes"


@app.route("/admin")
def admin():
    return "admin area"


@app.route("/prepare-for-deploy")
def prepare_for_deploy():
    low, _, high = DRAIN.partition("-")
    threading.Timer(random.uniform(float(low), float(high or low)), drained.set).start()
    return "Preparing"


@app.route("/ready-for-deploy")
def ready_for_deploy():
    """A test may say that it is drained before its time is over."""
    return "Ready" if drained.is_set() or os.path.exists("/tmp/drained") else ("Not ready", 404)


@app.route("/redis-hits")
def redis_hits():
    return count("minimal")


@app.route("/headers")
@app.route("/admin/headers")
def headers():
    """Not in the contract: what the load balancer sent."""
    return dict(request.headers)


if __name__ == "__main__":
    app.run(host=os.environ.get("APP_HOST", "0.0.0.0"), port=int(os.environ.get("APP_PORT", "5000")))
