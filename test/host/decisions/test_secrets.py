"""Where the values of secrets go, and what becomes of a release whose values can't be read."""

import io
import json
import pathlib
import stat
import tempfile
import unittest
from typing import Any
from unittest.mock import patch

import app_secrets
import fetch
import replicas
import runtime
from hosts import HostCase
from stand_ins import RELEASE

SOURCES = {"DATABASE_URL": "ssm:/shop/database-url:3", "TOKEN": f"secretsmanager:shop/token:{'a' * 32}"}
VALUES = {"DATABASE_URL": "hunter2-x9Kq", "TOKEN": "t0ken-Zz"}


class Aws:
    """Answers as SSM and Secrets Manager do, and notes each request."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any], dict[str, str]]] = []
        self.refusal: dict[str, Any] | None = None

    def connect(self, host: str) -> "Aws":
        self.host = host
        return self

    def request(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> None:
        self.asked.append((self.host, json.loads(body), headers))

    def getresponse(self) -> "Answer":
        if self.refusal:
            return Answer(400, self.refusal)
        is_ssm = self.host.startswith("ssm.")
        return Answer(200, {"Parameter": {"Value": VALUES["DATABASE_URL"]}} if is_ssm else {"SecretString": VALUES["TOKEN"]})

    def close(self) -> None:
        pass


class Answer(io.BytesIO):
    def __init__(self, status: int, document: dict[str, Any]) -> None:
        super().__init__(json.dumps(document).encode())
        self.status, self.headers = status, {}


class SecretsCase(HostCase):
    def setUp(self) -> None:
        super().setUp()
        self.aws = Aws()
        self.secrets_folder = pathlib.Path(self.enter(tempfile.TemporaryDirectory()))
        self.enter(patch.object(app_secrets, "FOLDER", self.secrets_folder))
        self.enter(patch.object(runtime, "FOLDER", self.secrets_folder))
        self.enter(patch.object(fetch, "connect", self.aws.connect))
        keys = {"AccessKeyId": "AK", "SecretAccessKey": "SK", "Token": "T"}
        self.enter(patch.object(fetch, "read_credentials", lambda: keys))
        self.bucket.settings = {"region": "eu-central-1", "domain": "amazonaws.com"}


class Reading(SecretsCase):
    def test_each_value_is_asked_for_in_the_version_of_the_release_by_the_role_and_at_its_own_service(self) -> None:
        self.wish(secrets=SOURCES)
        self.turn()
        self.assertEqual(self.said()[-1], (7, "serving"))
        hosts = [host for host, _, _ in self.aws.asked]
        self.assertEqual(hosts, ["ssm.eu-central-1.amazonaws.com", "secretsmanager.eu-central-1.amazonaws.com"])
        bodies = [body for _, body, _ in self.aws.asked]
        self.assertEqual(bodies[0], {"Name": "/shop/database-url:3", "WithDecryption": True})
        self.assertEqual(bodies[1], {"SecretId": "shop/token", "VersionId": "a" * 32})
        scopes = [headers["authorization"].split("/")[3] for _, _, headers in self.aws.asked]
        self.assertEqual(scopes, ["ssm", "secretsmanager"])

    def test_once_for_each_release_and_again_when_they_are_gone(self) -> None:
        self.wish(secrets=SOURCES)
        for _ in range(3):
            self.turn()
        self.assertEqual(len(self.aws.asked), 2)
        for path in self.secrets_folder.iterdir():
            path.unlink()
        self.turn()
        self.assertEqual(len(self.aws.asked), 4)

    def test_never_for_a_release_without_secrets(self) -> None:
        self.wish()
        self.turn()
        self.assertEqual(self.aws.asked, [])
        self.assertNotIn("--runtime", [word for call in self.engine.calls for word in call])

    def test_one_that_cannot_be_read_is_tried_again_and_then_fails_the_release_with_the_code_alone(self) -> None:
        self.aws.refusal = {"__type": "com.amazonaws#AccessDeniedException", "message": "hunter2-x9Kq"}
        self.wish(secrets=SOURCES)
        for _ in range(5):
            self.turn()
            self.clock.now += 300
        self.turn()
        report = self.bucket.reports[-1]
        self.assertEqual((report["status"], report["cause"]), ("failed", "secret"))
        self.assertEqual(report["reason"], "the value of DATABASE_URL can't be read from ssm:/shop/database-url:3: AccessDeniedException")

    def test_the_values_of_other_releases_go_once_the_new_one_serves(self) -> None:
        self.wish(secrets=SOURCES)
        self.turn()
        self.wish(number=8, secrets=SOURCES)
        self.turn()
        self.assertEqual([path.name for path in self.secrets_folder.iterdir()], ["8.json"])


class Giving(SecretsCase):
    def test_the_engine_is_told_a_marker_and_no_report_has_a_value(self) -> None:
        self.wish(secrets=SOURCES)
        calls = self.turn()
        run = next(call for call in calls if call[0] == "run")
        self.assertIn("BERTH_SECRETS=7", run)
        self.assertEqual(run[run.index("--runtime") + 1], "berth")
        told = json.dumps([calls, self.bucket.reports, [path.read_text() for path in self.folder.glob("*.json")]])
        for value in VALUES.values():
            self.assertNotIn(value, told)

    def test_the_file_is_for_its_owner_only(self) -> None:
        self.wish(secrets=SOURCES)
        self.turn()
        path = self.secrets_folder / "7.json"
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        self.assertEqual(json.loads(path.read_text()), VALUES)

    def test_the_runtime_puts_them_in_the_place_of_the_marker(self) -> None:
        app_secrets.write(self.secrets_folder / "7.json", VALUES)
        config = self.folder / "config.json"
        environment = ["PATH=/bin", "BERTH_SECRETS=7", "TOKEN=of the image"]
        config.write_text(json.dumps({"process": {"env": environment, "cwd": "/"}, "root": {}}))
        runtime.main(["--root", "/run/x", "create", "--bundle", str(self.folder), "id"])
        self.assertEqual(
            json.loads(config.read_text()),
            {"process": {"env": ["PATH=/bin", "DATABASE_URL=hunter2-x9Kq", "TOKEN=t0ken-Zz"], "cwd": "/"}, "root": {}},
        )
        self.assertEqual(stat.S_IMODE(config.stat().st_mode), 0o600)

    def test_the_runtime_starts_nothing_without_the_values(self) -> None:
        (self.folder / "config.json").write_text(json.dumps({"process": {"env": ["BERTH_SECRETS=9"]}}))
        with self.assertRaises(SystemExit) as ended:
            runtime.main(["create", "--bundle", str(self.folder), "id"])
        self.assertIn("aren't there yet", str(ended.exception))

    def test_what_the_app_prints_of_them_is_hidden_and_short_values_are_not_looked_for(self) -> None:
        app_secrets.write(self.secrets_folder / "7.json", {"A": "abc", "B": "long-one\nand-two", "C": "long-one-more"})
        said = "abc long-one-more long-one\nand-two"
        self.assertEqual(app_secrets.hide(said), "abc (secret) (secret)")
        self.assertEqual(app_secrets.hide("and-two"), "(secret)")


if __name__ == "__main__":
    unittest.main()
