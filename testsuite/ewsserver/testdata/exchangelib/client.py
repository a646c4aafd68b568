"""Drives the server with exchangelib: log in, list, fetch, sync, stream, update, move, delete.

Arguments: URL, address, password, auth (basic or NTLM). What is not as expected ends it with an assertion.
"""
import logging
import sys
import threading
import time

from exchangelib import DELEGATE, Account, Configuration, Credentials, EWSTimeZone, Folder, Mailbox, Message
from exchangelib.errors import ErrorInvalidSubscription, ErrorInvalidSyncStateData, ErrorItemNotFound, UnauthorizedError
from exchangelib.properties import CreatedEvent, NewMailEvent, StatusEvent
from exchangelib.protocol import BaseProtocol
from exchangelib.version import EXCHANGE_2019, Version

url, address, password, auth = sys.argv[1:]
BaseProtocol.TIMEOUT = 20
if "-v" in sys.argv:
    logging.basicConfig(level=logging.DEBUG)


def connect(secret):
    config = Configuration(
        service_endpoint=url,
        credentials=Credentials(address, secret),
        auth_type=auth,
        max_connections=2,  # one is taken by the stream
        version=Version(build=EXCHANGE_2019),
    )
    return Account(
        address, config=config, autodiscover=False, access_type=DELEGATE, default_timezone=EWSTimeZone("UTC")
    )


try:
    connect("not " + password).inbox.refresh()
except UnauthorizedError:
    pass
else:
    raise AssertionError("a wrong password is accepted")

account = connect(password)
inbox = account.inbox
assert inbox.total_count == 1, inbox.total_count
names = sorted(f.name for f in account.msg_folder_root.children)
assert "Inbox" in names and "Sent Items" in names, names

[first] = list(inbox.all())
assert first.subject == "Grüße", first.subject
assert first.sender.email_address == "sender@example.com", first.sender
assert first.message_id == "<first@example.com>", first.message_id
assert b"Message-Id: <first@example.com>\r\n" in first.mime_content, first.mime_content
assert not first.is_read

changes = list(inbox.sync_items())
assert [kind for kind, _ in changes] == ["create"], changes
assert changes[0][1].id == first.id
assert list(inbox.sync_items(sync_state=inbox.item_sync_state)) == []

subscription = inbox.subscribe_to_streaming()


def send(subject):
    Message(account=account, subject=subject, body="text", to_recipients=[Mailbox(email_address=address)]).send()


def stream():
    return [
        event
        for notification in inbox.get_streaming_events(subscription, connection_timeout=1)
        for event in notification.events
        if not isinstance(event, StatusEvent)
    ]


# Nothing is told that came before the stream was opened.
send("before the stream")
other = threading.Timer(2, send, ["while it streams"])
other.start()
heard = stream()
other.join()
assert [type(e) for e in heard] == [NewMailEvent, CreatedEvent], heard
assert account.fetch([(heard[0].item_id.id, heard[0].item_id.changekey)]).__next__().subject == "while it streams"

# The same subscription serves again, and again without what came in between.
assert stream() == []
changes = list(inbox.sync_items(sync_state=inbox.item_sync_state))
assert sorted(i.subject for _, i in changes) == ["before the stream", "while it streams"], changes
inbox.unsubscribe(subscription)
try:
    stream()
    raise AssertionError("a subscription that was given up still works")
except ErrorInvalidSubscription as e:
    assert subscription in str(e), e

item = changes[0][1]
item.is_read, item.categories = True, ["Handled"]
item.save(update_fields=["is_read", "categories"])
item.refresh()
assert item.is_read and item.categories == ["Handled"], (item.is_read, item.categories)

handled = Folder(parent=account.msg_folder_root, name="Handled")
handled.save()
old = item.id
item.move(handled)
assert item.id != old and handled.all().count() == 1
changes[1][1].move_to_trash()
assert account.trash.all().count() == 1
[gone] = list(account.fetch([(old, None)]))
assert isinstance(gone, ErrorItemNotFound), gone
kinds = sorted(kind for kind, _ in inbox.sync_items(sync_state=inbox.item_sync_state))
assert kinds == ["delete", "delete"], kinds

try:
    list(inbox.sync_items(sync_state="bm90IGEgc3RhdGU="))
    raise AssertionError("a sync state that was never given is accepted")
except ErrorInvalidSyncStateData:
    pass
print("done")
