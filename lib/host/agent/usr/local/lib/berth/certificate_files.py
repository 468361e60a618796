"""The certificate as the edge reads it, and what is in it.

nginx reads two files at each handshake: odd.pem and even.pem hold chain and key together, and it takes one of them by the
time of day. So a new pair is written into the one that nobody reads, and no handshake ever meets half of it.
"""

from __future__ import annotations

import base64
import datetime
import os
import pathlib
import time
from typing import Any

from command import Failed

FOLDER = pathlib.Path("/var/lib/berth-tls")
WEBROOT = FOLDER / "webroot"
NAMES = FOLDER / "names"
SLOTS = ("even", "odd")
# The edge takes a slot for ten seconds, and the other for the next ten: see edge.conf. Its worker on a busy machine may
# read a file some seconds after it has looked at the clock, and reads it twice: the chain first, then the key.
SLOT_S, MARGIN_S = 10, 3


def seconds_until_idle(slot: str, now: float) -> float:
    """How long until the edge reads the other slot, and has done so for a moment, and will for another."""
    begins = SLOT_S if slot == "even" else 0  # of the time when it is idle, within each twenty seconds
    into = (now - begins) % (2 * SLOT_S)
    return 0.0 if MARGIN_S <= into <= SLOT_S - MARGIN_S else (MARGIN_S - into) % (2 * SLOT_S)


def install(pem: str, names: list[str]) -> None:
    first = not all((FOLDER / f"{slot}.pem").exists() for slot in SLOTS)
    for slot in sorted(SLOTS, key=lambda one: seconds_until_idle(one, time.time())):
        if (FOLDER / f"{slot}.pem").exists() and (FOLDER / f"{slot}.pem").read_text() == pem:
            continue
        # The disk may take its time for the draft: only the last step has to happen while nobody reads the slot.
        draft = write_draft(FOLDER / f"{slot}.pem", pem)
        # A busy machine may wake it late: the margin starts only after a look that found the slot idle.
        while not first and (pause := seconds_until_idle(slot, time.time())) > 0:
            time.sleep(pause)
        draft.replace(FOLDER / f"{slot}.pem")
    NAMES.mkdir(exist_ok=True)
    for name in names:
        (NAMES / name).touch()
    for other in NAMES.iterdir():
        if other.name not in names:
            other.unlink()


def forget_names() -> None:
    """The edge leads nobody to HTTPS any more. What it has, it still shows."""
    if NAMES.exists():
        for name in NAMES.iterdir():
            name.unlink()


def find_shown(names: list[str]) -> dict[str, Any] | None:
    """What the edge has for exactly these names."""
    try:
        pem = (FOLDER / f"{SLOTS[0]}.pem").read_text()
        facts = read_facts(pem, pem[pem.index("-----BEGIN PRIVATE KEY-----") :])
    except (OSError, ValueError, Failed):
        return None
    return facts if set(facts["names"]) == set(names) else None


def write_draft(path: pathlib.Path, text: str) -> pathlib.Path:
    """For root and the edge's workers alone. Whole on the disk before it takes its place."""
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.chown(draft, 0, FOLDER.stat().st_gid)
    os.chmod(draft, 0o640)
    return draft


def read_facts(chain: str, key: str) -> dict[str, Any]:
    """Names, issuer and times, and how the authority calls it. Throws for a pair that no edge could serve."""
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.x509.oid import ExtensionOID, NameOID

    try:
        leaf = x509.load_pem_x509_certificate(chain.encode())
        private = serialization.load_pem_private_key(key.encode(), None)
        form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        if leaf.public_key().public_bytes(*form) != private.public_key().public_bytes(*form):
            raise ValueError("its key is another one's")
        alternatives = leaf.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
        names = alternatives.get_values_for_type(x509.DNSName)
        names += [str(address) for address in alternatives.get_values_for_type(x509.IPAddress)]
        issuer = leaf.issuer.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
        issuer += leaf.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)
        by = leaf.extensions.get_extension_for_oid(ExtensionOID.AUTHORITY_KEY_IDENTIFIER).value.key_identifier or b""
    except (ValueError, TypeError, x509.ExtensionNotFound) as damage:
        raise Failed(f"the certificate can't be used: {damage}") from damage
    number = leaf.serial_number
    serial = number.to_bytes(number.bit_length() // 8 + 1, "big")
    return {
        "names": names,
        "issuer": " ".join(str(one.value) for one in issuer)[:256],
        "notBefore": utc(leaf, "not_valid_before"),
        "notAfter": utc(leaf, "not_valid_after"),
        "id": f"{plain(by)}.{plain(serial)}",
    }


def utc(leaf: Any, field: str) -> float:
    """Older versions of the library give times without a zone."""
    aware = getattr(leaf, f"{field}_utc", None)
    at: datetime.datetime = aware or getattr(leaf, field).replace(tzinfo=datetime.timezone.utc)
    return at.timestamp()


def plain(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
