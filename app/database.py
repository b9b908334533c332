"""The table of palindromes, the same on PostgreSQL, MySQL and SQLite."""

import hashlib
import select

from sqlalchemy import Column, DateTime, MetaData, String, Table, Text, create_engine, func
from sqlalchemy import select as query
from sqlalchemy.engine import URL, Engine
from sqlalchemy.exc import IntegrityError, ProgrammingError
from sqlalchemy.schema import CreateTable, DropTable

TIMEOUT = 2  # seconds, to connect and for each answer
# Sixteen replicas, twice that during a rollout, stay under the 100 connections that PostgreSQL accepts.
POOL_SIZE = 3

metadata = MetaData()
# The key is a digest: databases limit the length of a unique text, and MySQL takes "Anna" and "anna" for the same.
palindromes = Table(
    "palindromes",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("text", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)


def open_database(url: URL) -> Engine:
    """Connects on first use. A restarted database costs no error: a connection is tried before it is used."""
    pool = {"pool_size": POOL_SIZE, "max_overflow": 0, "pool_timeout": TIMEOUT, "pool_pre_ping": True}
    return create_engine(url, connect_args=_timeouts(url), hide_parameters=True, **pool)


def create_structure(engine: Engine):
    """Does nothing where it is there; of several at once each succeeds."""
    create = CreateTable(palindromes, if_not_exists=True)
    try:
        _execute(engine, create)
    except (IntegrityError, ProgrammingError):
        # PostgreSQL's IF NOT EXISTS does not see a table that another session is just creating; now it is there.
        _execute(engine, create)


def drop_structure(engine: Engine):
    _execute(engine, DropTable(palindromes, if_exists=True))


def store(engine: Engine, text: str):
    """Keeps each text once, whoever else stores it at the same moment."""
    key = hashlib.sha256(text.encode()).hexdigest()
    with engine.connect() as connection:
        if connection.scalar(query(palindromes.c.sha256).where(palindromes.c.sha256 == key)):
            return
    try:
        _execute(engine, palindromes.insert().values(sha256=key, text=text))
    except IntegrityError:
        pass  # another request was faster


def reason(error: Exception) -> str:
    """The driver's first line, for the log: it names user and host, never the password."""
    return (str(getattr(error, "orig", None) or error).strip() or type(error).__name__).splitlines()[0]


def _execute(engine, statement):
    with engine.begin() as connection:
        connection.execute(statement)


def _timeouts(url):
    match url.get_driver_name():
        case "psycopg2":
            _limit_psycopg2()
            return {"connect_timeout": TIMEOUT}
        case "pymysql":
            return {"connect_timeout": TIMEOUT, "read_timeout": TIMEOUT, "write_timeout": TIMEOUT}
        case "pysqlite":
            return {"timeout": TIMEOUT}
    return {}


def _limit_psycopg2():
    """psycopg2 would wait for ever for the answer of a server that hangs, and hold a thread.

    It closes the connection itself when `wait` throws; closing it here would be a deadlock.
    """
    import psycopg2
    from psycopg2 import extensions

    def wait(connection):
        while (state := connection.poll()) != extensions.POLL_OK:
            reads, writes = ([connection], []) if state == extensions.POLL_READ else ([], [connection])
            if not any(select.select(reads, writes, [], TIMEOUT)):
                raise psycopg2.OperationalError(f"no answer within {TIMEOUT} seconds")

    extensions.set_wait_callback(wait)
