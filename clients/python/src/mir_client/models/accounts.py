"""Accounts and API tokens."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Optional, Tuple


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
