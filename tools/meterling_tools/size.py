"""What the firmware costs: flash by part, and heap after import, held against the budgets.

Heap is measured on the 32-bit MicroPython, which has the ESP32's objects and heap blocks, with
the machine code of a PC, which is not on that heap, as the ESP32's is not. What a stock image
has, and the stand-ins for it, is loaded before; so is microdot.
"""

import ast
import shutil
import tempfile
from collections import namedtuple
from pathlib import Path, PurePosixPath

from . import FIRMWARE, CommandError, build, interpreters, release

HEAP_BUDGET = 60_000  # bytes: what stays loaded
FLASH_BUDGET = 300_000  # bytes: all files of the tree
_BLOCK = 4096
_SLOT = "a/"  # where a tree has what updates replace, if it has slots

# What stays loaded when everything is switched on; the link that most of Austria has.
_ALWAYS = (
    ("meterling.app", "meterling.publish.mqtt", "meterling.portal.server")
    + ("meterling.reading", "meterling.link.mbus")
)  # fmt: skip
_STOCK = (
    "asyncio binascii cryptolib hashlib io json machine micropython network os socket umqtt.simple"
)
_LIBRARY = "microdot"
_STANDINS = Path(build.__file__).parent / "standins"
_SCRIPT = """
import gc, sys

def cost(name):
    gc.collect()
    before = gc.mem_alloc()
    __import__(name)
    gc.collect()
    return gc.mem_alloc() - before

for name in sys.argv[1].split():
    __import__(name)
print(sys.argv[2], cost(sys.argv[2]))
if sys.argv[3]:
    print("together", sum([cost(name) for name in sys.argv[3].split()]))
for name in sys.argv[4:]:
    print(name, cost(name))
"""

# together, library: bytes of heap: what stays loaded, microdot; always, on_demand: {module:
# bytes}. One by one they are more than together: names go into a pool that grows in steps.
Heap = namedtuple("Heap", "together library always on_demand")


def flash(files):
    """{part: [files, bytes]} of `files` ([(path, bytes of source, bytes)], as build gives)."""
    parts = {}
    for path, _, size in files:
        names = PurePosixPath(path.removeprefix(_SLOT)).parts
        part = "/".join(names[:2]) if len(names) > 2 else names[0] if len(names) > 1 else "."
        count = parts.setdefault(part, [0, 0])
        count[0] += 1
        count[1] += size
    return dict(sorted(parts.items()))


def heap():
    """The Heap of the firmware's modules; None where there is no 32-bit MicroPython.
    CommandError if a module does not import."""
    interpreter = interpreters.find("micropython32")
    if not interpreter:
        return None
    with tempfile.TemporaryDirectory(prefix="meterling-") as folder:
        build.build("unix32", Path(folder) / "tree")
        # As on a dongle: each module keeps the path of its file. No path says where this is run.
        short = Path(release.SLOT)
        for name, data in release.for_flash(Path(folder) / "tree").items():
            (Path(folder) / name).parent.mkdir(parents=True, exist_ok=True)
            (Path(folder) / name).write_bytes(data)
        modules = _modules(Path(folder) / "tree")
        always = _in_order([name for name in _ALWAYS if name in modules], modules)
        others = [name for name in _in_order(sorted(modules), modules) if name not in always]
        (Path(folder) / "cost.py").write_text(_SCRIPT)
        shutil.copytree(_STANDINS, Path(folder) / "standins")

        def costs(*args):
            result = interpreters.run(
                interpreter,
                "cost.py",
                [_STOCK, _LIBRARY, *args],
                heapsize=1 << 20,
                cwd=folder,
                path=(short, short / "lib", "standins"),
            )
            if result.returncode:
                lines = (
                    (result.stderr or result.stdout).decode(errors="replace").strip().splitlines()
                )
                reason = lines[-1] if lines else f"exit code {result.returncode}"
                raise CommandError(f"The firmware does not import: {reason}", 1)
            rows = map(str.split, result.stdout.decode().splitlines())
            return {name: int(size) for name, size in rows}

        together = costs(" ".join(_ALWAYS))["together"]
        one_by_one = costs("", *always, *others)
    return Heap(
        together,
        one_by_one[_LIBRARY],
        {name: one_by_one[name] for name in always},
        {name: one_by_one[name] for name in others},
    )


def _modules(tree):
    """{module: the modules it imports when it is itself} of all that is in `tree`."""
    found = {}
    for path in (tree / "meterling").rglob("*.mpy"):
        name = ".".join(path.relative_to(tree).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = path
    modules = {}
    for name, path in found.items():
        source = (FIRMWARE / path.relative_to(tree)).with_suffix(".py")
        package = name if path.stem == "__init__" else name.rpartition(".")[0]
        imports = _imports(ast.parse(source.read_text(encoding="utf-8")).body, package)
        modules[name] = [other for other in imports if other in found]
    return modules


def _imports(body, package):
    # Those of functions come later, when they are called.
    for node in body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.rsplit(".", node.level - 1)[0] + "." if node.level else ""
            base = above + (node.module or "")
            yield base.rstrip(".")
            yield from (f"{base.rstrip('.')}.{alias.name}" for alias in node.names)
        elif isinstance(node, (ast.If, ast.Try)):
            handlers = [line for handler in getattr(node, "handlers", ()) for line in handler.body]
            yield from _imports([*node.body, *handlers, *node.orelse], package)


def _in_order(roots, modules):
    """`roots` and all that they import, what is imported before what imports it."""
    order = []

    def visit(name, path):
        if name in order or name in path:
            return
        package = name.rpartition(".")[0]
        for other in ([package] if package in modules else []) + modules[name]:
            visit(other, (*path, name))
        order.append(name)

    for root in roots:
        visit(root, ())
    return order


def check(files, measured):
    """What is over its budget: [sentence], empty if nothing is. `files`: as build gives;
    `measured`: Heap or None."""
    problems = []
    total = sum(size for _, _, size in files)
    if total > FLASH_BUDGET:
        problems.append(f"The files have {total} bytes, {total - FLASH_BUDGET} too many.")
    if measured:
        over = measured.together - HEAP_BUDGET
        if over > 0:
            problems.append(
                f"Imported, the firmware has {measured.together} bytes of heap, {over} too many."
            )
    return problems


def report(files, measured):
    """Print both, part by part."""
    print(f"{'flash':<24} {'files':>6} {'bytes':>8}")
    for part, (count, size) in flash(files).items():
        print(f"{part:<24} {count:>6} {size:>8}")
    total = sum(size for _, _, size in files)
    blocks = sum(-(-size // _BLOCK) for _, _, size in files)
    print(f"{'together':<24} {len(files):>6} {total:>8}  of {FLASH_BUDGET}")
    print(f"{'in blocks of 4096':<24} {blocks:>6} {blocks * _BLOCK:>8}")
    if measured is None:
        print("\nheap: not measured, there is no 32-bit MicroPython")
        return
    print(f"\n{'heap after import, 32 bits':<36} {'bytes':>8}")
    for title, costs in (("always", measured.always), ("on demand", measured.on_demand)):
        for name, size in sorted(costs.items(), key=lambda item: -item[1]):
            if size:
                print(f"{title}: {name:<{34 - len(title)}} {size:>8}")
    print(f"{'microdot':<36} {measured.library:>8}")
    print(f"{'always, together':<36} {measured.together:>8}  of {HEAP_BUDGET}")
