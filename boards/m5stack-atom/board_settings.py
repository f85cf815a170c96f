"""Written by `python -m meterling_tools.wiring` from board.json."""

SETTINGS = {"meter": {"rx_pin": 33,
           "tx_pin": 23,
           "request_pin": -1,
           "inverted": False,
           "optical": False},
 "led": {"pin": 27, "kind": "ws2812"},
 "button": {"pin": 39}}
