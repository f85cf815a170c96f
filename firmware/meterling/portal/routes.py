"""Which function answers what is asked rarely; loaded to look it up. API.md is the contract."""

from ..python import const
from .answer import Refused

# Method, path, module and function
_RARE = const(
    b"GET /api/hello api_meter.hello\n"
    b"GET /api/reading api_meter.reading\n"
    b"POST /api/key api_key.key\n"
    b"POST /api/setup api_account.setup\n"
    b"POST /api/login api_account.login\n"
    b"POST /api/logout api_account.logout\n"
    b"POST /api/password api_account.password\n"
    b"GET /api/settings api_settings.get\n"
    b"PUT /api/settings api_save.put\n"
    b"GET /api/settings/export api_settings.export\n"
    b"POST /api/settings/import api_save.put\n"
    b"GET /api/operators api_operators.index\n"
    b"GET /api/operators/<id> api_operators.find\n"
    b"POST /api/wifi/scan api_wifi.scan\n"
    b"POST /api/wifi/test api_wifi.start_test\n"
    b"GET /api/wifi/test api_wifi.get_test\n"
    b"POST /api/mqtt/test api_mqtt.test\n"
    b"POST /api/mqtt/find find_broker.find\n"
    b"GET /api/update api_update.get\n"
    b"POST /api/update api_update.post\n"
    b"POST /api/update/pull api_update.pull\n"
    b"POST /api/setup/done api_dongle.done\n"
    b"POST /api/reboot api_dongle.reboot\n"
    b"POST /api/factory-reset api_dongle.factory_reset\n"
    b"GET /api/log api_dongle.log\n"
    b"GET /plain plain.page\n"
    b"POST /login plain.log_in\n"
)
_FREQUENT = ("/api/status", "/api/live")  # by GET; see server
_OPERATOR = const("/api/operators/")


def find(method, path):
    """ "module.function" (str) of the portal. Refused if there is none."""
    if path.startswith(_OPERATOR):
        path = _OPERATOR + "<id>"
    known = path in _FREQUENT
    for line in _RARE.decode().split("\n"):
        words = line.split(" ")
        if len(words) == 3 and words[1] == path:
            if words[0] == method:
                return words[2]
            known = True
    raise Refused(*((405, "method") if known else (404, "not-found")))
