import { readFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  AllocateAddressCommand,
  AssociateAddressCommand,
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  RunInstancesCommand,
} from "@aws-sdk/client-ec2";
import { GetParameterCommand } from "@aws-sdk/client-ssm";
import { createClients, type Clients } from "../../lib/aws/clients.ts";
import { endLocalAws, openLocalAws, type LocalAws } from "../../lib/local/local-aws.ts";

/** A separate embedded AWS in its own directory. Dispose removes it with everything that it made. */
export interface TemporaryAws extends AsyncDisposable {
  readonly aws: LocalAws;
  readonly directory: string;
  readonly pid: number;
  clients(region: string): Clients;
}

export async function openTemporaryAws(): Promise<TemporaryAws> {
  const directory = await mkdtemp(join(tmpdir(), "berth-local-"));
  try {
    const aws = await openLocalAws({ directory });
    const pid = await readPid(directory);
    return {
      aws,
      directory,
      pid,
      clients: (region) => createClients({ region, ...aws, maxAttempts: 2 }),
      [Symbol.asyncDispose]: async () => {
        await endLocalAws({ directory });
        await rm(directory, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

export async function readPid(directory: string): Promise<number> {
  const file: { pid: number } = JSON.parse(await readFile(join(directory, "supervisor.json"), "utf8"));
  return file.pid;
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Waits until another process has done something. The test's own timeout is the limit. */
export async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await condition())) await sleep(100);
}

export interface WebMachine {
  readonly id: string;
  readonly address: string;
  readonly addressId: string;
  readonly associationId: string;
  readonly groupId: string;
}

/** A cloud-config with which the machine answers any GET with one line of text, after each boot. */
function webServerConfig(text: string): string {
  return `#cloud-config
write_files:
  - path: /srv/web/index.html
    content: "${text}"
  - path: /etc/systemd/system/web.service
    content: |
      [Service]
      ExecStart=/usr/bin/python3 -m http.server 80 --directory /srv/web
      [Install]
      WantedBy=multi-user.target
runcmd:
  - [systemctl, enable, --now, web.service]
`;
}

export const webPermission = (source: string) => ({
  IpProtocol: "tcp",
  FromPort: 80,
  ToPort: 80,
  IpRanges: [{ CidrIp: source }],
});

/** Runs an instance with an Elastic IP that serves the text on port 80 to everybody. */
export async function runWebMachine(
  { ec2, ssm }: Clients,
  name: string,
  profile?: string,
): Promise<WebMachine> {
  const Name = "/aws/service/debian/release/13/latest/amd64";
  const { Parameter } = await ssm.send(new GetParameterCommand({ Name }));
  const { GroupId = "" } = await ec2.send(
    new CreateSecurityGroupCommand({ GroupName: name, Description: name }),
  );
  await ec2.send(
    new AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions: [webPermission("0.0.0.0/0")] }),
  );
  const { Instances } = await ec2.send(
    new RunInstancesCommand({
      ImageId: Parameter?.Value,
      InstanceType: "t3.micro",
      MinCount: 1,
      MaxCount: 1,
      SecurityGroupIds: [GroupId],
      UserData: Buffer.from(webServerConfig(name)).toString("base64"),
      MetadataOptions: { HttpTokens: "required" },
      ...(profile === undefined ? {} : { IamInstanceProfile: { Name: profile } }),
    }),
  );
  const id = Instances?.[0]?.InstanceId ?? "";
  const { AllocationId = "", PublicIp = "" } = await ec2.send(new AllocateAddressCommand({ Domain: "vpc" }));
  const { AssociationId = "" } = await ec2.send(
    new AssociateAddressCommand({ AllocationId, InstanceId: id }),
  );
  return { id, address: PublicIp, addressId: AllocationId, associationId: AssociationId, groupId: GroupId };
}
