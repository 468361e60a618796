"""Runs one AWS emulator (`moto` or `ministack`) on a free loopback port.

Usage: emulator.py moto|ministack LOG. Prints the port as one line once it listens; all else is appended to LOG. Ends when its standard input does, so that it never
outlives the process that started it, however that one ends.
"""

import asyncio
import hashlib
import os
import socket
import sys
import threading

DEBIAN_OWNER = "136693071363"
DEBIAN_VERSION = "20251117-2299"
DEBIAN_ARCHITECTURES = {"amd64": "x86_64", "arm64": "arm64"}


def end_with_parent() -> None:
    def wait() -> None:
        sys.stdin.buffer.read()
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


def announce(port: int) -> None:
    os.write(announcements, f"{port}\n".encode())
    os.close(announcements)


def debian_image(region: str, release: str, architecture: str) -> dict:
    """The image as Debian's own account publishes it; the id is made from the region, as ids differ between regions."""
    name = f"debian-{release}-{architecture}-{DEBIAN_VERSION}"
    return {
        "ami_id": "ami-" + hashlib.sha256(f"{region} {name}".encode()).hexdigest()[:17],
        "name": name,
        "description": f"Debian {release} ({DEBIAN_VERSION})",
        "owner_id": DEBIAN_OWNER,
        "public": True,
        "virtualization_type": "hvm",
        "architecture": DEBIAN_ARCHITECTURES[architecture],
        "hypervisor": "xen",
        "root_device_type": "ebs",
        "root_device_name": "/dev/xvda",
        "image_location": f"amazon/{name}",
        "boot_mode": "uefi",
    }


def add_debian_images() -> None:
    """Moto ships Amazon's images and their public parameters only, and refuses to store a name below /aws."""
    from moto.core.utils import utcnow
    from moto.ec2.models.amis import Ami, AmiBackend
    from moto.ssm.models import Parameter, ParameterDict

    load_amis = AmiBackend._load_amis
    check_loading = ParameterDict._check_loading_status

    def load_with_debian(self) -> None:
        load_amis(self)
        for architecture in DEBIAN_ARCHITECTURES:
            image = debian_image(self.region_name, "13", architecture)
            self.amis[image["ami_id"]] = Ami(self, **image)

    def check_with_debian(self, key) -> None:
        check_loading(self, key)
        prefix = "/aws/service/debian/release/13"
        if not str(key or "").startswith("/aws/service/debian") or dict.__contains__(self, f"{prefix}/latest/amd64"):
            return
        for architecture in DEBIAN_ARCHITECTURES:
            for version in ("latest", DEBIAN_VERSION):
                name = f"{prefix}/{version}/{architecture}"
                value = debian_image(self.region_name, "13", architecture)["ami_id"]
                dict.__setitem__(
                    self,
                    name,
                    [Parameter(self.account_id, name, value, "String", None, None, None, utcnow(), 1, "aws:ec2:image")],
                )

    AmiBackend._load_amis = load_with_debian
    ParameterDict._check_loading_status = check_with_debian


def keep_bucket_tags() -> None:
    """Moto drops the tags that a bucket is ordered with, and gives a new bucket those of an earlier one of its name."""
    import xmltodict
    from moto.s3.responses import S3Response

    answer_put = S3Response._bucket_response_put

    def answer_with_tags(self, request, bucket_name, querystring):
        was_there = bucket_name in self.backend.buckets
        answer = answer_put(self, request, bucket_name, querystring)
        if was_there or bucket_name not in self.backend.buckets:
            return answer
        self.backend.tagger.delete_all_tags_for_resource(self.backend.buckets[bucket_name].arn)
        order = xmltodict.parse(self.body, force_list=("Tag",)) if self.body else {}
        tags = ((order.get("CreateBucketConfiguration") or {}).get("Tags") or {}).get("Tag", [])
        if tags:
            self.backend.put_bucket_tagging(bucket_name, {tag["Key"]: tag["Value"] or "" for tag in tags})
        return answer

    S3Response._bucket_response_put = answer_with_tags


def serve_moto() -> None:
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.serving import make_server

    add_debian_images()
    keep_bucket_tags()
    server = make_server(
        "127.0.0.1",
        0,
        DomainDispatcherApplication(create_backend_app),
        threaded=True,
        request_handler=MotoRequestHandler,
    )
    os.environ["MOTO_PORT"] = str(server.server_port)
    announce(server.server_port)
    server.serve_forever()


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
    config.keep_alive_timeout = 75

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
