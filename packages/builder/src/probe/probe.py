"""Looks at the Python environment of the image that it runs in, and imports what is in it.

Started by the base's interpreter as `python -I -S -c PROGRAM MODE ENVIRONMENT`: what starts with the environment (.pth files), and the
environment's own bin/python, may be foreign code already. It answers in lines of JSON on standard output.

`inventory` reads files and runs nothing: what is installed, what that requires, which modules, scripts and libraries it has.
`imports` takes tasks as JSON on standard input and does one after the other, each in a fresh interpreter of its own, with its output
caught and its time, memory, output and processes limited. Each answer carries a token that only this process and whoever started it
know, and that is good once: a task may find a way to where answers are written, and must not answer for another. What a task says of
itself is passed on as a text that nobody has looked into.
"""

import json
import os
import sys

VENV = sys.argv[2]
INTERPRETER = os.path.join(VENV, "bin", "python")
PACKAGES = os.path.join(VENV, "lib", "python%d.%d" % sys.version_info[:2], "site-packages")
MOST_MODULES = 24
LONGEST_TEXT_BYTES = 16 << 20


def say(**line):
    # Whoever has found a way to write here as well may have left a line without its end.
    data = b"\n" + json.dumps(line).encode() + b"\n"
    while data:
        data = data[os.write(1, data):]


def text_of(path):
    try:
        with open(path, "rb") as file:
            return file.read(LONGEST_TEXT_BYTES).decode("utf-8", "replace")
    except OSError:
        return None


# ---- inventory


def inventory():
    uname = os.uname()
    version = "%d.%d.%d" % sys.version_info[:3]
    own, started = (os.path.realpath(one) for one in (sys.executable, INTERPRETER))
    say(kind="interpreter", version=version, machine=uname.machine, own=own, started=started)
    system = system_libraries()
    wanted = set()
    for folder in sorted(names_in(PACKAGES)):
        if not folder.endswith(".dist-info"):
            continue
        facts = distribution(os.path.join(PACKAGES, folder), folder)
        wanted.update(soname for soname, _ in facts["needed"])
        say(kind="distribution", **facts)
    say(kind="system", libraries=sorted(wanted & system))


def distribution(folder, folder_name):
    headers = metadata_headers(text_of(os.path.join(folder, "METADATA")) or "")
    files = recorded_files(text_of(os.path.join(folder, "RECORD")) or "")
    top_level = (text_of(os.path.join(folder, "top_level.txt")) or "").split()
    needed, brings = {}, set()
    size = 0
    for path in files:
        full = os.path.join(PACKAGES, path)
        name = path.rsplit("/", 1)[-1]
        if ".so" not in name:
            continue
        try:
            facts = elf_facts(full)
        except (OSError, ValueError, IndexError):
            continue
        if facts is None:
            continue
        brings.add(name)
        brings.update(facts[0])
        size += facts[2]
        for soname in facts[1]:
            needed.setdefault(soname, path)
    parts = folder_name[: -len(".dist-info")].rsplit("-", 1)
    return {
        "name": headers.get("name", parts)[0],
        "version": headers.get("version", parts[1:] or [""])[0],
        "requires": headers.get("requires-dist", []),
        "modules": modules_of(files, top_level)[:MOST_MODULES],
        "scripts": console_scripts(text_of(os.path.join(folder, "entry_points.txt")) or ""),
        "needed": sorted(needed.items()),
        "brings": sorted(brings),
        "bytes": size,
    }


def metadata_headers(text):
    headers = {}
    for line in text.replace("\r\n", "\n").split("\n"):
        # Only an empty line ends them; one of blanks goes on with a license's text.
        if not line:
            break
        name, colon, value = line.partition(":")
        if colon and not line[0].isspace():
            headers.setdefault(name.strip().lower(), []).append(value.strip())
    return headers


def recorded_files(text):
    files = []
    for line in text.splitlines():
        path = line.rsplit(",", 2)[0].strip('"')
        if path and not path.startswith(("..", "/")) and "__pycache__" not in path and ".dist-info/" not in path:
            files.append(path)
    return files


def modules_of(files, top_level):
    found, packages, spaces = set(), set(), {}
    for path in files:
        *folders, name = path.split("/")
        if not name.endswith((".py", ".so")) or not all(part.isidentifier() for part in folders):
            continue
        stem = name.split(".", 1)[0]
        if not stem.isidentifier():
            continue
        if stem == "__init__":
            packages.add(tuple(folders))
        elif not folders:
            found.add(stem)
        else:
            spaces.setdefault(tuple(folders), set()).add(stem)
    for folders in packages | set(spaces):
        # The topmost folder that is a package; above it there are namespaces at most.
        for depth in range(1, len(folders) + 1):
            if folders[:depth] in packages:
                found.add(".".join(folders[:depth]))
                break
        else:
            if len(folders) < 4:
                found.update(".".join(folders + (stem,)) for stem in spaces.get(folders, ()))
    named = {name for name in found if name.split(".", 1)[0] in top_level}
    return sorted(public(named or found))


ASIDE = {"test", "tests", "testing", "doc", "docs", "example", "examples", "benchmark", "benchmarks", "conftest", "setup"}


def public(names):
    shown = {name for name in names if not any(part.startswith("_") for part in name.split("."))}
    useful = {name for name in shown if name.split(".", 1)[0] not in ASIDE}
    return useful or shown or names


def console_scripts(text):
    section, scripts = "", []
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("["):
            section = line
        elif section == "[console_scripts]" and "=" in line and not line.startswith(("#", ";")):
            name, target = (part.strip() for part in line.split("=", 1))
            target, _, extras = target.partition("[")
            scripts.append({
                "name": name,
                "target": target.strip(),
                "extras": [one.strip() for one in extras.strip(" ]").split(",") if one.strip()],
                "wrong": wrong_with_script(name),
            })
    return scripts


def wrong_with_script(name):
    path = os.path.join(VENV, "bin", name)
    try:
        with open(path, "rb") as file:
            first = file.readline(4096)
    except OSError as error:
        return "%s cannot be read: %s" % (path, error.strerror)
    if not os.access(path, os.X_OK):
        return "%s is not executable" % path
    interpreter = first[2:].split()[:1] if first.startswith(b"#!") else []
    if not interpreter:
        return "%s names no interpreter" % path
    if not os.access(interpreter[0], os.X_OK):
        return "%s is to be run by %s, which is not there" % (path, interpreter[0].decode("utf-8", "replace"))
    return None


def names_in(folder):
    try:
        return os.listdir(folder)
    except OSError:
        return []


def system_libraries():
    """Names of the files where the dynamic linker looks."""
    folders = ["/lib", "/usr/lib", "/lib64", "/usr/lib64", "/usr/local/lib"]
    folders += os.environ.get("LD_LIBRARY_PATH", "").split(":")
    configured = ["/etc/ld.so.conf"] + ["/etc/ld.so.conf.d/" + one for one in names_in("/etc/ld.so.conf.d")]
    for file in configured:
        folders += [line.strip() for line in (text_of(file) or "").splitlines() if line.startswith("/")]
    folders += ["%s/%s-linux-%s" % (top, os.uname().machine, libc) for top in ("/lib", "/usr/lib") for libc in ("gnu", "musl")]
    return {name for folder in set(folders) if folder.startswith("/") for name in names_in(folder) if ".so" in name}


def elf_facts(path):
    """Sonames, needed libraries and size of a 64-bit little-endian ELF file; None for anything else."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        head = os.pread(file, 64, 0)
        if len(head) < 64 or head[:6] != b"\x7fELF\x02\x01":
            return None
        number = lambda data, at, size: int.from_bytes(data[at:at + size], "little")
        start, entry, count = number(head, 32, 8), number(head, 54, 2), number(head, 56, 2)
        table = os.pread(file, entry * count, start)
        loads, dynamic = [], b""
        for at in range(0, entry * count, entry):
            kind, offset, address, size = (number(table, at + skip, length) for skip, length in ((0, 4), (8, 8), (16, 8), (32, 8)))
            if kind == 1:
                loads.append((address, offset, size))
            elif kind == 2:
                dynamic = os.pread(file, min(size, 1 << 16), offset)
        entries = [(number(dynamic, at, 8), number(dynamic, at + 8, 8)) for at in range(0, len(dynamic) - 15, 16)]
        values = dict(entries)
        if 5 not in values:
            return [], [], os.fstat(file).st_size
        names = b""
        for address, offset, size in loads:
            if address <= values[5] < address + size:
                names = os.pread(file, min(values.get(10, 0), 16 << 20), offset + values[5] - address)
        name_at = lambda at: names[at:names.index(b"\0", at)].decode("ascii", "replace")
        sonames = [name_at(value) for tag, value in entries if tag == 14]
        needed = [name_at(value) for tag, value in entries if tag == 1]
        return sonames, needed, os.fstat(file).st_size
    finally:
        os.close(file)


# ---- imports

# What runs in the fresh interpreter. Whatever it says is said by foreign code as well.
TASK = r'''
import os, sys
def main(module, *scripts):
    os.set_inheritable(3, False)
    def say(**line):
        import json
        data = json.dumps(line).encode() + b"\n"
        while data:
            data = data[os.write(3, data):]
    import time, warnings
    os.write(3, b'{"started": "%s"}\n' % sys.prefix.encode("unicode_escape").replace(b"\\", b"\\\\").replace(b'"', b"'"))
    warned = []
    def record(message, category, filename, lineno, file=None, line=None):
        if len(warned) < 20:
            warned.append(("%s: %s" % (category.__name__, message))[:500])
    warnings.showwarning = record
    def told(error):
        import traceback
        text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        name = getattr(error, "name", None)
        return {"error": type(error).__name__, "name": name if isinstance(name, str) else None, "text": text[-8000:]}
    if module:
        started = time.perf_counter()
        try:
            __import__(module)
        except BaseException as error:
            return say(seconds=time.perf_counter() - started, warnings=warned, **told(error))
        seconds = time.perf_counter() - started
        peak = 0
        with open("/proc/self/status") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    peak = int(line.split()[1]) * 1024
        say(imported=True, seconds=seconds, peak=peak, warnings=warned)
    import importlib
    for script in scripts:
        try:
            home, _, attributes = script.partition(":")
            found = importlib.import_module(home.strip())
            for attribute in filter(None, attributes.strip().split(".")):
                found = getattr(found, attribute)
            say(script=script)
        except BaseException as error:
            say(script=script, **told(error))
main(*sys.argv[1:])
sys.stdout.flush()
os._exit(0)
'''

TICK_MILLISECONDS = 50
KEPT_OUTPUT_BYTES = 6000
LONGEST_ANSWER_BYTES = 256 << 10
SCRATCH_BYTES = 64 << 20
PAGE_BYTES = os.sysconf("SC_PAGESIZE")


def imports():
    import select
    import time

    global poll_of, now
    poll_of, now = select.poll, time.monotonic
    shield()
    order = json.loads(sys.stdin.buffer.read())
    tokens = iter(order["tokens"])
    processes = len(process_numbers())
    room = room_in(order["scratch"])
    for number, task in enumerate(order["tasks"]):
        say(token=next(tokens), begin=number)
        end = do(task, order["limits"], processes)
        # What multiplies outruns us. It ends with the sandbox, which ends with this process.
        is_clean = end["limit"] != "processes" and end_all() and len(process_numbers()) <= processes
        say(token=next(tokens), end=number, **end)
        is_tidy = all(before - after < SCRATCH_BYTES for before, after in zip(room, room_in(order["scratch"])))
        # What has gone wrong may have left something behind that the next one would be blamed for.
        if not (is_clean and is_tidy and end["exit"] == 0 and end["limit"] is None):
            break
    say(token=next(tokens), finished=True)


def shield():
    """Nobody else of this user may look into this process or write to its files; orphans come to it, to be ended."""
    try:
        import ctypes

        prctl = ctypes.CDLL(None, use_errno=True).prctl
        prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE
        prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
    except (ImportError, OSError, AttributeError):
        pass


def do(task, limits, processes):
    output, output_end = os.pipe()
    answer, answer_end = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            become(task, output_end, answer_end)
        finally:
            os._exit(126)
    os.close(output_end)
    os.close(answer_end)
    watch = Watch(child, output, answer, limits, processes)
    try:
        return watch.until_the_end()
    finally:
        os.close(output)
        os.close(answer)


def become(task, output, answer):
    import resource

    os.setsid()
    nothing = os.open("/dev/null", os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    if answer == 3:
        os.set_inheritable(3, True)
    else:
        os.dup2(answer, 3)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    words = [INTERPRETER, "-I", "-B", "-X", "faulthandler", "-c", TASK, task["module"] or ""]
    os.execv(INTERPRETER, words + task["scripts"])


class Watch:
    """Waits for the end of one task, and brings it about where a limit is passed."""

    def __init__(self, child, output, answer, limits, processes):
        self.child, self.output, self.answer = child, output, answer
        self.limits, self.processes = limits, processes
        self.printed, self.tail, self.told = 0, b"", b""
        self.started = now()
        self.poll = poll_of()
        self.open = {output, answer}
        for file in self.open:
            os.set_blocking(file, False)
            self.poll.register(file)

    def until_the_end(self):
        limit, status, usage = None, None, None
        checked = self.started
        while status is None:
            wait = TICK_MILLISECONDS if self.answer in self.open else 2
            for file, _ in self.poll.poll(wait):
                self.read(file)
            if limit is None and now() - checked >= TICK_MILLISECONDS / 1000:
                checked = now()
                limit = self.passed_limit(checked)
            if limit is None and self.printed > self.limits["output"]:
                limit = "output"
            if limit is not None:
                kill(self.child)
            number, ended, usage = os.wait4(self.child, 0 if limit is not None else os.WNOHANG)
            if number == self.child:
                status = ended
        seconds = now() - self.started
        for file in list(self.open):
            self.read(file)
        return {
            "exit": os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
            "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else None,
            "limit": limit,
            "seconds": seconds,
            "peak": usage.ru_maxrss * 1024,
            "answer": self.told.decode("utf-8", "replace"),
            "output": self.tail.decode("utf-8", "replace"),
        }

    def read(self, file):
        try:
            data = os.read(file, 1 << 16)
        except BlockingIOError:
            return
        if not data:
            self.poll.unregister(file)
            self.open.discard(file)
        elif file == self.answer:
            self.told = (self.told + data)[:LONGEST_ANSWER_BYTES]
        else:
            self.printed += len(data)
            self.tail = (self.tail + data)[-KEPT_OUTPUT_BYTES:]

    def passed_limit(self, time):
        if time - self.started > self.limits["seconds"]:
            return "time"
        others = len(process_numbers()) - self.processes
        if others > self.limits["processes"]:
            return "processes"
        tree = [self.child] if others <= 1 else [self.child] + descendants()
        if sum(resident_bytes(one) for one in set(tree)) > self.limits["memory"]:
            return "memory"
        return None


def process_numbers():
    return [int(name) for name in names_in("/proc") if name.isdigit()]


def resident_bytes(process):
    text = text_of("/proc/%d/statm" % process)
    return int(text.split()[1]) * PAGE_BYTES if text else 0


def descendants():
    parents = {}
    for number in process_numbers():
        stat = text_of("/proc/%d/stat" % number)
        if stat:
            state, parent = stat[stat.rindex(")") + 2:].split()[:2]
            if state != "Z":
                parents[number] = int(parent)
    found, last = set(), {os.getpid()}
    while last:
        last = {number for number, parent in parents.items() if parent in last and number not in found}
        found |= last
    return list(found)


def kill(process, how=9):
    try:
        os.kill(process, how)
    except OSError:
        pass


def end_all():
    """Ends everything that a task has left; stopped first, so that it does not go on under another number."""
    deadline = now() + 2
    while now() < deadline:
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return True
        left = descendants()
        for how in (19, 9):
            for process in left:
                kill(process, how)
        poll_of().poll(2)
    return False


def room_in(folders):
    room = []
    for folder in folders:
        try:
            facts = os.statvfs(folder)
            room.append(facts.f_bavail * facts.f_frsize)
        except OSError:
            room.append(0)
    return room


{"inventory": inventory, "imports": imports}[sys.argv[1]]()
