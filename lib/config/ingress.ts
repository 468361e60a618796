import type { IngressRule, Settings } from "./schema.ts";

const everywhere = "0.0.0.0/0";
const openToAll = (port: number): IngressRule => ({ port, protocol: "tcp", from: [everywhere] });

type Wanted = Pick<Settings, "ingress" | "https" | "domain">;

/** The TCP ports that the edge listens on. */
export const edgePorts = ({ https }: Pick<Wanted, "https">): readonly number[] =>
  https === "off" ? [80] : [80, 443];

/** What may reach the host: what the file says, else what the edge listens on. */
export const ingressOf = ({ ingress, https }: Pick<Wanted, "ingress" | "https">): IngressRule[] =>
  ingress ?? edgePorts({ https }).map(openToAll);

/** Why there can't be HTTPS as the file wants it, with the key that says so. */
export function findHttpsProblem({
  ingress,
  https,
  domain,
}: Wanted): { key: string; message: string } | undefined {
  if (https === "off")
    return domain.length === 0
      ? undefined
      : {
          key: "domain",
          message: "a domain is what the certificate is for, and https is off: remove one of the two",
        };
  if (ingress === undefined) return undefined;
  const admits = (wanted: number, source?: string) =>
    ingress.some(
      ({ port, protocol, from }) =>
        port === wanted && protocol === "tcp" && (source === undefined || from.includes(source)),
    );
  if (!admits(80, everywhere)) return { key: "ingress", message: closedToAuthority };
  return admits(443) ? undefined : { key: "ingress", message: closedToAll };
}

const closedToAuthority =
  "HTTPS needs port 80 open to 0.0.0.0/0: the certificate authority asks there, from addresses that it doesn't announce. Add { port: 80 }, or write https: off";
const closedToAll = "HTTPS needs port 443, and nothing may reach it. Add { port: 443 }, or write https: off";
