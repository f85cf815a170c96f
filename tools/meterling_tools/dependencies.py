"""What the firmware needs and pip cannot install: fetched once into build/deps.

umqtt.simple on PyPI is an sdist without setup.py, which no pip can install or download.
"""

import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from . import ROOT, CommandError

DEPENDENCIES = ROOT / "build" / "deps"
_REQUIREMENT = "micropython-umqtt.simple==1.3.4"
_SDIST_SHA256 = "b6a2520239e3992c63a7de9370ee9b3d9d27819a90359c521f1c0f7ccab8d12f"
_MEMBER = "micropython-umqtt.simple-1.3.4/umqtt/simple.py"


def fetch(folder=DEPENDENCIES):
    """Make sure that `folder`/umqtt/simple.py is there and return `folder` (Path); only the
    first time needs the network. CommandError if it cannot be had or is not the pinned file."""
    target = Path(folder) / "umqtt" / "simple.py"
    if not target.exists():
        with tarfile.open(fileobj=io.BytesIO(_download())) as sdist:
            source = sdist.extractfile(_MEMBER).read()
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(".partial")
        partial.write_bytes(source)
        partial.replace(target)
    return Path(folder)


def _download():
    """The sdist (bytes), its checksum compared before anybody unpacks it."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "unearth", "--no-binary", "--download", folder]
        for url in _index_urls():
            command += ["--index-url", url]
        result = subprocess.run([*command, _REQUIREMENT], capture_output=True, text=True)
        archives = list(Path(folder).glob("*.tar.gz"))
        if not archives:
            lines = (result.stderr or result.stdout).strip().splitlines() or ["no reason given"]
            raise CommandError(f"cannot fetch {_REQUIREMENT}: {lines[-1]}")
        data = archives[0].read_bytes()
    if hashlib.sha256(data).hexdigest() != _SDIST_SHA256:
        raise CommandError(f"{_REQUIREMENT} is not the file it was: its SHA-256 differs.")
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
