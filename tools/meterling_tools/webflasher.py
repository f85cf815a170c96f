"""`meterling webflasher DIR`: a static site that writes the firmware onto a board from a browser,
and gives it its Wi-Fi; for people without Python. Nobody but the site itself is asked for
anything.

    DIR/index.html, style.css
    DIR/page.js, chunk-*.js         esp-web-tools, bundled; parts are fetched when needed
    DIR/licences.txt                of what page.js and chunk-*.js are made of
    DIR/boards/NAME/manifest.json   what esp-web-tools reads: version, chip, parts
    DIR/boards/NAME/meterling.bin   MicroPython and file system, to be written at 0
    DIR/boards/NAME/wiring.svg

To be served by https (or from localhost): browsers give no serial port to other pages. The
same sources and images give the same bytes.
"""

import json
import shutil
import tempfile
from html import escape
from importlib.metadata import version
from pathlib import Path

from . import CommandError, board_build, boards, build, image, npm, site

SOURCES = Path(__file__).parent / "flasher_page"
NAME = "Meterling"  # as improv_dialogue calls the firmware: that tells an update from a new one
_BOOT_TIME = 30  # s, at most, from the reset to the first answer over Improv
_BLOCK = 4096
_ESBUILD = ("--bundle", "--minify", "--splitting", "--format=esm", "--target=es2022")
_CHUNKS = ("--chunk-names=chunk-[hash]", "--charset=utf8", "--legal-comments=none")
_CHUNK = f"chunk-{8 * '[A-Z2-7]'}.js"  # with esbuild's hash: others' chunks are none of ours
_OF_BOARD = ("meterling.bin", "wiring.svg", "manifest.json")  # the mark goes last
_SECTION = '<section class="wiring" data-board="'  # in each index.html of ours: that tells it
_NOT_BUNDLED = ("esbuild", "types/")
# What esptool-js, and so a manifest, calls the chips
FAMILIES = {
    "esp32": "ESP32",
    "esp32s2": "ESP32-S2",
    "esp32s3": "ESP32-S3",
    "esp32c3": "ESP32-C3",
}


def add_arguments(parser):
    parser.add_argument(
        "--micropython",
        metavar="FILE",
        type=Path,
        action="append",
        required=True,
        help="an image from micropython.org; again for other chips",
    )
    parser.add_argument(
        "--board",
        metavar="NAME",
        action="append",
        help="only this one; again for more (default: all boards that have an image)",
    )
    parser.add_argument("folder", metavar="DIR", type=Path)


def run(args):
    found = [boards.load(name) for name in args.board or boards.names()]
    images = {image.MicroPython(path.read_bytes()).chip: path for path in args.micropython}
    site.build_or_say(build.SITE)
    make(args.folder, found, images, must=bool(args.board))
    print(f"webflasher: to try it, python -m http.server --directory {args.folder} 8000")
    print("webflasher: and open http://localhost:8000 (elsewhere: https)")


def make(folder, found, images, must=False):
    """Write the site into `folder` (Path), in the place of an older one.

    found: boards, as boards.load gives; images: {chip: Path of an image of MicroPython}. A
    board without an image is left out, which is said; if they `must` all be there, or none is,
    CommandError; so it is where `folder` holds sources, or somebody else's site. Returns the
    names (list of str) of those that are in.
    """
    missing = [board["name"] for board in found if board["kit"]["chip"] not in images]
    found = [board for board in found if board["name"] not in missing]
    if missing and (must or not found):
        raise CommandError(f"No image of MicroPython is given for {', '.join(missing)}.")
    for name in missing:
        print(f"webflasher: {name} is left out: no image of MicroPython is given for its chip")
    build.refuse_sources(folder)
    if any(folder.glob("boards/*/board.json")):
        raise CommandError(f"{folder} holds the boards' own files: name another folder.")
    page = folder / "index.html"
    if page.exists() and not _is_our_page(page):
        raise CommandError(
            f"{page} is of another site, and is not overwritten: name another folder."
        )
    packages = install()
    folder.mkdir(parents=True, exist_ok=True)
    _clear(folder)
    for board in found:
        _add(board, folder / "boards" / board["name"], images[board["kit"]["chip"]])
        print(f"webflasher: {board['name']} is in")
    npm.esbuild(packages, SOURCES, "page.js", *_ESBUILD, *_CHUNKS, f"--outdir={folder.resolve()}")
    shutil.copyfile(SOURCES / "style.css", folder / "style.css")
    (folder / "licences.txt").write_text(_licences(packages), encoding="utf-8")
    text = (SOURCES / "index.html").read_text(encoding="utf-8")
    text = text.replace("<!-- choices -->", "\n".join(map(_choice, found)))
    text = text.replace("<!-- boards -->", "\n".join(map(_section, found)))
    (folder / "index.html").write_text(text, encoding="utf-8")
    return [board["name"] for board in found]


def install():
    """The folder (Path) in which npm has installed esp-web-tools, Improv's JavaScript and
    esbuild. CommandError if it cannot."""
    return npm.install(SOURCES, "npm-flasher")


def _clear(folder):
    """Remove what an older site has in `folder` (Path), and nothing else."""
    if _is_our_page(folder / "index.html"):
        for old in folder.glob(_CHUNK):
            old.unlink()
    for manifest in folder.glob("boards/*/manifest.json"):
        # Folders of that name are common: only a manifest that is ours says that all is.
        if _is_ours(manifest):
            for name in _OF_BOARD:
                (manifest.parent / name).unlink(missing_ok=True)


def _is_our_page(page):
    return page.is_file() and _SECTION.encode() in page.read_bytes()


def _is_ours(manifest):
    try:
        content = json.loads(manifest.read_bytes())
    except ValueError:
        return False
    return isinstance(content, dict) and content.get("name") == NAME


def _licences(packages):
    """The licences of all that is bundled, as they want to be passed on (str)."""
    modules = packages / "node_modules"
    found = []
    for path in sorted((*modules.glob("[!.@]*/package.json"), *modules.glob("@*/*/package.json"))):
        package = json.loads(path.read_text(encoding="utf-8"))
        if package["name"].removeprefix("@").startswith(_NOT_BUNDLED):
            continue
        texts = [file.read_text(encoding="utf-8") for file in sorted(path.parent.glob("LICENSE*"))]
        title = f"{package['name']} {package['version']}: {package['license']}"
        found.append("\n\n".join([title, *(text.strip() for text in texts)]))
    return f"\n\n{72 * '-'}\n\n".join(found) + "\n"


def _add(board, folder, micropython):
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        board_build.make(board, Path(scratch), micropython)
        data = (Path(scratch) / "meterling.bin").read_bytes()
    # What is erased need not be written: the end of the file system, as a rule most of it.
    data = data.rstrip(b"\xff")
    data += b"\xff" * (-len(data) % _BLOCK)
    (folder / "meterling.bin").write_bytes(data)
    manifest = {
        "name": NAME,
        "version": version("meterling"),
        "new_install_prompt_erase": False,
        "new_install_improv_wait_time": _BOOT_TIME,
        "builds": [
            {
                "chipFamily": FAMILIES[board["kit"]["chip"]],
                "parts": [{"path": "meterling.bin", "offset": 0}],
            }
        ],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
    shutil.copyfile(boards.BOARDS / board["name"] / "wiring.svg", folder / "wiring.svg")


def _both(texts, tag="span"):
    # What is shown of it, style.css decides.
    return "".join(
        f'<{tag} lang="{language}">{escape(texts[language])}</{tag}>'
        for language in boards.LANGUAGES
    )


def _choice(board):
    name = board["name"]
    return (
        f'<label><input type="radio" name="board" value="{name}">'
        f"<b>{_both(board['title'])}</b> <small>{_both(board['for'])}</small></label>"
    )


def _section(board):
    name = board["name"]
    notes = [dict(zip(boards.LANGUAGES, texts, strict=True)) for texts in _notes(board)]
    return f"""{_SECTION}{name}" hidden>
<h3>{_both(board["title"])}</h3>
<a href="boards/{name}/wiring.svg"><img src="boards/{name}/wiring.svg" alt="{_alt(board)}"></a>
<ul>{"".join(f"<li>{_both(note)}</li>" for note in notes)}</ul>
<details><summary>{_both({"de": "Einkaufsliste", "en": "Shopping list"})}</summary>
<ul>{"".join(f"<li>{_both(thing)}</li>" for thing in board["shopping"])}</ul></details>
</section>"""


def _notes(board):
    return zip(*(board["notes"][language] for language in boards.LANGUAGES), strict=True)


def _alt(board):
    return escape(f"{board['title']['de']} / {board['title']['en']}", quote=True)
