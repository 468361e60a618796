"""Stands at the addresses that are associated with machines, and lets in whom the security groups let in.

Each line on standard input is the whole list of openings, as JSON: [{"address", "port", "sources": [CIDR], "target"}].
Each is answered by one line: the openings that could not be made, [{"address", "port", "reason"}]. Ends with its input.
"""

import asyncio
import ipaddress
import json
import os
import socket
import struct
import sys

CONNECT_SECONDS = 5

servers = {}
openings = {}


async def pump(reader, writer):
    try:
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()
    except OSError:
        reset(writer)


def reset(writer):
    """Ends a connection the way a closed port does."""
    raw = writer.get_extra_info("socket")
    if raw is not None:
        try:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass  # It is closed already.
    writer.transport.abort()


async def serve(key, reader, writer):
    opening = openings.get(key)
    source = ipaddress.ip_address(writer.get_extra_info("peername")[0])
    if opening is None or not any(source in ipaddress.ip_network(each, strict=False) for each in opening["sources"]):
        reset(writer)
        return
    try:
        connecting = asyncio.open_connection(opening["target"], opening["port"])
        inner_reader, inner_writer = await asyncio.wait_for(connecting, CONNECT_SECONDS)
    except (OSError, TimeoutError):
        reset(writer)
        return
    await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer))
    inner_writer.close()
    writer.close()


async def apply(wanted):
    openings.clear()
    openings.update({(each["address"], each["port"]): each for each in wanted})
    failed = []
    for key in [key for key in servers if key not in openings]:
        servers.pop(key).close()
    for key in [key for key in openings if key not in servers]:
        try:
            servers[key] = await asyncio.start_server(
                lambda reader, writer, key=key: serve(key, reader, writer), key[0], key[1], backlog=1024
            )
        except OSError as error:
            failed.append({"address": key[0], "port": key[1], "reason": os.strerror(error.errno or 0)})
    return failed


async def main():
    lines = asyncio.StreamReader(limit=2**24)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        print(json.dumps(await apply(json.loads(line))), flush=True)


asyncio.run(main())
