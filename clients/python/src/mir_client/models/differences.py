"""What is different between two versions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Optional, Tuple

from .._notebook import html_table, quantity
from .versions import Reason


@dataclass(frozen=True)
class DiffSide:
    """One of the two versions that are compared."""

    name: str
    version: int
    digest: str


@dataclass(frozen=True)
class PackageChange:
    """A package that is not the same in both."""

    name: str
    #: ``added``, ``removed``, ``version``, or ``other-file``: the same version from another file.
    change: str
    before: Optional[str] = None
    after: Optional[str] = None
    bytes_before: int = 0
    bytes_after: int = 0


@dataclass(frozen=True)
class LayerCount:
    """Layers, and their bytes as they are stored and sent."""

    count: int = 0
    size_bytes: int = 0


@dataclass(frozen=True)
class LayerShare:
    """Layers by where they are."""

    shared: LayerCount = field(default_factory=LayerCount)
    from_: LayerCount = field(default_factory=LayerCount)
    to: LayerCount = field(default_factory=LayerCount)


@dataclass(frozen=True)
class Diff:
    """What is different between two versions."""

    from_: DiffSide
    to: DiffSide
    #: What was asked for differently.
    spec: Tuple[Reason, ...] = ()
    packages: Tuple[PackageChange, ...] = ()
    os_packages: Tuple[PackageChange, ...] = ()
    layers: LayerShare = field(default_factory=LayerShare)

    def _repr_html_(self) -> str:
        rows = [(one.name, one.before, one.after, quantity(one.bytes_after)) for one in self.packages + self.os_packages]
        title = f"{self.from_.name}:{self.from_.version} to {self.to.name}:{self.to.version}"
        return html_table(("package", "before", "after", "size"), rows, title)
