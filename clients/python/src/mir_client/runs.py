"""Test runs of an instance: started, followed, cancelled, their files."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path
from typing import Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Union

from ._connection import Connection, path
from ._reading import read
from .jobs import follow_events
from .models import LogLine, TestRun

#: What is made anew by whoever needs it, or is a secret, and never belongs to a test run.
_left_out = frozenset(
    (
        *(".git", ".hg", ".svn", ".venv", "venv", "node_modules"),
        *("__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".tox", ".ipynb_checkpoints"),
        *(".env", ".netrc", ".pypirc", ".ssh", ".gnupg", ".aws", ".azure", ".config", ".docker", ".kube"),
    )
)


class Runs:
    """The test runs of an instance.

    Example:
        >>> run = mir.runs.start("fraud", ["python", "-m", "pytest", "tests/"], files=".")
        >>> for line in mir.runs.follow(run.id):
        ...     print(line.text)
        >>> mir.runs.wait(run.id).exit_status
        0
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def start(
        self,
        image: str,
        command: Iterable[str],
        *,
        version: Optional[int] = None,
        files: Union[str, "os.PathLike[str]", Mapping[str, bytes], None] = None,
        environment: Optional[Mapping[str, str]] = None,
        time_limit_seconds: Optional[int] = None,
        memory_bytes: Optional[int] = None,
        network: bool = False,
    ) -> TestRun:
        """Runs a command in an image, which is pinned from here on; answers at once.

        Args:
            image: A managed image by its name; the version that the name stands for now, or ``version``.
            files: A folder, or files by their paths: what the command finds in its working folder.
            environment: Variables of the command; shown to nobody.

        Raises:
            NotFound: there is no such image or version.
            InvalidRequest: it has no version that is READY, or more is asked for than the instance allows.
        """
        if isinstance(command, str):
            raise TypeError("command is a list of texts: the program and its arguments")
        body: Dict[str, object] = {
            "image": image,
            "command": [*command],
            "environment": [{"name": name, "value": value} for name, value in (environment or {}).items()],
            "network": network,
        }
        if version is not None:
            body["version"] = version
        if time_limit_seconds is not None:
            body["timeLimitSeconds"] = time_limit_seconds
        if memory_bytes is not None:
            body["resources"] = {"memoryBytes": memory_bytes}
        if files is not None:
            body["filesId"] = self._send(files)
        return read(TestRun, self._connection.post("/v1/test-runs", body).get("run"), "the run")

    def get(self, run_id: str) -> TestRun:
        """A run as it is now."""
        return read(TestRun, self._connection.get(path("v1", "test-runs", run_id)).get("run"), "the run")

    def list(self, *, image: Optional[str] = None, status: Optional[str] = None, limit: int = 100) -> List[TestRun]:
        """Runs of one's workspaces, the newest first; those in one image tell who uses it, and when last."""
        query = {"image": image, "status": status, "limit": limit}
        return [read(TestRun, one, "the run") for one in self._connection.get("/v1/test-runs", query).get("runs") or []]

    def cancel(self, run_id: str) -> None:
        """Ends a run."""
        self._connection.post(path("v1", "test-runs", run_id, "cancel"))

    def follow(self, run_id: str) -> Iterator[LogLine]:
        """What a run prints, from its beginning, as it comes, until it ends. ``stage`` is ``stdout`` or ``stderr``."""
        return follow_events(self._connection, path("v1", "test-runs", run_id, "events"), f"run {run_id}")

    def wait(self, run_id: str, *, on_output: Optional[Callable[[LogLine], None]] = None) -> TestRun:
        """Waits until a run has ended, however it did: ``status``, ``exit_status`` and ``failure`` say how."""
        for line in self.follow(run_id):
            if on_output is not None:
                on_output(line)
        return self.get(run_id)

    def files(self, run_id: str) -> Dict[str, bytes]:
        """What a run that has ended left in its results folder (``$MIR_OUTPUT``), by path."""
        content = self._connection.download(path("v1", "test-runs", run_id, "files.tar.gz"))
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            found = ((one.name, archive.extractfile(one)) for one in archive.getmembers() if one.isfile())
            return {name: file.read() for name, file in found if file is not None}

    def _send(self, files: Union[str, "os.PathLike[str]", Mapping[str, bytes]]) -> str:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            if isinstance(files, Mapping):
                for name, content in files.items():
                    member = tarfile.TarInfo(name)
                    member.size = len(content)
                    archive.addfile(member, io.BytesIO(content))
            else:
                root = Path(files)
                for entry in sorted(root.iterdir()):
                    archive.add(entry, entry.name, filter=_kept)
        return str(self._connection.upload("/v1/run-files", "application/gzip", buffer.getvalue()).get("filesId"))


def _kept(member: tarfile.TarInfo) -> Optional[tarfile.TarInfo]:
    name = member.name.rsplit("/", 1)[-1]
    return member if name not in _left_out and (member.isfile() or member.isdir()) else None
