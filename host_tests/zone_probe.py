"""Runs on every interpreter: zones and moments, a line of JSON each, and what the clock says then.

["CET-1CEST,M3.5.0,M10.5.0/3", [1774746000, "2026-03-29T01:00:00Z"]]
-> [[2026, 3, 29, 3, 0, 0, 7200], "2026-03-29T03:00:00"]; null if that is no zone
"""

import json
import sys

from meterling import timezone

for line in sys.stdin.read().split("\n"):
    if not line:
        continue
    text, moments = json.loads(line)
    try:
        zone = timezone.parse(text)
    except ValueError:
        print("null")
        continue
    found = []
    for moment in moments:
        if isinstance(moment, str):
            found.append(timezone.in_zone(zone, moment))
        else:
            found.append(timezone.local(zone, moment))
    print(json.dumps(found))
