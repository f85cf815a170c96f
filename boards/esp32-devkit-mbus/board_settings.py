"""Written by `python -m meterling_tools.wiring` from board.json."""

SETTINGS = {"meter": {"rx_pin": 16,
           "tx_pin": 17,
           "request_pin": -1,
           "inverted": False,
           "optical": False},
 "led": {"pin": 2, "kind": "plain"},
 "button": {"pin": 0}}
