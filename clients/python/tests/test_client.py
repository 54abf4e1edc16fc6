import json
import os
import pickle
import unittest
from datetime import datetime, timezone
from unittest import mock

from instance import Answer, Instance
from mir_client import (
    BuildCancelled,
    BuildFailed,
    Client,
    ConfigurationError,
    Conflict,
    ConnectionFailed,
    Forbidden,
    InvalidRequest,
    MalformedAnswer,
    MirError,
    NotFound,
    Overloaded,
    PipRequirement,
    ServerFault,
    Unauthenticated,
    WaitTimeout,
)

secret = "mir_very_secret"
image = {"image": {"name": "fraud", "status": "READY", "digest": "sha256:1", "currentVersion": 1}}


def problem(status, **facts):
    return Answer(status, {"status": status, "title": "t", **facts}, {"Content-Type": "application/problem+json"})


def job(status, **facts):
    return {"jobId": "j1", "status": status, "images": [{"name": "fraud", "version": 1}], **facts}


class ClientCase(unittest.TestCase):
    def setUp(self):
        # Pauses are waited for by nobody here.
        patch = mock.patch("time.sleep")
        self.sleep = patch.start()
        self.addCleanup(patch.stop)

    def client(self, answers):
        self.instance = self.enter(Instance(answers))
        return self.enter(Client(self.instance.url, secret))

    def enter(self, context):
        value = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return value

    def sent(self):
        return self.instance.asked[-1]


class ConfigurationTest(ClientCase):
    def test_address_and_key_come_from_the_environment(self):
        with mock.patch.dict(os.environ, {"MIR_URL": "http://127.0.0.1:1/", "MIR_API_KEY": secret}):
            with Client() as client:
                self.assertEqual(client.url, "http://127.0.0.1:1")

    def test_what_is_missing_or_wrong_is_named(self):
        with mock.patch.dict(os.environ, clear=True):
            for url, key, said in (
                (None, secret, "MIR_URL"),
                ("http://x", None, "MIR_API_KEY"),
                ("x:1", secret, "'x:1'"),
                ("ftp://x", secret, "ftp"),
                ("http://me:pass@x", secret, "api_key"),
                ("http://x", "mir_\nx", "API key"),
            ):
                with self.assertRaisesRegex(ConfigurationError, said) as caught:
                    Client(url, key)
                self.assertNotIn("pass@", str(caught.exception))

    def test_no_repr_and_no_error_holds_the_key(self):
        client = self.client(lambda asked: problem(403, detail="no", hint="ask"))
        shown = [repr(client), repr(client._connection), repr(client.images), repr(client._connection._http.headers)]
        with self.assertRaises(Forbidden) as caught:
            client.images.get("fraud")
        shown.extend([str(caught.exception), repr(caught.exception), repr(vars(caught.exception))])
        created = self.client(lambda _: Answer(200, {"token": {"id": "1", "name": "n"}, "secret": secret})).tokens
        new = created.create("n")
        self.assertEqual(new.secret, secret)
        self.assertNotIn("idempotency-key", self.sent().headers)
        for text in [*shown, repr(new)]:
            self.assertNotIn(secret, text)


class ErrorTest(ClientCase):
    def test_each_status_has_its_class_with_cause_hint_and_fields(self):
        kinds = {400: InvalidRequest, 401: Unauthenticated, 403: Forbidden, 404: NotFound, 409: Conflict, 500: ServerFault}
        for status, kind in kinds.items():
            client = self.client(
                lambda _: problem(
                    status,
                    detail="the name is taken",
                    cause="image/taken",
                    hint="Choose another.",
                    fields=[{"field": "name", "message": "taken"}],
                    requestId="r-1",
                )
            )
            with self.assertRaises(kind) as caught:
                client.images.delete("fraud")
            error = caught.exception
            self.assertIsInstance(error, MirError)
            self.assertEqual((error.status, error.cause, error.hint), (status, "image/taken", "Choose another."))
            self.assertEqual((error.fields[0].field, error.request_id), ("name", "r-1"))
            self.assertIn("the name is taken\nChoose another.", str(error))
            self.assertIn("application/problem+json", self.sent().headers["accept"])

    def test_the_original_body_a_proxy_and_nothing_at_all_are_understood(self):
        for body, said in (
            ({"code": 5, "message": "image fraud not found", "details": []}, "image fraud not found"),
            ("<html>Bad Gateway</html>", "404 Not Found"),
            ({"detail": [1]}, "404 Not Found"),
            ([], "404 Not Found"),
            (None, "404 Not Found"),
        ):
            with self.assertRaisesRegex(NotFound, said):
                self.client(lambda _: Answer(404, body)).images.get("fraud")

    def test_an_answer_that_is_none_is_said_to_be_none(self):
        for body in ("<html>", {"image": 1}, {"image": {}}, {"image": {"name": 1, "status": "x"}}, {}):
            with self.assertRaises(MalformedAnswer):
                self.client(lambda _: Answer(200, body)).images.get("fraud")

    def test_a_redirect_is_not_followed(self):
        other = self.enter(Instance(lambda _: Answer(200, image)))
        client = self.client(lambda _: Answer(302, None, {"Location": other.url + "/x?token=1"}))
        with self.assertRaisesRegex(MirError, "redirects to http://127.0.0.1") as caught:
            client.images.get("fraud")
        self.assertNotIn("token=1", str(caught.exception))
        self.assertEqual(other.asked, [])

    def test_nobody_there_is_said_with_the_address(self):
        with Instance([]) as gone:
            url = gone.url
        with self.assertRaisesRegex(ConnectionFailed, url):
            self.enter(Client(url, secret)).images.get("fraud")


class RepeatingTest(ClientCase):
    def test_asking_is_repeated_when_the_instance_has_too_much_to_do(self):
        client = self.client([Answer(503, None, {"Retry-After": "7"}), Answer(502, "x"), Answer(200, image)])
        self.assertEqual(client.images.get("fraud").name, "fraud")
        self.assertEqual([round(call.args[0], 2) for call in self.sleep.call_args_list][0], 7)
        self.assertEqual(len(self.instance.asked), 3)

    def test_it_is_repeated_a_few_times_only_and_not_after_a_long_pause(self):
        client = self.client(lambda _: problem(429, detail="too much"))
        with self.assertRaises(Overloaded):
            client.images.get("fraud")
        self.assertEqual(len(self.instance.asked), 4)
        client = self.client(lambda _: Answer(429, None, {"Retry-After": "3600"}))
        with self.assertRaises(Overloaded):
            client.images.get("fraud")
        self.assertEqual(len(self.instance.asked), 1)

    def test_a_post_is_repeated_under_one_key(self):
        done = {"image": {"name": "fraud"}, "job": {"jobId": "j1", "status": "JOB_STATUS_PENDING"}}
        client = self.client(
            [
                Answer(200, done, cut_after=3),
                problem(409, detail="under way", cause="idempotency/under-way"),
                Answer(200, done),
            ]
        )
        self.assertEqual(client.images.create("fraud").job_id, "j1")
        self.assertEqual(len({one.headers["idempotency-key"] for one in self.instance.asked}), 1)
        other = self.client([Answer(200, done), Answer(200, done)])
        other.images.create("a")
        other.images.create("b")
        self.assertEqual(len({one.headers["idempotency-key"] for one in self.instance.asked}), 2)

    def test_what_is_refused_is_not_repeated(self):
        for answer, kind in ((problem(409, detail="taken"), Conflict), (problem(500, detail="failed"), ServerFault)):
            client = self.client([answer])
            with self.assertRaises(kind):
                client.images.create("fraud")

    def test_altering_and_removing_are_sent_once(self):
        for call in (lambda one: one.images.delete("fraud"), lambda one: one.images.alter("fraud", python="3.11")):
            client = self.client([Answer(503, None)])
            with self.assertRaises(Overloaded):
                call(client)
            client = self.client([Answer(200, {"long": "body"}, cut_after=2)])
            with self.assertRaisesRegex(ConnectionFailed, "Whether it was done is not known"):
                call(client)
            self.assertEqual(len(self.instance.asked), 1)


class ListTest(ClientCase):
    def test_every_page_is_fetched_when_it_is_needed(self):
        pages = {None: (["a", "b"], "2"), "2": (["c"], "3"), "3": ([], None)}

        def answer(asked):
            names, token = pages[asked.query.get("pageToken", [None])[0]]
            images = [{"name": name, "status": "READY", "new": {"deep": None}} for name in names]
            return Answer(200, {"images": images, "total": 3, **({} if token is None else {"nextPageToken": token})})

        listing = self.client(answer).images.list(page_size=2)
        self.assertEqual(self.instance.asked, [])
        self.assertEqual(listing.first().name, "a")
        self.assertEqual(len(self.instance.asked), 1)
        self.assertEqual([one.name for one in listing], ["a", "b", "c"])
        self.assertEqual(listing.total, 3)

    def test_it_ends_on_an_empty_or_repeated_token(self):
        for token in ("", "same"):
            client = self.client(lambda _: Answer(200, {"images": [], "nextPageToken": token}))
            self.assertEqual(list(client.images.list()), [])
            self.assertLessEqual(len(self.instance.asked), 2)

    def test_a_search_says_what_is_searched(self):
        client = self.client(lambda _: Answer(200, {"images": []}))
        list(client.images.search("fra", packages=["pandas>=2", "numpy"], python="3.11", sort="-createdAt"))
        wanted = {"name": ["fra"], "package": ["pandas>=2", "numpy"], "python": ["3.11"], "sort": ["-createdAt"]}
        self.assertEqual({key: self.sent().query[key] for key in wanted}, wanted)


class SpecTest(ClientCase):
    done = {"image": {"name": "fraud"}, "job": {"jobId": "j1", "status": "JOB_STATUS_PENDING"}}

    def test_what_was_not_given_is_not_sent(self):
        client = self.client(lambda _: Answer(200, self.done))
        client.images.create("fraud")
        self.assertEqual(self.sent().body, {"name": "fraud", "pipRequirements": [], "requirements": []})

    def test_everything_can_be_said(self):
        client = self.client(lambda _: Answer(200, self.done))
        client.images.create(
            "fraud",
            "pandas<3  # data\n\n# more\nidna",
            python="3.11",
            os_packages=["libgomp1"],
            image_type="tabular",
            base="debian:bookworm",
            platforms=("linux/amd64",),
            bytecode=False,
        )
        body = self.sent().body
        self.assertEqual(body["requirements"], ["pandas<3", "idna"])
        self.assertEqual((body["pythonVersion"], body["imageType"], body["bytecode"]), ("3.11", "tabular", False))
        self.assertEqual((body["osPackages"], body["platforms"]), (["libgomp1"], ["linux/amd64"]))
        with self.assertRaises(TypeError):
            client.images.create("fraud", os_packages="libgomp1")

    def test_altering_sends_what_changes_and_keeps_what_stands(self):
        spec = {
            "pipRequirements": [
                {"name": "Pandas", "versionSpecifier": "<3"},
                {"name": "scikit-learn", "versionSpecifier": "", "extras": ["x"]},
                {"name": "six"},
            ]
        }
        standing = {"image": {"name": "fraud", "status": "READY", "spec": spec}}
        client = self.client(lambda asked: Answer(200, standing if asked.method == "GET" else self.done))
        client.images.alter("fraud", add=["pandas>=2", PipRequirement("numpy")], remove=["Six"])
        self.assertEqual(
            self.sent().body,
            {
                "pipRequirements": [{"name": "scikit-learn", "extras": ["x"]}, {"name": "numpy"}],
                "requirements": ["pandas>=2"],
            },
        )
        client.images.alter("fraud", requirements=["a"], os_packages=[])
        self.assertEqual(
            self.sent().body,
            {"pipRequirements": [], "requirements": ["a"], "packageRequirements": [], "osPackages": []},
        )
        for wrong in ({"remove": ["absent"]}, {"add": ["a"], "requirements": ["b"]}, {}):
            with self.assertRaises(ValueError):
                client.images.alter("fraud", **wrong)

    def test_any_name_stays_one_part_of_the_path(self):
        client = self.client(lambda _: Answer(404, None))
        for name in ("a/b c", "..", ".", "a?b#c", "ü", "%2F"):
            with self.assertRaises(NotFound):
                client.images.delete(name)
            self.assertEqual(self.sent().path.count("/"), 3, self.sent().path)


class WaitingTest(ClientCase):
    def waiting(self, *states, after=image):
        jobs = iter([*states])
        last = {}

        def answer(asked):
            if asked.path.endswith("/v1/images/fraud/details"):
                return Answer(200, after if last.get("job", {}).get("done") else {"image": {**image["image"], "job": job("QUEUED")}})
            state = next(jobs, None)
            found = last["job"]["data"] if state is None else state
            last["job"] = {"data": found, "done": found["status"] in ("SUCCEEDED", "FAILED", "CANCELLED")}
            return Answer(200, {"job": found})

        return self.client(answer)

    def test_progress_is_told_until_the_image_is_there(self):
        seen = []
        progress = {"doneBytes": 5, "totalBytes": 10, "secondsLeft": 2}
        client = self.waiting(job("QUEUED", queuePosition=3), job("RUNNING", stage="wheels", progress=progress), job("SUCCEEDED"))
        found = client.images.wait("fraud", progress=seen.append)
        self.assertEqual(found.digest, "sha256:1")
        self.assertEqual([str(one) for one in seen], ["queued, number 3 in the queue", "running, wheels, 5 B of 10 B, 2 s left", "succeeded"])

    def test_a_failure_says_why(self):
        failure = {"code": "resolution/conflict", "what": "a and b conflict", "hint": "Drop b."}
        client = self.waiting(job("FAILED", failure=failure))
        with self.assertRaisesRegex(BuildFailed, "fraud failed: a and b conflict. Drop b.") as caught:
            client.images.wait("fraud", progress=False)
        self.assertEqual((caught.exception.image, caught.exception.failure.code), ("fraud", "resolution/conflict"))
        with self.assertRaises(BuildCancelled):
            self.waiting(job("CANCELLED")).images.wait("fraud", progress=False)

    def test_an_image_that_failed_before_fails_at_once(self):
        latest = {"number": 1, "state": "FAILED", "failure": {"code": "a/b", "what": "no", "hint": ""}}
        failed = {"image": {"name": "fraud", "status": "FAILED", "latestVersion": latest, "job": None}}
        with self.assertRaisesRegex(BuildFailed, "no"):
            self.client(lambda _: Answer(200, failed)).images.wait("fraud")

    def test_waiting_ends_in_time(self):
        client = self.waiting(job("RUNNING"))
        with self.assertRaises(WaitTimeout) as caught:
            client.images.wait("fraud", timeout_seconds=0, progress=False)
        self.assertIsInstance(caught.exception, TimeoutError)


class FollowingTest(ClientCase):
    def event(self, number, text):
        return f"id: {number}\nevent: log\ndata: {json.dumps({'at': '2026-01-01T00:00:00Z', 'stage': 's', 'text': text})}\n\n"

    def test_a_log_is_taken_up_where_it_broke_off(self):
        first = self.event(1, "one") + self.event(2, "two") + self.event(3, "three")
        end = f"event: end\ndata: {json.dumps(job('SUCCEEDED'))}\n\n"
        stream = {"Content-Type": "text/event-stream"}
        client = self.client(
            [
                Answer(200, first, stream, cut_after=len(self.event(1, "one") + self.event(2, "two")) + 9),
                Answer(503, None),
                Answer(200, self.event(3, "three") + end, stream),
            ]
        )
        lines = list(client.jobs.follow("j1"))
        self.assertEqual([str(line) for line in lines], ["one", "two", "three"])
        self.assertEqual(lines[0].at, datetime(2026, 1, 1, tzinfo=timezone.utc))
        self.assertEqual([one.headers.get("last-event-id") for one in self.instance.asked], [None, "2", "2"])

    def test_a_job_that_there_is_not_is_not_followed(self):
        with self.assertRaises(NotFound):
            list(self.client(lambda _: problem(404, detail="no job")).jobs.follow("j1"))

    def test_a_stream_that_never_says_anything_ends_in_an_error(self):
        with self.assertRaises(ConnectionFailed):
            list(self.client(lambda _: Answer(200, "")).jobs.follow("j1"))


class ModelTest(ClientCase):
    def test_times_of_every_precision_are_read(self):
        for text in ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.1Z", "2026-01-02T03:04:05.123456789+00:00"):
            client = self.client(lambda _: Answer(200, {"image": {**image["image"], "createdAt": text}}))
            self.assertEqual(client.images.get("fraud").created_at.replace(microsecond=0), datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc))

    def test_notebooks_show_text_as_text(self):
        spec = {"pipRequirements": [{"name": "<b>evil</b>"}]}
        client = self.client(lambda _: Answer(200, {"image": {**image["image"], "spec": spec}}))
        html = client.images.get("fraud")._repr_html_()
        self.assertIn("&lt;b&gt;evil&lt;/b&gt;", html)
        self.assertIn("sha256:1", html)

    def test_requirements_read_as_they_are_written(self):
        self.assertEqual(str(PipRequirement("a", "1.2", ("x", "y"), "os_name == 'nt'")), "a[x,y]==1.2 ; os_name == 'nt'")
        self.assertEqual(str(PipRequirement("a", url="https://x/a.whl")), "a @ https://x/a.whl")

    def test_values_can_be_kept(self):
        client = self.client(lambda _: Answer(200, image))
        found = client.images.get("fraud")
        self.assertEqual(pickle.loads(pickle.dumps(found)), found)


if __name__ == "__main__":
    unittest.main()
