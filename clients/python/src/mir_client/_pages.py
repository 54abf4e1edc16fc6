"""Lists that come in pages."""

from __future__ import annotations

from typing import Any, Callable, Generic, Iterator, Mapping, Optional, TypeVar

Item = TypeVar("Item")


class Listing(Generic[Item]):
    """All that a list has, fetched page by page while it is gone through; going through it again asks again."""

    def __init__(
        self,
        fetch: Callable[[Optional[str]], Mapping[str, Any]],
        read_items: Callable[[Mapping[str, Any]], Iterator[Item]],
    ) -> None:
        self._fetch = fetch
        self._read_items = read_items

    def __iter__(self) -> Iterator[Item]:
        token: Optional[str] = None
        seen = set()
        while True:
            page = self._fetch(token)
            yield from self._read_items(page)
            token = page.get("nextPageToken") or None
            # A token that comes again would lead in a circle.
            if token is None or token in seen:
                return
            seen.add(token)

    def first(self) -> Optional[Item]:
        """The first one; None when there is none."""
        return next(iter(self), None)

    @property
    def total(self) -> Optional[int]:
        """How many there are, where the instance says so."""
        total = self._fetch(None).get("total")
        return total if isinstance(total, int) else None
