"""Runs one AWS emulator (`moto` or `ministack`) on a Unix socket in a new folder that only this user can enter.

Usage: emulator.py moto|ministack LOG. Prints the socket's path as one line once it listens; all other output is
appended to LOG. Ends when its standard input ends, so it never outlives the process that started it, however that ends.

BERTH_CONTROL is a secret: only requests that carry it may use the emulator's own control paths. BERTH_REGISTRY_PASSWORD
is the password in ECR's token. BERTH_ECR_OPERATIONS lists the ECR operations that answer.
"""

import asyncio
import gc
import os
import shutil
import socket
import sys
import tempfile
import threading

# Idle connections are closed after this time. It is so long that no client sends a request just as its connection
# closes.
IDLE_SECONDS = 3600
# The longest possible path of a Unix socket.
LONGEST_PATH = 107


def make_socket_path() -> str:
    """Opens the socket in a new folder of mode 0700."""
    folder = tempfile.mkdtemp(prefix="berth-emulator-")
    path = os.path.join(folder, "socket")
    if len(os.fsencode(path)) <= LONGEST_PATH:
        return path
    os.rmdir(folder)
    return os.path.join(tempfile.mkdtemp(prefix="berth-emulator-", dir="/tmp"), "socket")


def end_with_parent(socket_path: str) -> None:
    def wait() -> None:
        sys.stdin.buffer.read()
        shutil.rmtree(os.path.dirname(socket_path), ignore_errors=True)
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


def announce(path: str) -> None:
    os.write(announcements, os.fsencode(path) + b"\n")
    os.close(announcements)


def log_requests(app):
    def answer(environ, start_response):
        def start(status, *rest):
            print(environ["REQUEST_METHOD"], environ["PATH_INFO"], status, flush=True)
            return start_response(status, *rest)

        return app(environ, start)

    return answer


def serve_moto(socket_path: str, control: str) -> None:
    import emulator_doors
    import moto_changes
    import moto_metrics
    import moto_speed
    import moto_watching

    # Before anything else of moto is imported: the import reads what is cached here.
    moto_speed.remember_models()
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from waitress.server import create_server

    moto_changes.add_debian_images()
    moto_changes.keep_bucket_tags()
    moto_watching.keep_dashboard_tags()
    moto_watching.change_alarms_in_place()
    moto_watching.ask_subscribers()
    moto_changes.protect_new_buckets()
    moto_changes.keep_cpu_credits()
    moto_changes.change_records_as_one()
    moto_changes.write_one_by_one()
    moto_metrics.keep_metrics()
    moto_changes.allow_encrypted_calls()
    moto_speed.remember_lists()
    moto_speed.share_policies()
    moto_speed.find_tags_at_once()
    moto_speed.load_images_late()
    # Loaded modules stay: the garbage collector need not scan them again.
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)
    # Not moto's own server, which is for development: it closes each connection, after waiting for more input.
    server = create_server(
        log_requests(emulator_doors.only_services(DomainDispatcherApplication(create_backend_app), control)),
        unix_socket=socket_path,
        unix_socket_perms="600",
        channel_timeout=IDLE_SECONDS,
        connection_limit=1000,
        asyncore_use_poll=True,
    )
    announce(socket_path)
    server.run()


def serve_ministack(socket_path: str, control: str) -> None:
    import emulator_doors

    operations = frozenset(os.environ.pop("BERTH_ECR_OPERATIONS").split(","))
    password = os.environ.pop("BERTH_REGISTRY_PASSWORD")

    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from ministack.app import app

    emulator_doors.draw_registry_token(password)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(socket_path)
    os.chmod(socket_path, 0o600)
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.keep_alive_timeout = IDLE_SECONDS

    async def run() -> None:
        serving = asyncio.create_task(serve(emulator_doors.only_ecr(app, operations, control), config))
        while not serving.done():
            await asyncio.sleep(0.02)
            try:
                _, writer = await asyncio.open_unix_connection(socket_path)
            except ConnectionRefusedError:
                continue
            writer.close()
            announce(socket_path)
            break
        await serving

    asyncio.run(run())


if __name__ == "__main__":
    announcements = os.dup(1)
    log = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    path = make_socket_path()
    end_with_parent(path)
    try:
        {"moto": serve_moto, "ministack": serve_ministack}[sys.argv[1]](path, os.environ.pop("BERTH_CONTROL"))
    finally:
        shutil.rmtree(os.path.dirname(path), ignore_errors=True)
