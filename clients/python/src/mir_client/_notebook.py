"""How values look in a notebook, and progress anywhere."""

from __future__ import annotations

import sys
from html import escape
from typing import TYPE_CHECKING, Iterable, Optional, Sequence, TextIO, Tuple

if TYPE_CHECKING:
    from .models import Job


def quantity(count_bytes: Optional[int]) -> str:
    """Bytes as people say them."""
    if count_bytes is None:
        return ""
    size = float(count_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError("the last unit takes everything")


def html_table(heads: Sequence[str], rows: Iterable[Sequence[object]], title: str = "") -> str:
    """A table; whatever stands in it is text."""
    head = "".join(f"<th>{escape(one)}</th>" for one in heads)
    body = "".join("<tr>" + "".join(f"<td>{_cell(one)}</td>" for one in row) + "</tr>" for row in rows)
    caption = f"<caption>{escape(title)}</caption>" if title else ""
    return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def html_values(title: str, rows: Iterable[Tuple[str, object]]) -> str:
    """Names and values; those without a value are left out."""
    body = "".join(
        f"<tr><th>{escape(name)}</th><td>{_cell(value)}</td></tr>" for name, value in rows if value not in (None, "")
    )
    return f"<table><caption>{escape(title)}</caption><tbody>{body}</tbody></table>"


def _cell(value: object) -> str:
    return "" if value is None else escape(str(value))


class ProgressLine:
    """Tells of a build on one line that changes, or, where lines cannot change, on a new one when the stage does."""

    def __init__(self, name: str, stream: Optional[TextIO] = None) -> None:
        self._name = name
        self._stream = sys.stderr if stream is None else stream
        # Notebooks are no terminals and yet go back to the line's beginning.
        self._rewrites = self._stream.isatty() or "ipykernel" in sys.modules
        self._last = ""
        self._last_stage: Optional[Tuple[str, Optional[str]]] = None

    def __call__(self, job: Job) -> None:
        text = f"{self._name}: {job}"
        if self._rewrites:
            if text != self._last:
                print(f"\r{text:<{len(self._last)}}", end="", file=self._stream, flush=True)
            self._last = text
            if job.is_finished:
                print(file=self._stream, flush=True)
        elif self._last_stage != (job.status, job.stage):
            print(text, file=self._stream, flush=True)
        self._last_stage = (job.status, job.stage)
