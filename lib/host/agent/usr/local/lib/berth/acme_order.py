"""Orders one certificate from an authority that speaks ACME, by python3-acme. Nothing here knows the bucket or the edge."""

from __future__ import annotations

import datetime
import ipaddress
import pathlib
import time
from typing import Any

import josepy
import requests
from acme import challenges, client, errors, messages
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import certificate_plan as plan
from command import Failed

TIMEOUT_S = 20
ORDER_S = 60
TRIES = 5  # of a request whose nonce was refused
PROBLEM = "urn:ietf:params:acme:error:"
# The authority's word for what is wrong -> the report's.
CAUSES = {"rateLimited": "limit", "dns": "dns", "caa": "caa", "connection": "unreached", "unauthorized": "unreached"}


class NewOrder(messages.NewOrder):  # type: ignore[misc]
    """With what older versions of the library don't know."""

    profile: str = josepy.field("profile", omitempty=True)
    replaces: str = josepy.field("replaces", omitempty=True)


class Network(client.ClientNetwork):  # type: ignore[misc]
    @classmethod
    def _check_response(cls, response: Any, content_type: str | None = None) -> Any:
        """Only here is the header at hand. Not the library's error, so that nobody asks again at once."""
        try:
            return super()._check_response(response, content_type)
        except messages.Error as refused:
            if refused.code != "rateLimited":
                raise
            raise limited(refused, response.headers.get("Retry-After", "")) from refused


class Client(client.ClientV2):  # type: ignore[misc]
    def _post(self, *arguments: Any, **named: Any) -> Any:
        for left in reversed(range(TRIES)):
            try:
                return super()._post(*arguments, **named)
            except messages.Error as refused:
                if refused.code != "badNonce" or not left:
                    raise
        raise AssertionError

    def order(self, csr: bytes, names: list[str], **more: str) -> Any:
        wanted = [messages.Identifier(typ=identifier_type(name), value=name) for name in names]
        answer = self._post(self.directory["newOrder"], NewOrder(identifiers=wanted, **more))
        body = messages.Order.from_json(answer.json())
        authorizations = [self._authzr_from_response(self._post_as_get(url), uri=url) for url in body.authorizations]
        return messages.OrderResource(
            body=body, uri=answer.headers["Location"], authorizations=authorizations, csr_pem=csr
        )


class Authority:
    """One account at one authority. `key` is the account's, as PEM; empty for a new one."""

    def __init__(self, directory: str, key: str, email: str | None) -> None:
        self.key = key or new_key()
        try:
            self.connect(directory, email)
        except messages.Error as refused:
            # An account that was deactivated or has expired: its key is good for nothing any more.
            if refused.code != "unauthorized" or not key:
                raise explained(refused) from refused
            self.key = new_key()
            with_words(self.connect, directory, email)
        except (errors.Error, requests.RequestException, ValueError) as failure:
            raise explained(failure) from failure

    def connect(self, directory: str, email: str | None) -> None:
        private = serialization.load_pem_private_key(self.key.encode(), None)
        jwk = josepy.JWKEC(key=private)
        net = Network(jwk, alg=josepy.ES256, user_agent=plan.AGENT, timeout=TIMEOUT_S)
        self.net, self.jwk = net, jwk
        self.client = Client(Client.get_directory(directory, net), net)
        contact = {"email": email} if email else {}
        asked = messages.NewRegistration.from_data(terms_of_service_agreed=True, **contact)
        try:
            net.account = self.client.new_account(asked)
        except errors.ConflictError as known:
            net.account = messages.RegistrationResource(uri=known.location, body=messages.Registration())

    def order(self, names: list[str], webroot: pathlib.Path, profile: str, replaces: str) -> tuple[str, str]:
        """The chain and its key, as PEM. Answers the authority's questions by files below `webroot`."""
        return with_words(self.try_order, names, webroot, profile, replaces)

    def try_order(self, names: list[str], webroot: pathlib.Path, profile: str, replaces: str) -> tuple[str, str]:
        key = new_key()
        csr = request_for(names, key)
        more = {"profile": profile} if profile and profile in self.profiles() else {}
        try:
            order = self.client.order(csr, names, **more, **({"replaces": replaces} if replaces else {}))
        except messages.Error:
            # An authority that knows nothing of what is to be replaced.
            if not replaces:
                raise
            order = self.client.order(csr, names, **more)
        answered = []
        try:
            for authorization in order.authorizations:
                if authorization.body.status == messages.STATUS_VALID:
                    continue
                challenge = next(
                    one for one in authorization.body.challenges if isinstance(one.chall, challenges.HTTP01)
                )
                response, content = challenge.response_and_validation(self.jwk)
                path = webroot / challenge.chall.path.lstrip("/")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content)
                answered.append(path)
                self.client.answer_challenge(challenge, response)
            deadline = datetime.datetime.now() + datetime.timedelta(seconds=ORDER_S)
            done = self.client.poll_and_finalize(order, deadline)
        finally:
            for path in answered:
                path.unlink(missing_ok=True)
        return done.fullchain_pem, key

    def profiles(self) -> dict[str, str]:
        found = self.client.directory.to_json().get("meta", {})
        found = found if isinstance(found, dict) else getattr(found, "to_json", dict)()
        return dict(found.get("profiles") or {})


def with_words(step: Any, *arguments: Any) -> Any:
    try:
        return step(*arguments)
    except (errors.Error, messages.Error, requests.RequestException, ValueError, StopIteration) as failure:
        raise explained(failure) from failure


def explained(failure: Exception) -> Failed:
    """One line for the user: what the authority said, or why there is no answer of it."""
    if isinstance(failure, errors.ValidationError):
        problems = [one.error for each in failure.failed_authzrs for one in each.body.challenges if one.error]
        found = problems[0] if problems else None
        return Failed(f"the authority couldn't check the name: {found.detail}" if found else str(failure), cause=cause_of(found))
    if isinstance(failure, messages.Error):
        return Failed(f"the authority refused: {failure.detail or failure.typ}", cause=cause_of(failure))
    if isinstance(failure, errors.TimeoutError):
        return Failed(f"the authority didn't decide within {ORDER_S} s: it is busy, and only waiting helps", cause="late")
    if isinstance(failure, requests.exceptions.SSLError):
        return Failed(f"the authority's own certificate isn't valid here, or the clock is wrong: {failure}", cause="down")
    if isinstance(failure, requests.RequestException):
        return Failed(f"no answer from the authority: {type(failure).__name__}: {failure}", cause="down")
    return Failed(f"the authority's answer can't be used: {type(failure).__name__}: {failure}", cause="down")


def limited(refused: Any, retry_after: str) -> Failed:
    """The host comes back when the authority says, however seldom or often it would ask otherwise."""
    now = time.time()
    wait = plan.wait_asked(retry_after, now)
    until = f"; it asks to be left alone until {plan.utc(now + wait)}" if wait else ""
    reason = f"the authority was asked too often: {refused.detail or refused.typ}{until}"
    return Failed(reason, cause="limit", until=now + wait)


def cause_of(problem: Any) -> str:
    return CAUSES.get(problem.code if problem is not None else "", "refused")


def identifier_type(name: str) -> Any:
    return messages.IdentifierType.from_json("ip") if is_address(name) else messages.IDENTIFIER_FQDN


def is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def new_key() -> str:
    private = ec.generate_private_key(ec.SECP256R1())
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return private.private_bytes(encoding, form, serialization.NoEncryption()).decode()


def request_for(names: list[str], key: str) -> bytes:
    alternatives: list[x509.GeneralName] = [
        x509.IPAddress(ipaddress.ip_address(name)) if is_address(name) else x509.DNSName(name) for name in names
    ]
    private = serialization.load_pem_private_key(key.encode(), None)
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    return builder.sign(private, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)  # type: ignore[arg-type]
