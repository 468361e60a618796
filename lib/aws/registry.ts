import { GetAuthorizationTokenCommand } from "@aws-sdk/client-ecr";
import type { ECRClient } from "@aws-sdk/client-ecr";
import type { RegistryAuth } from "../docker/push.ts";
import { BerthError } from "../errors.ts";

/**
 * ECR's authorization token for the registry of the caller's account, valid for 12 hours. `registry` (`host:port`)
 * replaces the registry's host where it isn't AWS's, as in `Endpoints.registry`.
 */
export async function getRegistryAuth(ecr: ECRClient, registry?: string): Promise<RegistryAuth> {
  const { authorizationData } = await ecr.send(new GetAuthorizationTokenCommand({}));
  const { authorizationToken, proxyEndpoint } = authorizationData?.[0] ?? {};
  const [username, password] = splitToken(authorizationToken ?? "");
  if (!username || !password || !proxyEndpoint) {
    throw new BerthError({
      code: "NoRegistryToken",
      message: "ECR gave no token to push with",
      hint: "check that the caller may use ecr:GetAuthorizationToken",
    });
  }
  return { username, password, serverAddress: registry ?? new URL(proxyEndpoint).host };
}

/** The address to push to: the repository's URI, with its host replaced when the registry isn't AWS's. */
export function pushAddress(repositoryUri: string, registry?: string): string {
  return registry === undefined ? repositoryUri : repositoryUri.replace(/^[^/]+/, registry);
}

// The token is `AWS:<password>` in base64. Today's passwords contain no colon, but AWS doesn't promise that.
function splitToken(token: string): [string, string] {
  const plain = Buffer.from(token, "base64").toString("utf8");
  const colon = plain.indexOf(":");
  return colon < 0 ? ["", ""] : [plain.slice(0, colon), plain.slice(colon + 1)];
}
