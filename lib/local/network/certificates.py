"""Makes the private certificate authority of one embedded AWS, and certificates that it signs.

Usage: certificates.py DIRECTORY NAME [DNS-NAME...]. Makes DIRECTORY/authority.{pem,key} when absent, and
DIRECTORY/NAME.{pem,key} for the DNS names when any are given. Keys are readable by their owner only.
"""

import datetime
import os
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


# AWS's names, and Let's Encrypt's for what answers in its place.
CONSTRAINTS = ("amazonaws.com", "api.letsencrypt.org")


def write_pair(directory: Path, name: str, key, certificate) -> None:
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with open(os.open(directory / f"{name}.key", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(secret)
    (directory / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def begin(common_name: str, public_key):
    now = datetime.datetime.now(datetime.timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)]))
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=365))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def make_authority(directory: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        begin("Berth embedded AWS", key.public_key())
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Berth embedded AWS")]))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.KeyUsage(False, False, False, False, False, True, True, False, False), critical=True
        )
        # Clients of this authority trust it for these names only.
        .add_extension(x509.NameConstraints([x509.DNSName(name) for name in CONSTRAINTS], None), critical=True)
        .sign(key, hashes.SHA256())
    )
    write_pair(directory, "authority", key, certificate)


def is_current(directory: Path) -> bool:
    """Whether there is an authority for all the names, and not one that an earlier version made."""
    if not (directory / "authority.key").exists():
        return False
    authority = x509.load_pem_x509_certificate((directory / "authority.pem").read_bytes())
    permitted = authority.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees
    return {name.value for name in permitted or []} == set(CONSTRAINTS)


def make_certificate(directory: Path, name: str, dns_names: list[str]) -> None:
    authority = x509.load_pem_x509_certificate((directory / "authority.pem").read_bytes())
    secret = serialization.load_pem_private_key((directory / "authority.key").read_bytes(), None)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        begin(name, key.public_key())
        .issuer_name(authority.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in dns_names]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(secret.public_key()), critical=False
        )
        .sign(secret, hashes.SHA256())
    )
    write_pair(directory, name, key, certificate)


if __name__ == "__main__":
    folder, name, *names = sys.argv[1:]
    folder = Path(folder)
    if not is_current(folder):
        make_authority(folder)
    if names:
        make_certificate(folder, name, names)
