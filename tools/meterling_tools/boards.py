"""The boards that the firmware is built for: read from boards/, and checked.

    boards/NAME/board.json          what it is for, its wires, what to buy, notes (de, en)
    boards/NAME/wiring.svg, README.md, board_settings.py    drawn and written from that: wiring
    boards/common/kits/KIT.json     the board that is bought: chip, flash, pins, LED, button
    boards/common/parts.json        the other parts in the pictures
    boards/NAME/m*                  for an image of MicroPython with Meterling frozen in

A wire is ["PART.CONTACT", "PART.CONTACT"]; the part "board" has the contacts 3V3, 5V, GND and
its GPIO numbers.
"""

import json

from . import ROOT, CommandError

BOARDS = ROOT / "boards"
COMMON = BOARDS / "common"
LANGUAGES = ("de", "en")
PORTS = ("mbus", "p1", "optical")
_SUPPLIES = ("usb", "p1", "mbus")
_LEDS = ("plain", "active-low", "ws2812")
_POWER = ("3V3", "5V", "GND")
_FIELDS = (
    ("title", "for", "kit", "port", "optical", "uart", "request_pin", "supply", "wires")
    + ("shopping", "notes")
)  # fmt: skip
_KIT_FIELDS = (
    ("title", "chip", "flash_mib", "psram_mib", "image", "antenna", "pins", "console")
    + ("led", "button", "taken")
)  # fmt: skip


def _range(first, last):
    return frozenset(range(first, last + 1))


class Chip:
    """What the pins of one chip may be used for, from Espressif's datasheets: sections "Pin
    Overview" and "Boot Configurations" (strapping).

    pins: all GPIOs there are; input_only, flash, strapping, usb, adc1: sets of int (ADC 2 does
    not measure while Wi-Fi is on). psram: taken as well where there is external RAM. march:
    what mpy-cross calls its machine code. id: chip_id in an image's header. bootloader: where
    its ROM looks for the bootloader.
    """

    def __init__(self, march, id, bootloader, pins, input_only, flash, psram, strapping, usb, adc1):
        self.march = march
        self.id = id
        self.bootloader = bootloader
        self.pins = pins
        self.input_only = input_only
        self.flash = flash
        self.psram = psram
        self.strapping = strapping
        self.usb = usb
        self.adc1 = adc1


_NONE = frozenset()
CHIPS = {
    "esp32": Chip(
        march="xtensawin",
        id=0,
        bootloader=0x1000,
        pins=_range(0, 39) - {20, 24, 28, 29, 30, 31},
        input_only=_range(34, 39),
        flash=_range(6, 11),
        psram=_range(16, 17),
        strapping=frozenset((0, 2, 5, 12, 15)),
        usb=_NONE,
        adc1=_range(32, 39),
    ),
    "esp32s2": Chip(
        march="xtensawin",
        id=2,
        bootloader=0x1000,
        pins=_range(0, 46) - _range(22, 25),
        input_only=frozenset((46,)),
        flash=_range(26, 32),
        psram=_NONE,
        strapping=frozenset((0, 45, 46)),
        usb=_range(19, 20),
        adc1=_range(1, 10),
    ),
    "esp32s3": Chip(
        march="xtensawin",
        id=9,
        bootloader=0,
        pins=_range(0, 48) - _range(22, 25),
        input_only=_NONE,
        flash=_range(26, 32),
        psram=_NONE,
        strapping=frozenset((0, 3, 45, 46)),
        usb=_range(19, 20),
        adc1=_range(1, 10),
    ),
    "esp32c3": Chip(
        march="rv32imc",
        id=5,
        bootloader=0,
        pins=_range(0, 21),
        input_only=_NONE,
        flash=_range(11, 17),
        psram=_NONE,
        strapping=frozenset((2, 8, 9)),
        usb=_range(18, 19),
        adc1=_range(0, 4),
    ),
}


def names():
    """The names (list of str) of all boards."""
    return sorted(path.parent.name for path in BOARDS.glob("*/board.json"))


def load(name):
    """The board `name` (str) as a dict: what its board.json says, "name", and "kit" with what
    the kit's file says. CommandError if there is none. Dashes are not told apart:
    "esp32-c3-supermini-p1" is "esp32c3-supermini-p1"."""
    for known in names():
        if _letters(known) == _letters(name):
            break
    else:
        raise CommandError(f"There is no board {name}; there are: {', '.join(names())}.")
    board = read_json(BOARDS / known / "board.json")
    board["name"] = known
    board["kit"] = read_json(COMMON / "kits" / f"{board['kit']}.json")
    return board


def read_json(path):
    return json.loads(path.read_text(encoding="utf-8"))


def _letters(name):
    return name.replace("-", "").lower()


def settings(board):
    """What this board's settings.json begins with (nested dict): its pins, its line, its
    light and its button; all else has its default."""
    uart = board["uart"]
    request = board["request_pin"]
    found = {
        "meter": {
            "rx_pin": uart["rx"],
            "tx_pin": uart["tx"],
            "request_pin": -1 if request is None else request,
            "inverted": uart["inverted"],
            "optical": board["optical"],
        }
    }
    led, button = board["kit"]["led"], board["kit"]["button"]
    if led:
        found["led"] = {"pin": led["pin"], "kind": led["kind"]}
    if button and button["active"] == "low":
        found["button"] = {"pin": button["pin"]}
    phy = board["kit"].get("ethernet")
    if phy:
        found["ethernet"] = {name: phy[name] for name in ("mdc", "mdio", "power", "address")}
    supply = board["supply"]
    if supply["from"] != "usb":
        found["power"] = {"supply": supply["from"], "sense_pin": supply.get("sense_pin", -1)}
    return found


def roles(board):
    """[(role, GPIO, whether the chip drives it, whether the kit's maker chose it)] of every
    pin in use."""
    kit, uart = board["kit"], board["uart"]
    found = [("rx", uart["rx"], False, False), ("tx", uart["tx"], True, False)]
    if board["request_pin"] is not None:
        found.append(("request", board["request_pin"], True, False))
    if "sense_pin" in board["supply"]:
        found.append(("sense", board["supply"]["sense_pin"], False, False))
    if kit["led"]:
        found.append(("led", kit["led"]["pin"], True, True))
    if kit["button"]:
        found.append(("button", kit["button"]["pin"], False, True))
    return found


def check(board, parts=None):
    """What is wrong with `board` (as `load` gives it): [(code, sentence)], empty if nothing.
    `parts`: as parts.json has them."""
    missing = [name for name in _FIELDS if name not in board]
    missing += [f"kit.{name}" for name in _KIT_FIELDS if name not in board.get("kit", {})]
    if missing:
        return [("missing", f"{name} is missing") for name in missing]
    return [
        *_check_words(board),
        *_check_values(board),
        *_check_pins(board),
        *_check_wires(board, read_json(COMMON / "parts.json") if parts is None else parts),
    ]


def _check_words(board):
    for name in ("title", "for", "notes"):
        for language in LANGUAGES:
            if not board[name].get(language):
                yield "language", f"{name} has no text in {language}"
    if len({len(board["notes"].get(language, ())) for language in LANGUAGES}) > 1:
        yield "language", "notes are not the same in each language"
    if not board["shopping"]:
        yield "shopping", "nothing to buy is listed"
    for thing in board["shopping"]:
        if not all(thing.get(language) for language in LANGUAGES):
            yield "language", f"shopping: {thing} is not in each language"


def _check_values(board):
    kit = board["kit"]
    if board["port"] not in PORTS:
        yield "port", f"{board['port']} is no port; there are {', '.join(PORTS)}"
    if board["optical"] != (board["port"] == "optical"):
        yield "port", "optical contradicts port"
    if board["uart"].get("inverted") not in (True, False, "auto"):
        yield "inverted", "uart.inverted is true, false or auto"
    if kit["flash_mib"] not in (4, 8, 16):
        yield "flash", f"{kit['flash_mib']} MiB of flash: no partition table is made for that"
    if kit["led"] and kit["led"]["kind"] not in _LEDS:
        yield "led", f"{kit['led']['kind']} is no kind of LED; there are {', '.join(_LEDS)}"
    supply = board["supply"]
    if supply.get("from") not in _SUPPLIES:
        yield "supply", f"supply.from is one of {', '.join(_SUPPLIES)}"
    if ("capacitor_f" in supply) != ("sense_pin" in supply and "sense_ratio" in supply):
        yield "supply", "a capacitor needs sense_pin and sense_ratio, and they need it"
    if supply.get("sense_ratio", 2) != 2:
        yield "supply", "the firmware takes half of the voltage at sense_pin: sense_ratio is 2"


def _check_pins(board):
    kit = board["kit"]
    if kit["chip"] not in CHIPS:
        yield "chip", f"{kit['chip']} is no chip we know; there are {', '.join(CHIPS)}"
        return
    chip = CHIPS[kit["chip"]]
    seen = {}
    for role, pin, driven, by_maker in roles(board):
        where = f"{role} on GPIO{pin}"
        if pin in seen:
            yield "pin-twice", f"{where}: {seen[pin]} is there already"
        seen[pin] = role
        if pin not in chip.pins:
            yield "no-such-pin", f"{where}: {kit['chip']} has no such pin"
            continue
        if driven and pin in chip.input_only:
            yield "input-only", f"{where}: that pin is an input only"
        if pin in chip.flash:
            yield "flash-pin", f"{where}: the flash is there"
        if kit["psram_mib"] and pin in chip.psram:
            yield "psram-pin", f"{where}: the external RAM is there"
        if pin in chip.usb:
            yield "usb-pin", f"{where}: USB is there"
        if pin in kit["console"]:
            yield "console-pin", f"{where}: the console is there"
        if str(pin) in kit["taken"]:
            yield "taken", f"{where}: taken by {kit['taken'][str(pin)]}"
        if by_maker:
            continue  # the maker's LED or button sits where it sits, and boots
        if pin in chip.strapping:
            yield "strapping-pin", f"{where}: its level at reset decides how the chip boots"
        if pin not in kit["pins"]:
            yield "not-bonded", f"{where}: the board does not bring that pin out"
        if role == "sense" and pin not in chip.adc1:
            yield "no-adc", f"{where}: only ADC 1 measures while Wi-Fi is on"


def contacts(part):
    """The contacts of `part` (as in parts.json): (left, right), lists of str."""
    return part.get("left", []), part.get("right", part.get("pins", []))


def _check_wires(board, parts):
    ends = {end for wire in board["wires"] for end in wire}
    for end in sorted(ends):
        part, _, contact = end.partition(".")
        if part == "board":
            if contact not in _POWER and not contact.isdigit():
                yield "wire", f"{end}: the board has no such contact"
        elif part not in parts:
            yield "wire", f"{end}: there is no such part"
        elif contact not in sum(contacts(parts[part]), []):
            yield "wire", f"{end}: the part has no such contact"
    wired = {end[6:] for end in ends if end.startswith("board.")} - set(_POWER)
    used = {str(pin): role for role, pin, _, by_maker in roles(board) if not by_maker}
    for pin in sorted(wired - set(used)):
        yield "not-used", f"a wire goes to GPIO{pin}, and nothing uses it"
    for pin in sorted(set(used) - wired):
        # P1 sends only: the pin is taken from the UART and stays open.
        if not (used[pin] == "tx" and board["port"] == "p1"):
            yield "not-wired", f"{used[pin]} on GPIO{pin} has no wire"
    if "board.GND" not in ends:
        yield "not-wired", "GND has no wire"
