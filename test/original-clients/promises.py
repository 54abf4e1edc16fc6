"""Promises of the original API, kept one after the other; says as one JSON object a line how each ended.

Runs under the Python of the original clients (3.9), beside their packages and with nothing else.
"""

import faulthandler
import json
import os
import sys
import time
import traceback
from contextlib import contextmanager
from typing import Any, Callable, Iterator, List, Tuple, Type

url = os.environ["MIR_URL"]
api_key = os.environ.get("MIR_API_KEY", "")

# Waiting in these clients has no end; a script that hangs says where.
faulthandler.dump_traceback_later(int(os.environ.get("PROMISE_SECONDS", "240")), exit=True)

_promises: List[Tuple[str, Callable[[], None]]] = []


def promise(text: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Something a user of the client relies on; the function fails when it is not so."""

    def keep_for_later(check: Callable[[], None]) -> Callable[[], None]:
        _promises.append((text, check))
        return check

    return keep_for_later


def keep_promises() -> None:
    """Tries each promise, also after one was broken, and ends the process."""
    # The clients print; what they print must not get between the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for text, check in _promises:
        broken = None
        try:
            check()
        except BaseException:
            broken = traceback.format_exc()
        answers.write(json.dumps({"promise": text, "broken": broken}) + "\n")
        answers.flush()
    # The clients leave thread pools that keep an interpreter from ending.
    os._exit(0)


@contextmanager
def refused(*parts: str, kind: Type[BaseException] = ValueError) -> Iterator[None]:
    """What stands inside has to be refused, with a message that begins with the first part and holds the others."""
    try:
        yield
    except kind as refusal:
        said = str(refusal)
        assert said.startswith(parts[0]), said
        for part in parts[1:]:
            assert part in said, f"{part!r} is not in {said!r}"
    else:
        raise AssertionError(f"was not refused with {parts}")


def equal(found: Any, wanted: Any) -> None:
    """Says both when they differ."""
    assert found == wanted, f"found {found!r}, wanted {wanted!r}"


def eventually(look: Callable[[], Any], is_right: Callable[[Any], bool], seconds: float = 120) -> Any:
    """Looks until what is seen is right."""
    end = time.monotonic() + seconds
    while True:
        seen = look()
        if is_right(seen):
            return seen
        assert time.monotonic() < end, f"still {seen!r} after {seconds} s"
        time.sleep(0.2)
