"""Users without a client: what the original's REST tutorial shows, and what reaches a server from other hands."""

import json
import urllib.error
import urllib.request

from promises import api_key, equal, eventually, keep_promises, promise, url


def call(method, path, body=None, headers=None):
    """The status, the reason and the body."""
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data=data, method=method)
    for name, value in {"rime-api-key": api_key, "Content-Type": "application/json", **(headers or {})}.items():
        request.add_header(name, value)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.reason, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        raw = error.read()
        # The SDK reads errors with a Python literal parser.
        for word in (b"null", b"true", b"false"):
            assert b": " + word not in raw and b":" + word not in raw, raw
        return error.code, error.reason, json.loads(raw)


def refuses(found, status, reason, code, *parts):
    equal(found[:2], (status, reason))
    equal(sorted(found[2]), ["code", "details", "message"])
    equal((found[2]["code"], found[2]["details"]), (code, []))
    for part in parts:
        assert part in found[2]["message"], found


@promise("snake_case and fields that nobody knows are taken; the answer is camelCase")
def _():
    body = {
        "name": "rest-first",
        "pip_requirements": [{"name": "six", "version_specifier": "==1.16.0"}],
        "package_requirements": [{"name": "libgomp1", "package_type": "PACKAGE_TYPE_ROCKYLINUX"}],
        "python_version": "3.11",
        "noSuchField": {"deep": [1, None, True]},
    }
    status, _, answer = call("POST", "/v1/images", body)
    equal(status, 200)
    equal(sorted(answer), ["image", "job"])
    image, job = answer["image"], answer["job"]
    equal(image["pipRequirements"], [{"name": "six", "versionSpecifier": "==1.16.0"}])
    equal(image["packageRequirements"][0]["packageType"], "PACKAGE_TYPE_ROCKYLINUX")
    equal((image["pythonVersion"], image["childImages"], image["status"]), ("3.11", [], "STATUS_BUILDING_FIRST_TIME"))
    for field in ("baseImage", "roleType", "rimeTag", "repoUri", "pipLibraries"):
        assert field in image, field
    equal(job["jobType"], "JOB_TYPE_IMAGE_BUILDER")
    assert isinstance(job["runningTimeSecs"], (int, float)) and job["creationTime"], job
    final = eventually(
        lambda: call("GET", f"/v1/jobs/{job['jobId']}?view=JOB_VIEW_FULL")[2]["job"],
        lambda job: job["status"] in ("JOB_STATUS_SUCCEEDED", "JOB_STATUS_FAILED"),
    )
    equal(final["status"], "JOB_STATUS_SUCCEEDED")
    assert "" not in final.values() or final.get("jobProgressStr") == "", final


@promise("a key is taken as a bearer token too, and camelCase of course")
def _():
    headers = {"rime-api-key": "", "Authorization": f"Bearer {api_key}"}
    equal(call("GET", "/v1/images/rest-first", headers=headers)[0], 200)


@promise("the documented loop over pages works: page_token in the query, one page after the other")
def _():
    names, token = [], ""
    while True:
        answer = call("GET", f"/v1/images?page_size=3&page_token={token}" if token else "/v1/images?pageSize=3")[2]
        names.extend(image["name"] for image in answer["images"])
        assert len(names) == len(set(names)), "a page came twice"
        if answer["nextPageToken"] == token:
            break
        token = answer["nextPageToken"]
    assert "rest-first" in names, names


@promise("an empty list request is valid, and a size may be a word, a number or nothing")
def _():
    for body in ({}, {"pageSize": 0}, {"pageSize": ""}, {"pageSize": "2"}, {"page_size": 2}, {"pip_libraries": []}):
        status, _, answer = call("POST", "/v1/images/list", body)
        equal((body, status), (body, 200))
        assert isinstance(answer["images"], list) and isinstance(answer["nextPageToken"], str), answer
    for body in ({"pageSize": "many"}, {"pageToken": "made up"}, {"pipLibraries": "six"}, [], "x"):
        refuses(call("POST", "/v1/images/list", body), 400, "Bad Request", 3)


@promise("whatever is not a request is told what is wrong with it")
def _():
    for body in (b"{", b"", b"\xff\xfe", b"[]", b'"x"', b"null", b'{"name": 7}', b'{"name": "a\\u0000b"}'):
        refuses(call("POST", "/v1/images", body), 400, "Bad Request", 3)
    deep = b"[" * 20000 + b"]" * 20000
    refuses(call("POST", "/v1/images", b'{"name": "deep", "pipRequirements": ' + deep + b"}"), 400, "Bad Request", 3)


@promise("routes and jobs that there are not are Not Found, with the body of an error")
def _():
    for path in ("/v1/no-such-route", "/v1/images/", "/v1/jobs/00000000-0000-4000-8000-000000000000", "/nowhere"):
        refuses(call("GET", path), 404, "Not Found", 5)


@promise("logs of a job come as one chunk, at all three addresses")
def _():
    _, _, answer = call("POST", "/v1/images", {"name": "rest-logs", "pipRequirements": [{"name": "six"}]})
    job_id = answer["job"]["jobId"]
    eventually(
        lambda: call("GET", f"/v1/jobs/{job_id}")[2]["job"]["status"], lambda status: status == "JOB_STATUS_SUCCEEDED"
    )
    for path in ("/v1-beta/logs/", "/internal/logs/", "/v1/logs/"):
        status, _, answer = call("GET", path + job_id)
        equal((path, status), (path, 200))
        assert "The image is sha256:" in answer["result"]["chunk"], answer


@promise("deleting works with a body and without, and says 404 the second time")
def _():
    equal(call("DELETE", "/v1/images/rest-first", {})[::2], (200, {}))
    refuses(call("DELETE", "/v1/images/rest-first"), 404, "Not Found", 5, "rest-first")
    equal(call("DELETE", "/v1/images/rest-logs")[::2], (200, {}))


@promise("what there is for all clients is below the path for 0.20 too, API tokens among it")
def _():
    old = "/compat/0.20"
    status, _, made = call("POST", old + "/v1/users/api-tokens", {"name": "from 0.20", "expiryDays": 1})
    equal(status, 200)
    headers = {"rime-api-key": made["fullApiToken"]}
    equal(call("GET", old + "/v1/images?pageSize=1", headers=headers)[0], 200)
    listed = call("GET", old + "/v1/users/api-tokens")[2]["apiTokenInfos"]
    assert made["id"] in [one["id"] for one in listed], listed
    equal(call("DELETE", f"{old}/v1/users/api-tokens/{made['id']['uuid']}")[::2], (200, {}))
    equal(call("GET", old + "/v1/images", headers=headers)[0], 401)


@promise("the server tells every fact of the contract about itself")
def _():
    facts = ["buildVersion", "clusterInfoVersion", "customerName", "expirationTime", "gracePeriodEndTime", "riPlan"]
    equal(sorted(call("GET", "/v1/rime-info")[2]), facts)


@promise("a wrong key is 401 before anything else")
def _():
    for path in ("/v1/images", "/v1/images/rest-first", "/v1/jobs/x"):
        refuses(call("GET", path, headers={"rime-api-key": "mir_wrong"}), 401, "Unauthorized", 16)


keep_promises()
