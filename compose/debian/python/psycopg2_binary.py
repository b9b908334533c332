"""Registers Debian's psycopg2 also as psycopg2-binary.

Both names on PyPI are the same module, but pip compares only names: without this entry it would download a second copy,
and fail without a network.
"""

from importlib.metadata import PackageNotFoundError, distribution

try:
    psycopg2 = distribution("psycopg2")
    info = psycopg2.locate_file(f"psycopg2_binary-{psycopg2.version}.dist-info")
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: psycopg2-binary\nVersion: {psycopg2.version}\n")
except PackageNotFoundError:
    pass  # the application does not need it
