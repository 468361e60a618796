"""Runs one AWS emulator (`moto` or `ministack`) on a free loopback port.

Usage: emulator.py moto|ministack LOG. Prints the port as one line once it listens; all else is appended to LOG. Ends when its standard input does, so that it never
outlives the process that started it, however that one ends.
"""

import asyncio
import gc
import os
import socket
import sys
import threading

# After so long an idle connection is closed: long enough that no client meets that in the middle of a request.
IDLE_SECONDS = 3600


def end_with_parent() -> None:
    def wait() -> None:
        sys.stdin.buffer.read()
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


def announce(port: int) -> None:
    os.write(announcements, f"{port}\n".encode())
    os.close(announcements)


def log_requests(app):
    def answer(environ, start_response):
        def start(status, *rest):
            print(environ["REQUEST_METHOD"], environ["PATH_INFO"], status, flush=True)
            return start_response(status, *rest)

        return app(environ, start)

    return answer


def serve_moto() -> None:
    import moto_changes

    # Before all else of moto: its import reads what is remembered here.
    moto_changes.remember_models()
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from waitress.server import create_server

    moto_changes.add_debian_images()
    moto_changes.keep_bucket_tags()
    moto_changes.remember_lists()
    moto_changes.share_policies()
    moto_changes.load_images_late()
    # What is loaded stays: the collector need not look through it again and again.
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)
    # Moto's own server is one for development: it closes each connection, after a wait for what else may come.
    server = create_server(
        log_requests(DomainDispatcherApplication(create_backend_app)),
        host="127.0.0.1",
        port=0,
        channel_timeout=IDLE_SECONDS,
        connection_limit=1000,
        asyncore_use_poll=True,
        expose_tracebacks=True,
    )
    os.environ["MOTO_PORT"] = str(server.effective_port)
    announce(int(server.effective_port))
    server.run()


def serve_ministack() -> None:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    # Read while ministack is imported, so it must be known before.
    os.environ["GATEWAY_PORT"] = str(port)

    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from ministack.app import app

    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.keep_alive_timeout = IDLE_SECONDS

    async def run() -> None:
        serving = asyncio.create_task(serve(app, config))
        while not serving.done():
            await asyncio.sleep(0.02)
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                continue
            writer.close()
            announce(port)
            break
        await serving

    asyncio.run(run())


if __name__ == "__main__":
    announcements = os.dup(1)
    log = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    end_with_parent()
    {"moto": serve_moto, "ministack": serve_ministack}[sys.argv[1]]()
