"""The dongle's pages: firmware/site, bundled by esbuild, as they go into flash.

    index.html.gz           names the others, by their hash
    app-1a2b3c4d.js.gz      all pages but the graph
    graph-1a2b3c4d.js.gz    uPlot, fetched when the numbers are already on the screen
    style-1a2b3c4d.css.gz
    icon.svg.gz
    plain.css.gz            of the page without JavaScript, which the firmware writes itself

The same sources give the same bytes.
"""

import gzip
import hashlib
import re
import tempfile
from pathlib import Path

from . import FIRMWARE, CommandError, npm
from .npm import node  # noqa: F401

SITE = FIRMWARE / "site"
LIMIT = 60_000  # bytes of all files together, compressed
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
    pages, and the dongle then serves the one that needs none of them. Older pages go: they
    would get into the tree all the same, and might not fit its firmware."""
    try:
        return build(folder)
    except CommandError as error:
        for old in Path(folder).glob("*.gz"):
            old.unlink()
        print(f"build: the pages are left out. {error}")
        return []


def _pages():
    """Name -> bytes, as the browser sees them."""
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        entries = [SITE / name for name in ("app.js", "graph.js", "style.css", "plain.css")]
        npm.esbuild(install(), SITE, *map(str, entries), *_ESBUILD, f"--outdir={scratch}")
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


def install():
    """The folder (Path) in which npm has installed what the lock names; once for each lock."""
    return npm.install(SITE, "npm")
