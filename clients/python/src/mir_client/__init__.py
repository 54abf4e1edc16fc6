"""Python client of the Managed Image Registry.

>>> from mir_client import Client
>>> mir = Client()  # MIR_URL and MIR_API_KEY
>>> mir.images.create("fraud", ["pandas<3", "lightgbm"]).wait()
"""

from ._pages import Listing
from .client import Client
from .errors import (
    ApiError,
    BuildCancelled,
    BuildFailed,
    ConfigurationError,
    Conflict,
    ConnectionFailed,
    FieldProblem,
    Forbidden,
    InvalidRequest,
    MalformedAnswer,
    MirError,
    NotFound,
    Overloaded,
    ServerFault,
    Unauthenticated,
    WaitTimeout,
)
from .images import Build
from .models import (
    Diff,
    Failure,
    Image,
    ImageSummary,
    Job,
    LogLine,
    Match,
    NewToken,
    PackageChange,
    PackageRequirement,
    PipRequirement,
    Plan,
    Problem,
    Spec,
    Token,
    User,
    Version,
    VersionSummary,
)

__all__ = [
    "ApiError",
    "Build",
    "BuildCancelled",
    "BuildFailed",
    "Client",
    "ConfigurationError",
    "Conflict",
    "ConnectionFailed",
    "Diff",
    "Failure",
    "FieldProblem",
    "Forbidden",
    "Image",
    "ImageSummary",
    "InvalidRequest",
    "Job",
    "Listing",
    "LogLine",
    "MalformedAnswer",
    "Match",
    "MirError",
    "NewToken",
    "NotFound",
    "Overloaded",
    "PackageChange",
    "PackageRequirement",
    "PipRequirement",
    "Plan",
    "Problem",
    "ServerFault",
    "Spec",
    "Token",
    "Unauthenticated",
    "User",
    "Version",
    "VersionSummary",
    "WaitTimeout",
]
