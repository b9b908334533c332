"""Replaces psycopg2 by psycopg2-binary in the requirements files of the current folder.

Both are the same module, but psycopg2 has no wheel on PyPI and needs a compiler. pip itself parses the files and names
the lines. A line with a hash stays, since the hash is that of the source.
"""

import re
from pathlib import Path

from pip._internal.exceptions import InstallationError
from pip._internal.network.session import PipSession
from pip._internal.req.req_file import get_file_content, parse_requirements
from pip._vendor.packaging.requirements import InvalidRequirement, Requirement

SESSION = PipSession()
PLACE = re.compile(r"-[rc] (.+) \(line (\d+)\)")


def named(one):
    """The name of the requirement; empty unless pip looks it up by name."""
    try:
        requirement = Requirement(one.requirement)
    except InvalidRequirement:
        return ""  # a path or an address
    return "" if requirement.url or (one.options or {}).get("hashes") else requirement.name.lower()


try:
    every = list(parse_requirements("requirements.txt", session=SESSION))
except (InstallationError, UnicodeError):
    every = []  # pip reports the error when it reads the files

for file, number in [PLACE.match(one.comes_from).groups() for one in every if named(one) == "psycopg2"]:
    path = Path(file)
    if path.is_file():
        lines = get_file_content(file, SESSION)[1].splitlines()
        lines[int(number) - 1] = re.sub("psycopg2", "psycopg2-binary", lines[int(number) - 1], count=1, flags=re.I)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
