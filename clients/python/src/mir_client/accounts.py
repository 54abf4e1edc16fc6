"""Users and API tokens."""

from __future__ import annotations

from typing import List, Optional

from ._connection import Connection, path
from ._reading import read
from .models import NewToken, Token, User


class Users:
    """The accounts of an instance. For administrators."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create(self, name: str, *, role: Optional[str] = None, password: Optional[str] = None) -> User:
        """Makes an account: ``role`` is ``admin``, ``support`` or ``member``."""
        facts = {"name": name, "role": role, "password": password}
        body = {key: value for key, value in facts.items() if value is not None}
        return read(User, self._connection.post("/v1/users", body).get("user"), "the user")

    def get(self, name: str) -> User:
        """An account."""
        return read(User, self._connection.get(path("v1", "users", name)).get("user"), "the user")

    def list(self) -> List[User]:
        """All accounts."""
        return [read(User, one, "the user") for one in self._connection.get("/v1/users").get("users") or []]

    def delete(self, name: str) -> None:
        """Removes an account."""
        self._connection.delete(path("v1", "users", name))


class Tokens:
    """API tokens: one's own; for administrators those of a workspace, or of everybody."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create(
        self,
        name: str,
        *,
        user: Optional[str] = None,
        workspace: Optional[str] = None,
        expires_in_days: Optional[int] = None,
    ) -> NewToken:
        """Makes a token. Its secret is answered this once."""
        facts = {"name": name, "user": user, "workspace": workspace, "expiresInDays": expires_in_days}
        body = {key: value for key, value in facts.items() if value is not None}
        return read(NewToken, self._connection.post_once("/v1/api-tokens", body), "the new token")

    def list(self, *, of_everybody: bool = False, of_workspace: Optional[str] = None) -> List[Token]:
        """One's own tokens; for administrators of a workspace those that act in it, for those of the instance everybody's."""
        if of_workspace is not None:
            found = self._connection.get(path("v1", "workspaces", of_workspace, "api-tokens"))
        else:
            found = self._connection.get("/v1/api-tokens", {"all": "true"} if of_everybody else None)
        return [read(Token, one, "the token") for one in found.get("tokens") or []]

    def revoke(self, token_id: str) -> None:
        """Ends a token for good."""
        self._connection.delete(path("v1", "api-tokens", token_id))
