"""What somebody does in a notebook, one cell after the other, against a running instance (MIR_URL, MIR_API_KEY)."""

from mir_client import BuildFailed, Client, Conflict, Forbidden, Image, InvalidRequest, Job, NotFound, Unauthenticated

mir = Client()


def cell(title):
    print(f"# {title}", flush=True)


cell("who am I?")
assert mir.me().user.name == "admin", mir.me()

cell("what would it be?")
plan = mir.images.plan(["six==1.16.0"], python="3.11")
(platform,) = plan.platforms
assert [(one.name, one.version) for one in platform.packages if one.name == "six"] == [("six", "1.16.0")], plan
assert "six" in plan._repr_html_()

cell("make it and wait for it")
seen = []
build = mir.images.create("notebook", ["six==1.16.0"], python="3.11")
image = build.wait(progress=seen.append, timeout_seconds=240)
assert isinstance(image, Image) and image.is_usable and image.current_version == 1, image
assert image.digest.startswith("sha256:") and image.reference.endswith(":v1"), image
assert isinstance(seen[-1], Job) and seen[-1].status == "SUCCEEDED", seen
assert image.rights.alter and image.rights.remove, image
assert "sha256:" in image._repr_html_()

cell("was it proven?")
assert image.probe.outcome in ("passed", "not-probed"), image.probe
(report,) = mir.images.version("notebook", 1).probes
assert report.outcome == image.probe.outcome, report

cell("run something in it")
program = b"import os, six; print(six.__version__); open(os.environ['MIR_OUTPUT'] + '/said', 'w').write(os.environ['WORD'])"
run = mir.runs.start("notebook", ["python", "try.py"], files={"try.py": program}, environment={"WORD": "hello"})
printed = []
ended = mir.runs.wait(run.id, on_output=printed.append)
assert ended.status == "SUCCEEDED" and ended.exit_status == 0 and ended.image.version == 1, ended
assert [line.text for line in printed if line.stage == "stdout"] == ["1.16.0"], printed
assert mir.runs.files(run.id) == {"said": b"hello"}, mir.runs.files(run.id)
assert [one.id for one in mir.runs.list(image="notebook")] == [run.id]
failed = mir.runs.wait(mir.runs.start("notebook", ["python", "-c", "exit(3)"]).id)
assert failed.exit_status == 3 and failed.failure is not None, failed

cell("its log, whole and followed")
log = mir.images.logs("notebook")
assert "The image is sha256:" in log, log
lines = [line.text for line in build.follow()]
assert lines and all(line in log for line in lines), lines

cell("asking again gives what is there")
again = mir.images.ensure(["six==1.16.0"], name="notebook", python="3.11")
assert not again.created and again.wait(progress=False).digest == image.digest, again
anybodys = mir.images.ensure("six==1.16.0", python="3.11").wait(progress=False)
assert anybodys.digest == image.digest, anybodys

cell("alter it")
altered = mir.images.alter("notebook", add=["idna==3.7"]).wait(progress=False)
assert altered.current_version == 2 and altered.digest != image.digest, altered
versions = mir.images.versions("notebook")
assert [one.number for one in versions] == [2, 1], versions
assert [one.kind for one in versions[0].reasons] == ["ALTERED"], versions[0]
packages = {one.name: one.version for one in mir.images.version("notebook", 2).libraries}
assert packages["six"] == "1.16.0" and packages["idna"] == "3.7", packages

cell("what changed?")
diff = mir.images.diff("notebook:1", "notebook:2")
assert [(one.name, one.change, one.after) for one in diff.packages] == [("idna", "added", "3.7")], diff
assert "idna" in diff._repr_html_() and diff.layers.shared.count > 0

cell("the lock")
assert 'name = "idna"' in mir.images.lock("notebook"), mir.images.lock("notebook")
assert "idna" not in mir.images.lock("notebook", 1)

cell("an alteration that cannot be: the image stays as it was")
try:
    mir.images.alter("notebook", add=["idna==999.0"]).wait(progress=False)
except BuildFailed as failure:
    assert failure.image == "notebook" and "999.0" in str(failure) and failure.failure.hint, failure
else:
    raise AssertionError("it cannot be built")
still = mir.images.get("notebook")
assert still.digest == altered.digest and still.status == "READY" and still.failure is not None, still

cell("back to the first version")
back = mir.images.rollback("notebook", 1)
assert back.digest == image.digest and mir.images.get("notebook").digest == image.digest, back

cell("what is there like it?")
best, *_ = mir.images.match(["six>=1.10"], python="3.11")
assert best.kind == "satisfies" and best.digest and not best.missing, best
names = [one.name for one in mir.images.search("note", packages=["six>=1.16"], page_size=1)]
assert names == ["notebook"], names
assert mir.images.list(page_size=2).total >= 1
assert "notebook" in [one.name for one in mir.images.list(page_size=2)]

cell("a failed build, and again")
try:
    mir.images.create("impossible", ["six==999.0"], python="3.11").wait(progress=False)
except BuildFailed as failure:
    assert "999.0" in str(failure), failure
else:
    raise AssertionError("it cannot be built")
try:
    mir.images.retry("impossible").wait(progress=False)
except BuildFailed:
    pass
assert mir.images.get("impossible").latest_version.state == "FAILED"
fixed = mir.images.alter("impossible", requirements=["six==1.16.0"]).wait(progress=False)
assert fixed.digest == image.digest, "equal locks give equal digests"

cell("what is refused, and why")
for wrong, kind, part in (
    (lambda: mir.images.create("notebook", ["six"]), Conflict, "notebook"),
    (lambda: mir.images.create("Not A Name", ["six"]), InvalidRequest, "Not A Name"),
    (lambda: mir.images.create("other", ["six<<2"]), InvalidRequest, "six<<2"),
    (lambda: mir.images.get("no-such-image"), NotFound, "no-such-image"),
    (lambda: Client(api_key="mir_wrong").me(), Unauthenticated, ""),
):
    try:
        wrong()
    except kind as error:
        assert part in str(error) and error.cause and error.hint, (error, vars(error))
        assert "mir_wrong" not in str(error)
    else:
        raise AssertionError(f"{kind.__name__} was expected")

cell("a token for a member, who may not remove")
mir.users.create("notebook-member", role="member")
new = mir.tokens.create("a notebook", user="notebook-member", expires_in_days=1)
assert new.token.id in [one.id for one in mir.tokens.list(of_everybody=True)]
assert new.token.id in [one.id for one in mir.tokens.list(of_workspace="default")]
assert new.secret not in repr(new)
with Client(api_key=new.secret) as member:
    assert member.me().user.name == "notebook-member"
    assert member.images.get("notebook").digest == image.digest
    try:
        member.images.delete("notebook")
    except Forbidden as error:
        assert error.cause == "access/forbidden", vars(error)
    else:
        raise AssertionError("a member must not remove")
    mir.tokens.revoke(new.token.id)
    try:
        member.me()
    except Unauthenticated:
        pass
    else:
        raise AssertionError("the token was revoked")

cell("clear up")
for name in ("notebook", "impossible"):
    mir.images.delete(name)
try:
    mir.images.get("notebook")
except NotFound:
    pass
else:
    raise AssertionError("it was removed")
mir.close()
print("# done")
