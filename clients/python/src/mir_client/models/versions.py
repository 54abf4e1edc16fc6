"""Versions of images."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Optional, Tuple

from .._notebook import html_table
from .jobs import Duration, Failure
from .probes import ProbeReport, ProbeSummary
from .specs import Spec


@dataclass(frozen=True)
class Package:
    """A package by its exact version."""

    name: str
    version: str


@dataclass(frozen=True)
class Reason:
    """Why a version exists, or what was changed."""

    #: ``CREATED``, ``ALTERED``, ``BASE``, ``PLATFORM``, ``REQUIREMENTS``, ``ROLLBACK`` or ``RETRY``.
    kind: str
    subject: Optional[str] = None
    old: Optional[str] = None
    new: Optional[str] = None


@dataclass(frozen=True)
class VersionSummary:
    """A version of an image."""

    number: int
    #: ``QUEUED``, ``RESOLVING``, ``BUILDING``, ``PROBING``, ``READY``, ``FAILED`` or ``CANCELLED``.
    state: str
    tag: Optional[str] = None
    is_current: bool = False
    reasons: Tuple[Reason, ...] = ()
    digest: Optional[str] = None
    created_by: Optional[str] = None
    created_at: Optional[datetime] = None
    finished_at: Optional[datetime] = None
    size_bytes: Optional[int] = None
    failure: Optional[Failure] = None
    #: Whether it was proven; None before it was tried.
    probe: Optional[ProbeSummary] = None
    job_id: Optional[str] = None


@dataclass(frozen=True)
class Base:
    """What a version stands on."""

    name: str
    digest: Optional[str] = None


@dataclass(frozen=True)
class Layer:
    """A layer of a version."""

    digest: str
    size_bytes: int = 0
    role: Optional[str] = None
    #: How many images of the instance have it.
    images: Optional[int] = None


@dataclass(frozen=True)
class Problem:
    """Something about a build that a person should know."""

    code: str
    message: str
    #: What to do about it.
    fix: str = ""
    #: ``error`` stops a build, ``warning`` does not.
    severity: str = "warning"
    #: OS packages whose adding would mend it.
    os_packages: Tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.severity}: {self.message}. {self.fix}".strip()


@dataclass(frozen=True)
class Version(VersionSummary):
    """A version with all that is known about it."""

    spec: Spec = field(default_factory=Spec)
    lock_digest: Optional[str] = None
    #: The platforms that there are locks of.
    lock_platforms: Tuple[str, ...] = ()
    base: Optional[Base] = None
    #: Every Python package that is in it.
    libraries: Tuple[Package, ...] = ()
    #: The Debian packages that were added to the base.
    os_packages: Tuple[Package, ...] = ()
    problems: Tuple[Problem, ...] = ()
    durations: Tuple[Duration, ...] = ()
    layers: Tuple[Layer, ...] = ()
    #: What was proven, for each platform.
    probes: Tuple[ProbeReport, ...] = ()

    def _repr_html_(self) -> str:
        rows = [(one.name, one.version) for one in (*self.libraries, *self.os_packages)]
        return html_table(("package", "version"), rows, f"Version {self.number}")
