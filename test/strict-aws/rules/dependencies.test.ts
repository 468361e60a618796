import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  DescribeNetworkInterfacesCommand,
  DetachInternetGatewayCommand,
  ReleaseAddressCommand,
} from "@aws-sdk/client-ec2";
import {
  AttachRolePolicyCommand,
  CreatePolicyCommand,
  CreateRoleCommand,
  DeletePolicyCommand,
} from "@aws-sdk/client-iam";
import type { Clients } from "../../../lib/aws/clients.ts";
import { openTwoRoutes, outcome } from "../account.ts";
import { anyPolicy, Network } from "../network.ts";

const { strict, bare } = await openTwoRoutes({
  dependencies: { lingerPolls: 2 },
  instanceStates: { polls: 1 },
});

async function networkWithInstance(clients: Clients): Promise<Network> {
  const network = new Network(clients);
  await network.make();
  await network.launch();
  return network;
}

const detach = ({ ec2 }: Clients, { gatewayId, vpcId }: Network) =>
  ec2.send(new DetachInternetGatewayCommand({ InternetGatewayId: gatewayId, VpcId: vpcId }));

describe("dependencies", () => {
  it("keep what a running instance is in", async () => {
    const tryAll = async (clients: Clients) => {
      const network = await networkWithInstance(clients);
      return [
        await outcome(detach(clients, network)),
        await outcome(network.deleteGroup()),
        await outcome(network.deleteSubnet()),
      ];
    };
    assert.deepEqual(await tryAll(strict), Array(3).fill("DependencyViolation"));
    assert.deepEqual(await tryAll(bare), Array(3).fill("ok"));
  });

  for (const [what, remove] of [
    ["group", (_: Clients, network: Network) => network.deleteGroup()],
    ["subnet", (_: Clients, network: Network) => network.deleteSubnet()],
    ["gateway", detach],
  ] as const) {
    it(`keep the ${what} until some tries after the end of its instance`, async () => {
      const network = await networkWithInstance(strict);
      await network.terminate();
      const found = [];
      for (let n = 0; n < 4; n += 1) found.push(await outcome(remove(strict, network)));
      // One while the instance shuts down, two while its interface lingers.
      assert.deepEqual(found, [...Array<string>(3).fill("DependencyViolation"), "ok"]);

      const lax = await networkWithInstance(bare);
      await lax.terminate();
      assert.equal(await outcome(remove(bare, lax)), "ok");
    });
  }

  it("show the network interface of an ended instance until it lets go", async () => {
    const follow = async (clients: Clients) => {
      const network = await networkWithInstance(clients);
      const listed = async () => {
        const Filters = [{ Name: "group-id", Values: [network.groupId] }];
        const found = await clients.ec2.send(new DescribeNetworkInterfacesCommand({ Filters }));
        return found.NetworkInterfaces?.map(
          ({ Attachment }) => Attachment?.InstanceId === network.instanceId,
        );
      };
      const seen = [await listed()];
      await network.terminate();
      seen.push(await listed());
      while ((await outcome(network.deleteGroup())) !== "ok");
      return [...seen, await listed()];
    };
    assert.deepEqual(await follow(strict), [[true], [true], []]);
    assert.deepEqual(await follow(bare), [[true], [], []]);
  });

  it("keep a VPC that has a gateway or a group", async () => {
    const tryAll = async (clients: Clients) => {
      const network = new Network(clients);
      await network.make();
      await network.deleteSubnet();
      const found = [await outcome(network.deleteVpc())];
      await detach(strict, network).catch(() => undefined);
      found.push(await outcome(network.deleteVpc()));
      await network.deleteGroup().catch(() => undefined);
      return [...found, await outcome(network.deleteVpc())];
    };
    assert.deepEqual(await tryAll(strict), ["DependencyViolation", "DependencyViolation", "ok"]);
    assert.equal((await tryAll(bare))[0], "ok");
  });

  it("keep an address that an instance has", async () => {
    const tryRelease = async (clients: Clients) => {
      const network = await networkWithInstance(clients);
      const AllocationId = await network.giveAddress();
      return outcome(clients.ec2.send(new ReleaseAddressCommand({ AllocationId })));
    };
    assert.equal(await tryRelease(strict), "InvalidIPAddress.InUse");
    assert.equal(await tryRelease(bare), "ok");
  });

  it("keep a policy that a role has", async () => {
    const tryDelete = async ({ iam }: Clients, name: string) => {
      const PolicyDocument = anyPolicy;
      const { Policy } = await iam.send(new CreatePolicyCommand({ PolicyName: name, PolicyDocument }));
      await iam.send(new CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument: PolicyDocument }));
      await iam.send(new AttachRolePolicyCommand({ RoleName: name, PolicyArn: Policy?.Arn }));
      return outcome(iam.send(new DeletePolicyCommand({ PolicyArn: Policy?.Arn })));
    };
    assert.equal(await tryDelete(strict, "one"), "DeleteConflictException");
    assert.equal(await tryDelete(bare, "other"), "ok");
  });
});
