"""`meterling release`: the firmware as one signed file, which a dongle takes as an update.

    meterling release --new-key FILE            once: the private key, to be kept offline, and
                                                FILE.pub, for `meterling build --release-key`
    meterling release --chip esp32 --key FILE   meterling-0.1.0-xtensawin.release

One file serves every chip that runs the same machine code. What is in it is drawn in
firmware/meterling/update/package.py. The same sources and key give the same bytes. What is
released takes releases with the same key, too: whoever was updated can be updated again.
"""

import hashlib
import os
import struct
import tempfile
import zlib
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from meterling import __version__
from meterling.update import package

from . import FIRMWARE, ROOT, CommandError, build, pack, site

WINDOW = 12  # bits: what the dongle needs of heap to unpack, 4 KiB
SLOT = "a"  # what a new dongle runs
_NOT_UPDATED = (
    ("main.py", "boot_slots.py", "boot_slots.mpy", "rescue.py", "rescue.mpy")
    + ("settings.json.example",)
)  # fmt: skip
_MPY_VERSION = 6  # of files without machine code, if there is no .mpy at all
_ARCHITECTURE = {0: "any", 1: "x86", 2: "x64", 10: "xtensawin", 11: "rv32imc"}
_CHIPS = ("esp32", "esp32s2", "esp32s3", "esp32c3", "esp32c6")


def add_arguments(parser):
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--key", metavar="FILE", type=Path, help="private key to sign with (PEM)")
    what.add_argument("--new-key", metavar="FILE", type=Path, help="make a private key, and stop")
    parser.add_argument(
        "--next-key",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="a public key (.pub) whose releases are taken after this one, too",
    )
    parser.add_argument("--chip", choices=_CHIPS, default="esp32", help="default: %(default)s")
    parser.add_argument(
        "--least",
        metavar="VERSION",
        default="0.0.0",
        help="the oldest version that may be updated to this one; default: any",
    )
    parser.add_argument(
        "folder", metavar="DIR", type=Path, nargs="?", default=Path(), help="where it is written"
    )


def run(args):
    if args.new_key:
        public = new_key(args.new_key)
        print(
            f"{args.new_key}: keep it offline, and twice.\n"
            f"{public_path(args.new_key)}: for `meterling build --release-key`; for all who"
            f" build,\nin {_KEYS}:\n\nKEYS = ({public!r},)"
        )
        return
    key = read_key(args.key)
    public = public_hex(key)
    least = numbers(args.least)
    site.build(build.SITE)  # or nothing is signed: an update would take a dongle's pages away
    with tempfile.TemporaryDirectory(prefix="meterling-") as scratch:
        keys = [public, *build.read_keys(args.next_key)]
        build.build(args.chip, Path(scratch) / "tree", keys)
        files = collect(Path(scratch) / "tree")
    data = make(files, key, __version__, least)
    args.folder.mkdir(parents=True, exist_ok=True)
    path = args.folder / f"meterling-{__version__}-{_ARCHITECTURE[mpy(files) >> 10 & 15]}.release"
    path.write_bytes(data)
    unpacked = sum(map(len, files.values()))
    print(f"{path}: {len(files)} files, {unpacked} bytes, {len(data)} packed")
    print(f"signed with {public}")
    from meterling.update.keys import KEYS

    if public not in KEYS:
        print("Only dongles take it that were built with --release-key of this one.")


_KEYS = (FIRMWARE / "meterling" / "update" / "keys.py").relative_to(ROOT)


def new_key(path):
    """Write a new private key to `path` (Path), and the public one beside it; neither may exist.
    Returns the public one (hex). CommandError if `path` is inside of this checkout."""
    if path.resolve().is_relative_to(ROOT):
        raise CommandError("a private key does not belong into the checkout: name another place.")
    if public_path(path).exists():  # of a private one that was moved away
        raise CommandError(f"{public_path(path)} is there already, and is not overwritten.")
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise CommandError(f"{path} is there already, and is not overwritten.")
    with open(descriptor, "wb") as file:
        file.write(pem)
    public_path(path).write_text(public_hex(key) + "\n")
    return public_hex(key)


def public_path(path):
    """Where the public key of the private one at `path` stands (Path)."""
    return path.with_name(path.name + ".pub")


def read_key(path):
    """The private key in `path` (Path). CommandError if it is none."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise CommandError(f"{path} is no private key without a passphrase (PEM).")
    if not isinstance(key, Ed25519PrivateKey):
        raise CommandError(f"{path} is no Ed25519 key.")
    return key


def public_hex(key):
    return key.public_key().public_bytes_raw().hex()


def numbers(version):
    """(1, 2, 3) from "1.2.3". CommandError."""
    parts = version.split(".")
    if len(parts) != 3 or not all(x.isdecimal() and int(x) < 1 << 16 for x in parts):
        raise CommandError(f"{version!r} is no version like 1.2.3.")
    return tuple(map(int, parts))


def collect(tree):
    """{path in a slot: bytes} of a built tree (Path): all that an update replaces, packed."""
    files = {
        name: path.read_bytes()
        for path in sorted(tree.rglob("*"))
        if path.is_file() and (name := path.relative_to(tree).as_posix()) not in _NOT_UPDATED
    }
    return pack.pack(files)


def for_flash(tree):
    """{path on the flash: bytes} of a built tree (Path) for a new dongle: what updates replace in
    the first slot, the rest beside it."""
    files = collect(tree)
    rest = {name: tree / name for name in _NOT_UPDATED if (tree / name).exists()}
    return {
        **{name: path.read_bytes() for name, path in rest.items()},
        **{f"{SLOT}/{name}": data for name, data in files.items()},
        f"{SLOT}/{package.RELEASE}": label(files),
    }


def mpy(files):
    """Who can load all of `files` (dict), as sys.implementation._mpy says it (int).

    'M' | version | bits 0-1 sub-version, 2-5 architecture, 0: bytecode for all | ..
    """
    result = _MPY_VERSION
    for data in pack.modules(files).values():
        version, features = data[1], data[2]
        if features >> 2 & 15 or result < 1 << 10:
            result = version | (features & 3) << 8 | (features >> 2 & 15) << 10
    return result


def header(files, version, least=(0, 0, 0), body=b""):
    """What is signed (bytes), of `files` ({path: bytes}) and the packed `body`."""
    table = b""
    for name, data in files.items():
        path = name.encode("ascii")
        table += bytes((len(path),)) + path
        table += struct.pack(">I32s", len(data), hashlib.sha256(data).digest())
    length = struct.calcsize(package.FIXED) + len(table)
    unpacked = sum(map(len, files.values()))
    fixed = (package.FORMAT, length, mpy(files), WINDOW, len(files), len(body), unpacked)
    digest = hashlib.sha256(body).digest()
    return struct.pack(package.FIXED, *fixed, digest, *numbers(version), *least) + table


def make(files, key, version, least=(0, 0, 0)):
    """A release (bytes) of `files` ({path: bytes}), signed with `key` (Ed25519PrivateKey);
    version: "1.2.3"; least: the oldest version that takes it."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -WINDOW, 9)
    body = packer.compress(b"".join(files.values())) + packer.flush()
    signed = header(files, version, least, body)
    signature = key.sign(package.CONTEXT + hashlib.sha256(signed).digest())
    return _front(key.public_key().public_bytes_raw(), signature) + signed + body


def label(files, version=__version__):
    """What stands in a slot (bytes) that was flashed, and not updated: no signature."""
    return _front(bytes(4), bytes(64)) + header(files, version)


def _front(public, signature):
    return package.MAGIC + public[:4] + signature
