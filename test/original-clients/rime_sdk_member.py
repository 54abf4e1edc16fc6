"""An ordinary user with rime-sdk, in a process of its own: the clients of one process share one key."""

from importlib.metadata import version
from itertools import islice

from promises import api_key, equal, keep_promises, promise, refused, url
from rime_sdk import Client

name = "old-members-own" if version("rime_sdk").startswith("0.20") else "sdk-members-own"
state = {}


@promise("any user creates, sees and lists images")
def _():
    client = state["client"] = Client(url, api_key)
    client.create_managed_image(name, [Client.pip_requirement("six", "==1.16.0")])
    equal(client.get_managed_image(name)["name"], name)
    assert name in [image["name"] for image in islice(client.list_managed_images(), 1000)]


@promise("deleting is for administrators: Forbidden, and the image stays")
def _():
    with refused("Forbidden"):
        state["client"].delete_managed_image(name)
    assert state["client"].has_managed_image(name)


keep_promises()
