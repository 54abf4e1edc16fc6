"""The client of an instance."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Optional, Type

from ._connection import Connection
from ._reading import read
from .accounts import Tokens, Users
from .errors import ConfigurationError
from .images import Images
from .jobs import Jobs
from .models import Me
from .runs import Runs


class Client:
    """A Managed Image Registry.

    Args:
        url: The address of the instance; without it, ``MIR_URL`` of the environment.
        api_key: An API token; without it, ``MIR_API_KEY`` of the environment.
        timeout_seconds: How long to wait for an answer that does not come.

    Example:
        >>> from mir_client import Client
        >>> mir = Client()
        >>> image = mir.images.create("fraud", ["pandas<3", "lightgbm"], os_packages=["libgomp1"]).wait()
        >>> image.reference
        'registry.example.com/images/fraud:v1'
    """

    #: The images of the instance.
    images: Images
    #: Its jobs.
    jobs: Jobs
    #: Its test runs.
    runs: Runs
    #: Its accounts.
    users: Users
    #: API tokens.
    tokens: Tokens

    def __init__(
        self,
        url: Optional[str] = None,
        api_key: Optional[str] = None,
        *,
        timeout_seconds: float = 60.0,
    ) -> None:
        address = url or os.environ.get("MIR_URL", "")
        key = api_key or os.environ.get("MIR_API_KEY", "")
        if not address:
            raise ConfigurationError("No address: give url, or set MIR_URL to that of the instance.")
        if not key:
            raise ConfigurationError("No API key: give api_key, or set MIR_API_KEY to a token of yours.")
        self._connection = Connection(address, key, timeout_seconds)
        self.jobs = Jobs(self._connection)
        self.images = Images(self._connection, self.jobs)
        self.runs = Runs(self._connection)
        self.users = Users(self._connection)
        self.tokens = Tokens(self._connection)

    @property
    def url(self) -> str:
        """The address of the instance."""
        return self._connection.url

    def me(self) -> Me:
        """Whose key this is, and in which workspace it acts."""
        return read(Me, self._connection.get("/v1/me"), "the answer")

    def close(self) -> None:
        """Lets go of connections; the client cannot be used afterwards."""
        self._connection.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self.url!r})"
