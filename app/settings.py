"""What the environment variables say, checked once at the start."""

import math
import os
from dataclasses import dataclass

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError


class BadSetting(Exception):
    """One sentence for the operator. It never repeats DATABASE_URI, which holds a password."""


@dataclass(frozen=True)
class Settings:
    host: str
    port: int
    redis_host: str
    redis_port: int
    database: URL  # prints its password as ***
    warmup: float  # seconds
    drain: float  # seconds


def read_settings(env=os.environ) -> Settings:
    """Throws BadSetting for the first variable that makes no sense. An empty variable counts as not set."""

    def get(name, default):
        return env.get(name) or default

    return Settings(
        host=get("APP_HOST", "0.0.0.0"),
        port=_port("APP_PORT", get("APP_PORT", "5000")),
        redis_host=get("REDIS_HOST", "redis"),
        redis_port=_port("REDIS_PORT", get("REDIS_PORT", "6379")),
        database=_database(get("DATABASE_URI", "sqlite:////tmp/test.db")),
        warmup=_seconds("WARMUP_SECONDS", get("WARMUP_SECONDS", "3")),
        drain=_seconds("DRAIN_SECONDS", get("DRAIN_SECONDS", "5")),
    )


def _port(name, text):
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 65535:
        return int(text)
    raise BadSetting(f"{name} must be a port from 1 to 65535, not {text!r}.")


def _seconds(name, text):
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if math.isfinite(seconds) and 0 <= seconds <= 86400:
        return seconds
    raise BadSetting(f"{name} must be a number of seconds from 0 to 86400, not {text!r}.")


def _database(text):
    try:
        url = make_url(text)
        url.get_dialect().import_dbapi()
    except NoSuchModuleError:
        raise BadSetting("DATABASE_URI names a kind of database that SQLAlchemy does not know.") from None
    except ImportError as error:
        raise BadSetting(f"DATABASE_URI needs a driver that is not installed: {error.name}.") from None
    except (ArgumentError, ValueError):
        raise BadSetting("DATABASE_URI is not of the form dialect+driver://user:password@host:port/name.") from None
    # A password with a bare @ is cut at it, and its end would be taken for the host's name, which drivers log.
    if url.username is not None and "@" in f"{url.host}{url.database}":
        raise BadSetting("DATABASE_URI holds more than one @: write the one in the password as %40.")
    return url
