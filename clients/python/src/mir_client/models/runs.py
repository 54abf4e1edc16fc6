"""Test runs: commands of users in images."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Optional, Tuple

from .jobs import Failure


@dataclass(frozen=True)
class RunImage:
    """The image of a run, pinned."""

    name: str
    version: Optional[int] = None
    digest: Optional[str] = None
    #: Whether it is not managed by the instance.
    is_external: bool = False


@dataclass(frozen=True)
class RunUsage:
    """What a run took."""

    wall_seconds: float = 0.0
    cpu_seconds: Optional[float] = None
    peak_memory_bytes: Optional[int] = None


@dataclass(frozen=True)
class TestRun:
    """A command in an image: a snapshot, which does not change by itself."""

    #: For pytest: no test of its own.
    __test__ = False

    id: str
    #: ``QUEUED``, ``RUNNING``, ``SUCCEEDED``, ``FAILED`` or ``CANCELLED``.
    status: str
    image: RunImage = field(default_factory=lambda: RunImage(""))
    command: Tuple[str, ...] = ()
    #: The names of its variables; their values are told to nobody.
    variables: Tuple[str, ...] = ()
    workspace: Optional[str] = None
    creator: Optional[str] = None
    created_at: Optional[datetime] = None
    started_at: Optional[datetime] = None
    finished_at: Optional[datetime] = None
    queue_position: Optional[int] = None
    #: None while it runs, and when it was killed or met a limit.
    exit_status: Optional[int] = None
    usage: Optional[RunUsage] = None
    #: What it left that did not come back, and why.
    left_out: Tuple[str, ...] = ()
    failure: Optional[Failure] = None

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will happen."""
        return self.finished_at is not None
