"""What the firmware needs on the chip and pip does not put there: fetched once into build/deps.

umqtt.simple on PyPI is an sdist without setup.py, which no pip can install or download.
microdot is taken the same way: what goes onto the chip is exactly this file.
"""

import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
from collections import namedtuple
from pathlib import Path

from . import ROOT, CommandError

DEPENDENCIES = ROOT / "build" / "deps"

# requirement; SHA-256 of its sdist; {path in the tree: path in the sdist}
_Dependency = namedtuple("_Dependency", "requirement sha256 files")
_PINNED = (
    _Dependency(
        "micropython-umqtt.simple==1.3.4",
        "b6a2520239e3992c63a7de9370ee9b3d9d27819a90359c521f1c0f7ccab8d12f",
        {"umqtt/simple.py": "micropython-umqtt.simple-1.3.4/umqtt/simple.py"},
    ),
    # The one module without its package: `import microdot` is the same, and the package's
    # own __init__ would import what we do not have.
    _Dependency(
        "microdot==2.7.0",
        "e11f39f0f5564bb5db69f728902740ed592d632ae7a03e24ca3a88cd59ad2f53",
        {"microdot.py": "microdot-2.7.0/src/microdot/microdot.py"},
    ),
)


def fetch(folder=DEPENDENCIES):
    """Make sure that `folder`/umqtt/simple.py and `folder`/microdot.py are there and return
    `folder` (Path); only the first time needs the network. CommandError if one cannot be had
    or is not the pinned file."""
    folder = Path(folder)
    for dependency in _PINNED:
        if all((folder / name).exists() for name in dependency.files):
            continue
        with tarfile.open(fileobj=io.BytesIO(_download(dependency))) as sdist:
            for name, member in dependency.files.items():
                _write(folder / name, sdist.extractfile(member).read())
    return folder


def _write(target, source):
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    partial.write_bytes(source)
    partial.replace(target)


def _download(dependency):
    """The sdist (bytes), its checksum compared before anybody unpacks it."""
    requirement = dependency.requirement
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "unearth", "--no-binary", "--download", folder]
        for url in _index_urls():
            command += ["--index-url", url]
        result = subprocess.run([*command, requirement], capture_output=True, text=True)
        archives = list(Path(folder).glob("*.tar.gz"))
        if not archives:
            lines = (result.stderr or result.stdout).strip().splitlines() or ["no reason given"]
            raise CommandError(f"cannot fetch {requirement}: {lines[-1]}")
        data = archives[0].read_bytes()
    if hashlib.sha256(data).hexdigest() != dependency.sha256:
        raise CommandError(f"{requirement} is not the file it was: its SHA-256 differs.")
    return data


def _index_urls():
    """The package index that pip is set up for; none = PyPI."""
    url = os.environ.get("PIP_INDEX_URL")
    if not url:
        command = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
        url = subprocess.run(command, capture_output=True, text=True).stdout.strip()
    return [url] if url else []


if __name__ == "__main__":
    try:
        fetch()
    except CommandError as error:
        sys.exit(f"setup: {error}")
