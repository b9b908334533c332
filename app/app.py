"""A small REST application: hello, palindromes, Redis hits, and the handshake for a deployment without an outage."""

import sys
import unicodedata

import redis
from flask import Flask
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from database import open_database, reason, store
from lifecycle import Lifecycle
from log import log, log_requests
from server import listen, serve
from settings import BadSetting, Settings, read_settings

REDIS_TIMEOUT = 2  # seconds, to connect and for each answer
TEXT = {"Content-Type": "text/plain; charset=utf-8"}


def create_app(settings: Settings, lifecycle: Lifecycle) -> Flask:
    app = Flask(__name__, static_folder=None)
    app.url_map.merge_slashes = False  # its redirect would tell the name that the balancer has for us
    database = open_database(settings.database)
    hits = open_redis(settings)

    @app.before_request
    def refuse_until_ready():
        if not lifecycle.ready:
            return "Not ready", 404, TEXT

    @app.get("/")
    def hello():
        return "Hello, world!", TEXT

    @app.get("/status")
    def status():
        return "OK", TEXT

    @app.get("/palindrom/<path:text>")
    def palindrom(text):
        if not is_palindrome(text):
            return "This is not a palindrome.", TEXT
        store(database, text.replace("\0", ""))  # PostgreSQL has no NUL
        return "This is a palindrome.", TEXT

    @app.get("/admin")
    def admin():
        return "This is the admin area.", TEXT

    @app.route("/prepare-for-deploy", methods=["GET", "POST"])
    def prepare_for_deploy():
        lifecycle.prepare()
        return "Preparing for deploy", TEXT

    @app.get("/ready-for-deploy")
    def ready_for_deploy():
        return "Ready" if lifecycle.drained else "Not ready", TEXT

    @app.get("/redis-hits")
    def redis_hits():
        return f"Hits in Redis: {hits.incr('hits')}", TEXT

    @app.errorhandler(SQLAlchemyError)
    def without_database(error):
        log(f"database: {reason(error)}")
        return "The database is not available at the moment.", 503, TEXT

    @app.errorhandler(redis.RedisError)
    def without_redis(error):
        log(f"redis: {reason(error)}")
        return "Redis is not available at the moment.", 503, TEXT

    @app.errorhandler(HTTPException)
    def http_error(error):
        return error.name, error.code, dict(error.get_headers()) | TEXT

    return app


def open_redis(settings: Settings) -> redis.Redis:
    """Connects on first use. The one retry is for connections that a restart of Redis has cut."""
    return redis.Redis(
        host=settings.redis_host,
        port=settings.redis_port,
        socket_connect_timeout=REDIS_TIMEOUT,
        socket_timeout=REDIS_TIMEOUT,
        retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
    )


def is_palindrome(text: str) -> bool:
    """Compares letters and digits of any script; case, spaces and punctuation do not count, nothing is none."""
    read = [c for c in unicodedata.normalize("NFC", text.casefold()) if c.isalnum()]
    return bool(read) and read == read[::-1]


def main():
    try:
        settings = read_settings()
        listener = listen(settings.host, settings.port)
    except BadSetting as problem:
        sys.exit(str(problem))
    except OSError as problem:
        sys.exit(f"Cannot listen on {settings.host}:{settings.port}: {problem.strerror}.")
    log(f"start: listening on {settings.host}:{settings.port}, database {settings.database}")
    lifecycle = Lifecycle(settings.warmup, settings.drain, log)
    serve(log_requests(create_app(settings, lifecycle)), listener, log)


if __name__ == "__main__":
    main()
