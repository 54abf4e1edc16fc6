"""Images."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Optional, Tuple

from .._notebook import html_values
from .jobs import Failure, Job
from .probes import ProbeSummary
from .specs import Spec
from .versions import VersionSummary


@dataclass(frozen=True)
class Rights:
    """What the owner of the key may do with an image."""

    alter: bool = False
    remove: bool = False


@dataclass(frozen=True)
class ImageUse:
    """A test run that uses an image."""

    id: str
    by: str
    version: int
    created_at: Optional[datetime] = None
    expires_at: Optional[datetime] = None


@dataclass(frozen=True)
class ImageSummary:
    """An image as a list tells of it."""

    name: str
    #: ``BUILDING_FIRST_TIME``, ``REBUILDING``, ``READY``, ``FAILED`` or ``OUTDATED``.
    status: str
    #: ``USER_DEFINED`` or ``SYSTEM``.
    role_type: Optional[str] = None
    image_type: Optional[str] = None
    python_version: Optional[str] = None
    base: Optional[str] = None
    version: Optional[int] = None
    #: What a test run pins; None while there is no usable version.
    digest: Optional[str] = None
    size_bytes: Optional[int] = None
    #: How many Python packages it holds.
    packages: Optional[int] = None
    #: Whether it was proven; None before it was tried.
    probe: Optional[ProbeSummary] = None
    creator: Optional[str] = None
    workspace: Optional[str] = None
    created_at: Optional[datetime] = None
    updated_at: Optional[datetime] = None
    #: What ``docker pull`` takes.
    reference: Optional[str] = None

    @property
    def is_usable(self) -> bool:
        """Whether it has a version that can be used, whatever else is under way."""
        return self.digest is not None


@dataclass(frozen=True)
class Image(ImageSummary):
    """An image with all that is known about it: a snapshot, which does not change by itself."""

    spec: Spec = field(default_factory=Spec)
    repo_uri: Optional[str] = None
    #: The version that the name stands for; None before the first one is usable.
    current_version: Optional[int] = None
    #: The version that was asked for last, usable or not.
    latest_version: Optional[VersionSummary] = None
    #: The build that is under way.
    job: Optional[Job] = None
    parent: Optional[str] = None
    children: Tuple[str, ...] = ()
    uses: Tuple[ImageUse, ...] = ()
    rights: Rights = field(default_factory=Rights)

    @property
    def failure(self) -> Optional[Failure]:
        """Why the version that was asked for last failed."""
        return None if self.latest_version is None else self.latest_version.failure

    def _repr_html_(self) -> str:
        spec = self.spec
        rows = [
            ("status", self.status),
            ("version", self.current_version),
            ("Python", spec.python_version or self.python_version),
            ("requirements", ", ".join(map(str, spec.pip_requirements))),
            ("OS packages", ", ".join(map(str, spec.package_requirements))),
            ("pull", self.reference),
            ("digest", self.digest),
            ("last failure", self.failure),
        ]
        return html_values(self.name, rows)
