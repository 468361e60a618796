import { lookupMachineImage, lookupInstanceType, lookupZones } from "../aws/lookup.ts";
import { lookupSecretVersions } from "../aws/secrets.ts";
import { BerthError, exitCodes } from "../errors.ts";
import type { Session } from "../command/session.ts";

/** Looks up what AWS offers now for the configuration. */
export async function lookupOffers({ config, ctx }: Session) {
  const [instanceType, zones, secrets] = await Promise.all([
    lookupInstanceType(ctx, config.instance.type),
    lookupZones(ctx, config.instance.type),
    lookupSecretVersions(ctx, config.app.secrets),
  ]);
  if (instanceType.arch !== "x86_64") throw otherArchitecture(config.instance.type, instanceType.arch);
  const machineImage = await lookupMachineImage(ctx, config.instance.os, instanceType.arch);
  return { instanceType, zones, machineImage, secrets };
}

function otherArchitecture(type: string, arch: string): BerthError {
  return new BerthError({
    code: "OtherArchitecture",
    message: `${type} is an ${arch} machine; images are built for x86_64`,
    hint: "set instance.type to one such as t3.micro",
    exitCode: exitCodes.badInput,
  });
}
