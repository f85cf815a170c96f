"""`network` on a PC: a Wi-Fi that is always there, over whatever the PC is connected with."""

STA_IF = 0
STAT_IDLE = 1000
STAT_GOT_IP = 1010


class WLAN:
    def __init__(self, interface=STA_IF):
        pass

    def active(self, on=None):
        return True

    def connect(self, ssid, password=None):
        pass

    def disconnect(self):
        pass

    def isconnected(self):
        return True

    def status(self):
        return STAT_GOT_IP

    def ifconfig(self):
        """(address, netmask, gateway, name server), as strings; the name server is the PC's."""
        return "127.0.0.1", "255.0.0.0", "127.0.0.1", _nameserver()


def _nameserver():
    try:
        with open("/etc/resolv.conf") as file:
            for line in file:
                words = line.split()
                if len(words) > 1 and words[0] == "nameserver" and "." in words[1]:
                    return words[1]
    except OSError:
        pass
    return "127.0.0.1"
