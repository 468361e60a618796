"""Runs all of ministack that Berth's commands call, for tests: EC2, IAM, S3, SSM, STS and ECR in one process.

Usage: whole_ministack.py FOLDER. Prints a free loopback port as one line once it listens there and on FOLDER/socket. Ends when
its standard input ends, so it never outlives the test.
"""

import asyncio
import os
import socket
import sys
import threading


def end_with_parent() -> None:
    def wait() -> None:
        sys.stdin.buffer.read()
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


def hand_out_loopback_addresses() -> None:
    """ministack's Elastic IPs belong to strangers. A test may only ever call its own computer."""
    from ministack.services import ec2

    draw = ec2._random_ip
    ec2._random_ip = lambda prefix: draw("127." if prefix == "52." else prefix)


def listen(folder: str) -> tuple[list[int], int]:
    local = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    local.bind(os.path.join(folder, "socket"))
    port = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    port.bind(("127.0.0.1", 0))
    number = port.getsockname()[1]
    return [local.detach(), port.detach()], number


async def serve(folder: str) -> None:
    from hypercorn.asyncio import serve as answer
    from hypercorn.config import Config
    from ministack.app import app

    hand_out_loopback_addresses()
    listeners, port = listen(folder)
    config = Config()
    config.bind = [f"fd://{listener}" for listener in listeners]
    # No client may find its connection closed just as it reuses it.
    config.keep_alive_timeout = 3600
    serving = asyncio.create_task(answer(app, config))
    while not serving.done():
        await asyncio.sleep(0.02)
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:
            continue
        writer.close()
        os.write(announcements, f"{port}\n".encode())
        break
    await serving


if __name__ == "__main__":
    announcements = os.dup(1)
    log = os.open(os.path.join(sys.argv[1], "ministack.log"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    end_with_parent()
    asyncio.run(serve(sys.argv[1]))
