"""What the app opens as it starts: loaded once for that. What is not there is done without."""

import gc

from .python import const, unload

LAYOUTS = "layouts.txt"  # an owner's own; see cosem.layouts
_LONGEST_LAYOUTS = const(4096)  # bytes
# Bytes of heap: the page takes 25 kB, and must leave enough to search the line, to learn a
# telegram's shape, to publish it, and to save settings; where nothing is published, for a try of
# a broker, too.
_ROOM = const(55_000)
_ROOM_ALONE = const(57_000)


def own_layouts(path=LAYOUTS):
    """The owner's layouts (str), "" if there are none."""
    try:
        with open(path) as file:
            return file.read(_LONGEST_LAYOUTS)
    except (OSError, ValueError):
        return ""


def open_port(Port, settings):
    """The meter's serial line (board.uart.Port), or one that is silent: with a wrong pin, which
    another board's settings bring along, there is a page all the same."""
    try:
        return Port(settings)
    except (OSError, ValueError) as error:
        from .board.no_port import NoPort

        print("meter.rx_pin, .tx_pin, .request_pin: {}".format(error))
        return NoPort()


def open_cable(network, settings):
    """The board's Ethernet, if the settings say that there is one, as the `lan` of `network`
    (board.wifi.Wifi)."""
    if settings["ethernet.mdc"] < 0:
        return
    from .board.ethernet import open_lan

    network.lan = open_lan(settings)
    unload("meterling.board", "ethernet")


def open_portal(house, log):
    """(Portal, GuestNetwork, their tasks); (None, None, []) where the portal's framework is
    missing, or would leave too little memory: the meter is read, and published, all the same."""
    gc.collect()
    room = _ROOM if house.publisher is not None else _ROOM_ALONE
    if hasattr(gc, "mem_free") and gc.mem_free() < room:
        print("portal: left out, {} bytes are free".format(gc.mem_free()))
        return None, None, []
    try:
        from .portal.guest_network import GuestNetwork
        from .portal.page_index import find_folder
        from .portal.server import Portal

        portal = Portal(house, log, find_folder())
        guests = GuestNetwork(house)
        return portal, guests, portal.tasks() + [("guests", guests.run)]
    except (ImportError, MemoryError) as error:
        print("portal: {}: {}".format(type(error).__name__, error))
    return None, None, []


def open_console(house, keep_running):
    """As long as there is no Wi-Fi, a browser may give us one over USB; nothing of it stays.
    keep_running: of app."""
    from . import provisioning

    # Not one of main's tasks: those, and all they hold, are kept when they have ended.
    provisioning.start(house, keep_running)


def open_signals(house, guests):
    """The LED and the button (signals.Signals), None if the settings name no pin of theirs."""
    if house.settings["led.pin"] < 0 and house.settings["button.pin"] < 0:
        return None
    from .board.button import open_button
    from .board.led import open_led
    from .signals import Signals, find

    def read_state():
        wifi, publisher = house.wifi, house.publisher
        away = publisher is not None and not publisher.connected and publisher.error is not None
        return find(wifi.access_point_is_open(), house.diagnosis.code, wifi.silent, away)

    def on_setup():
        if guests is not None:
            guests.ask_for()

    def on_factory_reset():
        house.forget_everything()
        house.restart()

    led, button = open_led(house.settings), open_button(house.settings)
    return Signals(led, button, read_state, on_setup, on_factory_reset)
