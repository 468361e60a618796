"""Listens on the machines' Elastic IPs, and admits connections that the security groups allow.

Each line on standard input is the complete list of ports, as JSON: [{"address", "port", "sources": [CIDR], "machine"}].
Each line is answered by one line: the ports that could not be opened, [{"address", "port", "reason"}]. Ends with its
input.
"""

import asyncio
import ipaddress
import json
import os
import socket
import struct
import sys

CONNECT_SECONDS = 5

listening = {}
ports = {}
serving = set()


async def pump(reader, writer):
    try:
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()
    except OSError:
        reset(writer)


def reset(writer):
    """Resets a connection, as a closed port does."""
    raw = writer.get_extra_info("socket")
    if raw is not None:
        try:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass  # The connection is closed already.
    writer.transport.abort()


async def serve(key, connection):
    reader, writer = await asyncio.open_connection(sock=connection)
    forwarded = ports.get(key)
    peer = writer.get_extra_info("peername")
    if forwarded is None or peer is None or not is_among(forwarded["sources"], peer[0]):
        reset(writer)
        return
    try:
        connecting = asyncio.open_connection(forwarded["machine"], forwarded["port"])
        inner_reader, inner_writer = await asyncio.wait_for(connecting, CONNECT_SECONDS)
    except (OSError, TimeoutError):
        reset(writer)
        return
    await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer))
    inner_writer.close()
    writer.close()


def is_among(ranges, address):
    return any(ipaddress.ip_address(address) in ipaddress.ip_network(each, strict=False) for each in ranges)


def listen(key):
    """Returns a function that stops listening at once. asyncio's server would lose a connection just accepted."""
    listener = socket.create_server(key, backlog=1024)
    listener.setblocking(False)
    loop = asyncio.get_running_loop()

    def accept():
        try:
            connection, _ = listener.accept()
        except OSError:
            return  # The client has closed the connection already.
        task = loop.create_task(serve(key, connection))
        serving.add(task)
        task.add_done_callback(serving.discard)

    def stop():
        loop.remove_reader(listener)
        listener.close()

    loop.add_reader(listener, accept)
    return stop


def apply(wanted):
    ports.clear()
    ports.update({(each["address"], each["port"]): each for each in wanted})
    failed = []
    for key in [key for key in listening if key not in ports]:
        listening.pop(key)()
    for key in [key for key in ports if key not in listening]:
        try:
            listening[key] = listen(key)
        except OSError as error:
            failed.append({"address": key[0], "port": key[1], "reason": os.strerror(error.errno or 0)})
    return failed


async def main():
    lines = asyncio.StreamReader(limit=2**24)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        print(json.dumps(apply(json.loads(line))), flush=True)


asyncio.run(main())
