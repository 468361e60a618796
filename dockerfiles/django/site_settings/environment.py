"""Reads settings from the environment and from secret files, and says clearly what is wrong with them."""

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

TRUE = {"1", "true", "yes", "on"}
FALSE = {"", "0", "false", "no", "off"}


def text(name: str, default: str) -> str:
    # Compose hands over `NAME: ${NAME:-}` as an empty string, which means "not set".
    return os.environ.get(name, "").strip() or default


def switch(name: str, *, default: bool = False) -> bool:
    value = os.environ.get(name, "").strip().lower()
    if value in TRUE:
        return True
    if value in FALSE:
        return default if value == "" else False
    raise ImproperlyConfigured(f"{name} is {value!r}: use 1 or 0")


def number(name: str, default: int) -> int:
    value = text(name, str(default))
    if not value.isdecimal():
        raise ImproperlyConfigured(f"{name} is {value!r}: use a whole number")
    return int(value)


def words(name: str, default: str = "") -> list[str]:
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def choice(name: str, allowed: tuple[str, ...]) -> str:
    """The first of `allowed` is the default."""
    value = text(name, allowed[0])
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} is {value!r}: use one of {', '.join(allowed)}")
    return value


def secret(name: str) -> str:
    """The content of the file that NAME_FILE points to, by default /run/secrets/<name in lower case>.

    Secrets are never read from the environment itself: it is shown by `docker inspect`, inherited by every child
    process and printed in many an error report.
    """
    file = Path(text(f"{name}_FILE", f"/run/secrets/{name.lower()}"))
    try:
        content = file.read_text(encoding="utf-8").strip()
    except OSError as problem:
        raise ImproperlyConfigured(f"the secret {file} can't be read ({problem.strerror}): set {name}_FILE") from problem
    if not content:
        raise ImproperlyConfigured(f"the secret {file} is empty")
    return content
