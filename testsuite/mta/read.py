"""Reads mails with Python's own parser, and verifies their DKIM signatures with dkimpy. Input and output are JSON: see reader.go."""

import base64
import email
import email.errors
import email.policy
import hashlib
import json
import sys


def text(value):
    """What a field says. UTF-8 that it has as it is (RFC 6532) is kept as bytes by the parser, and one that begins on its second line begins
    with the blank of the folding."""
    return str(value).encode("utf-8", "surrogateescape").decode("utf-8").removeprefix(" ")


def addresses(mail, name):
    field = mail[name]
    if field is None:
        return []
    return [{"name": text(a.display_name), "address": text(a.addr_spec)} for a in field.addresses]


def read(raw):
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    # With UTF-8 in its fields a mail is text to this parser, which still knows no addresses outside ASCII.
    international = any(byte >= 0x80 for byte in raw.split(b"\r\n\r\n")[0].split(b"\n\n")[0])
    if international:
        mail = email.message_from_string(raw.decode("utf-8"), policy=email.policy.SMTPUTF8)
    defects = [repr(d) for d in mail.defects]
    for name in set(mail.keys()):
        for field in mail.get_all(name):
            defects += [f"{name}: {d!r}" for d in getattr(field, "defects", ())
                        if not (international and isinstance(d, email.errors.NonASCIILocalPartDefect))]
    files = []
    for part in mail.walk():
        defects += [repr(d) for d in part.defects]
        if part.get_filename() is not None:
            content = part.get_payload(decode=True)
            files.append({
                "name": part.get_filename(),
                "type": part.get_content_type(),
                "disposition": part.get_content_disposition(),
                "id": text(part["Content-ID"] or ""),
                "sha256": hashlib.sha256(content).hexdigest(),
            })
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    return {
        "subject": text(mail["Subject"] or ""),
        **{key: addresses(mail, name) for key, name in (("from", "From"), ("to", "To"), ("cc", "Cc"), ("bcc", "Bcc"), ("replyTo", "Reply-To"))},
        "text": plain.get_content() if plain else "",
        "html": html.get_content() if html else "",
        "files": files,
        "messageId": text(mail["Message-ID"] or ""),
        "inReplyTo": text(mail["In-Reply-To"] or ""),
        "references": text(mail["References"] or "").split(),
        "defects": defects,
    }


def verify(raw, records):
    import dkim

    def record(name, timeout=5):
        return records.get(name.decode().rstrip("."), "").encode() or None

    verifier = dkim.DKIM(raw)
    count = len([1 for name, _ in verifier.headers if name.lower() == b"dkim-signature"])
    results = []
    for n in range(count):
        try:
            good, why = dkim.DKIM(raw).verify(idx=n, dnsfunc=record), "the signature does not match"
        except Exception as e:
            good, why = False, repr(e)
        results.append("" if good else why)
    return results


question = json.load(sys.stdin)
raws = [base64.b64decode(raw) for raw in question["mails"]]
if question["records"] is None:
    json.dump([read(raw) for raw in raws], sys.stdout)
else:
    json.dump([verify(raw, question["records"]) for raw in raws], sys.stdout)
