"""Short names for what is private to the firmware, so that the dongle has fewer to keep.

MicroPython keeps each name that a module mentions once, for ever: its text and some ten bytes.
What begins with one underscore means nothing outside: `self._sniffer` and `_print_where` become
`_a` and `_b`; so do functions and arguments that are only ever named as such, and never as an
attribute of something else. A name has the same short one in all files, and two share one where
no file has both, so that a few dozen serve all modules. Lines stay where they are.

Left alone are classes, modules, what is passed by name, what the firmware does not bind itself,
what a string, a library or a file that is not shortened mentions, and `_X = const(..)`, which
mpy-cross drops anyway. python-minifier is not for this: it renames no attributes, moves lines,
and takes away what viper and const() need.
"""

import ast
import builtins
import io
import re
import tokenize
from itertools import count, product
from string import ascii_lowercase

from . import CommandError

_WORD = re.compile(r"[^\W\d]\w*")
_DEFINITION = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
# Of Python, of viper, and what MicroPython itself calls: streams, file systems
_KNOWN = {*dir(builtins), "ptr8", "ptr16", "ptr32", "uint", "viper", "native"}
_KNOWN |= {"self", "cls", "read", "readinto", "write", "ioctl", "mount", "umount", "stat"}
_KNOWN = _KNOWN.union(*map(dir, (str, bytes, bytearray, list, dict, set, int, memoryview)))
_BY_NAME = ("getattr", "hasattr", "setattr", "delattr")
_COMPILE_TIME = {"VIPER", "const", "micropython"}  # of meterling.python
_BLIND = ("eval", "exec", "globals", "locals", "vars")


def names(sources, others=()):
    """{name: short name} for `sources` ({path: text}); `others`: texts of what goes with them,
    or uses them, and is left as it is. CommandError if a source is none, or does what cannot be
    followed."""
    kept = {word for text in others for word in _WORD.findall(text)} | _KNOWN
    kept.update(word for path in sources for word in _WORD.findall(path))  # modules
    used = kept.union(*(_WORD.findall(text) for text in sources.values()))
    files = {}
    for path, text in sources.items():
        try:
            bound, foreign = _look(ast.parse(text), path)
        except SyntaxError as error:
            raise CommandError(f"{path} does not compile: SyntaxError: {error}", 1) from None
        kept |= foreign
        files.update((name, set()) for name in bound)
    for path, text in sources.items():
        for name in files.keys() & {token.string for token in _tokens(text)} - kept:
            files[name].add(path)
    short, taken = {}, {path: set() for path in sources}
    for name in sorted(files.keys() - kept, key=lambda name: (-len(files[name]), name)):
        here = used.union(*(taken[path] for path in files[name]))
        short[name] = next(new for new in pool() if new not in here)
        for path in files[name]:
            taken[path].add(short[name])
    return short


def apply(text, short):
    """`text` of a source with the names of `short` ({name: short name}), line by line."""
    lines = io.StringIO(text).readlines()
    for token in reversed([token for token in _tokens(text) if token.string in short]):
        (row, begin), (_, end) = token.start, token.end
        line = lines[row - 1]
        lines[row - 1] = line[:begin] + short[token.string] + line[end:]
    return "".join(lines)


def for_machine(text, viper):
    """`text` of a source for machines that run viper code, or none (bool): `VIPER` stands there
    as True or False, so that mpy-cross leaves out what is for others, and nothing is imported
    that only mpy-cross reads. Line by line."""
    nodes = list(ast.walk(ast.parse(text)))
    read = [node for node in nodes if isinstance(node, ast.Name)]
    if any(node.id == "VIPER" and isinstance(node.ctx, ast.Store) for node in read):
        return text  # where it is made
    folded = [
        node.value.func for node in nodes if isinstance(node, ast.Assign) and called(node.value)
    ]
    for node in nodes:
        folded += [getattr(inner, "value", None) for inner in getattr(node, "decorator_list", [])]
    needed = {node.id for node in read if node not in folded} - {"VIPER"}
    lines = apply(text, {"VIPER": str(viper)}).split("\n")
    for node in nodes:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            kept = [name for name in node.names if name.name not in _COMPILE_TIME - needed]
            rows = range(node.lineno - 1, node.end_lineno)
            if len(kept) < len(node.names):
                node.names = kept
                indent = lines[rows[0]][: node.col_offset]
                lines[rows[0]] = indent + (ast.unparse(node) if kept else "pass")
                for row in rows[1:]:
                    lines[row] = ""
    return "\n".join(lines)


def pool():
    """Yield short names: `_a`, `_b`, .. `_aa`, .."""
    for length in count(1):
        yield from ("_" + "".join(letters) for letters in product(ascii_lowercase, repeat=length))


def _tokens(text):
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return [token for token in tokens if token.type == tokenize.NAME]


def _is_private(name):
    return name[:1] == "_" and name[:2] != "__" and name != "_"


def called(node):
    return getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""


def _look(tree, path):
    """(private names that a source binds, names in it that are not the firmware's to change)."""
    nodes = list(ast.walk(tree))
    ours = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.level]
    imported = {alias.asname or alias.name for node in ours for alias in node.names}
    own = {"self", "cls"} | {node.name for node in nodes if isinstance(node, ast.ClassDef)}
    docstrings = {node.value for node in nodes if isinstance(node, ast.Expr)}
    constants = {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign) and called(node.value) == "const"
        for target in node.targets
    }
    bound, functions, foreign = set(), set(), set()

    def refuse(node, what):
        raise CommandError(f"{path}:{node.lineno} {what}: names cannot be made short.", 1)

    for node in nodes:
        if isinstance(node, _DEFINITION):
            bound.add(node.name)
            if not isinstance(node, ast.ClassDef):
                functions.add(node.name)
            elif not _is_private(node.name):
                foreign.add(node.name)
            bases = [ast.unparse(base) for base in getattr(node, "bases", ())]
            if imported & set(_WORD.findall(" ".join(bases))):
                refuse(node, "inherits from a class of another file")
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
            functions.add(node.arg)
        elif isinstance(node, ast.keyword) and node.arg:
            foreign.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
        elif isinstance(node, ast.Attribute):
            stored = isinstance(node.ctx, ast.Store)
            owner = getattr(node.value, "id", "")
            if owner not in own and (stored or owner not in imported):
                foreign.add(node.attr)
            elif stored:
                bound.add(node.attr)
        elif isinstance(node, ast.Import) or isinstance(node, ast.ImportFrom) and not node.level:
            foreign.update(word for alias in node.names for word in alias.name.split("."))
        elif isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes)):
            if node not in docstrings:
                foreign.update(_WORD.findall(str(node.value)))
        elif isinstance(node, ast.JoinedStr):  # no tokens inside, before Python 3.12
            foreign.update(_WORD.findall(ast.unparse(node)))
        elif called(node) in _BLIND:
            refuse(node, f"{called(node)}()")
        elif called(node) in _BY_NAME and not isinstance(node.args[1], (ast.Constant, ast.Name)):
            refuse(node, f"{called(node)}() of a name that is put together")
    private = set(filter(_is_private, bound)) - constants
    return private | {name for name in functions if name[:2] != "__" and name != "_"}, foreign
