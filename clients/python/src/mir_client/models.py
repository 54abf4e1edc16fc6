"""What an instance tells about, as immutable values.

Fields that a newer instance adds are left out; fields that an older one does not have keep their default.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Optional, Tuple

from ._notebook import html_table, html_values, quantity


@dataclass(frozen=True)
class PipRequirement:
    """A Python package that was asked for."""

    name: str
    version_specifier: str = ""
    extras: Tuple[str, ...] = ()
    marker: Optional[str] = None
    url: Optional[str] = None

    def __str__(self) -> str:
        extras = f"[{','.join(self.extras)}]" if self.extras else ""
        # A bare version means exactly that version.
        exact = "==" if self.version_specifier[:1].isdigit() else ""
        where = f" @ {self.url}" if self.url else f"{exact}{self.version_specifier}"
        marker = f" ; {self.marker}" if self.marker else ""
        return f"{self.name}{extras}{where}{marker}"


@dataclass(frozen=True)
class PackageRequirement:
    """An OS package that was asked for."""

    name: str
    version_specifier: str = ""
    package_type: Optional[str] = None

    def __str__(self) -> str:
        version = self.version_specifier.lstrip("=")
        return f"{self.name}={version}" if version else self.name


@dataclass(frozen=True)
class Spec:
    """What was asked for."""

    python_version: Optional[str] = None
    image_type: Optional[str] = None
    base: Optional[str] = None
    pip_requirements: Tuple[PipRequirement, ...] = ()
    package_requirements: Tuple[PackageRequirement, ...] = ()
    platforms: Tuple[str, ...] = ()
    bytecode: Optional[bool] = None


@dataclass(frozen=True)
class Package:
    """A package by its exact version."""

    name: str
    version: str


@dataclass(frozen=True)
class Failure:
    """Why something failed."""

    #: A stable word to branch on, such as ``resolution/no-version``.
    code: str
    what: str
    hint: str = ""
    subject: Optional[str] = None

    def __str__(self) -> str:
        end = "" if self.what.endswith((".", "!", "?")) else "."
        return f"{self.what}{end} {self.hint}".strip()


@dataclass(frozen=True)
class Reason:
    """Why a version exists, or what was changed."""

    #: ``CREATED``, ``ALTERED``, ``BASE``, ``PLATFORM``, ``REQUIREMENTS``, ``ROLLBACK`` or ``RETRY``.
    kind: str
    subject: Optional[str] = None
    old: Optional[str] = None
    new: Optional[str] = None


@dataclass(frozen=True)
class Duration:
    """How long a stage of a build took."""

    stage: str
    seconds: float


@dataclass(frozen=True)
class Progress:
    """How far a build is."""

    done_bytes: int = 0
    total_bytes: int = 0
    sent_bytes: int = 0
    seconds_left: Optional[float] = None
    #: The stages that are over.
    stages: Tuple[Duration, ...] = ()


@dataclass(frozen=True)
class NumberedImage:
    """A version of an image."""

    name: str
    version: int


@dataclass(frozen=True)
class Job:
    """A piece of work of the instance: mostly a build."""

    job_id: str
    #: ``QUEUED``, ``RUNNING``, ``SUCCEEDED``, ``FAILED`` or ``CANCELLED``.
    status: str
    kind: Optional[str] = None
    #: The versions that it makes; equal specs are built once.
    images: Tuple[NumberedImage, ...] = ()
    priority: Optional[str] = None
    #: 1 is next.
    queue_position: Optional[int] = None
    expected_start: Optional[datetime] = None
    stage: Optional[str] = None
    progress: Progress = field(default_factory=Progress)
    created_at: Optional[datetime] = None
    started_at: Optional[datetime] = None
    finished_at: Optional[datetime] = None
    attempts: int = 0
    cancellation_requested: bool = False
    failure: Optional[Failure] = None

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will happen."""
        return self.status in ("SUCCEEDED", "FAILED", "CANCELLED")

    def __str__(self) -> str:
        parts = [self.status.lower()]
        if self.queue_position is not None:
            parts.append(f"number {self.queue_position} in the queue")
        if not self.is_finished:
            if self.stage:
                parts.append(self.stage)
            if self.progress.total_bytes > 0:
                parts.append(f"{quantity(self.progress.done_bytes)} of {quantity(self.progress.total_bytes)}")
            if self.progress.seconds_left is not None:
                parts.append(f"{self.progress.seconds_left:.0f} s left")
        return ", ".join(parts)


@dataclass(frozen=True)
class LogLine:
    """A line of a build's log."""

    text: str = ""
    stage: Optional[str] = None
    at: Optional[datetime] = None

    def __str__(self) -> str:
        return self.text


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

    def _repr_html_(self) -> str:
        rows = [(one.name, one.version) for one in (*self.libraries, *self.os_packages)]
        return html_table(("package", "version"), rows, f"Version {self.number}")


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


@dataclass(frozen=True)
class User:
    """An account."""

    name: str
    #: ``admin``, ``support`` or ``member``.
    role: Optional[str] = None
    is_active: bool = True
    has_password: bool = False
    created_at: Optional[datetime] = None


@dataclass(frozen=True)
class Membership:
    """A workspace and one's role in it."""

    name: str
    role: str


@dataclass(frozen=True)
class Me:
    """Who the owner of the key is."""

    user: User
    #: Where the key acts.
    workspace: Optional[str] = None
    workspaces: Tuple[Membership, ...] = ()


@dataclass(frozen=True)
class Token:
    """An API token, without its secret."""

    id: str
    name: str
    user: Optional[str] = None
    workspace: Optional[str] = None
    created_at: Optional[datetime] = None
    expires_at: Optional[datetime] = None
    last_used_at: Optional[datetime] = None


@dataclass(frozen=True)
class NewToken:
    """An API token that was just made. The secret is shown this once, and in no repr."""

    token: Token
    secret: str = field(repr=False)
