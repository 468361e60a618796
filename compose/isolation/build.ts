import { asTable, asText } from "../resolved-file.ts";
import { refuseForeignHosts } from "./hosts.ts";
import { isSomething, type Rule } from "./rule.ts";

const buildKeys = new Set(
  "additional_contexts args cache_from context dockerfile dockerfile_inline extra_hosts isolation network no_cache platforms secrets shm_size target ulimits".split(
    " ",
  ),
);
// Left out of `build`: other tags, pushed caches and newly pulled base images would change what the user has.
const leftOfBuild = new Set(
  "cache_to entitlements labels no_cache_filter privileged provenance pull sbom ssh tags".split(" "),
);

export const rewriteBuild: Rule = (value, around) => {
  const { service, findings } = around;
  const build = typeof value === "string" ? { context: value } : asTable(value);
  const place = `services.${service}.build`;
  const network = asText(build["network"]) ?? "default";
  if (!["default", "none"].includes(network))
    findings.refuse(`${place}.network: ${network}`, "the build would use a network outside", "take it out");
  for (const key of ["privileged", "entitlements"]) {
    if (build[key] !== undefined && isSomething(build[key]))
      findings.refuse(`${place}.${key}`, "the build would have rights over this computer", "take it out");
  }
  if (build["ssh"] !== undefined && isSomething(build["ssh"]))
    findings.refuse(`${place}.ssh`, "the build would sign in with your own ssh keys", "take it out");
  refuseForeignHosts(build["extra_hosts"] ?? [], { ...around, service: `${service}.build` }, "extra_hosts");
  const unknown = Object.keys(build).find(
    (key) => !key.startsWith("x-") && !buildKeys.has(key) && !leftOfBuild.has(key),
  );
  if (unknown !== undefined)
    findings.refuse(`${place}.${unknown}`, "nobody has looked where this key leads", "take it out");
  return Object.fromEntries(Object.entries(build).filter(([key]) => buildKeys.has(key)));
};
