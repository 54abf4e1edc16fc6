"""Compiles modules that come in over standard input, without importing or running any of them.

A request is two big-endian 32-bit lengths, a path and a source; an answer is one length and a .pyc (PEP 552,
unchecked hash), or the length 0 for a source that does not compile. The first answer says who is here.

Every module is compiled in a fork of the same untouched interpreter: marshal writes references by how often an object
is in use, so that what was compiled before would show in the bytes. A source that breaks its fork ends the program,
and whoever started it knows which one it was.
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
        header = requests.read(8)
        if len(header) < 8:
            return 0
        path_length, source_length = struct.unpack(">II", header)
        path = requests.read(path_length).decode("utf-8", "surrogateescape")
        source = requests.read(source_length)
        child = os.fork()
        if child == 0:
            resource.setrlimit(resource.RLIMIT_AS, (MAXIMAL_MEMORY_BYTES, MAXIMAL_MEMORY_BYTES))
            resource.setrlimit(resource.RLIMIT_CPU, (MAXIMAL_COMPILE_SECONDS, MAXIMAL_COMPILE_SECONDS))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            send(compiled(path, source))
            os._exit(0)
        if os.waitpid(child, 0)[1] != 0:
            return 3


os._exit(main())
