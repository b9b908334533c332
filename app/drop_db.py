"""Drops the database's structure with all that is stored in it."""

from command import run
from database import drop_structure

run(drop_structure, done="The database structure is gone.")
