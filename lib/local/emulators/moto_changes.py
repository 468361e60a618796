"""Berth's changes to moto: they add AWS behaviour that moto lacks."""

from __future__ import annotations

import functools
import hashlib
import json
import threading

DEBIAN_OWNER = "136693071363"
DEBIAN_VERSION = "20251117-2299"
DEBIAN_ARCHITECTURES = {"amd64": "x86_64", "arm64": "arm64"}


def debian_image(region: str, release: str, architecture: str) -> dict:
    """The image as Debian publishes it. Its id depends on the region, as AWS's ids do."""
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
    """Adds Debian's images: moto has only Amazon's, and refuses to store a parameter below /aws."""
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
    """Fixes bucket tags: moto drops those in CreateBucket, and a new bucket gets those of an earlier namesake."""
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


def protect_new_buckets() -> None:
    """Gives each bucket the settings that AWS gives it: public access blocked, and encryption that can't be switched off."""
    from moto.s3.models import FakeBucket, PublicAccessBlock, S3Backend

    make = FakeBucket.__init__

    def default_encryption() -> dict:
        return {"Rule": {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": "false"}}

    def make_protected(self, *args, **kwargs) -> None:
        make(self, *args, **kwargs)
        self.encryption = default_encryption()
        self.public_access_block = PublicAccessBlock("true", "true", "true", "true")
        self.ownership_rule = "BucketOwnerEnforced"

    def return_to_default(self, bucket_name: str) -> None:
        self.get_bucket(bucket_name).encryption = default_encryption()

    FakeBucket.__init__ = make_protected
    S3Backend.delete_bucket_encryption = return_to_default


def write_one_by_one() -> None:
    """Makes conditional writes atomic: moto checks the condition and writes in two steps, and answers in several threads."""
    from moto.s3.responses import S3Response

    writing = threading.RLock()

    def alone(work):
        @functools.wraps(work)
        def write(self, *args, **kwargs):
            with writing:
                return work(self, *args, **kwargs)

        return write

    for name in ("_key_response_put", "_key_response_delete"):
        setattr(S3Response, name, alone(getattr(S3Response, name)))


def allow_encrypted_calls() -> None:
    """Takes every call as sent over TLS: moto evaluates no condition, so a denial of plain HTTP would deny everything."""
    from moto.iam.access_control import IAMPolicy, PermissionResult
    from moto.s3.models import FakeBucket

    def concerns_plain_http(statement: dict) -> bool:
        return statement.get("Condition", {}).get("Bool", {}).get("aws:SecureTransport") in ("false", False)

    def permission(self, action: str, resource: str):
        if self.policy is None:
            return PermissionResult.NEUTRAL
        policy = json.loads(self.policy)
        statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
        kept = [statement for statement in statements if not concerns_plain_http(statement)]
        return IAMPolicy(json.dumps({**policy, "Statement": kept})).is_action_permitted(action, resource)

    FakeBucket.get_permission = permission


def keep_cpu_credits() -> None:
    """Keeps and changes the CPU credits of instances: moto answers `standard` for all, and can't change it."""
    from moto.core.responses import ActionResult
    from moto.ec2.responses.instances import InstanceResponse

    launch = InstanceResponse.run_instances

    def is_burstable(instance) -> bool:
        return instance.instance_type[:2] in ("t2", "t3", "t4")

    def credits_of(instance) -> str:
        default = "standard" if instance.instance_type.startswith("t2.") else "unlimited"
        return vars(instance).get("cpu_credits", default)

    def launch_with_credits(self):
        made = launch(self)
        wanted = (self._get_param("CreditSpecification") or {}).get("CpuCredits")
        for instance in made.result.instances if wanted else []:
            instance.cpu_credits = wanted
        return made

    def describe(self):
        asked = [value for one in self._get_param("Filters", []) if one["Name"] == "instance-id" for value in one["Values"]]
        ids = self._get_param("InstanceIds", []) or asked
        living = [one for one in self.ec2_backend.all_instances() if is_burstable(one) and (not ids or one.id in ids)]
        found = [{"InstanceId": one.id, "CpuCredits": credits_of(one)} for one in living]
        return ActionResult({"InstanceCreditSpecifications": found})

    def modify(self):
        done = []
        for order in self._get_param("InstanceCreditSpecifications", []):
            self.ec2_backend.get_instance(order["InstanceId"]).cpu_credits = order["CpuCredits"]
            done.append({"InstanceId": order["InstanceId"]})
        return ActionResult({"SuccessfulInstanceCreditSpecifications": done})

    InstanceResponse.run_instances = launch_with_credits
    InstanceResponse.describe_instance_credit_specifications = describe
    InstanceResponse.modify_instance_credit_specification = modify


def change_records_as_one() -> None:
    """Makes all changes of a batch or none. moto compares them with its journal of changes instead of with the records."""
    from moto.route53.exceptions import Route53ClientError
    from moto.route53.models import ChangeList, Route53Backend

    change = Route53Backend.change_resource_record_sets

    class Unquestioned(ChangeList):
        def __contains__(self, item) -> bool:
            return False

        def has_insert_or_update(self, new_rr_set) -> bool:
            return True

    def change_all_or_none(self, zoneid: str, change_list) -> None:
        zone = self.get_hosted_zone(zoneid)
        why = refusal_of_records(zone.rrsets, change_list)
        if why is not None:
            raise Route53ClientError("InvalidChangeBatch", why)
        zone.rr_changes = Unquestioned()
        for one in change_list:
            one["ResourceRecordSet"]["Name"] = with_dot(one["ResourceRecordSet"]["Name"])
        change(self, zoneid, change_list)

    Route53Backend.change_resource_record_sets = change_all_or_none


def with_dot(name: str) -> str:
    return f"{name.rstrip('.')}."


def refusal_of_records(there, batch) -> str | None:
    """Why Route 53 refuses the batch: it creates what is there, deletes what is otherwise, or adds to a CNAME."""
    records = {
        (with_dot(one.name), one.type, one.set_identifier or ""): (str(one.ttl), sorted(one.records), bool(one.alias_target))
        for one in there
    }
    for change in batch:
        wanted = change["ResourceRecordSet"]
        key = (with_dot(wanted["Name"]), wanted["Type"], wanted.get("SetIdentifier") or "")
        values = sorted(record["Value"] for record in wanted.get("ResourceRecords") or [])
        value = (str(wanted.get("TTL")), values, "AliasTarget" in wanted)
        named = f"resource record set [name='{key[0]}', type='{key[1]}']"
        if change["Action"] == "CREATE" and key in records:
            return f"Tried to create {named} but it already exists"
        if change["Action"] == "DELETE" and key not in records:
            return f"Tried to delete {named} but it was not found"
        if change["Action"] == "DELETE" and records[key] != value:
            return f"Tried to delete {named} but the values provided do not match the current values"
        records.pop(key, None)
        if change["Action"] != "DELETE":
            records[key] = value
    for name, kind, _ in records:
        if kind == "CNAME" and any(other[0] == name and other[1] != kind for other in records):
            return f"RRSet of type CNAME with DNS name {name} is not permitted beside others of that name"
    return None
