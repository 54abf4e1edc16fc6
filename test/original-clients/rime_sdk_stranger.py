"""Somebody with a wrong key, or none, with rime-sdk."""

from promises import keep_promises, promise, refused, url
from rime_sdk import Client


@promise("a wrong key is refused in words a user understands")
def _():
    with refused("Unauthorized: Your ", "is either invalid or expired"):
        Client(url, "mir_wrong").get_managed_image("any")


@promise("so is none")
def _():
    with refused("Unauthorized: Your ", "is either invalid or expired"):
        Client(url).get_managed_image("any")


keep_promises()
