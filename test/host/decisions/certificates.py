"""Certificates as an authority issues them, and a bucket that keeps what hosts know of them."""

import datetime
import io
import ipaddress
import json
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = 24 * 3600
DIRECTORY = "https://ca.example/directory"
SETTINGS = {"isOn": True, "address": "203.0.113.7", "names": [], "directory": DIRECTORY, "hstsSeconds": 300}


class Bucket:
    """Keeps one object as S3 does, with its conditions."""

    def __init__(self) -> None:
        self.body, self.etag, self.count = b"", "", 0

    def ask(self, operation: str, **parameters: Any) -> dict[str, Any] | None:
        return {"Body": io.BytesIO(self.body), "ETag": self.etag} if self.etag else None

    def is_answering(self) -> bool:
        return True

    def put_if(self, key: str, document: dict[str, Any], condition: dict[str, str]) -> str:
        if condition != ({"If-Match": self.etag} if self.etag else {"If-None-Match": "*"}):
            return ""
        self.count += 1
        self.body, self.etag = json.dumps(document).encode(), f'"{self.count}"'
        return self.etag


def make_certificate(names: list[str], begins: float, lasts: float) -> dict[str, Any]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "the authority")])
    zone = datetime.timezone.utc
    alternatives = [x509.IPAddress(ipaddress.ip_address(n)) if n[0].isdigit() else x509.DNSName(n) for n in names]
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.datetime.fromtimestamp(begins, zone))
        .not_valid_after(datetime.datetime.fromtimestamp(begins + lasts, zone))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return {
        "directory": DIRECTORY,
        "names": names,
        "chain": made.public_bytes(serialization.Encoding.PEM).decode(),
        "key": key.private_bytes(*form).decode(),
    }
