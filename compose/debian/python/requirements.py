"""Installs the requirements of an application from Debian if Debian has an allowed version.

    requirements.py FOLDER    the folder that may contain requirements.txt

pip parses the files, and downloads the rest when the application is built. A requirement with a hash, an address or a
path is left to pip, since it means exactly that file.
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

# Debian's list of package names by name on PyPI, which dh_python uses.
LIST = "/usr/share/dh-python/dist/cpython3_fallback"


def key(name):
    """The name for comparisons: psycopg2-binary is the same as psycopg2."""
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
    """The requirements, and by name the versions that requirements and constraints allow."""
    wanted, allowed = [], defaultdict(SpecifierSet)
    try:
        for one in parse_requirements("requirements.txt", session=PipSession()):
            try:
                requirement = Requirement(one.requirement)
            except InvalidRequirement:
                continue  # a path, an address, or an error that pip reports
            if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
                continue
            if requirement.url or (one.options or {}).get("hashes"):
                continue
            allowed[key(requirement.name)] &= requirement.specifier
            if not one.constraint:
                wanted.append(requirement)
    except (InstallationError, UnicodeError) as error:
        print(f"The requirements could not be read any further: {error}")
    return wanted, allowed


def versions(packages):
    """By package, its version in Debian, without Debian's suffix; only packages that Debian has."""
    shown = run("apt-cache", "show", "--no-all-versions", *packages, check=False)
    found = {}
    for package, version in re.findall(r"^Package: (.+)\n(?:.+\n)*?Version: (?:\d+:)?([^+\n-]+)", shown, re.M):
        try:
            found[package] = Version(version.replace("~", ""))
        except InvalidVersion:
            pass  # it cannot be compared
    return found


def extras(requirement):
    """What an installed requirement needs for its extras."""
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
    """The Debian packages of these requirements whose version is allowed."""
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
