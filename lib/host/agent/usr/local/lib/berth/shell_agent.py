"""Starts the agent of Session Manager on this host, or ends it, as the converger wishes. Started by it, as root.

Amazon Linux has the agent in its repositories. Debian hasn't: there it comes from AWS's own bucket in this region, by TLS.
"""

from __future__ import annotations

import json
import logging
import pathlib
import tempfile
import time
from typing import Any

import fetch
import state
from attempts import say
from command import Failed, call
from shell import AGENT, RESULT, WISH, result
from state import load, read_settings, write

PACKAGE = "amazon-ssm-agent"
MOST_BYTES = 200 << 20
LONGEST_S = 600
OS_RELEASE = pathlib.Path("/etc/os-release")
APT = ("apt-get", "-o", "DPkg::Lock::Timeout=300", "-qq", "--yes", "--no-install-recommends", "install")

log = logging.getLogger("berth-shell")


def main() -> None:
    wanted = bool((load(WISH) or {}).get("wanted"))
    told: dict[str, Any] = {"wanted": wanted}
    try:
        if wanted:
            turn_on()
        else:
            turn_off()
    except Exception as error:  # whatever it is: somebody hears of it, and it is tried again
        told["error"] = say(error)
        log.warning("%s", told["error"])
    write(RESULT, json.dumps(told))


def turn_on() -> None:
    is_debian = "ID=debian" in OS_RELEASE.read_text().splitlines()
    if not is_installed(is_debian):
        if is_debian:
            install_from_bucket()
        else:
            call("dnf", "-q", "-y", "install", PACKAGE, timeout_s=LONGEST_S)
    call("systemctl", "enable", "--quiet", AGENT)
    # One that was refused while the role lacked the rights may sleep for long before it asks again.
    call("systemctl", "start" if result() == {"wanted": True} else "restart", AGENT)
    log.info("the agent of Session Manager runs")


def turn_off() -> None:
    """Shells that are open end too: by itself, the unit leaves them running."""
    if not call("systemctl", "list-unit-files", AGENT, fine=(0, 1)).count(AGENT):
        return
    call("systemctl", "disable", "--quiet", AGENT)
    call("systemctl", "kill", "--signal=KILL", AGENT, fine=(0, 1))
    call("systemctl", "stop", AGENT)
    log.info("the agent of Session Manager is stopped")


def is_installed(is_debian: bool) -> bool:
    if not is_debian:
        return call("rpm", "-q", PACKAGE, fine=(0, 1)).startswith(f"{PACKAGE}-")
    return call("dpkg-query", "--show", "--showformat", "${db:Status-Status}", PACKAGE, fine=(0, 1)) == "installed"


def install_from_bucket() -> None:
    with tempfile.TemporaryDirectory(dir=state.STATE) as folder:
        file = pathlib.Path(folder) / f"{PACKAGE}.deb"
        download(read_settings(), file)
        said = call("dpkg-deb", "--field", str(file), "Package", "Architecture").split()
        if said != ["Package:", PACKAGE, "Architecture:", "amd64"]:
            raise Failed(f"what AWS's bucket has as {PACKAGE} is another package")
        call("dpkg", "--configure", "-a", "--force-confold", timeout_s=LONGEST_S)
        call("env", "DEBIAN_FRONTEND=noninteractive", *APT, str(file), timeout_s=LONGEST_S)


def download(settings: dict[str, str], file: pathlib.Path) -> None:
    """From nowhere else: the name is AWS's in this region, its certificate is checked, and no redirect is followed."""
    region = settings["region"]
    host = f"s3.{region}.{settings['domain']}"
    connection, deadline = fetch.connect(host), time.monotonic() + LONGEST_S
    try:
        connection.request("GET", f"/amazon-ssm-{region}/latest/debian_amd64/{PACKAGE}.deb")
        answer = connection.getresponse()
        if answer.status != 200:
            raise Failed(f"{PACKAGE} can't be fetched: {host} answered {answer.status}")
        with file.open("wb") as target:
            while part := answer.read1(65536):
                target.write(part)
                if target.tell() > MOST_BYTES:
                    raise Failed(f"{PACKAGE} is longer than {MOST_BYTES} bytes")
                if time.monotonic() > deadline:
                    raise Failed(f"fetching {PACKAGE} took longer than {LONGEST_S} s")
        announced = answer.headers.get("content-length", "")
        if announced.isdecimal() and file.stat().st_size != int(announced):
            raise Failed(f"{PACKAGE} ended after {file.stat().st_size} of {announced} bytes")
    except OSError as trouble:
        raise Failed(f"{PACKAGE} can't be fetched from {host}: {trouble}") from trouble
    finally:
        connection.close()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
