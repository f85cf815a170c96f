"""`meterling flash`: from a board out of the bag to a dongle with a label.

    port      the one on USB; asks if there are several
    chip      by esptool; the boards of boards/ with that chip are proposed, the one question
    settings  what is on it stays, the board's pins are set, --settings comes last; a password
              for its own Wi-Fi, if it has none yet
    image     MicroPython and a file system with the firmware and those settings, in one
    write     at 0, read back
    label     name, password, QR code: shown, and written as label-XXXX.svg and .txt
    answer    the dongle has to, with the right versions

`--app-only` is for developers; see flash_app.
"""

import contextlib
import tempfile
import time
from pathlib import Path

from meterling import __version__
from rich.console import Console

from . import (
    ROOT,
    CommandError,
    board_build,
    boards,
    build,
    flash_app,
    flash_keep,
    flash_port,
    flash_settings,
    image,
    site,
)
from .flash_chip import Chip
from .flash_dongle import Dongle
from .flash_keep import SETTINGS

_BAUDRATE = 460_800
_CACHE = ROOT / ".cache" / "micropython-images"
_LABELS = ROOT / "build" / "labels"
_MIB = 1 << 20
_PATIENCE = 20  # s for the first answer
_PATIENCE_UNPLUGGED = 120  # s more, for hands
_RETRY = 0.5  # s
_DOWNLOAD = "https://micropython.org/download/{image}/"


def add_arguments(parser):
    parser.add_argument("--port", metavar="PORT", help="default: the only one on USB")
    parser.add_argument("--board", metavar="NAME", help="a folder of boards/; default: asks")
    parser.add_argument(
        "--micropython",
        metavar="FILE",
        type=Path,
        help="an image of MicroPython; default: the one of last time, or one in Downloads",
    )
    parser.add_argument(
        "--settings", metavar="FILE", type=Path, help="put over what is there, as settings.json"
    )
    parser.add_argument(
        "--erase", action="store_true", help="forget all that is on it, settings and label, too"
    )
    parser.add_argument(
        "--release-key",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="as for build: whose updates it takes",
    )
    parser.add_argument(
        "--labels", metavar="DIR", type=Path, default=_LABELS, help="default: build/labels"
    )
    parser.add_argument(
        "--baudrate", type=int, default=_BAUDRATE, metavar="N", help="default: %(default)s"
    )
    parser.add_argument(
        "--app-only", action="store_true", help="copy only files that differ, and restart it"
    )


def run(args):
    try:
        if args.app_only:
            flash_app.run(args)
        else:
            flash(args)
    except CommandError as error:
        # What a builder's exit code tells apart does not matter here: it is not flashed.
        raise CommandError(str(error), 1)


def flash(args):
    own = flash_settings.read_own(args.settings)
    keys = build.read_keys(args.release_key)
    wanted = boards.load(args.board) if args.board else None
    device = flash_port.find(args.port)
    print(f"Looking at {device} ...")
    chip = Chip(device, args.baudrate)
    try:
        number = chip.mac[-2:].hex().upper()
        print(f"It is an {chip.name} with {chip.flash // _MIB} MiB of flash, number {number}.")
        board = choose_board(chip.name, wanted)
        micropython = find_micropython(board, args.micropython)
        unfinished = flash_keep.Unfinished(args.labels / f"unfinished-{number}.json")
        kept = {} if args.erase else keep(chip, unfinished)
        kept[SETTINGS], settings = flash_settings.combine(board, kept.get(SETTINGS), own)
        data = make_image(board, chip.flash, micropython, kept, keys)
        unfinished.write(kept)
        chip.write(data, args.erase)
        unfinished.forget()  # they are on the dongle, where their owner may change them any time
        # Before anything else can fail: its password is on it, and nowhere else.
        show_label(flash_settings.label_of(settings, chip.mac), args.labels, number)
        chip.restart()
    except BaseException:
        # What is on it goes on; else it would stay in its bootloader until it is unplugged.
        with contextlib.suppress(CommandError):
            chip.restart()
        raise
    finally:
        chip.close()
    print("Written. Now it starts ...")
    dongle = wait_for(device)
    try:
        check_answer(dongle, chip, micropython)
        dongle.restart()
    finally:
        dongle.close()
    remember(micropython)
    print(f"It answers: Meterling {__version__} on MicroPython {micropython.version}.")


def choose_board(chip, wanted=None, ask=input):
    """The board (as boards.load gives) that this dongle is: `wanted`, the only one with that
    chip (str), or what the person at the terminal says."""
    if wanted:
        if wanted["kit"]["chip"] != chip:
            raise CommandError(
                f"{wanted['name']} has an {wanted['kit']['chip']}, and this is an {chip}: another "
                "board is plugged in, or another is meant.",
                1,
            )
        return wanted
    fitting = [board for board in map(boards.load, boards.names()) if board["kit"]["chip"] == chip]
    if not fitting:
        raise CommandError(f"There is no board with an {chip} in boards/.", 1)
    if len(fitting) == 1:
        print(f"Its board is {fitting[0]['name']}: {fitting[0]['title']['en']}.")
        return fitting[0]
    rows = [f"{b['name']}: {b['title']['en']} ({b['for']['en']})" for b in fitting]
    title = "Which board is it? Pictures of the wiring are in boards/README.md."
    return fitting[flash_port.choose(title, rows, "--board", ask)]


class Image:
    """An image of MicroPython in the file `path` (Path). version: str"""

    def __init__(self, path, chip):
        self.path = path
        self.version = image.read(path, chip).version


def find_micropython(board, named=None):
    """The Image for `board`: `named` (Path), or one from last time, from this folder or from
    Downloads. CommandError, saying where to get one, if there is none."""
    kit = board["kit"]
    if named:
        try:
            return Image(named, kit["chip"])
        except OSError as error:
            raise CommandError(f"{named}: {error.strerror}.", 1)
    for folder in (_CACHE, Path.cwd(), Path.home() / "Downloads"):
        found = []
        for path in folder.glob(f"{kit['image']}-*.bin"):
            with contextlib.suppress(OSError, image.ImageError):
                found.append(Image(path, kit["chip"]))
        if found:
            best = max(found, key=lambda one: one.version)
            print(f"MicroPython {best.version}: {best.path}")
            return best
    newest = image.MICROPYTHON[-1]
    raise CommandError(
        f"MicroPython is missing: get {kit['image']}-....-v{newest}.bin (release v{newest}, not "
        f"newer, the .bin without OTA in its name) from {_DOWNLOAD.format(image=kit['image'])}, "
        "leave it in Downloads, and run this again; or name it with --micropython FILE.",
        1,
    )


def remember(micropython):
    """Keep the Image `micropython` for the next time."""
    if micropython.path.parent != _CACHE:
        with contextlib.suppress(OSError):
            _CACHE.mkdir(parents=True, exist_ok=True)
            partial = _CACHE / (micropython.path.name + ".partial")
            partial.write_bytes(micropython.path.read_bytes())
            partial.replace(_CACHE / micropython.path.name)


def keep(chip, unfinished):
    """{name: bytes}: the owner's files, from the chip or from an attempt that broke off."""
    files = unfinished.read()
    if files is not None:
        print("The last attempt broke off: going on with the settings that it had read.")
        return files
    files = flash_keep.read_files(chip.read, chip.flash)
    if files:
        print(f"It keeps its {', '.join(sorted(files))}.")
    return files or {}


def make_image(board, flash_size, micropython, kept, keys=()):
    """All that is written (bytes): the `Image` micropython, the firmware, and the files `kept`
    ({name: bytes}), for a flash of `flash_size` bytes; `keys`: as for `build.build`."""
    if flash_size < 4 * _MIB:
        raise CommandError("The chip has less than 4 MiB of flash: too little for Meterling.", 1)
    site.build_or_say(build.SITE)
    with _working(f"Building Meterling {__version__} for {board['name']} ..."):
        with tempfile.TemporaryDirectory(prefix="meterling-") as scratch:
            scratch = Path(scratch)
            files, _ = board_build.make(board, scratch, keys=keys)
            tree = {name: (scratch / "tree" / name).read_bytes() for name, _, _ in files}
        tree.pop("settings.json.example", None)
        read = image.read(micropython.path, board["kit"]["chip"])
        # The chip's flash counts, not what the board usually has: see image.
        return image.merge(read, {**tree, **kept}, flash_size)


def _working(words):
    return Console().status(words)


def wait_for(device):
    """The Dongle that was on `device`, once it has started. One with a USB of its own goes and
    comes back, perhaps under another name, perhaps only after it was unplugged."""
    started = time.monotonic()
    asked = False
    while True:
        port = flash_port.again(device)  # maybe another's, as long as it is gone
        try:
            return Dongle(port)
        except CommandError as error:
            waited = time.monotonic() - started
            if waited > _PATIENCE and not asked:
                print("It does not answer yet. Unplug it, and plug it in again, without a button.")
                asked = True
            if waited > _PATIENCE + _PATIENCE_UNPLUGGED:
                raise CommandError(
                    "It was written, and does not answer. Press RESET (EN), and look what it says "
                    f"with: meterling monitor --port {port}. ({error})",
                    1,
                )
        time.sleep(_RETRY)


def check_answer(dongle, chip, micropython):
    """CommandError if another dongle answers, or it runs something else than was written."""
    if dongle.number is not None and dongle.number != chip.mac:
        raise CommandError("Another dongle answers than was written: plug in only one.", 1)
    found = f"MicroPython {dongle.version}, Meterling {dongle.firmware or 'missing'}"
    wanted = f"MicroPython {micropython.version}, Meterling {__version__}"
    if found != wanted:
        raise CommandError(f"The dongle answers, but it runs {found}, not {wanted}.", 1)


def show_label(label, folder, number):
    console = Console()
    print()
    print(label.terminal(colours=console.is_terminal))
    print(label.text())
    paths = label.save(folder, number)
    print("To be printed, and put on the dongle:", *paths)
