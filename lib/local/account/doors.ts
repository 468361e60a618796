import type { Admitted, Caller } from "./admission.ts";
import type { RequestHead } from "./claim.ts";
import { isSecret, type LocalCredentials } from "./drawn-credentials.ts";
import { ecrOperation, isHostOf, judgeCall, judgeRegistry } from "./machine-call.ts";
import { isAllowed, type Wanted } from "./policy.ts";
import { Refusal } from "./refusal.ts";
import type { RoleKeys } from "./role-keys.ts";
import type { DirectAnswer, Door } from "./door.ts";
import { regionOfName } from "./endpoint-region.ts";

/** The ECR operations that Berth, its hosts and its tests use. The emulator answers no others. */
export const ecrOperations: ReadonlySet<string> = new Set([
  "BatchCheckLayerAvailability",
  "BatchDeleteImage",
  "BatchGetImage",
  "CreateRepository",
  "DeleteLifecyclePolicy",
  "DeleteRepository",
  "DescribeImages",
  "DescribeRepositories",
  "GetAuthorizationToken",
  "GetDownloadUrlForLayer",
  "GetLifecyclePolicy",
  "ListImages",
  "ListTagsForResource",
  "PutImage",
  "PutImageScanningConfiguration",
  "PutImageTagMutability",
  "PutLifecyclePolicy",
  "TagResource",
  "UntagResource",
]);

/** The door for the user of this computer, who may do everything. */
export function commandDoor(credentials: LocalCredentials, registryPassword: string): Omit<Door, "isHost"> {
  const user: Caller = { key: credentials };
  return {
    findKey: (id) => (isSecret(id, credentials.accessKeyId) ? user : undefined),
    findRegistryUser: (password) => (isSecret(password, registryPassword) ? user : undefined),
    judge: async (head, { service }) => {
      if (service === "ecr") requireEcr(head);
      return head;
    },
    judgeRegistry: async () => undefined,
  };
}

function requireEcr(head: RequestHead): void {
  const operation = ecrOperation(head);
  if (head.method === "POST" && head.url === "/" && ecrOperations.has(operation)) return;
  throw new Refusal("denied", `The embedded AWS has no such operation of ECR: ${operation}`);
}

export interface MachineDoorOptions {
  readonly account: string;
  readonly keys: RoleKeys;
  /** Reads a role's current policy documents. */
  readonly readPolicies: (role: string) => Promise<readonly unknown[]>;
}

/** The door for machines. Each may do what its role allows, limited to the few operations that a host needs. */
export function machineDoor({ account, keys, readPolicies }: MachineDoorOptions): Door {
  const require = async (caller: Caller, wanted: readonly Wanted[]): Promise<void> => {
    if (wanted.length === 0) return;
    const policies = caller.role === undefined ? [] : await readPolicies(caller.role);
    const denied = wanted.find((one) => !isAllowed(policies, one));
    if (denied === undefined) return;
    const { action, resource } = denied;
    throw new Refusal("denied", `No policy of the role ${caller.role} allows ${action} on ${resource}`);
  };
  return {
    isHost: (host) => /(?:^|\.)amazonaws\.com(?:\.cn)?(?::443)?$/.test(host),
    findKey: (id) => keys.find(id),
    findRegistryUser: (password) => keys.findByPassword(password),
    judge: async (head, { caller, service, region, body }: Admitted): Promise<RequestHead | DirectAnswer> => {
      if (!isHostOf(service, head.headers.host ?? ""))
        throw new Refusal("denied", "That host is another service's");
      if (service === "ecr") requireEcr(head);
      const judged = judgeCall({ service, region, account, head, body });
      await require(caller, judged.wanted);
      const givesToken = service === "ecr" && ecrOperation(head) === "GetAuthorizationToken";
      return givesToken ? registryToken(keys, caller, { account, region }) : judged.head;
    },
    judgeRegistry: async (head, caller) => {
      const host = (head.headers.host ?? "").replace(/:443$/, "");
      if (!host.startsWith(`${account}.dkr.ecr.`)) throw new Refusal("denied", "That host is no registry");
      const region = regionOfName(host);
      await require(caller, judgeRegistry(head, { account, region }));
    },
  };
}

/** Issues a token for this role alone, because the emulator gives everybody the same one. */
function registryToken(
  keys: RoleKeys,
  caller: Caller,
  { account, region }: { readonly account: string; readonly region: string },
): DirectAnswer {
  const { password, expires } = keys.issuePassword(caller);
  return {
    answer: {
      authorizationData: [
        {
          authorizationToken: Buffer.from(`AWS:${password}`).toString("base64"),
          expiresAt: expires.getTime() / 1000,
          proxyEndpoint: `https://${account}.dkr.ecr.${region}.amazonaws.com`,
        },
      ],
    },
  };
}
