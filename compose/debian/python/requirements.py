"""Installs from Debian what an application's requirements name, where Debian has it in a version that they allow.

    requirements.py FOLDER    the folder with requirements.txt, or with none

The files are read by pip, and pip fetches the rest when the application is built. What has a hash, an address or a path
is meant to be that very file, and left to pip.
"""

import os
import re
import subprocess
import sys
from collections import defaultdict
from importlib.metadata import PackageNotFoundError, distribution

from pip._internal.exceptions import InstallationError
from pip._internal.network.session import PipSession
from pip._internal.req.req_file import parse_requirements
from pip._vendor.packaging.requirements import InvalidRequirement, Requirement
from pip._vendor.packaging.specifiers import SpecifierSet
from pip._vendor.packaging.utils import canonicalize_name
from pip._vendor.packaging.version import InvalidVersion, Version

# Debian's own list of what its packages are called on PyPI: it is what dh_python writes dependencies by.
LIST = "/usr/share/dh-python/dist/cpython3_fallback"


def key(name):
    """psycopg2-binary is psycopg2 under another name."""
    return canonicalize_name(name).removesuffix("-binary")


def run(*command, check=True):
    return subprocess.run(command, check=check, capture_output=True, text=True).stdout


def known():
    run("apt-get", "download", "-qq", "dh-python")
    archive = next(name for name in os.listdir() if name.startswith("dh-python"))
    run("dpkg-deb", "--extract", archive, ".")
    with open(f".{LIST}", encoding="utf-8") as file:
        pairs = [line.split()[:2] for line in file if len(line.split()) > 1]
    return {key(name): package for name, package in pairs}


def read():
    """The requirements, and the versions that requirements and constraints allow, by name."""
    wanted, allowed = [], defaultdict(SpecifierSet)
    try:
        for one in parse_requirements("requirements.txt", session=PipSession()):
            try:
                requirement = Requirement(one.requirement)
            except InvalidRequirement:
                continue  # a path, an address, or wrong: pip says so
            if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
                continue
            if requirement.url or (one.options or {}).get("hashes"):
                continue
            allowed[key(requirement.name)] &= requirement.specifier
            if not one.constraint:
                wanted.append(requirement)
    except (InstallationError, UnicodeError) as error:
        print(f"The requirements are read up to here only: {error}")
    return wanted, allowed


def versions(packages):
    """What PyPI would call the versions of Debian packages, by package; those that Debian does not have are missing."""
    shown = run("apt-cache", "show", "--no-all-versions", *packages, check=False)
    found = {}
    for package, version in re.findall(r"^Package: (.+)\n(?:.+\n)*?Version: (?:\d+:)?([^+\n-]+)", shown, re.M):
        try:
            found[package] = Version(version.replace("~", ""))
        except InvalidVersion:
            pass  # nobody can say whether it is allowed
    return found


def extras(requirement):
    """What an installed requirement needs beside for the extras that are asked for."""
    try:
        needs = [Requirement(need) for need in distribution(requirement.name).requires or []]
    except PackageNotFoundError:
        return []
    asked = [{"extra": extra} for extra in requirement.extras]
    return [
        need
        for need in needs
        if need.marker and not need.marker.evaluate({"extra": ""}) and any(map(need.marker.evaluate, asked))
    ]


def packages(wanted, allowed, names):
    """The packages for what is wanted, in versions that are allowed."""
    called = {one: names.get(key(one.name), f"python3-{canonicalize_name(one.name)}") for one in wanted}
    found = versions(called.values())
    fits = lambda one: (allowed[key(one.name)] & one.specifier).contains(found[called[one]], prereleases=True)
    return sorted({package for one, package in called.items() if package in found and fits(one)})


def main(folder):
    home = os.getcwd()
    os.chdir(folder)
    wanted, allowed = read() if os.path.exists("requirements.txt") else ([], {})
    os.chdir(home)
    names = known() if wanted else {}
    while wanted:
        found = packages(wanted, allowed, names)
        if found:
            print("From Debian:", *found, flush=True)
            subprocess.run(["apt-get", "install", "-qqy", "--no-install-recommends", *found], check=True)
        wanted = [need for requirement in wanted for need in extras(requirement)]


main(sys.argv[1])
