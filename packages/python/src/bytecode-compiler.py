"""Compiles modules that come in over standard input, without importing or running any of them.

A request is a number of modules, each as two big-endian 32-bit lengths, a path and a source. For each comes an
answer: one length and a .pyc (PEP 552, unchecked hash), or the length 0 for a source that does not compile. The first
answer says who is here.

Every request is dealt with in a fork of the same untouched interpreter: marshal writes references by how often an object
is in use, so that what was compiled before would show in the bytes. A source that breaks its fork ends the program,
and whoever started it knows which request it was in.

Started with two file names it reads requests from the one and writes answers to the other. What a source breaks is then done again,
each of its modules alone: the program is started once and has to come to its end.
"""

import sys

# The folder of the program, or the present one: nothing of it is to be found.
sys.path[:1] = []

import importlib.util
import marshal
import os
import resource
import struct
import warnings

MAXIMAL_MEMORY_BYTES = 4 << 30
MAXIMAL_COMPILE_SECONDS = 300


def compiled(path, source):
    try:
        code = compile(source, path, "exec", dont_inherit=True, optimize=0)
        flags = struct.pack("<I", 0b01)
        return importlib.util.MAGIC_NUMBER + flags + importlib.util.source_hash(source) + marshal.dumps(code)
    except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError):
        return b""


def send(answer):
    data = struct.pack(">I", len(answer)) + answer
    while data:
        data = data[os.write(output, data):]


def is_dealt_with(modules):
    """Compiles modules in a fork; false when one of them broke it."""
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_AS, (MAXIMAL_MEMORY_BYTES, MAXIMAL_MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CPU, (MAXIMAL_COMPILE_SECONDS, MAXIMAL_COMPILE_SECONDS))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        for path, source in modules:
            send(compiled(path, source))
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def take_back(start):
    os.ftruncate(output, start)
    os.lseek(output, start, os.SEEK_SET)


def deal_alone(modules, start):
    take_back(start)
    for module in modules:
        start = os.lseek(output, 0, os.SEEK_CUR)
        if not is_dealt_with([module]):
            take_back(start)
            send(b"")


def main(requests, has_files):
    warnings.simplefilter("ignore")
    send(b"%d.%d" % sys.version_info[:2])
    while True:
        header = requests.read(4)
        if len(header) < 4:
            return 0
        modules = [read_module(requests) for _ in range(struct.unpack(">I", header)[0])]
        start = os.lseek(output, 0, os.SEEK_CUR) if has_files else 0
        if not is_dealt_with(modules):
            if not has_files:
                return 3
            deal_alone(modules, start)


def read_module(requests):
    path_length, source_length = struct.unpack(">II", requests.read(8))
    return requests.read(path_length).decode("utf-8", "surrogateescape"), requests.read(source_length)


files = sys.argv[1:3]
output = os.open(files[1], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600) if files else 1
os._exit(main(open(files[0], "rb") if files else sys.stdin.buffer, bool(files)))
