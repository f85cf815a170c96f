"""`meterling build --board NAME`: everything that one board needs, into DIR (build/NAME):

    tree/               as `meterling build` makes it for the board's chip, its
                        settings.json.example with the board's pins
    filesystem.bin      the same as a LittleFS image, with a settings.json that has the pins
    meterling.bin       with --micropython FILE: MicroPython and file system, written at 0

The same sources give the same bytes. What is over its budget is said, with exit code 1.
"""

import json

from . import ROOT, CommandError, boards, build, image, size

_EXAMPLE = "settings.json.example"


def run(args):
    board = boards.load(args.board)
    problems = boards.check(board)
    if problems:
        raise CommandError(f"{board['name']}: {'; '.join(text for _, text in problems)}.")
    folder = args.folder or ROOT / "build" / board["name"]
    files, written = make(board, folder, args.micropython)
    measured = size.heap()
    print(f"{board['name']}, {board['kit']['chip']}")
    size.report(files, measured)
    print()
    for path, offset in written:
        print(f"{path.name}: {path.stat().st_size} bytes, to be written at 0x{offset:x}")
    problems = size.check(files, measured)
    if problems:
        raise CommandError(" ".join(problems), 1)


def make(board, folder, micropython=None):
    """Write all for `board` (as boards.load gives) into `folder` (Path); `micropython`: Path of
    an image, or None. Returns ([(path in the tree, bytes of source, bytes)], [(Path of an
    image, where in flash it is to be written)])."""
    tree = folder / "tree"
    files = build.build(board["kit"]["chip"], tree)
    own = boards.settings(board)
    example = json.loads((tree / _EXAMPLE).read_text())
    for room, values in own.items():
        example[room].update(values)
    (tree / _EXAMPLE).write_text(json.dumps(example, indent=2) + "\n")
    length = (tree / _EXAMPLE).stat().st_size
    files = [row if row[0] != _EXAMPLE else (_EXAMPLE, length, length) for row in files]
    # Only what was built: somebody's settings, keys and all, may lie in the folder.
    content = {name: (tree / name).read_bytes() for name, _, _ in files if name != _EXAMPLE}
    content["settings.json"] = (json.dumps(own) + "\n").encode()
    return files, image.write(content, board, folder, micropython)
