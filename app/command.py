"""What create_db.py and drop_db.py have in common."""

import sys

from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

from database import open_database, reason
from settings import BadSetting, read_settings


def run(change, done: str):
    """Applies `change` to the database and says so, or says in one sentence what went wrong, with exit code 1."""
    try:
        engine: Engine = open_database(read_settings().database)
        change(engine)
    except BadSetting as problem:
        sys.exit(str(problem))
    except SQLAlchemyError as problem:
        sys.exit(f"The database refused: {reason(problem)}")
    print(done)
