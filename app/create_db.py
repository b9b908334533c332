"""Creates the database's structure; what is already there stays as it is."""

from command import run
from database import create_structure

run(create_structure, done="The database structure is there.")
