"""What was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple


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
    #: Whether these were asked for; otherwise they are those of the instance.
    has_own_platforms: bool = False
    bytecode: Optional[bool] = None
    allow_sdist: bool = False
    skip_imports: Tuple[str, ...] = ()
    smoke_command: Tuple[str, ...] = ()
