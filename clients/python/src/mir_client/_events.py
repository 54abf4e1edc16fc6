"""Server-Sent Events as the HTML standard describes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Iterator, List, Optional


@dataclass(frozen=True)
class ServerEvent:
    """An event of a stream."""

    event: str
    data: str
    #: The last id that the stream has named, with which it can be taken up again.
    last_id: str
    #: How long to wait before it is taken up again, where the server said so.
    retry_milliseconds: Optional[int] = None


def read_events(chunks: Iterable[bytes]) -> Iterator[ServerEvent]:
    """The events of a stream; one that the stream's end cuts off is left out."""
    event, data, last_id = "", [], ""  # type: str, List[str], str
    retry: Optional[int] = None
    for line in _lines(chunks):
        if line == "":
            if data:
                yield ServerEvent(event or "message", "\n".join(data), last_id, retry)
            event, data = "", []
            continue
        name, _, value = line.partition(":")
        value = value[1:] if value.startswith(" ") else value
        if name == "event":
            event = value
        elif name == "data":
            data.append(value)
        elif name == "id" and "\0" not in value:
            last_id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            retry = int(value)


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Lines end with CR LF, LF or CR, and nothing else: str.splitlines knows more."""
    rest = b""
    is_first = True
    for chunk in chunks:
        rest += chunk
        # A CR at the end may be the first half of a CR LF.
        held = b"\r" if rest.endswith(b"\r") else b""
        whole = rest[: len(rest) - len(held)].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, last = whole.split(b"\n")
        rest = last + held
        for line in lines:
            text = line.decode("utf-8", "replace")
            yield text[1:] if is_first and text.startswith("\ufeff") else text
            is_first = False
    if rest.endswith(b"\r"):
        yield rest[:-1].decode("utf-8", "replace")
