"""What the tests of updates share: keys, a small firmware, slots in a folder, and what an
update or a power cut left there."""

import hashlib
import importlib
import struct
import sys
from io import BytesIO

import deflate_on_cpython  # noqa: F401
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from meterling.update import ed25519, package
from meterling_tools import FIRMWARE, release

# boot_slots lies beside the package, as on the dongle.
if str(FIRMWARE) not in sys.path:
    sys.path.append(str(FIRMWARE))
boot_slots = importlib.import_module("boot_slots")

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw().hex()
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(32))
OLD, NEW = "1.2.3", "1.3.0"


def firmware(version, size=3000):
    """{path: bytes}: small, of some folders, and each file different in each version."""
    pattern = hashlib.sha256(version.encode()).digest()
    return {
        "lib/umqtt/simple.py": b"# " + version.encode(),
        "meterling/__init__.py": b"__version__ = '%s'\n" % version.encode(),
        "meterling/app.py": b"def run():\n    print('this is %s')\n" % version.encode(),
        "meterling/empty.txt": b"",
        "meterling/link/mbus.py": (pattern * (size // 32 + 1))[:size],
        "site/index.html.gz": pattern * 40,
    }


def make(version=NEW, key=KEY, **options):
    """A release (bytes)."""
    return release.make(firmware(version), key, version, **options)


def front(version):
    """What an update leaves in a slot as its release."""
    data = make(version)
    return data[: package.HEADER + package.front(BytesIO(data)).length]


def install(root, slot="a", version=OLD):
    """Put a version into a slot of the folder `root` (Path), as an update would have."""
    for name, data in {**firmware(version), "release": front(version)}.items():
        path = root / slot / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def contents(folder):
    """{path: bytes}"""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def version_of(files):
    """The version (str) of which all of a slot's `files` ({path: bytes}) are, signed by us and
    nothing else beside them; AssertionError if that cannot be said."""
    data = files["release"]
    file = BytesIO(data)
    found = package.front(file)
    header = data[package.HEADER :]
    assert len(header) == found.length
    signed = package.CONTEXT + hashlib.sha256(header).digest()
    assert ed25519.verify(bytes.fromhex(PUBLIC), signed, found.signature)
    named = {"release"}
    for path, size, digest in package.entries(file, found.files):
        assert len(files[path]) == size, path
        assert hashlib.sha256(files[path]).digest() == digest, path
        named.add(path)
    assert set(files) == named
    return ".".join(map(str, found.version))


def signed(data, change, key=KEY):
    """The release `data` with its header changed by `change` (takes and returns a bytearray),
    and signed again."""
    found = package.Front(data)
    end = package.HEADER + found.length
    header = bytes(change(bytearray(data[package.HEADER : end])))
    signature = key.sign(package.CONTEXT + hashlib.sha256(header).digest())
    return data[:12] + signature + header + data[end:]


def packed(offset, form, value):
    """A change for `signed`: a field of the header."""

    def change(header):
        struct.pack_into(form, header, offset, value)
        return header

    return change
