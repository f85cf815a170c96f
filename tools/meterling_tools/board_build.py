"""`meterling build --board NAME`: everything that one board needs, into DIR (build/NAME):

    tree/               what `meterling build` makes for the board's chip, as it lies on the
                        flash: in the first of two slots, and what no update replaces beside it;
                        settings.json.example has the board's pins
    filesystem.bin      the same as a LittleFS image, with a settings.json that has the pins
    meterling.bin       with --micropython FILE: MicroPython and file system, written at 0

The same sources give the same bytes. What is over its budget is said, with exit code 1.
"""

import json
import shutil
import tempfile
from pathlib import Path

from . import ROOT, CommandError, boards, build, image, release, size

_EXAMPLE = "settings.json.example"


def run(args):
    board = boards.load(args.board)
    problems = boards.check(board)
    if problems:
        raise CommandError(f"{board['name']}: {'; '.join(text for _, text in problems)}.")
    folder = args.folder or ROOT / "build" / board["name"]
    files, written = make(board, folder, args.micropython, build.read_keys(args.release_key))
    measured = size.heap()
    print(f"{board['name']}, {board['kit']['chip']}")
    size.report(files, measured)
    print()
    for path, offset in written:
        print(f"{path.name}: {path.stat().st_size} bytes, to be written at 0x{offset:x}")
    problems = size.check(files, measured)
    if problems:
        raise CommandError(" ".join(problems), 1)


def make(board, folder, micropython=None, keys=()):
    """Write all for `board` (as boards.load gives) into `folder` (Path); `micropython`: Path of
    an image, or None; `keys`: as for `build.build`. Returns ([(path in the tree, bytes of
    source, bytes)], [(Path of an image, where in flash it is to be written)])."""
    own = boards.settings(board)
    files, content = _tree(board["kit"]["chip"], keys, own)
    tree = folder / "tree"
    shutil.rmtree(tree / release.SLOT, ignore_errors=True)  # of an older build
    for path, data in content.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_bytes(data)
    # Only what was built: somebody's settings, keys and all, may lie in the folder.
    content.pop(_EXAMPLE)
    content["settings.json"] = (json.dumps(own) + "\n").encode()
    return files, image.write(content, board, folder, micropython)


def _tree(chip, keys, own):
    """(files as `make` returns them, {path: bytes}) of the firmware, as it lies on the flash."""
    with tempfile.TemporaryDirectory(prefix="meterling-") as scratch:
        tree = Path(scratch) / "tree"
        source = {path: length for path, length, _ in build.build(chip, tree, keys)}
        example = json.loads((tree / _EXAMPLE).read_text())
        for room, values in own.items():
            example[room].update(values)
        (tree / _EXAMPLE).write_text(json.dumps(example, indent=2) + "\n")
        content = release.for_flash(tree)
    slot = release.SLOT + "/"
    files = []
    for path, data in sorted(content.items()):
        name = path.removeprefix(slot)
        name = name if name in source else name.removesuffix(".z")
        files.append((path, source.get(name, len(data)), len(data)))
    return [row if row[0] != _EXAMPLE else (_EXAMPLE, row[2], row[2]) for row in files], content
