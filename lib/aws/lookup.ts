import {
  DescribeImagesCommand,
  DescribeInstanceTypesCommand,
  paginateDescribeInstanceTypeOfferings,
  type _InstanceType,
} from "@aws-sdk/client-ec2";
import { GetParameterCommand } from "@aws-sdk/client-ssm";
import { BerthError, exitCodes } from "../errors.ts";
import type { Clients } from "./clients.ts";
import { isNotFound, isUnknownInstanceType, unlessNoImage } from "./errors.ts";

export interface LookupContext {
  readonly clients: Pick<Clients, "ec2" | "ssm">;
  readonly region: string;
}

export type ImageOs = "debian-13" | "amazon-linux-2023";
export type Arch = "x86_64" | "arm64";

export interface MachineImage {
  readonly imageId: string;
  /** The device name to use in the root disk's mapping: `/dev/xvda`. */
  readonly rootDeviceName: string;
  /** Whether an account on AWS's free plan may launch it; absent if the service doesn't say. */
  readonly freeTierEligible?: boolean;
}

export interface InstanceType {
  readonly arch: Arch;
  readonly memoryMib: number;
  readonly vcpus: number;
  readonly freeTierEligible: boolean;
}

// Public parameters of the publishers: https://wiki.debian.org/Cloud/AmazonEC2Image and AWS's own.
const parameters: Record<ImageOs, Record<Arch, string>> = {
  "debian-13": {
    x86_64: "/aws/service/debian/release/13/latest/amd64",
    arm64: "/aws/service/debian/release/13/latest/arm64",
  },
  "amazon-linux-2023": {
    x86_64: "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
    arm64: "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64",
  },
};

/**
 * The newest image of an operating system in the region.
 *
 * @throws BerthError `NoImage`.
 */
export async function lookupMachineImage(ctx: LookupContext, os: ImageOs, arch: Arch): Promise<MachineImage> {
  const imageId = await readParameter(ctx, os, arch);
  const described = ctx.clients.ec2.send(new DescribeImagesCommand({ ImageIds: [imageId] }));
  const image = (await unlessNoImage(described))?.Images?.find((one) => one.ImageId === imageId);
  if (image?.RootDeviceName === undefined) throw noImage(ctx, `${os} for ${arch} (${imageId})`);
  const { RootDeviceName: rootDeviceName, FreeTierEligible: freeTierEligible } = image;
  return { imageId, rootDeviceName, ...(freeTierEligible === undefined ? {} : { freeTierEligible }) };
}

async function readParameter(ctx: LookupContext, os: ImageOs, arch: Arch): Promise<string> {
  const Name = parameters[os][arch];
  try {
    const { Parameter } = await ctx.clients.ssm.send(new GetParameterCommand({ Name }));
    if (Parameter?.Value !== undefined) return Parameter.Value;
  } catch (cause) {
    if (!isNotFound(cause)) throw cause;
  }
  throw noImage(ctx, `${os} for ${arch} (parameter ${Name})`);
}

function noImage(ctx: LookupContext, what: string): BerthError {
  return new BerthError({
    code: "NoImage",
    message: `region ${ctx.region} has no image of ${what}`,
    hint: "set another instance.os or region in berth.yaml",
    exitCode: exitCodes.badInput,
  });
}

/**
 * Looks up the properties of an instance type.
 *
 * @throws BerthError `UnknownInstanceType`.
 */
export async function lookupInstanceType(ctx: LookupContext, type: string): Promise<InstanceType> {
  const raw = await describeType(ctx, type);
  const arch = raw?.ProcessorInfo?.SupportedArchitectures?.find((one) => one === "x86_64" || one === "arm64");
  if (raw === undefined || arch === undefined) throw unknownType(ctx, type);
  return {
    arch,
    memoryMib: raw.MemoryInfo?.SizeInMiB ?? 0,
    vcpus: raw.VCpuInfo?.DefaultVCpus ?? 0,
    freeTierEligible: raw.FreeTierEligible ?? false,
  };
}

async function describeType(ctx: LookupContext, type: string) {
  try {
    if (!isTypeName(type)) return undefined;
    const command = new DescribeInstanceTypesCommand({ InstanceTypes: [type] });
    const { InstanceTypes = [] } = await ctx.clients.ec2.send(command);
    return InstanceTypes.find((one) => one.InstanceType === type);
  } catch (cause) {
    if (!isUnknownInstanceType(cause)) throw cause;
    return undefined;
  }
}

/** Checks only the shape of the name: AWS keeps adding instance types, and the SDK's list is as old as the SDK. */
export function isTypeName(type: string): type is _InstanceType {
  return /^[a-z][a-z0-9-]*\.[a-z0-9-]+$/.test(type);
}

const usualTypes = ["t3.micro", "t2.micro", "m5.large"];

function unknownType(ctx: LookupContext, type: string): BerthError {
  const another = usualTypes.find((one) => one !== type);
  return new BerthError({
    code: "UnknownInstanceType",
    message: `region ${ctx.region} has no instance type ${type}`,
    hint: `set instance.type in berth.yaml to one that it has, for example ${another}; \`aws ec2 describe-instance-type-offerings --region ${ctx.region}\` lists them`,
    exitCode: exitCodes.badInput,
  });
}

/**
 * The availability zones of the region that offer the type, sorted. Not every zone offers every type. Local Zones
 * (`eu-central-1-ham-1a`) and Wavelength Zones are left out: the account would have to opt in, and they cost more.
 *
 * @throws BerthError `UnknownInstanceType` when no zone offers it.
 */
export async function lookupZones(ctx: LookupContext, type: string): Promise<readonly string[]> {
  const zones: string[] = [];
  const query = {
    LocationType: "availability-zone" as const,
    Filters: [{ Name: "instance-type", Values: [type] }],
  };
  for await (const page of paginateDescribeInstanceTypeOfferings({ client: ctx.clients.ec2 }, query)) {
    const offered = (page.InstanceTypeOfferings ?? []).filter((one) => one.InstanceType === type);
    zones.push(...offered.flatMap((one) => one.Location ?? []).filter((zone) => isOwnZone(ctx, zone)));
  }
  if (zones.length === 0) throw unknownType(ctx, type);
  return zones.toSorted();
}

/** A region's own zones are named by the region and one letter. */
const isOwnZone = ({ region }: LookupContext, zone: string): boolean =>
  zone.startsWith(region) && /^[a-z]$/.test(zone.slice(region.length));
