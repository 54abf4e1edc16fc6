"""Compiles modules that come in over standard input, without importing or running any of them.

A request is a number of modules, each as two big-endian 32-bit lengths, a path and a source. For each comes an
answer: one length and a .pyc (PEP 552, unchecked hash), or the length 0 for a source that does not compile. The first
answer says who is here.

Every request is dealt with in a fork of the same untouched interpreter: marshal writes references by how often an object
is in use, so that what was compiled before would show in the bytes. A source that breaks its fork ends the program,
and whoever started it knows which request it was in.
"""

import sys

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
        data = data[os.write(1, data):]


def main():
    warnings.simplefilter("ignore")
    send(b"%d.%d" % sys.version_info[:2])
    requests = sys.stdin.buffer
    while True:
        header = requests.read(4)
        if len(header) < 4:
            return 0
        modules = [read_module(requests) for _ in range(struct.unpack(">I", header)[0])]
        child = os.fork()
        if child == 0:
            resource.setrlimit(resource.RLIMIT_AS, (MAXIMAL_MEMORY_BYTES, MAXIMAL_MEMORY_BYTES))
            resource.setrlimit(resource.RLIMIT_CPU, (MAXIMAL_COMPILE_SECONDS, MAXIMAL_COMPILE_SECONDS))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            for path, source in modules:
                send(compiled(path, source))
            os._exit(0)
        if os.waitpid(child, 0)[1] != 0:
            return 3


def read_module(requests):
    path_length, source_length = struct.unpack(">II", requests.read(8))
    return requests.read(path_length).decode("utf-8", "surrogateescape"), requests.read(source_length)


os._exit(main())
