import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import {
  AssociateAddressCommand,
  AuthorizeSecurityGroupIngressCommand,
  DisassociateAddressCommand,
  RebootInstancesCommand,
  ReleaseAddressCommand,
  RevokeSecurityGroupIngressCommand,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import {
  AddRoleToInstanceProfileCommand,
  CreateInstanceProfileCommand,
  CreateRoleCommand,
  PutRolePolicyCommand,
} from "@aws-sdk/client-iam";
import { CreateRepositoryCommand } from "@aws-sdk/client-ecr";
import { CreateBucketCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import type Docker from "dockerode";
import type { Clients } from "../../../lib/aws/clients.ts";
import { connectDocker } from "../../../lib/docker/connection.ts";
import type { LocalAws } from "../../../lib/local/local-aws.ts";
import { buildAndPush } from "../../docker/build-and-push.ts";
import { writeSourceFolder } from "../../docker/source-folder.ts";
import { captureLinkLocal } from "../link-local-capture.ts";
import { runInMachine } from "../machine-shell.ts";
import {
  openTemporaryAws,
  runWebMachine,
  until,
  webPermission,
  type TemporaryAws,
  type WebMachine,
} from "../temporary-aws.ts";
import { get } from "../web-request.ts";

const region = "eu-central-1";

describe("machines", () => {
  let docker: Docker;
  let temporary: TemporaryAws;
  let clients: Clients;
  let machine: WebMachine;

  before(async () => {
    docker = await connectDocker();
    temporary = await openTemporaryAws();
    clients = temporary.clients(region);
    await clients.iam.send(new CreateRoleCommand({ RoleName: "host", AssumeRolePolicyDocument: trustEc2 }));
    await clients.iam.send(
      new PutRolePolicyCommand({ RoleName: "host", PolicyName: "host", PolicyDocument: hostPolicy }),
    );
    await clients.iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: "host" }));
    await clients.iam.send(
      new AddRoleToInstanceProfileCommand({ InstanceProfileName: "host", RoleName: "host" }),
    );
    machine = await runWebMachine(clients, "first", "host");
    await until(async () => (await get(machine.address)) === "first");
  });
  after(() => temporary?.[Symbol.asyncDispose]());

  const run = (script: string) => runInMachine(docker, machine.id, script);

  it("run exactly the user data, and end it without a complaint", async () => {
    assert.equal(await run("cloud-init status --wait"), "status: done");
    assert.equal(await run("systemctl is-system-running --wait"), "running");
    assert.equal(await run("systemctl --failed --no-legend --plain"), "");
  });

  it("are told of themselves by the metadata service, with a token only", async () => {
    const url = "http://169.254.169.254/latest";
    const status = "curl -s -o /dev/null -w %{http_code}";
    assert.equal(await run(`${status} ${url}/meta-data/instance-id`), "401");
    assert.equal(
      await run(`${status} -A Cloud-Init/1 ${url}/meta-data/iam/security-credentials/host`),
      "401",
    );
    const token = await run(
      `curl -s -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 3600' ${url}/api/token`,
    );
    const ask = (path: string) => run(`curl -s -H 'X-aws-ec2-metadata-token: ${token}' ${url}/${path}`);
    assert.equal(await ask("meta-data/instance-id"), machine.id);
    assert.equal(await ask("meta-data/placement/region"), region);
    assert.equal(await ask("meta-data/public-ipv4"), machine.address);
    assert.equal(await ask("meta-data/services/domain"), "amazonaws.com");
    assert.equal(await ask("meta-data/iam/security-credentials/"), "host");
    assert.equal(await run(`${status} -H 'X-aws-ec2-metadata-token: x${token}' ${url}/user-data`), "401");
  });

  it("reach AWS by its own names with the role's credentials", async () => {
    await clients.s3.send(
      new CreateBucketCommand({
        Bucket: "made-after-the-boot",
        CreateBucketConfiguration: { LocationConstraint: region },
      }),
    );
    await clients.s3.send(
      new PutObjectCommand({ Bucket: "made-after-the-boot", Key: "declaration", Body: "hello" }),
    );
    const asked = await run(`python3 -W ignore -c '
from botocore.session import Session
of = lambda service: Session().create_client(service, region_name="${region}")
print(of("s3").get_object(Bucket="made-after-the-boot", Key="declaration")["Body"].read().decode())
print(of("sts").get_caller_identity()["Arn"])'`);
    assert.deepEqual(asked.split("\n"), [
      "hello",
      `arn:aws:sts::123456789012:assumed-role/host/${machine.id}`,
    ]);
  });

  it("let no link-local request out, whether the packet filter stands or not", async () => {
    await using capture = await captureLinkLocal(docker, machine.id);
    const requests = `for url in http://169.254.169.254/ http://169.254.169.254:8080/ http://169.254.170.2/ ; do
        curl -s -m 1 $url; done; true`;
    await run(requests);
    await run(`iptables-save > /run/kept && iptables -F && iptables -t nat -F
      ${requests}
      iptables-restore < /run/kept`);
    const seen = await capture.stop(() => run(`curl -s -m 1 http://${capture.control}/; true`));
    assert.deepEqual([...new Set(seen)], [capture.control]);
  });

  it("pull what was pushed to ECR, by its real name, and keep the containers they run from the metadata", async () => {
    const digest = await pushKnocker(docker, temporary.aws, clients);
    const name = `123456789012.dkr.ecr.${region}.amazonaws.com/knocker@${digest}`;
    await run(`mkdir -p /root/.docker && echo '{"credsStore":"ecr-login"}' > /root/.docker/config.json
      systemctl start docker && HOME=/root docker pull -q ${name}`);
    const digests = await run(`docker image inspect ${name} --format '{{index .RepoDigests 0}}'`);
    assert.equal(digests, name);

    await using capture = await captureLinkLocal(docker, machine.id);
    const inside = (network: string) => run(`docker run --rm --network ${network} ${name}`);
    assert.equal(await inside("bridge"), "contained");
    assert.equal(await inside("host"), "reached");
    const seen = await capture.stop(() => run(`curl -s -m 1 http://${capture.control}/; true`));
    assert.deepEqual([...new Set(seen)], [capture.control]);
  });

  it("are open as the security group says, to whom it says", async () => {
    const { ec2 } = clients;
    const group = { GroupId: machine.groupId };
    await ec2.send(
      new RevokeSecurityGroupIngressCommand({ ...group, IpPermissions: [webPermission("0.0.0.0/0")] }),
    );
    await until(async () => (await get(machine.address)) === "ECONNREFUSED");

    await ec2.send(
      new AuthorizeSecurityGroupIngressCommand({ ...group, IpPermissions: [webPermission("127.0.7.0/24")] }),
    );
    await until(async () => (await get(machine.address, "127.0.7.1")) === "first");
    assert.equal(await get(machine.address, "127.0.8.1"), "ECONNRESET");

    await ec2.send(
      new AuthorizeSecurityGroupIngressCommand({ ...group, IpPermissions: [webPermission("0.0.0.0/0")] }),
    );
    await until(async () => (await get(machine.address, "127.0.8.1")) === "first");
  });

  it("are at the address that is associated, and at no other", async () => {
    const { ec2 } = clients;
    await ec2.send(new DisassociateAddressCommand({ AssociationId: machine.associationId }));
    await until(async () => (await get(machine.address)) === "ECONNREFUSED");
    await ec2.send(new AssociateAddressCommand({ AllocationId: machine.addressId, InstanceId: machine.id }));
    await until(async () => (await get(machine.address)) === "first");
  });

  it("come back from a reboot, from inside and by the API, with what they had", async () => {
    const boot = () => run("cut -d' ' -f22 /proc/1/stat");
    const earlier = await boot();
    await run("echo kept > /var/lib/kept; systemctl --no-block reboot");
    await until(async () => (await boot().catch(() => earlier)) !== earlier);
    await until(async () => (await get(machine.address)) === "first");
    assert.equal(await run("cat /var/lib/kept"), "kept");

    const firstStart = await startedAt(docker, machine.id);
    await clients.ec2.send(new RebootInstancesCommand({ InstanceIds: [machine.id] }));
    await until(async () => (await startedAt(docker, machine.id)) !== firstStart);
    await until(async () => (await get(machine.address)) === "first");
    assert.equal(await run("systemctl is-system-running --wait"), "running");
  });

  it("stop and start by the API", async () => {
    await clients.ec2.send(new StopInstancesCommand({ InstanceIds: [machine.id] }));
    await until(async () => !(await docker.getContainer(machine.id).inspect()).State.Running);
    await clients.ec2.send(new StartInstancesCommand({ InstanceIds: [machine.id] }));
    await until(async () => (await get(machine.address)) === "first");
  });

  it("stand side by side without seeing each other, and go with their disks when terminated", async () => {
    const second = await runWebMachine(temporary.clients("us-west-2"), "second");
    await until(async () => (await get(second.address)) === "second");
    const inside = await docker.getContainer(second.id).inspect();
    const [network] = Object.values(inside.NetworkSettings.Networks);
    const reached = await run(`curl -s -m 2 http://${network?.IPAddress}/ || echo unreachable`);
    assert.equal(reached, "unreachable");

    const { ec2 } = temporary.clients("us-west-2");
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [second.id] }));
    await ec2.send(new ReleaseAddressCommand({ AllocationId: second.addressId }));
    await until(async () => (await containersNamed(docker, second.id)).length === 0);
    const disks = inside.Mounts.map((mount) => mount.Name ?? "");
    assert.equal(disks.length, 2);
    // The engine takes them away after the container.
    await until(async () => {
      const { Volumes } = await docker.listVolumes();
      return !Volumes.some((volume) => disks.includes(volume.Name));
    });
    assert.equal(await get(machine.address), "first");
  });
});

/** Says whether the metadata service can be reached from where it runs. */
const knocker = {
  "go.mod": "module example.test/knocker\n\ngo 1.24\n",
  "main.go": `package main

import (
	"fmt"
	"net"
	"time"
)

func main() {
	if _, err := net.DialTimeout("tcp", "169.254.169.254:80", 10*time.Second); err != nil {
		fmt.Println("contained")
	} else {
		fmt.Println("reached")
	}
}
`,
};

/** Builds it and pushes it as the repository `knocker`; its digest. */
async function pushKnocker(docker: Docker, { endpoints }: LocalAws, { ecr }: Clients): Promise<string> {
  await ecr.send(new CreateRepositoryCommand({ repositoryName: "knocker" }));
  await using folder = await writeSourceFolder(knocker);
  const { registry } = endpoints;
  return await buildAndPush({ docker, ecr, folder: folder.path, registry, repository: "knocker" });
}

const trustEc2 = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" }],
});

/** What a host's role is given, for the bucket and the repository of these tests. */
const hostPolicy = JSON.stringify({
  Version: "2012-10-17",
  Statement: [
    { Effect: "Allow", Action: "ecr:GetAuthorizationToken", Resource: "*" },
    {
      Effect: "Allow",
      Action: ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
      Resource: `arn:aws:ecr:${region}:123456789012:repository/knocker`,
    },
    { Effect: "Allow", Action: "s3:GetObject", Resource: "arn:aws:s3:::made-after-the-boot/declaration" },
  ],
});

async function startedAt(docker: Docker, id: string): Promise<string> {
  return (await docker.getContainer(id).inspect()).State.StartedAt;
}

async function containersNamed(docker: Docker, name: string): Promise<string[]> {
  const found = await docker.listContainers({ all: true, filters: { name: [name] } });
  return found.map((container) => container.Id);
}
