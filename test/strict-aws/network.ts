import {
  AllocateAddressCommand,
  AssociateAddressCommand,
  AttachInternetGatewayCommand,
  CreateInternetGatewayCommand,
  CreateSecurityGroupCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  DeleteSecurityGroupCommand,
  DeleteSubnetCommand,
  DeleteVpcCommand,
  DescribeInstancesCommand,
  RunInstancesCommand,
  TerminateInstancesCommand,
  type RunInstancesCommandInput,
} from "@aws-sdk/client-ec2";
import { GetParameterCommand } from "@aws-sdk/client-ssm";
import type { Clients } from "../../lib/aws/clients.ts";

/** A small network with an instance, made and read through one route. */
export class Network {
  readonly #clients: Clients;
  vpcId = "";
  subnetId = "";
  groupId = "";
  gatewayId = "";
  instanceId = "";

  constructor(clients: Clients) {
    this.#clients = clients;
  }

  async make(): Promise<void> {
    const { ec2 } = this.#clients;
    const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: "10.20.0.0/16" }));
    this.vpcId = Vpc?.VpcId ?? "";
    const { Subnet } = await ec2.send(
      new CreateSubnetCommand({ VpcId: this.vpcId, CidrBlock: "10.20.0.0/24" }),
    );
    this.subnetId = Subnet?.SubnetId ?? "";
    const { GroupId = "" } = await ec2.send(
      new CreateSecurityGroupCommand({ VpcId: this.vpcId, GroupName: "web", Description: "web" }),
    );
    this.groupId = GroupId;
    const { InternetGateway } = await ec2.send(new CreateInternetGatewayCommand({}));
    this.gatewayId = InternetGateway?.InternetGatewayId ?? "";
    await ec2.send(
      new AttachInternetGatewayCommand({ InternetGatewayId: this.gatewayId, VpcId: this.vpcId }),
    );
  }

  async launch(): Promise<void> {
    const order = await launchOrder(this.#clients);
    const placed = {
      DeviceIndex: 0,
      SubnetId: this.subnetId,
      Groups: [this.groupId],
      AssociatePublicIpAddress: true,
      DeleteOnTermination: true,
    };
    const { Instances } = await this.#clients.ec2.send(
      new RunInstancesCommand({ ...order, NetworkInterfaces: [placed] }),
    );
    this.instanceId = Instances?.[0]?.InstanceId ?? "";
  }

  async giveAddress(): Promise<string> {
    const { ec2 } = this.#clients;
    const { AllocationId = "" } = await ec2.send(new AllocateAddressCommand({ Domain: "vpc" }));
    await ec2.send(new AssociateAddressCommand({ AllocationId, InstanceId: this.instanceId }));
    return AllocationId;
  }

  async terminate(): Promise<void> {
    await this.#clients.ec2.send(new TerminateInstancesCommand({ InstanceIds: [this.instanceId] }));
  }

  deleteGroup = () => this.#clients.ec2.send(new DeleteSecurityGroupCommand({ GroupId: this.groupId }));
  deleteSubnet = () => this.#clients.ec2.send(new DeleteSubnetCommand({ SubnetId: this.subnetId }));
  deleteVpc = () => this.#clients.ec2.send(new DeleteVpcCommand({ VpcId: this.vpcId }));

  async state(): Promise<string> {
    const found = await this.#clients.ec2.send(
      new DescribeInstancesCommand({ InstanceIds: [this.instanceId] }),
    );
    return found.Reservations?.[0]?.Instances?.[0]?.State?.Name ?? "absent";
  }
}

/** The input that every launch needs. */
export async function launchOrder({ ssm }: Clients): Promise<RunInstancesCommandInput> {
  const Name = "/aws/service/debian/release/13/latest/amd64";
  const { Parameter } = await ssm.send(new GetParameterCommand({ Name }));
  return { ImageId: Parameter?.Value, InstanceType: "t3.micro", MinCount: 1, MaxCount: 1 };
}

/** A policy that every service accepts. */
export const anyPolicy = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: "s3:ListBucket", Resource: "*" }],
});
