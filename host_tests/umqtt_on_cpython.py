"""Makes `umqtt.simple` importable under CPython: it is the very file that the dongle runs."""

import binascii
import socket
import struct
import sys

from meterling_tools import dependencies

sys.modules.setdefault("usocket", socket)
sys.modules.setdefault("ustruct", struct)
sys.modules.setdefault("ubinascii", binascii)
folder = str(dependencies.fetch())
if folder not in sys.path:
    sys.path.append(folder)
