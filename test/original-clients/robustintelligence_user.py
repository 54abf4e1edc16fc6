"""An administrator, an ordinary user and a stranger with robustintelligence, whose models are strict."""

import json
import os

from promises import api_key, equal, eventually, keep_promises, promise, refused, url
from ri import RIClient
from ri.apiclient.exceptions import (
    ApiException,
    BadRequestException,
    ForbiddenException,
    NotFoundException,
    UnauthorizedException,
)
from ri.apiclient.models import ManagedImagePackageType, PackageRequirement, PipLibraryFilter, PipRequirement

administrator = RIClient(url, api_key)
images = administrator.image_registry
jobs = administrator.job_reader
member = RIClient(url, os.environ["MEMBER_KEY"])
stranger = RIClient(url, "mir_wrong")
six = PipRequirement(name="six", version_specifier="==1.16.0")
ended = ("JOB_STATUS_SUCCEEDED", "JOB_STATUS_FAILED", "JOB_STATUS_CANCELLED")


def follow(job_id):
    return eventually(lambda: jobs.get_job(job_id).job, lambda job: job.status.value in ended)


def read_error(refusal, code):
    """The body of every error has exactly three fields."""
    body = json.loads(refusal.body)
    equal(sorted(body), ["code", "details", "message"])
    equal((body["code"], body["details"]), (code, []))
    return body["message"]


@promise("an image is created and followed by its job")
def _():
    created = images.create_image("ri-first", [six])
    equal(created.image.name, "ri-first")
    equal(created.image.status.value, "STATUS_BUILDING_FIRST_TIME")
    assert created.job.job_id and created.job.creation_time, created.job
    equal(jobs.get_job(created.job.job_id, view="JOB_VIEW_BASIC").job.job_id, created.job.job_id)
    job = follow(created.job.job_id)
    equal(job.status.value, "JOB_STATUS_SUCCEEDED")
    assert job.completion_time >= job.start_time >= job.creation_time, job
    equal(job.error_msg, None)
    image = images.get_image("ri-first").image
    equal(image.status.value, "STATUS_READY")
    assert ("six", "1.16.0") in [(one.name, one.version) for one in image.pip_libraries]
    equal((type(image.python_version), image.child_images, image.package_requirements), (str, [], []))


@promise("a package requirement is taken with its type in snake_case and without one")
def _():
    typed = PackageRequirement(name="libgomp1", package_type=ManagedImagePackageType.PACKAGE_TYPE_ROCKYLINUX)
    created = images.create_image("ri-packages", [six], package_requirements=[typed], python_version="3.11")
    equal([one.name for one in created.image.package_requirements], ["libgomp1"])
    plain = images.create_image("ri-package", [], package_requirements=[PackageRequirement(name="libgomp1")])
    for one in (created, plain):
        equal(follow(one.job.job_id).status.value, "JOB_STATUS_SUCCEEDED")


@promise("a failed build explains itself in its job")
def _():
    created = images.create_image("ri-impossible", [PipRequirement(name="six", version_specifier="==999.0")])
    job = follow(created.job.job_id)
    equal(job.status.value, "JOB_STATUS_FAILED")
    assert "six" in job.error_msg and "999.0" in job.error_msg, job.error_msg
    equal(images.get_image("ri-impossible").image.status.value, "STATUS_FAILED")


@promise("a build can be cancelled; the image ends as FAILED and can be deleted")
def _():
    created = images.create_image("ri-cancelled", [PipRequirement(name="lightgbm")])
    equal(jobs.cancel_job(created.job.job_id), {})
    job = follow(created.job.job_id)
    equal((job.status.value, job.error_msg), ("JOB_STATUS_CANCELLED", None))
    equal(images.get_image("ri-cancelled").image.status.value, "STATUS_FAILED")
    equal(images.delete_image("ri-cancelled"), {})


@promise("the plain list goes through all pages and ends by the rule")
def _():
    seen, token = [], ""
    while True:
        page = images.list_images(page_token=token, page_size="2") if token else images.list_images(page_size="2")
        seen.extend(image.name for image in page.images)
        assert len(seen) == len(set(seen)), "a page came twice"
        assert len(page.images) <= 2 and isinstance(page.next_page_token, str)
        if page.next_page_token == token:
            break
        token = page.next_page_token
    assert {"ri-first", "ri-packages", "ri-package", "ri-impossible"} <= set(seen), seen


@promise("the posted list takes a filter and a page size in words, and the token carries the filter")
def _():
    images.create_image("ri-second", [six])
    eventually(lambda: images.get_image("ri-second").image.status.value, lambda status: status == "STATUS_READY")
    seen, token = [], ""
    filters = [PipLibraryFilter(name="six", version="1.16.0")]
    while True:
        page = (
            images.list_images2(page_size="1", page_token=token)
            if token
            else images.list_images2(page_size="1", pip_libraries=filters)
        )
        seen.extend(page.images)
        if page.next_page_token == token:
            break
        token = page.next_page_token
    assert {"ri-first", "ri-second"} <= {image.name for image in seen}
    for image in seen:
        assert ("six", "1.16.0") in [(one.name, one.version) for one in image.pip_libraries], image.name
    equal(len(seen), len({image.name for image in seen}))
    equal(images.list_images2(pip_libraries=[PipLibraryFilter(name="no-such-library")]).images, [])
    equal(images.list_images2(pip_libraries=[PipLibraryFilter(name="no-such-library")]).next_page_token, "")


@promise("errors have their class, the standard reason and exactly the body that clients read")
def _():
    try:
        images.get_image("no-such-image")
    except NotFoundException as refusal:
        equal(refusal.reason, "Not Found")
        assert "no-such-image" in read_error(refusal, 5)
    else:
        raise AssertionError("an unknown image")
    try:
        images.create_image("Not A Name", [six])
    except BadRequestException as refusal:
        equal(refusal.reason, "Bad Request")
        assert "Not A Name" in read_error(refusal, 3)
    else:
        raise AssertionError("a bad name")
    try:
        images.create_image("ri-first", [six])
    except ApiException as refusal:
        equal((refusal.status, refusal.reason), (409, "Conflict"))
        assert "ri-first" in read_error(refusal, 6)
    else:
        raise AssertionError("a name that is taken")
    with refused("(404)", kind=NotFoundException):
        jobs.get_job("00000000-0000-4000-8000-000000000000")
    for token in ["made-up", "ü", "../.."]:
        with refused("(400)", "page", kind=BadRequestException):
            images.list_images(page_token=token)


@promise("a wrong key is 401, deleting as an ordinary user 403, and the image stays")
def _():
    for call in (stranger.image_registry.list_images, lambda: stranger.image_registry.get_image("ri-first")):
        try:
            call()
        except UnauthorizedException as refusal:
            read_error(refusal, 16)
        else:
            raise AssertionError("a wrong key")
    try:
        member.image_registry.delete_image("ri-first")
    except ForbiddenException as refusal:
        read_error(refusal, 7)
    else:
        raise AssertionError("deleting as an ordinary user")
    equal(member.image_registry.get_image("ri-first").image.name, "ri-first")
    equal(images.delete_image("ri-first"), {})
    with refused("(404)", kind=NotFoundException):
        images.get_image("ri-first")


@promise("API tokens are made, work, are listed without their secret, and are revoked")
def _():
    created = administrator.user.create_api_token("from ri", expiry_days=7)
    assert created.full_api_token and created.id.uuid, created
    assert RIClient(url, created.full_api_token).image_registry.list_images().images is not None
    listed = {one.name: one for one in administrator.user.list_api_tokens(page_size="100").api_token_infos}
    assert "from ri" in listed, listed
    info = listed["from ri"]
    assert info.suffix is None or created.full_api_token.endswith(info.suffix), info
    equal((info.id.uuid, info.user_id), (created.id.uuid, "admin"))
    equal((info.expiration_time - info.creation_time).days, 7)
    administrator.user.delete_api_token(created.id.uuid)
    with refused("(401)", kind=UnauthorizedException):
        RIClient(url, created.full_api_token).image_registry.list_images()


keep_promises()
