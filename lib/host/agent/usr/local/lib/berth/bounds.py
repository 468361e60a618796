"""What a release may hold: the bounds of lib/release/schema.ts. A test compares both with the same values."""

from __future__ import annotations

import re
from typing import Any, Callable

import edge_settings
from state import Release

NUMBERS = {
    "number": (1, 10**9),
    "replicas": (1, 10),
    "port": (1, 65535),
    "memoryMib": (16, 65536),
    "startSeconds": (1, 300),
    "tmpMib": (1, 65536),
    "stopSeconds": (1, 120),
}
# What a release without the field means: what every host did before there was the field.
DEFAULTS: Release = {
    "user": None,
    "writable": False,
    "tmpMib": 64,
    "stopSeconds": 10,
    "command": None,
    "releaseCommand": None,
    "rollbackWhenWorse": False,
    "health": None,
    "volumes": {},
    "dataVolume": None,
    "secrets": {},
    "logGroup": None,
    "shell": None,
    "edge": edge_settings.DEFAULTS,
}
# What is healthy if the release doesn't say: any answer below 500 to the front page.
ANY_ANSWER = {"path": "/", "status": "100-499", "timeoutSeconds": 5}
# What runs is the same, however long it may take to start.
CONTENT = ("number", "image", "port", "replicas", "environment", "memoryMib", *DEFAULTS)
VARIABLE_BYTES = (128 << 10) - 1
ENVIRONMENT_BYTES = 256 << 10
COMMAND_BYTES = 64 << 10
HIGHEST_ID = 2**31 - 1
PARAMETER = "ssm:/?[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*:[1-9][0-9]{0,8}"
SECRET = "secretsmanager:[A-Za-z0-9/_+=.@-]{1,512}:[A-Za-z0-9-]{32,64}"
VOLUME_NAME = "[a-z][a-z0-9-]{0,30}"
MOUNT_PATH = r"(/(?!\.\.?(/|\Z))[A-Za-z0-9._-]+)+"
OWN_FOLDERS = (
    "/((proc|sys|dev|bin|boot|lib|lib32|lib64|sbin)(/.*)?|(etc|root|run|tmp|usr|var)?"
    "|usr/(local/)?(bin|include|lib|lib32|lib64|libexec|local|sbin|share)|var/(lib|run)"
    r"|etc/(group|gshadow|hostname|hosts|ld\.so\.(cache|conf)|mtab|nsswitch\.conf|passwd|resolv\.conf|shadow|ssl))"
)


def find_excess(release: Release) -> str:
    """Whoever writes into the bucket may ask for no more than a configuration may."""
    checks = {field: lambda value, of=bounds: is_number(value, *of) for field, bounds in NUMBERS.items()}
    wrong = [field for field, fits in {**checks, **OTHERS}.items() if not is_right(release, field, fits)]
    wrong += edge_settings.find_excess(release)
    return f"the desired release is out of bounds in {', '.join(wrong)}" if wrong else ""


def is_right(release: Release, field: str, fits: Callable[[Any], bool]) -> bool:
    return fits(release[field]) if field in release else field in DEFAULTS


def differ(one: Release, other: Release) -> bool:
    return any(setting(one, field) != setting(other, field) for field in CONTENT)


def setting(release: Release, field: str) -> Any:
    return release.get(field, DEFAULTS.get(field))


def is_number(value: Any, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most


def is_text(value: Any, form: str, most: int) -> bool:
    return isinstance(value, str) and len(value) <= most and re.fullmatch(form, value, re.DOTALL) is not None


def is_image(value: Any) -> bool:
    """Never a flag of `docker run`."""
    return is_text(value, "[^-].*", 2048)


def is_environment(value: Any) -> bool:
    if not isinstance(value, dict) or len(value) > 1000:
        return False
    if not all(is_variable(name) for name in value) or not are_texts([*value.values()]):
        return False
    sizes = [count_bytes(f"{name}={text}") for name, text in value.items()]
    return max(sizes, default=0) <= VARIABLE_BYTES and sum(sizes) <= ENVIRONMENT_BYTES


def is_variable(name: Any) -> bool:
    return is_text(name, "[A-Za-z_][A-Za-z0-9_]*", 256)


def is_secrets(value: Any) -> bool:
    """Where each value is, with its version. The values themselves are in no release."""
    if not isinstance(value, dict) or len(value) > 100:
        return False
    return all(is_variable(name) and is_text(source, f"{PARAMETER}|{SECRET}", 1100) for name, source in value.items())


def are_texts(values: list[Any]) -> bool:
    """Texts that a process can be started with."""
    return all(isinstance(text, str) and "\0" not in text for text in values)


def count_bytes(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))


def is_command(value: Any) -> bool:
    if not isinstance(value, list) or not 1 <= len(value) <= 1000 or not are_texts(value):
        return False
    return count_bytes("".join(value)) <= COMMAND_BYTES


def is_user(value: Any) -> bool:
    if not is_text(value, "[0-9]{1,10}(:[0-9]{1,10})?|[A-Za-z_][A-Za-z0-9_.-]{0,31}", 32):
        return False
    return all(int(id) <= HIGHEST_ID for id in value.split(":") if id.isdecimal())


def is_health(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    health = {**ANY_ANSWER, **value}
    return (
        is_text(health["path"], "/[!-~]*", 1024)
        and is_status(health["status"])
        and is_number(health["timeoutSeconds"], 1, 60)
    )


def is_status(value: Any) -> bool:
    """One, or the lowest and the highest: all have three digits."""
    if not is_text(value, "[1-5][0-9][0-9](-[1-5][0-9][0-9])?", 7):
        return False
    lowest, _, highest = value.partition("-")
    return lowest <= (highest or lowest)


def is_volumes(value: Any) -> bool:
    """No name leaves the data volume's folder, and no path adds to the engine's arguments."""
    if not isinstance(value, dict) or len(value) > 10:
        return False
    paths = [*value.values()]
    if not all(is_text(name, VOLUME_NAME, 31) for name in value) or not all(is_mount_path(path) for path in paths):
        return False
    return not any(f"{one}/".startswith(f"{other}/") for at, one in enumerate(paths) for it, other in enumerate(paths) if at != it)


def is_mount_path(value: Any) -> bool:
    return is_text(value, MOUNT_PATH, 256) and not re.fullmatch(OWN_FOLDERS, value)


OTHERS: dict[str, Callable[[Any], bool]] = {
    "image": is_image,
    "environment": is_environment,
    "user": is_user,
    "writable": lambda value: type(value) is bool,
    "command": is_command,
    "releaseCommand": is_command,
    "rollbackWhenWorse": lambda value: type(value) is bool,
    "health": is_health,
    "volumes": is_volumes,
    "secrets": is_secrets,
    "logGroup": lambda value: is_text(value, "/berth/[a-z0-9/-]{1,100}", 200),
    "shell": lambda value: type(value) is bool,
    "dataVolume": lambda value: is_text(value, ".+", 2048),
}
