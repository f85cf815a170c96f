"""A stand-in for a Reading, for what only keeps or sends its JSON."""

import json


class Reading:
    """Says its number, and takes `length` bytes more than that needs."""

    system_title = None

    def __init__(self, number, length=0):
        self.text = json.dumps({"number": number, "filler": "x" * length}).encode()

    def put_json(self, buffer, position):
        """As meterling.reading's: the position behind it, or -1 if there is no room."""
        end = position + len(self.text)
        if end > len(buffer):
            return -1
        buffer[position:end] = self.text
        return end
