"""What a build would do, and what there is already."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Optional, Tuple

from .._notebook import html_table, quantity
from .versions import Base, Problem


@dataclass(frozen=True)
class PlannedPackage:
    """A package that a build would put in."""

    name: str
    version: str
    kind: Optional[str] = None
    size_bytes: Optional[int] = None
    #: Whether the instance has its layer already.
    is_here: bool = False


@dataclass(frozen=True)
class PlannedPlatform:
    """A plan for one platform."""

    platform: str
    base: Optional[Base] = None
    python_version: Optional[str] = None
    lock_digest: Optional[str] = None
    #: The lock, a pylock.toml (PEP 751).
    lock: str = field(default="", repr=False)
    packages: Tuple[PlannedPackage, ...] = ()
    bytes_to_move: int = 0
    bytes_shared: int = 0
    problems: Tuple[Problem, ...] = ()


@dataclass(frozen=True)
class MissingRequirement:
    """A requirement that an image does not meet."""

    requirement: str
    #: The version that it has instead; None when it has none.
    installed: Optional[str] = None


@dataclass(frozen=True)
class Match:
    """An image that is there already and like what was asked for."""

    name: str
    #: ``identical``, ``satisfies`` or ``near``.
    kind: str
    digest: Optional[str] = None
    missing: Tuple[MissingRequirement, ...] = ()
    extra_packages: int = 0


@dataclass(frozen=True)
class Plan:
    """What a build would do. Making one changes nothing."""

    platforms: Tuple[PlannedPlatform, ...] = ()
    matches: Tuple[Match, ...] = ()

    @property
    def problems(self) -> Tuple[Problem, ...]:
        """What should be known before building, of all platforms."""
        return tuple(problem for one in self.platforms for problem in one.problems)

    def _repr_html_(self) -> str:
        parts = []
        for one in self.platforms:
            title = f"{one.platform}: {quantity(one.bytes_to_move)} to move, {quantity(one.bytes_shared)} shared"
            rows = [
                (item.name, item.version, quantity(item.size_bytes), "here" if item.is_here else "")
                for item in one.packages
            ]
            parts.append(html_table(("package", "version", "size", ""), rows, title))
        if self.problems:
            parts.append(html_table(("problem", "what to do"), [(one.message, one.fix) for one in self.problems]))
        if self.matches:
            found = [(one.name, one.kind, ", ".join(item.requirement for item in one.missing)) for one in self.matches]
            parts.append(html_table(("image", "match", "missing"), found, "There already"))
        return "".join(parts)
