"""Builds a wheel from a source distribution (PEP 517), inside of a sandbox without network and without anything of ours.

wheel-builder.py ARCHIVE REQUIREMENTS

REQUIREMENTS are what is installed here, one "name" a line. Leaves the wheel in /output; or, where the package asks for more to be
installed first, /output/requires.json, and ends with status 10.
"""

import json
import os
import re
import subprocess
import sys
import tarfile

SOURCES = "/work/sources"
RESULTS = "/output"
NEEDS_MORE = 10

HOOK = """
import importlib, json, os, sys
backend_path, backend, hook, *arguments = json.loads(sys.argv[1])
sys.path[:0] = [os.path.join(os.getcwd(), one) for one in backend_path]
name, _, inside = backend.partition(":")
found = importlib.import_module(name)
for part in inside.split(".") if inside else ():
    found = getattr(found, part)
result = getattr(found, hook, lambda *_: [])(*arguments)
with open("/work/answer.json", "w") as answer:
    json.dump(result, answer)
"""


def main(archive, installed, backend, backend_path):
    with tarfile.open(archive) as tar:
        if hasattr(tarfile, "data_filter"):
            tar.extractall(SOURCES, filter="data")
        else:
            tar.extractall(SOURCES)
    (folder,) = os.listdir(SOURCES)
    os.chdir(os.path.join(SOURCES, folder))
    more = [one for one in call(backend_path, backend, "get_requires_for_build_wheel", None) if name_of(one) not in installed]
    if more:
        with open(os.path.join(RESULTS, "requires.json"), "w") as file:
            json.dump(more, file)
        return NEEDS_MORE
    call(backend_path, backend, "build_wheel", RESULTS, None, None)
    return 0


def call(backend_path, backend, hook, *arguments):
    # Each hook in a process of its own (PEP 517): they may change what is global.
    order = json.dumps([backend_path, backend, hook, *arguments])
    done = subprocess.run([sys.executable, "-c", HOOK, order])
    if done.returncode != 0:
        sys.exit(1)
    with open("/work/answer.json") as answer:
        return json.load(answer)


def name_of(requirement):
    name = re.match(r"\s*([A-Za-z0-9._-]+)", requirement)
    return re.sub(r"[-_.]+", "-", name.group(1)).lower() if name else ""


with open("/work/order.json") as file:
    order = json.load(file)
sys.exit(main(order["archive"], set(order["installed"]), order["backend"], order["backendPath"]))
