"""An administrator with rime-sdk: the 2.x line, and 0.20, which differs in a few words."""

import io
from contextlib import redirect_stdout
from importlib.metadata import version
from itertools import islice

from promises import api_key, equal, eventually, keep_promises, promise, refused, url
from rime_sdk import Client
from rime_sdk.swagger.swagger_client import ImageRegistryApi, RimeCreateImageRequest

is_old = version("rime_sdk").startswith("0.20")
prefix = "old" if is_old else "sdk"

if is_old:
    from rime_sdk import ImageType

pip = Client.pip_requirement
library = Client.pip_library_filter
package = Client.apt_requirement if is_old else Client.os_requirement
state = {}

keys_of_images = {
    "name",
    "base_image",
    "role_type",
    "child_images",
    "rime_tag",
    "repo_uri",
    "status",
    "package_requirements",
    "pip_requirements",
    "pip_libraries",
    "python_version",
}


def client():
    return state["client"]


def listed(*filters):
    """Names in the list. A client that is told wrong about the last page would go on for ever."""
    pages = client().list_managed_images(list(filters)) if filters else client().list_managed_images()
    names = [image["name"] for image in islice(pages, 1000)]
    assert len(names) == len(set(names)), f"{len(names)} in the list, {len(set(names))} different"
    return names


def wait(builder):
    """Waits as users do; what the client prints meanwhile is theirs."""
    with redirect_stdout(io.StringIO()):
        return builder.get_status(wait_until_finish=True, poll_rate_sec=0.2)


def create_for_job(name, requirements):
    """The client throws the job away; what is generated below it does not."""
    api = ImageRegistryApi(client()._api_client)
    create = api.image_registry_create_image if is_old else api.create_image
    return create(body=RimeCreateImageRequest(name=name, pip_requirements=requirements)).job


@promise("the client starts")
def _():
    state["client"] = Client(url, api_key)
    assert client().customer_name, "the customer has a name"


@promise("a slash at the end of the address and an address without a scheme are fine")
def _():
    assert Client(url + "/", api_key).has_managed_image("no-such-image") is False
    assert Client(url.replace("http://", ""), api_key).has_managed_image("no-such-image") is False


@promise("an image is created at once, is being built for the first time, and becomes READY by itself")
def _():
    name = f"{prefix}-first"
    builder = client().create_managed_image(name, [pip("six", "==1.16.0")])
    image = client().get_managed_image(name)
    assert image["status"] in ("STATUS_BUILDING_FIRST_TIME", "STATUS_READY"), image["status"]
    assert image["repo_uri"], "the repository is known from the beginning"
    assert image["base_image"]["name"], "the base is known from the beginning"
    assert client().has_managed_image(name)
    equal(wait(builder)["status"], "STATUS_READY")
    assert client().has_managed_image(name, check_status=True)


@promise("an image tells what was asked for and what is installed, with every key")
def _():
    image = client().get_managed_image(f"{prefix}-first")
    missing = keys_of_images - set(image)
    assert not missing, missing
    equal(image["name"], f"{prefix}-first")
    equal(image["role_type"], "ROLE_TYPE_USER_DEFINED")
    equal([(one["name"], one["version_specifier"]) for one in image["pip_requirements"]], [("six", "==1.16.0")])
    equal(image["package_requirements"], [])
    equal(image["child_images"], [])
    assert ("six", "1.16.0") in [(one["name"], one["version"]) for one in image["pip_libraries"]], image
    assert isinstance(image["python_version"], str) and image["python_version"].count(".") == 1, image
    assert image["rime_tag"], "the tag to pull it by"
    assert image["base_image"]["reference_type"].startswith("REFERENCE_TYPE_"), image
    for key, kind in {"child_images": list, "pip_libraries": list, "base_image": dict}.items():
        assert isinstance(image[key], kind), (key, image[key])


@promise("every form of a version specifier is taken")
def _():
    forms = {
        "any": (pip("idna"), None),
        "empty": (pip("idna", ""), None),
        "set": (pip("idna", ">=3.4,<3.5"), "3.4"),
        "arbitrary": (pip("idna", "===3.6"), "3.6"),
        "bare": (pip("idna", "3.7"), "3.7"),
    }
    builders = [
        (client().create_managed_image(f"{prefix}-form-{form}", [requirement]), form, wanted)
        for form, (requirement, wanted) in forms.items()
    ]
    for builder, form, wanted in builders:
        image = wait(builder)
        equal((form, image["status"]), (form, "STATUS_READY"))
        versions = {one["name"]: one["version"] for one in image["pip_libraries"]}
        assert "idna" in versions, versions
        if wanted is not None:
            equal((form, versions["idna"]), (form, wanted))


@promise("an image without any requirement is fine")
def _():
    equal(wait(client().create_managed_image(f"{prefix}-bare", []))["status"], "STATUS_READY")


@promise("a Python can be chosen")
def _():
    builder = client().create_managed_image(f"{prefix}-python", [pip("six")], python_version="3.11")
    image = wait(builder)
    equal((image["status"], image["python_version"]), ("STATUS_READY", "3.11"))


@promise("an OS package is the Debian package of that name, with a version or without")
def _():
    name = f"{prefix}-package"
    image = wait(client().create_managed_image(name, [pip("six")], package_requirements=[package("libgomp1")]))
    equal(image["status"], "STATUS_READY")
    equal([one["name"] for one in image["package_requirements"]], ["libgomp1"])
    wanted = "PACKAGE_TYPE_APT" if is_old else "PACKAGE_TYPE_ROCKYLINUX"
    equal([one["package_type"] for one in image["package_requirements"]], [wanted])
    version_specifier = "=12.2.0" if is_old else "12.2.0"
    image = wait(
        client().create_managed_image(
            f"{name}-version", [pip("six")], package_requirements=[package("libgomp1", version_specifier)]
        )
    )
    equal(image["status"], "STATUS_READY")
    equal([one["version_specifier"] for one in image["package_requirements"]], [version_specifier])


@promise("an unknown OS package is refused with its name and the nearest ones")
def _():
    with refused("Bad Request: ", "libgomp11", "libgomp1"):
        client().create_managed_image(
            f"{prefix}-no-package", [pip("six")], package_requirements=[package("libgomp11")]
        )
    equal(client().has_managed_image(f"{prefix}-no-package"), False)


@promise("a name that is taken is a conflict that names it")
def _():
    with refused("Conflict: ", f"{prefix}-first"):
        client().create_managed_image(f"{prefix}-first", [pip("six")])


@promise("an impossible name is refused with the name")
def _():
    for name in ["Has Space", "UPPER", "a/b", "-a", "a--b", "ünï"]:
        with refused("Bad Request: ", name):
            client().create_managed_image(name, [pip("six")])
    with refused("Bad Request: "):
        client().create_managed_image("", [pip("six")])


@promise("a bad specifier, a bad package name and a Python that is not there are refused with the value, and take no name")
def _():
    name = f"{prefix}-refused"
    with refused("Bad Request: ", "=>1"):
        client().create_managed_image(name, [pip("six", "=>1")])
    with refused("Bad Request: ", "six six"):
        client().create_managed_image(name, [pip("six six")])
    with refused("Bad Request: ", "2.7"):
        client().create_managed_image(name, [pip("six")], python_version="2.7")
    equal(client().has_managed_image(name), False)
    client().create_managed_image(name, [pip("six", "==1.16.0")])


@promise("what is data stays data: no addresses, paths or options as requirements")
def _():
    for hostile in ["six @ https://example.org/six-1.16.0-py3-none-any.whl", "-r /etc/passwd", "../six", "--index-url=http://x"]:
        with refused("Bad Request: "):
            client().create_managed_image(f"{prefix}-hostile", [pip(hostile)])


@promise("an image whose requirement nobody can meet fails by itself and says why in its job")
def _():
    name = f"{prefix}-impossible"
    job_id = create_for_job(name, [pip("six", "==999.0")]).job_id
    job = client().get_job(job_id)
    printed = io.StringIO()
    with redirect_stdout(printed):
        status = job.get_status(wait_until_finish=True, poll_rate_sec=0.2)
    equal(status["status"], "JOB_STATUS_FAILED")
    if not is_old:
        assert "six" in status["error_msg"] and "999.0" in status["error_msg"], status
        assert "999.0" in printed.getvalue(), printed.getvalue()
    equal(client().get_managed_image(name)["status"], "STATUS_FAILED")
    equal(client().has_managed_image(name), True)
    equal(client().has_managed_image(name, check_status=True), False)


@promise("a failed image keeps its name until it is deleted; the name is free in the very next request")
def _():
    name = f"{prefix}-impossible"
    with refused("Conflict: ", name):
        client().create_managed_image(name, [pip("six")])
    with redirect_stdout(io.StringIO()):
        client().delete_managed_image(name)
    builder = client().create_managed_image(name, [pip("six", "==1.16.0")])
    equal(wait(builder)["status"], "STATUS_READY")


@promise("a job that succeeds says so, with numbers and times a client can read")
def _():
    job_id = create_for_job(f"{prefix}-job", [pip("six", "==1.16.0")]).job_id
    job = client().get_job(job_id)
    equal(job.job_id, job_id)
    equal(type(job).__name__, "ImageBuilderJob")
    with redirect_stdout(io.StringIO()):
        status = job.get_status(verbose=True, wait_until_finish=True, poll_rate_sec=0.2)
    equal(status["status"], "JOB_STATUS_SUCCEEDED")
    assert status["running_time_secs"] >= 0, status
    assert status["creation_time"], status
    assert job_id in str(job), str(job)
    with refused("Cancelling jobs is only supported"):
        job.cancel()


@promise("a job that there is not is said to be unknown or invalid")
def _():
    unknown = "00000000-0000-4000-8000-000000000000"
    with refused(f"Did not find job id `{unknown}`"):
        client().get_job(unknown)
    try:
        client().get_job("no job's id")
    except ValueError as refusal:
        assert "no job's id" in str(refusal), refusal
    else:
        raise AssertionError("was not refused")


@promise("an image that there is not is not there, whatever its name")
def _():
    for name in ["no-such-image", "", "a/b c", "Has Space", "../v1/jobs", "ünï", "%2F", "x" * 2000, "a?b=c", "a#b"]:
        equal((name, client().has_managed_image(name)), (name, False))
    with refused("Not Found: ", "no-such-image"):
        client().get_managed_image("no-such-image")
    with refused("Docker image with name no-such-image does not exist."):
        client().delete_managed_image("no-such-image")


@promise("the list has every image exactly once, over several pages, and ends")
def _():
    names = [f"page-{number:02}" for number in range(1, 24)]
    for name in names:
        if not client().has_managed_image(name):
            client().create_managed_image(name, [pip("six", "==1.15.0")])
    equal(sorted(set(names) - set(listed())), [])
    for name in names:
        seen = eventually(lambda: client().get_managed_image(name)["status"], lambda status: "BUILDING" not in status)
        equal((name, seen), (name, "STATUS_READY"))


@promise("the list is filtered by what is installed, on every page, by all filters at once")
def _():
    def names(*filters):
        return set(listed(*filters))

    pages = {f"page-{number:02}" for number in range(1, 24)}
    by_version = names(library("six", "1.15.0"))
    equal(sorted(by_version & pages), sorted(pages))
    assert f"{prefix}-first" not in by_version, by_version
    assert pages < names(library("six")) and f"{prefix}-first" in names(library("six"))
    assert f"{prefix}-first" in names(library("SIX", "1.16.0")), "names are compared normalised"
    equal(names(library("six", "1.15.0"), library("idna")) & (pages | {f"{prefix}-first"}), set())
    equal(names(library("no-such-library")), set())
    builder = client().create_managed_image(f"{prefix}-both", [pip("six", "==1.16.0"), pip("idna", "==3.7")])
    equal(wait(builder)["status"], "STATUS_READY")
    assert f"{prefix}-both" in names(library("six", "1.16.0"), library("idna", "3.7"))
    assert f"{prefix}-first" not in names(library("six", "1.16.0"), library("idna", "3.7"))


@promise("an administrator deletes an image, while it is being built too, and once")
def _():
    with redirect_stdout(io.StringIO()):
        client().delete_managed_image(f"{prefix}-first")
        equal(client().has_managed_image(f"{prefix}-first"), False)
        assert f"{prefix}-first" not in listed()
        client().create_managed_image(f"{prefix}-soon-gone", [pip("six", "==1.14.0")])
        client().delete_managed_image(f"{prefix}-soon-gone")
    equal(client().has_managed_image(f"{prefix}-soon-gone"), False)
    with refused("Docker image with name"):
        client().delete_managed_image(f"{prefix}-first")


@promise("users' own idiom works: not ready? delete what is there, create again")
def _():
    name = f"{prefix}-idiom"
    for _ in range(2):
        if not client().has_managed_image(name, check_status=True):
            if client().has_managed_image(name):
                client().delete_managed_image(name)
            client().create_managed_image(name, [pip("six", "==1.16.0")])


if is_old:

    @promise("every image type of the old line is accepted")
    def _():
        for image_type in ImageType:
            name = f"old-type-{image_type.value}"
            client().create_managed_image(name, [pip("six")], image_type=image_type)
            assert client().has_managed_image(name)
            # What it stands on is made of large packages; that it is taken is all that is looked at here.
            client().delete_managed_image(name)


keep_promises()
