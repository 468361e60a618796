import { GetInstanceProfileCommand } from "@aws-sdk/client-iam";
import { unlessAbsent } from "../../../lib/aws/errors.ts";
import { refuse } from "../reply.ts";
import type { Behind, Rule } from "../rule.ts";

/**
 * Refuses to remove a role that isn't in the profile. The emulator fails with an internal error instead, and so never
 * answers a repeated call.
 */
export function profileRoles(behind: Behind): Rule {
  return async (request, next) => {
    if (request.operation !== "RemoveRoleFromInstanceProfile") return next(request);
    const InstanceProfileName = request.fields.get("InstanceProfileName") ?? "";
    const role = request.fields.get("RoleName") ?? "";
    const { iam } = behind.clients(request.region);
    const found = await unlessAbsent(iam.send(new GetInstanceProfileCommand({ InstanceProfileName })));
    const roles = found?.InstanceProfile?.Roles;
    if (roles === undefined || roles.some(({ RoleName }) => RoleName === role)) return next(request);
    const message = `Role ${role} in Instance Profile ${InstanceProfileName} cannot be found.`;
    return refuse(request, { status: 404, code: "NoSuchEntity", message });
  };
}
