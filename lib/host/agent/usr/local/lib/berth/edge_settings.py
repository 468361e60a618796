"""The edge's settings in a release, and how edge and switch read them. The fields are those of lib/release/schema.ts.

Run by setup.sh: `edge_settings.py edge.conf edge.json NAME=VALUE …` prints the edge's whole configuration, and
`edge_settings.py trusted edge.json` who stands in front of the edge, one block a line.
"""

from __future__ import annotations

import ipaddress
import itertools
import json
import pathlib
import re
import sys
from typing import Any

from certificate_plan import is_name

# What a release of an earlier Berth goes by, too.
DEFAULTS: dict[str, Any] = {
    "bodyMib": 10,
    "answerSeconds": 60,
    "idleSeconds": 60,
    "drainSeconds": 30,
    "headerKib": 32,
    "underscores": "drop",
    "trustedProxies": [],
}
BOUNDS = {
    "bodyMib": (1, 2048),
    "answerSeconds": (1, 600),
    "idleSeconds": (1, 3600),
    "drainSeconds": (1, 300),
    "headerKib": (8, 128),
}
CHOICES = {"underscores": ("drop", "pass")}
TRUSTED_MOST, TRUSTED_PREFIX_LEAST = 256, 8
# In memory on their way. Larger bodies are passed on while they come: edge.conf, switch.conf and retries.pm say the same.
SPOOLED_MIB = 10
# The edge waits longer than the switch, which tries again within 15 s: whoever waits for the app says what became of it.
PATIENCE_S = 20


def settings_of(release: dict[str, Any]) -> dict[str, Any]:
    return {**DEFAULTS, **release.get("edge", {})}


def find_excess(release: dict[str, Any]) -> list[str]:
    """The fields that no configuration may hold so: these values become lines of a root process's configuration."""
    told = release.get("edge", {})
    if type(told) is not dict:
        return ["edge"]
    settings = settings_of(release)
    wrong = [key for key, (least, most) in BOUNDS.items() if not is_whole(settings[key], least, most)]
    wrong += [key for key, choices in CHOICES.items() if settings[key] not in choices]
    blocks = settings["trustedProxies"]
    is_list = type(blocks) is list and len(blocks) <= TRUSTED_MOST
    wrong += [] if is_list and all(map(is_trustworthy, blocks)) else ["trustedProxies"]
    # To nginx's variables X_Forwarded_Proto is X-Forwarded-Proto: a client could speak for the proxy that passes it on.
    wrong += ["underscores"] if blocks and settings["underscores"] == "pass" else []
    return [f"edge.{key}" for key in wrong]


def find_domain_excess(settings: dict[str, Any]) -> list[str]:
    """The same of the domains, which come from the stack's settings of HTTPS."""
    told = settings.get("https")
    if told is None:
        return []
    names = [*told.get("names", ()), told.get("address")] if type(told) is dict else [None]
    fits = all(isinstance(name, str) and is_name(name) for name in names) and is_whole(told.get("hstsSeconds"), 0, 63072000)
    return [] if fits and len(names) > 1 else ["https"]


def is_whole(value: Any, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most


def is_trustworthy(block: Any) -> bool:
    """A block as `ipaddress` itself would write it, so that nothing but digits, dots and a slash gets into a configuration."""
    try:
        network = ipaddress.IPv4Network(block)
    except ValueError:
        return False
    return str(network) == block and network.prefixlen >= TRUSTED_PREFIX_LEAST


def render_edge(template: str, settings: dict[str, Any], system: dict[str, str]) -> str:
    """edge.conf with its @places@ filled in."""
    kib = settings["headerKib"] + 4  # the switch adds to the app's headers
    passes = settings["underscores"] == "pass"
    blocks = settings["trustedProxies"]
    domains = settings.get("https") or {"names": [], "address": "", "hstsSeconds": 0}
    names = domains["names"]
    hsts = [f"https:{name} max-age={domains['hstsSeconds']};" for name in names if domains["hstsSeconds"]]
    values = {
        **system,
        "server_names": " ".join(names) or "_",
        "home": f"{domains['address']} {names[0]};" if names else "",
        "hsts": indented("        ", hsts),
        "body_mib": settings["bodyMib"],
        "spooled_mib": min(settings["bodyMib"], SPOOLED_MIB),
        "answer_s": settings["answerSeconds"] + PATIENCE_S,
        "idle_s": settings["idleSeconds"] + 5,
        "header_line": settings["headerKib"] * 256,
        "answer_buffers": indented("    ", answer_buffers(kib)),
        "underscores": "on" if passes else "off",
        "clear_headers": respell(system.get("clear_headers", "")) if passes else system.get("clear_headers", ""),
        "clear_spellings": indented("        ", clear_spellings(template) if passes else []),
        "trusted_from": indented("    ", [f"set_real_ip_from {block};" for block in blocks]),
        "trusted": indented("        ", [f"{block} 1;" for block in blocks]),
    }
    return re.sub(r"@(\w+)@", lambda place: str(values[place[1]]), template)


def indented(by: str, lines: list[str]) -> str:
    return f"\n{by}".join(lines)


# What an app that reads headers as CGI variables takes for the frame of the request.
FRAMING = ("Content-Length", "Content-Type", "Transfer-Encoding")


def clear_spellings(template: str) -> list[str]:
    """Clears each header that the edge clears or sets in all spellings with underscores, which some frameworks read alike."""
    names = dict.fromkeys(name for name in re.findall(r"proxy_set_header (\S+)", template) if "-" in name)
    return [f'proxy_set_header {one} "";' for name in [*names, *FRAMING] for one in spellings(name)]


def respell(line: str) -> str:
    """The same for the wildcards of nginx's module: `X-Forwarded-*`."""
    return re.sub(r"\S+-\*", lambda name: " ".join([name[0], *spellings(name[0])]), line)


def spellings(name: str) -> list[str]:
    parts = name.split("-")
    marks = (marks for marks in itertools.product("-_", repeat=len(parts) - 1) if "_" in marks)
    return ["".join(itertools.chain(*itertools.zip_longest(parts, mark, fillvalue=""))) for mark in marks]


def answer_buffers(kib: int) -> list[str]:
    """nginx wants its other buffers in proportion to the one that holds the headers of an answer."""
    return [
        f"proxy_buffer_size {kib}k;",
        f"proxy_buffers {-(-kib // 4) + 8} 4k;",
        f"proxy_busy_buffers_size {kib}k;",
    ]


def render_switch(settings: dict[str, Any]) -> dict[str, str]:
    """What the switch includes besides the replicas, by file. It takes whatever request the edge has taken."""
    lines = [
        *answer_buffers(settings["headerKib"]),
        f"large_client_header_buffers 8 {settings['headerKib'] * 256 + 4096};",
        f"proxy_send_timeout {settings['answerSeconds']}s;",
        f"proxy_read_timeout {settings['answerSeconds']}s;",
    ]
    return {
        "upstreams.conf": "".join(f"{line}\n" for line in lines),
        "websockets.conf": f"proxy_read_timeout {settings['idleSeconds']}s;\n",
        "drain.conf": f"worker_shutdown_timeout {settings['drainSeconds']}s;\n",
    }


def main(what: str, told: str, *system: str) -> None:
    release = {"edge": json.loads(pathlib.Path(told).read_text())}
    excess = find_excess(release) + find_domain_excess(release["edge"])
    if excess:
        sys.exit(f"{told} is out of bounds in {', '.join(excess)}")
    settings = settings_of(release)
    if what == "trusted":
        print(*settings["trustedProxies"], sep="\n")
        return
    template = pathlib.Path(what).read_text()
    print(render_edge(template, settings, dict(one.split("=", 1) for one in system)), end="")


if __name__ == "__main__":
    main(*sys.argv[1:])
