"""Written by `python -m meterling_tools.wiring` from board.json."""

SETTINGS = {"meter": {"rx_pin": 35,
           "tx_pin": 17,
           "request_pin": 33,
           "inverted": "auto",
           "optical": False},
 "ethernet": {"mdc": 23, "mdio": 18, "power": 16, "address": 1}}
