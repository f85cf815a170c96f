"""The least of `network`: a Wi-Fi that is always there. More of it is in ../../standins."""

STA_IF = STAT_IDLE = 0


def hostname(name=None):
    return "meterling"


class WLAN:
    PM_POWERSAVE = 2

    def __init__(self, interface):
        pass

    def active(self, *on):
        return True

    isconnected = active

    def config(self, *names, **settings):
        pass

    connect = disconnect = config

    def status(self, *what):
        return -50

    def ifconfig(self):
        return "127.0.0.1", "255.0.0.0", "127.0.0.1", "127.0.0.1"
