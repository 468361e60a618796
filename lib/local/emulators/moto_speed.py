"""Spares moto work that it does again and again, or that nobody needs."""

from __future__ import annotations

import copy
import functools
import threading


def remember_models() -> None:
    """Caches service models: each botocore session reads them again, and importing moto opens several sessions."""
    from botocore.loaders import JSONFileLoader

    read = JSONFileLoader.load_file
    remembered = functools.cache(lambda path: read(JSONFileLoader(), path))
    JSONFileLoader.load_file = lambda self, file_path: remembered(file_path)


def remember_lists() -> None:
    """Caches what moto does for every call: it lists its own folder twice and the methods of a class once."""
    from moto import backends
    from moto.core import responses

    modules = frozenset(backends.list_of_moto_modules())
    backends.list_of_moto_modules = lambda: modules
    responses.method_names_from_class = functools.cache(responses.method_names_from_class)


def share_policies() -> None:
    """Caches AWS's 1,500 policies, which moto parses at every reset. Each use gets copies: policies count their users."""
    from moto.iam.models import IAMBackend

    read = IAMBackend._init_aws_policies
    known: dict[tuple[str, str], list] = {}

    def copies(self):
        place = (self.account_id, self.region_name)
        if place not in known:
            known[place] = read(self)
        return [copy.copy(policy) for policy in known[place]]

    IAMBackend._init_aws_policies = copies


def find_tags_at_once() -> None:
    """Reads a resource's tags by its id: moto compares each tag of each resource there has been with a pattern."""
    from moto.ec2.models.core import TaggedEC2Resource
    from moto.ec2.models.tags import EC2_PREFIX_TO_RESOURCE, get_prefix

    def tags_of(self) -> list[dict[str, str]]:
        tags = self.ec2_backend.tags.get(self.id) if self.id else None
        if not tags:
            return []
        about = {"resource_id": self.id, "resource_type": EC2_PREFIX_TO_RESOURCE.get(get_prefix(self.id), "")}
        return [{**about, "key": key, "value": value} for key, value in tags.items()]

    TaggedEC2Resource.get_tags = tags_of


def load_images_late() -> None:
    """
    Delays making images: at every reset moto makes 1,200 for each region, with snapshots. Most runs never use one. No run
    uses the snapshots, which each search for a stack's own would look at.
    """
    from moto.ec2.models.amis import AmiBackend

    load = AmiBackend._load_amis
    loading = threading.RLock()

    def images(self):
        with loading:
            if "_images" not in vars(self):
                vars(self)["_images"] = {}
                kept = dict(self.snapshots)
                load(self)
                self.snapshots.clear()
                self.snapshots.update(kept)
            return vars(self)["_images"]

    AmiBackend._load_amis = lambda self: None
    AmiBackend.amis = property(images, lambda self, nothing: None)
