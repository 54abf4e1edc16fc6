"""What is proven of an image before its version is used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

from .jobs import Failure


@dataclass(frozen=True)
class ProbeSummary:
    """Whether a version was proven, on all of its platforms."""

    #: ``passed``, ``failed`` or ``not-probed``.
    outcome: str
    #: Why not.
    note: Optional[str] = None


@dataclass(frozen=True)
class ProbedModule:
    """A module that was imported in the image, in a process of its own."""

    module: str
    #: ``imported``, ``failed`` or ``skipped``.
    outcome: str
    seconds: float = 0.0
    peak_memory_bytes: int = 0
    warnings: Tuple[str, ...] = ()
    error: Optional[str] = None


@dataclass(frozen=True)
class ProbedPackage:
    """A package that was asked for."""

    name: str
    version: Optional[str] = None
    modules: Tuple[ProbedModule, ...] = ()


@dataclass(frozen=True)
class ProbeReport:
    """What the probe of one platform's image found."""

    platform: str
    outcome: str
    #: Why it was not probed.
    why: Optional[str] = None
    seconds: float = 0.0
    packages: Tuple[ProbedPackage, ...] = ()
    failures: Tuple[Failure, ...] = ()
    #: OS packages whose adding would mend failures.
    os_packages: Tuple[str, ...] = ()
