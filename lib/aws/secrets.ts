import { DescribeSecretCommand } from "@aws-sdk/client-secrets-manager";
import { paginateDescribeParameters } from "@aws-sdk/client-ssm";
import { BerthError, exitCodes } from "../errors.ts";
import { invocation } from "../invocation.ts";
import type { Clients } from "./clients.ts";
import { unlessAbsent } from "./errors.ts";

interface SecretContext {
  readonly clients: Pick<Clients, "ssm" | "secretsManager">;
  readonly region: string;
}

/** Where a secret's value is, as `app.secrets` names it: `ssm:/shop/database-url`. */
export interface SecretSource {
  readonly service: "ssm" | "secretsmanager";
  readonly name: string;
}

/** Reads `ssm:/shop/database-url`, with or without the version that a release adds. No name has a colon. */
export function parseSource(source: string): SecretSource {
  const [service, name = ""] = source.split(":");
  return { service: service === "ssm" ? "ssm" : "secretsmanager", name };
}

/** As many names as one call of DescribeParameters takes. */
const mostNames = 50;

/**
 * The sources with the version that each has now: `ssm:/shop/database-url:3`. Asks for no value. Makes no call if there are
 * no secrets.
 *
 * @throws BerthError `SecretMissing`.
 */
export async function lookupSecretVersions(
  ctx: SecretContext,
  secrets: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  const sources = Object.values(secrets).map(parseSource);
  const namesIn = (asked: SecretSource["service"]) => [
    ...new Set(sources.filter(({ service }) => service === asked).map(({ name }) => name)),
  ];
  const [parameters, entries] = await Promise.all([
    readParameterVersions(ctx, namesIn("ssm")),
    readEntryVersions(ctx, namesIn("secretsmanager")),
  ]);
  const found = { ssm: parameters, secretsmanager: entries };
  return Object.fromEntries(
    Object.entries(secrets).map(([variable, source]) => {
      const { service, name } = parseSource(source);
      const version = found[service].get(name);
      if (version === undefined) throw missing(ctx, variable, source);
      return [variable, `${source}:${version}`];
    }),
  );
}

/** Versions of parameters by name. DescribeParameters shows no values, and doesn't need to decrypt any. */
async function readParameterVersions({ clients }: SecretContext, names: readonly string[]) {
  const versions = new Map<string, string>();
  for (let at = 0; at < names.length; at += mostNames) {
    const filter = { Key: "Name", Option: "Equals", Values: names.slice(at, at + mostNames) };
    for await (const { Parameters = [] } of paginateDescribeParameters(
      { client: clients.ssm },
      { ParameterFilters: [filter] },
    )) {
      for (const { Name = "", Version = 0 } of Parameters) versions.set(Name, String(Version));
    }
  }
  return versions;
}

async function readEntryVersions({ clients }: SecretContext, names: readonly string[]) {
  const found = await Promise.all(
    names.map(async (SecretId) => {
      const asked = clients.secretsManager.send(new DescribeSecretCommand({ SecretId }));
      const { VersionIdsToStages = {}, DeletedDate } = (await unlessAbsent(asked)) ?? {};
      const current = Object.entries(VersionIdsToStages).find(([, stages]) => stages.includes("AWSCURRENT"));
      return current === undefined || DeletedDate !== undefined ? [] : [[SecretId, current[0]] as const];
    }),
  );
  return new Map(found.flat());
}

function missing({ region }: SecretContext, variable: string, source: string): BerthError {
  const { service, name } = parseSource(source);
  const what = service === "ssm" ? `no parameter ${name} in SSM` : `no secret ${name} in Secrets Manager`;
  const hint =
    service === "ssm"
      ? `give it its value: printf %s "$VALUE" | ${invocation(`secret set ${variable}`)}`
      : "make it in Secrets Manager, or correct app.secrets in berth.yaml";
  return new BerthError({
    code: "SecretMissing",
    message: `app.secrets.${variable}: there is ${what} of ${region}`,
    hint,
    exitCode: exitCodes.badInput,
  });
}
