"""Two versions of the firmware share a settings file: prints what each finds there, as JSON.

Version 2 calls mqtt.host and mqtt.port one name, mqtt.server; has a new choice of meter.link;
and a new setting, mqtt.tls.
"""

import json
import sys

from meterling import migrations


def up(values):
    if "mqtt.host" in values:
        values["mqtt.server"] = values["mqtt.host"] + ":" + str(values.get("mqtt.port", 1883))


def down(values):
    host, _, port = values["mqtt.server"].rpartition(":")
    values["mqtt.host"] = host
    values["mqtt.port"] = int(port)


class Version:
    def __init__(self, schema, defaults, links):
        self.schema = schema
        self.defaults = defaults
        self.links = links
        self.steps = ((up, down, ("mqtt.host", "mqtt.port")),)[: schema - 1]

    def accepts(self, name, value):
        if name == "meter.link":
            return value in self.links
        return name in self.defaults and type(value) is type(self.defaults[name])

    def load(self, text):
        values, later = migrations.read(
            json.loads(text), self.accepts, self.defaults, self.schema, self.steps
        )
        assert all(self.accepts(name, value) for name, value in values.items()), values
        settings = dict(self.defaults)
        settings.update(values)
        return settings, later

    def save(self, settings, later):
        return json.dumps(migrations.write(settings, later, self.schema, self.steps))


ONE = Version(
    1, {"mqtt.host": "", "mqtt.port": 1883, "meter.link": "auto", "device": ""}, ("auto", "mbus")
)
TWO = Version(
    2,
    {"mqtt.server": ":1883", "mqtt.tls": False, "meter.link": "auto", "device": ""},
    ("auto", "mbus", "wmbus"),
)
VERSIONS = {"1": ONE, "2": TWO}

text = sys.stdin.readline()
for line in sys.stdin:
    # "1 mqtt.host=x": version 1 loads, changes, saves
    number, _, change = line.strip().partition(" ")
    settings, later = VERSIONS[number].load(text)
    if change:
        name, _, value = change.partition("=")
        settings[name] = json.loads(value)
    text = VERSIONS[number].save(settings, later)
    print(json.dumps(settings))
