"""Limits which parts of each emulator answer. Both can do far more than Berth uses, even run programs.

The gateway checks who calls. This code is behind the gateway, and decides what may be reached without relying on it: it
sees each path exactly as the emulator will.
"""

from __future__ import annotations

import base64
import hmac
import re

# moto's services, by the name in the signature's scope, which moto itself reads.
# CloudWatch signs as `monitoring`.
MOTO_SERVICES = frozenset(
    {"ec2", "ecr", "iam", "logs", "monitoring", "route53", "s3", "secretsmanager", "sns", "ssm", "sts"}
)
# Paths that moto routes without looking at the signature.
MOTO_CONTROL_PATHS = ("/moto-api", "/latest/meta-data/", "/latest/api/", "/favicon.ico", "/v20180820/")
# The scope of a signed call. A presigned call has it in the query and is for S3.
SCOPE = re.compile(r"^AWS4-HMAC-SHA256 Credential=[^/,\s]+/\d{8}/[a-z0-9-]+/([a-z0-9-]+)/aws4_request,")
ECR_TARGET = "AmazonEC2ContainerRegistry_V20150921."
ECR_HOST = re.compile(r"^\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(:\d+)?$")
REGISTRY_PATH = re.compile(r"^/v2/(.+/(blobs|manifests)/.*|.+/tags/list)?$")


def is_control(shown: str | None, control: str) -> bool:
    return shown is not None and hmac.compare_digest(shown.encode("latin-1"), control.encode("latin-1"))


def only_services(app, control: str):
    """moto, limited to the services that Berth uses. Its control paths need the secret."""

    def answer(environ, start_response):
        path = environ.get("PATH_INFO", "")
        if path.startswith(MOTO_CONTROL_PATHS):
            allowed = is_control(environ.get("HTTP_X_BERTH_CONTROL"), control)
        else:
            scope = SCOPE.match(environ.get("HTTP_AUTHORIZATION", ""))
            allowed = is_presigned(environ, path) or (scope is not None and scope.group(1) in MOTO_SERVICES)
        if allowed:
            return app(environ, start_response)
        start_response("403 Forbidden", [("Content-Type", "text/plain")])
        return [b"Nothing answers here\n"]

    return answer


def is_presigned(environ, path: str) -> bool:
    """A presigned call to S3, without anything from which moto would guess another service."""
    return (
        "HTTP_AUTHORIZATION" not in environ
        and "HTTP_X_AMZ_TARGET" not in environ
        and not environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded")
        and "X-Amz-Signature=" in environ.get("QUERY_STRING", "")
        and "_" not in path[1:].partition("/")[0]
        and ".well-known" not in path
    )


def only_ecr(app, operations: frozenset[str], control: str):
    """ministack, limited to the registry and the named ECR operations. Its reset needs the secret."""

    async def answer(scope, receive, send):
        if scope["type"] == "lifespan":
            return await app(scope, receive, send)
        if scope["type"] != "http":
            return None
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if is_allowed(scope, headers, operations, control):
            return await app({**scope, "headers": list(safe_headers(scope["headers"]))}, receive, send)
        await send({"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"text/plain")]})
        return await send({"type": "http.response.body", "body": b"Nothing answers here\n"})

    return answer


def is_allowed(scope, headers: dict[str, str], operations: frozenset[str], control: str) -> bool:
    method, path = scope["method"], scope["path"]
    if method == "OPTIONS":
        return False
    if path == "/_ministack/reset":
        return is_control(headers.get("x-berth-control"), control)
    if path == "/":
        service, _, operation = headers.get("x-amz-target", "").partition(".")
        return method == "POST" and f"{service}." == ECR_TARGET and operation in operations
    return REGISTRY_PATH.match(path) is not None


def safe_headers(headers):
    """ministack routes by host name to many services. Here only the registry's own name has an effect."""
    for name, value in headers:
        if name.lower() == b"host" and not ECR_HOST.match(value.decode("latin-1")):
            yield name, b"127.0.0.1"
        else:
            yield name, value


def draw_registry_token(password: str) -> None:
    """ministack gives everybody the same token. Replaces it with one that nobody else can know."""
    from ministack.services import ecr

    encode = base64.b64encode
    token = encode(f"AWS:{password}".encode()).decode()
    give = ecr._get_authorization_token

    def give_own(data):
        status, headers, body = give(data)
        fixed = encode(b"AWS:ministack-auth-token")
        return status, headers, body.replace(fixed, token.encode())

    ecr._get_authorization_token = give_own
