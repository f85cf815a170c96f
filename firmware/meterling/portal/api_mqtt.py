"""/api/mqtt/test: a broker, tried before it is saved."""

import asyncio

from ..config import check
from ..python import const, unload
from .answer import Refused
from .asked import body_of

_TIME = const(12)  # s
_WIRE = const(512)  # bytes, of the longest CONNECT: user and password of 128 each


async def test(portal, request):
    """Connect to the broker that was named, and leave it."""
    house = portal.house
    document = body_of(request)
    if not isinstance(document.get("password", True), str):
        document["password"] = house.settings["mqtt.password"]
    settings = check({"mqtt": document})
    if not settings["mqtt.host"]:
        raise Refused(400, "empty", setting="mqtt.host")
    portal.broker_tests += 1
    try:
        return {"result": await _try_broker(house, settings)}
    finally:
        portal.broker_tests -= 1
        # Of two tests at once, the first must not take the second's modules away.
        if house.publisher is None and not portal.broker_tests:
            unload("meterling.publish", "connection dns errors wire", False)
            unload("umqtt", "simple")


async def _try_broker(house, settings):
    # What became of it: "ok", or a code of publish.errors
    from umqtt.simple import MQTTClient

    from ..publish.connection import Connection
    from ..publish.dns import resolve
    from ..publish.errors import BrokerError, from_os
    from ..publish.wire import Wire

    host, port = settings["mqtt.host"], settings["mqtt.port"]
    user, password = settings["mqtt.user"].encode(), settings["mqtt.password"].encode()
    name = (house.device + "-test").encode()
    client = MQTTClient(name, host, port, user or None, password, 60)
    connection = Connection(client, Wire(_WIRE), _ignore)

    async def connect():
        address = await resolve(host, house.wifi.nameserver())
        await connection.open(address, port)

    try:
        await asyncio.wait_for(connect(), _TIME)
        return "ok"
    except asyncio.TimeoutError:
        return "mqtt-timeout"
    except BrokerError as error:
        return error.code
    except OSError as error:
        return from_os(error).code
    finally:
        await connection.close()


def _ignore():
    pass
