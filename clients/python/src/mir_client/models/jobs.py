"""Builds and other work of an instance."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Optional, Tuple

from .._notebook import quantity


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
