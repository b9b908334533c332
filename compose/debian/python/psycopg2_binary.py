"""Tells pip that psycopg2-binary is here too where Debian's psycopg2 is.

They are one module under two names on PyPI, and pip goes by the name alone: without this entry it would fetch a second
copy, and fail where there is no network.
"""

from importlib.metadata import PackageNotFoundError, distribution

try:
    psycopg2 = distribution("psycopg2")
    info = psycopg2.locate_file(f"psycopg2_binary-{psycopg2.version}.dist-info")
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: psycopg2-binary\nVersion: {psycopg2.version}\n")
except PackageNotFoundError:
    pass  # the application does without
