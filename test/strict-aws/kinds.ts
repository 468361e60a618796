/** Where a kind of resource appears in calls of EC2 and IAM. */
export interface Kind {
  readonly service: "ec2" | "iam";
  readonly create: string;
  /** Path of the new id (or name) in the answer to `create`. */
  readonly made: string;
  /**
   * The calls that show the resource, with the path of their list. Without a path, the call shows one resource by its
   * name.
   */
  readonly shownBy: Readonly<Record<string, string>>;
  /** Path of the id in one item of a list. */
  readonly id: string;
  /** The parameter that names the resource. */
  readonly parameter: string;
  /** AWS's error code when the resource doesn't exist. */
  readonly missing: string;
}

const instances: Kind = {
  service: "ec2",
  create: "RunInstances",
  made: "instancesSet/item/instanceId",
  shownBy: { DescribeInstances: "reservationSet" },
  id: "instancesSet/item/instanceId",
  parameter: "InstanceId",
  missing: "InvalidInstanceID.NotFound",
};

const roles: Kind = {
  service: "iam",
  create: "CreateRole",
  made: "CreateRoleResult/Role/RoleName",
  shownBy: { GetRole: "", ListRoles: "ListRolesResult/Roles" },
  id: "RoleName",
  parameter: "RoleName",
  missing: "NoSuchEntity",
};

const instanceProfiles: Kind = {
  service: "iam",
  create: "CreateInstanceProfile",
  made: "CreateInstanceProfileResult/InstanceProfile/InstanceProfileName",
  shownBy: {
    GetInstanceProfile: "",
    ListInstanceProfiles: "ListInstanceProfilesResult/InstanceProfiles",
    ListInstanceProfilesForRole: "ListInstanceProfilesForRoleResult/InstanceProfiles",
  },
  id: "InstanceProfileName",
  parameter: "InstanceProfileName",
  missing: "NoSuchEntity",
};

/** All kinds that AWS shows only some time after it created them. */
export const kinds: readonly Kind[] = [
  instances,
  roles,
  instanceProfiles,
  ec2("Vpc", { made: "vpc/vpcId", set: "vpcSet", missing: "InvalidVpcID.NotFound" }),
  ec2("Subnet", { made: "subnet/subnetId", set: "subnetSet", missing: "InvalidSubnetID.NotFound" }),
  ec2("InternetGateway", {
    made: "internetGateway/internetGatewayId",
    set: "internetGatewaySet",
    missing: "InvalidInternetGatewayID.NotFound",
  }),
  ec2("RouteTable", {
    made: "routeTable/routeTableId",
    set: "routeTableSet",
    missing: "InvalidRouteTableID.NotFound",
  }),
  ec2("Volume", { made: "volumeId", set: "volumeSet", missing: "InvalidVolume.NotFound" }),
  ec2("Snapshot", { made: "snapshotId", set: "snapshotSet", missing: "InvalidSnapshot.NotFound" }),
  ec2("VpcEndpoint", {
    made: "vpcEndpoint/vpcEndpointId",
    set: "vpcEndpointSet",
    missing: "InvalidVpcEndpointId.NotFound",
  }),
  {
    ...ec2("SecurityGroup", { made: "groupId", set: "securityGroupInfo", missing: "InvalidGroup.NotFound" }),
    id: "groupId",
    parameter: "GroupId",
  },
  {
    ...ec2("Address", { made: "allocationId", set: "addressesSet", missing: "InvalidAllocationID.NotFound" }),
    create: "AllocateAddress",
    shownBy: { DescribeAddresses: "addressesSet" },
    id: "allocationId",
    parameter: "AllocationId",
  },
];

function ec2(name: string, { made, set, missing }: { made: string; set: string; missing: string }): Kind {
  const id = made.split("/").at(-1) ?? made;
  const parameter = `${name}Id`;
  const shownBy = { [`Describe${name}s`]: set };
  return { service: "ec2", create: `Create${name}`, made, shownBy, id, parameter, missing };
}
