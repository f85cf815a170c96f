"""Written by `python -m meterling_tools.wiring` from board.json."""

SETTINGS = {"meter": {"rx_pin": 33,
           "tx_pin": 35,
           "request_pin": -1,
           "inverted": "auto",
           "optical": False},
 "led": {"pin": 15, "kind": "plain"},
 "button": {"pin": 0},
 "power": {"supply": "p1", "sense_pin": 3}}
