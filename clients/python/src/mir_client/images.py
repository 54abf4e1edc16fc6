"""Images of an instance: made, altered, found, removed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

from ._connection import Connection, path
from ._pages import Listing
from ._reading import read
from .errors import BuildCancelled, BuildFailed
from .jobs import Jobs, ProgressChoice
from .models import (
    Diff,
    Image,
    ImageSummary,
    LogLine,
    Match,
    PipRequirement,
    Plan,
    Version,
    VersionSummary,
)

#: Requirements: PEP 508 texts (``"pandas<3"``), or the lines of one text, as in a requirements file.
Requirements = Union[str, Iterable[Union[str, PipRequirement]]]


@dataclass(frozen=True)
class Build:
    """The making of a version: what creating, altering and retrying give."""

    image: str
    #: None when there was nothing to build.
    job_id: Optional[str]
    #: Whether an image was made by this; False when one was there already.
    created: bool
    _images: Images = field(repr=False, compare=False)

    def wait(self, *, timeout_seconds: Optional[float] = None, progress: ProgressChoice = True) -> Image:
        """Waits for the build and gives the image, as :meth:`Images.wait` does."""
        if self.job_id is not None:
            self._images._jobs.wait(self.job_id, timeout_seconds=timeout_seconds, progress=progress, name=self.image)
            return self._images.get(self.image)
        return self._images.wait(self.image, timeout_seconds=timeout_seconds, progress=progress)

    def follow(self) -> Iterator[LogLine]:
        """The lines of its log, as they are written."""
        return iter(()) if self.job_id is None else self._images._jobs.follow(self.job_id)

    def cancel(self) -> None:
        """Ends it."""
        if self.job_id is not None:
            self._images._jobs.cancel(self.job_id)


class Images:
    """The images of an instance.

    What goes into an image is said everywhere in the same words:

    ``requirements``
        Python packages, ``["pandas<3", "lightgbm"]`` or the text of a requirements file.
    ``python``
        ``"3.11"``.
    ``os_packages``
        Debian packages, ``["libgomp1", "libgl1=1.6.0"]``.
    ``image_type``
        ``"tabular"``, ``"nlp"``, …: the packages of a trade, beneath those asked for.
    ``base``
        ``"debian:bookworm"``, or ``"oci:HOST/REPOSITORY:TAG"`` of a registry that is listed.
    ``platforms``
        ``["linux/amd64", "linux/arm64"]``; ``[]`` when altering: those that the instance builds for by itself.
    ``bytecode``
        False leaves compiled modules out: built faster, imported slower.
    ``allow_sdist``
        True builds packages that have no wheel from their sources, in the sandbox of the instance.
    ``skip_imports``
        Modules that are not imported when the image is proven.
    ``smoke_command``
        A command that has to end with status 0 in the image before it is used: ``["python", "-c", "import fraud"]``.
    """

    def __init__(self, connection: Connection, jobs: Jobs) -> None:
        self._connection = connection
        self._jobs = jobs

    def create(
        self,
        name: str,
        requirements: Requirements = (),
        *,
        python: Optional[str] = None,
        os_packages: Iterable[str] = (),
        image_type: Optional[str] = None,
        base: Optional[str] = None,
        platforms: Optional[Sequence[str]] = None,
        bytecode: Optional[bool] = None,
        allow_sdist: Optional[bool] = None,
        skip_imports: Optional[Sequence[str]] = None,
        smoke_command: Optional[Sequence[str]] = None,
    ) -> Build:
        """Makes a new image; answers at once and builds in the background.

        Raises:
            Conflict: the name is taken.
            InvalidRequest: something in the spec is wrong; ``fields`` says where.
        """
        others = _others(python, image_type, base, platforms, bytecode, allow_sdist, skip_imports, smoke_command)
        spec = _spec(requirements, os_packages, others)
        return self._build(self._connection.post("/v1/images", {"name": name, **spec}), created=True)

    def ensure(
        self,
        requirements: Requirements = (),
        *,
        name: Optional[str] = None,
        python: Optional[str] = None,
        os_packages: Iterable[str] = (),
        image_type: Optional[str] = None,
        base: Optional[str] = None,
        platforms: Optional[Sequence[str]] = None,
        bytecode: Optional[bool] = None,
        allow_sdist: Optional[bool] = None,
        skip_imports: Optional[Sequence[str]] = None,
        smoke_command: Optional[Sequence[str]] = None,
    ) -> Build:
        """The image of a spec: the one that is there, or a new one. Asking again changes nothing.

        Without a name, any identical image of the instance will do.

        Raises:
            Conflict: the name belongs to an image of another spec.
        """
        others = _others(python, image_type, base, platforms, bytecode, allow_sdist, skip_imports, smoke_command)
        spec = _spec(requirements, os_packages, others)
        answer = self._connection.post("/v1/images/ensure", {**spec, **({} if name is None else {"name": name})})
        return self._build(answer, created=bool(answer.get("created")))

    def alter(
        self,
        name: str,
        *,
        add: Requirements = (),
        remove: Iterable[str] = (),
        requirements: Optional[Requirements] = None,
        python: Optional[str] = None,
        os_packages: Optional[Iterable[str]] = None,
        image_type: Optional[str] = None,
        base: Optional[str] = None,
        platforms: Optional[Sequence[str]] = None,
        bytecode: Optional[bool] = None,
        allow_sdist: Optional[bool] = None,
        skip_imports: Optional[Sequence[str]] = None,
        smoke_command: Optional[Sequence[str]] = None,
    ) -> Build:
        """Makes a new version of an image from a changed spec; what is not given stays as it is.

        ``add`` and ``remove`` change single requirements by the name of the package; ``requirements`` replaces all
        of them. The image stays usable on its version until the new one is proven, and when that fails.
        """
        body: Dict[str, object] = {}
        additions, removals = _requirement_list(add), [*remove]
        if additions or removals:
            if requirements is not None:
                raise ValueError("Give either requirements, which replaces all, or add and remove")
            body.update(_changed(self.get(name).spec.pip_requirements, additions, removals))
        elif requirements is not None:
            body.update(_pip(_requirement_list(requirements)), requirements=_texts(_requirement_list(requirements)))
        if os_packages is not None:
            body.update(packageRequirements=[], osPackages=[*os_packages])
        body.update(_others(python, image_type, base, platforms, bytecode, allow_sdist, skip_imports, smoke_command))
        if not body:
            raise ValueError("Nothing was given to alter")
        return self._build(self._connection.patch(path("v1", "images", name), body), created=False)

    def plan(
        self,
        requirements: Requirements = (),
        *,
        python: Optional[str] = None,
        os_packages: Iterable[str] = (),
        image_type: Optional[str] = None,
        base: Optional[str] = None,
        platforms: Optional[Sequence[str]] = None,
        bytecode: Optional[bool] = None,
        allow_sdist: Optional[bool] = None,
    ) -> Plan:
        """What a build of a spec would do: exact versions, bytes, problems, and images that are there already."""
        spec = _spec(requirements, os_packages, _others(python, image_type, base, platforms, bytecode, allow_sdist))
        return read(Plan, self._connection.post("/v1/images/plan", spec).get("plan"), "the plan")

    def match(
        self,
        requirements: Requirements = (),
        *,
        python: Optional[str] = None,
        os_packages: Iterable[str] = (),
        image_type: Optional[str] = None,
        base: Optional[str] = None,
        platforms: Optional[Sequence[str]] = None,
    ) -> List[Match]:
        """Images that are identical to a spec, that satisfy it, or nearly do; best first."""
        spec = _spec(requirements, os_packages, _others(python, image_type, base, platforms, None))
        found = self._connection.post("/v1/images/match", spec).get("matches")
        return [read(Match, one, "the match") for one in found or []]

    def search(
        self,
        name: Optional[str] = None,
        *,
        packages: Union[str, Sequence[str]] = (),
        python: Optional[str] = None,
        image_type: Optional[str] = None,
        status: Optional[str] = None,
        creator: Optional[str] = None,
        base: Optional[str] = None,
        role_type: Optional[str] = None,
        sort: Optional[str] = None,
        page_size: int = 100,
    ) -> Listing[ImageSummary]:
        """Images by a part of their name, by what is installed (``packages=["pandas>=2", "numpy"]``) and more.

        ``sort`` is ``"name"``, ``"createdAt"`` or ``"updatedAt"``, with a ``-`` in front for the other direction.
        """
        query = {
            "name": name,
            "package": [packages] if isinstance(packages, str) else [*packages],
            "python": python,
            "imageType": image_type,
            "status": status,
            "creator": creator,
            "base": base,
            "roleType": role_type,
            "sort": sort,
            "pageSize": page_size,
        }

        def fetch(token: Optional[str]) -> Mapping[str, Any]:
            return self._connection.get("/v1/search", {**query, "pageToken": token})

        return Listing(fetch, lambda page: (read(ImageSummary, one) for one in page.get("images") or []))

    def list(self, *, page_size: int = 100) -> Listing[ImageSummary]:
        """All images of the instance, fetched page by page while they are gone through."""
        return self.search(page_size=page_size)

    def get(self, name: str) -> Image:
        """An image as it is now.

        Raises:
            NotFound: there is none of that name.
        """
        return self._image(self._connection.get(path("v1", "images", name, "details")))

    def delete(self, name: str, *, force: bool = False) -> None:
        """Removes an image; its name is free at once. For administrators.

        ``force`` removes it also while test runs use it.
        """
        self._connection.delete(path("v1", "images", name), {"force": "true"} if force else None)

    def wait(
        self, name: str, *, timeout_seconds: Optional[float] = None, progress: ProgressChoice = True
    ) -> Image:
        """Waits until nothing is being built for an image, and gives it.

        Raises:
            BuildFailed: its latest version failed. ``failure`` says why; an earlier version is still usable.
            WaitTimeout: the build goes on after ``timeout_seconds``.
        """
        image = self.get(name)
        if image.job is not None:
            self._jobs.wait(image.job.job_id, timeout_seconds=timeout_seconds, progress=progress, name=name)
            image = self.get(name)
        latest = image.latest_version
        if latest is not None and latest.state == "CANCELLED":
            raise BuildCancelled(name)
        if latest is not None and latest.state == "FAILED":
            raise BuildFailed(name, latest.failure)
        return image

    def versions(self, name: str) -> List[VersionSummary]:
        """The versions of an image, newest first."""
        found = self._connection.get(path("v1", "images", name, "versions")).get("versions")
        return [read(VersionSummary, one, "the version") for one in found or []]

    def version(self, name: str, number: int) -> Version:
        """A version with its packages, layers and durations."""
        return read(Version, self._connection.get(path("v1", "images", name, "versions", number)).get("version"))

    def lock(self, name: str, version: Optional[int] = None, *, platform: Optional[str] = None) -> str:
        """The lock of a version, a pylock.toml (PEP 751); without a version, of the current one."""
        number = self._number(name, version)
        return self._connection.text(path("v1", "images", name, "versions", number, "lock"), {"platform": platform})

    def logs(self, name: str, version: Optional[int] = None) -> str:
        """The whole log of a version's build; without a version, of the latest one."""
        number = self._number(name, version, latest=True)
        return self._connection.text(path("v1", "images", name, "versions", number, "logs"))

    def follow(self, name: str) -> Iterator[LogLine]:
        """The log of the build that is under way, line by line as they are written; of the latest one when none is."""
        job = self.get(name).job
        if job is not None:
            return self._jobs.follow(job.job_id)
        return (LogLine(text) for text in self.logs(name).splitlines())

    def rollback(self, name: str, version: int) -> Image:
        """Moves an image to an earlier version of it."""
        return self._image(self._connection.post(path("v1", "images", name, "rollback"), {"version": version}))

    def retry(self, name: str) -> Build:
        """Builds a failed or outdated image again."""
        return self._build(self._connection.post(path("v1", "images", name, "retry")), created=False)

    def diff(self, before: str, after: str) -> Diff:
        """What is different between two images or versions (``"fraud"``, ``"fraud:3"``)."""
        return read(Diff, self._connection.get("/v1/diff", {"from": before, "to": after}).get("diff"), "the diff")

    def _number(self, name: str, version: Optional[int], latest: bool = False) -> int:
        if version is not None:
            return version
        image = self.get(name)
        if not latest and image.current_version is not None:
            return image.current_version
        return image.latest_version.number if image.latest_version is not None else 1

    def _image(self, answer: Mapping[str, Any]) -> Image:
        return read(Image, answer.get("image"), "the image")

    def _build(self, answer: Mapping[str, Any], *, created: bool) -> Build:
        image = answer.get("image")
        name = image.get("name") if isinstance(image, Mapping) else None
        job = answer.get("job")
        return Build(
            image=str(name),
            job_id=job.get("jobId") if isinstance(job, Mapping) else None,
            created=created,
            _images=self,
        )


def _requirement_list(requirements: Requirements) -> List[Union[str, PipRequirement]]:
    if isinstance(requirements, str):
        # A comment begins a line or follows a space: "#" also stands in addresses.
        lines = (re.sub(r"(^|\s)#.*", "", line).strip() for line in requirements.splitlines())
        return [line for line in lines if line]
    return [*requirements]


def _texts(requirements: Iterable[Union[str, PipRequirement]]) -> List[str]:
    return [one for one in requirements if isinstance(one, str)]


def _pip(requirements: Iterable[Union[str, PipRequirement]]) -> Dict[str, object]:
    return {"pipRequirements": [_wire(one) for one in requirements if isinstance(one, PipRequirement)]}


def _wire(requirement: PipRequirement) -> Dict[str, object]:
    facts: Tuple[Tuple[str, object], ...] = (
        ("versionSpecifier", requirement.version_specifier),
        ("extras", [*requirement.extras]),
        ("marker", requirement.marker),
        ("url", requirement.url),
    )
    return {"name": requirement.name, **{key: value for key, value in facts if value}}


def _spec(
    requirements: Requirements,
    os_packages: Iterable[str],
    others: Mapping[str, object],
) -> Dict[str, object]:
    if isinstance(os_packages, str):
        raise TypeError("os_packages is a list of packages, not one text")
    listed = _requirement_list(requirements)
    packages = [*os_packages]
    return {
        **_pip(listed),
        "requirements": _texts(listed),
        **({"osPackages": packages} if packages else {}),
        **others,
    }


def _others(
    python: Optional[str],
    image_type: Optional[str],
    base: Optional[str],
    platforms: Optional[Sequence[str]],
    bytecode: Optional[bool],
    allow_sdist: Optional[bool] = None,
    skip_imports: Optional[Sequence[str]] = None,
    smoke_command: Optional[Sequence[str]] = None,
) -> Dict[str, object]:
    for name, given in (("skip_imports", skip_imports), ("smoke_command", smoke_command)):
        if isinstance(given, str):
            raise TypeError(f"{name} is a list of texts, not one text")
    facts = {
        "pythonVersion": python,
        "imageType": image_type,
        "base": base,
        "platforms": None if platforms is None else [*platforms],
        "bytecode": bytecode,
        "allowSdist": allow_sdist,
        "skipImports": None if skip_imports is None else [*skip_imports],
        "smokeCommand": None if smoke_command is None else [*smoke_command],
    }
    return {key: value for key, value in facts.items() if value is not None}


def _changed(
    standing: Sequence[PipRequirement],
    additions: Sequence[Union[str, PipRequirement]],
    removals: Sequence[str],
) -> Dict[str, object]:
    gone = {_normalized(name) for name in removals}
    unknown = gone - {_normalized(one.name) for one in standing}
    if unknown:
        raise ValueError(f"Not asked for, so not to be removed: {', '.join(sorted(unknown))}")
    replaced = gone | {_normalized(one.name if isinstance(one, PipRequirement) else _name_of(one)) for one in additions}
    kept = [one for one in standing if _normalized(one.name) not in replaced]
    return {**_pip([*kept, *additions]), "requirements": _texts(additions)}


def _name_of(requirement: str) -> str:
    match = re.match(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)", requirement)
    return match.group(1) if match else requirement


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.strip()).lower()
