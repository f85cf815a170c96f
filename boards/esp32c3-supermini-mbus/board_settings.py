"""Written by `python -m meterling_tools.wiring` from board.json."""

SETTINGS = {"meter": {"rx_pin": 6,
           "tx_pin": 7,
           "request_pin": -1,
           "inverted": False,
           "optical": False},
 "led": {"pin": 8, "kind": "active-low"},
 "button": {"pin": 9}}
