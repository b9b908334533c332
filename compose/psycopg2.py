"""Has pip take psycopg2-binary where the application's requirements name psycopg2.

They are one module, but psycopg2 is source only on PyPI and wants a compiler. Works on the files in the current folder;
pip itself says which of their lines are meant. One with a hash stays: the hash is that of the source.
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
    """The name of a requirement that pip looks up by its name."""
    try:
        requirement = Requirement(one.requirement)
    except InvalidRequirement:
        return ""  # a path or an address
    return "" if requirement.url or (one.options or {}).get("hashes") else requirement.name.lower()


try:
    every = list(parse_requirements("requirements.txt", session=SESSION))
except (InstallationError, UnicodeError):
    every = []  # pip says what is wrong with them when it reads them itself

for file, number in [PLACE.match(one.comes_from).groups() for one in every if named(one) == "psycopg2"]:
    path = Path(file)
    if path.is_file():
        lines = get_file_content(file, SESSION)[1].splitlines()
        lines[int(number) - 1] = re.sub("psycopg2", "psycopg2-binary", lines[int(number) - 1], count=1, flags=re.I)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
