"""What an instance tells about, as immutable values.

Fields that a newer instance adds are left out; fields that an older one does not have keep their default.
"""

from .accounts import Me, Membership, NewToken, Token, User
from .differences import Diff, DiffSide, LayerCount, LayerShare, PackageChange
from .images import Image, ImageSummary, ImageUse, Rights
from .jobs import Duration, Failure, Job, LogLine, NumberedImage, Progress
from .plans import Match, MissingRequirement, Plan, PlannedPackage, PlannedPlatform
from .probes import ProbedModule, ProbedPackage, ProbeReport, ProbeSummary
from .runs import RunImage, RunUsage, TestRun
from .specs import PackageRequirement, PipRequirement, Spec
from .versions import Base, Layer, Package, Problem, Reason, Version, VersionSummary

__all__ = [
    "Base",
    "Diff",
    "DiffSide",
    "Duration",
    "Failure",
    "Image",
    "ImageSummary",
    "ImageUse",
    "Job",
    "Layer",
    "LayerCount",
    "LayerShare",
    "LogLine",
    "Match",
    "Me",
    "Membership",
    "MissingRequirement",
    "NewToken",
    "NumberedImage",
    "Package",
    "PackageChange",
    "PackageRequirement",
    "PipRequirement",
    "Plan",
    "PlannedPackage",
    "PlannedPlatform",
    "ProbeReport",
    "ProbeSummary",
    "ProbedModule",
    "ProbedPackage",
    "Problem",
    "Progress",
    "Reason",
    "Rights",
    "RunImage",
    "RunUsage",
    "Spec",
    "TestRun",
    "Token",
    "User",
    "Version",
    "VersionSummary",
]
