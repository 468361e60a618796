import { type CaaRecord, Resolver as CallbackResolver } from "node:dns";
import { Resolver } from "node:dns/promises";
import type { LookupFunction } from "node:net";

/** Values, or why there is no answer: `ETIMEOUT`. A name or type that doesn't exist is no value, and no failure. */
type Answer<T> = { readonly values: readonly T[] } | { readonly failure: string };

/** What DNS answers now for one name. */
export interface NameAnswers {
  readonly name: string;
  readonly ipv4: Answer<string>;
  readonly ipv6: Answer<string>;
  /** The CAA records that count for the name: its own, else those of the nearest name above that has some. */
  readonly caa: Answer<CaaRecord>;
}

/** Each try of a query, and there are two. A name server that is named is the embedded AWS's, on this busy computer. */
const timeoutsMs = { usual: 2_000, named: 15_000 };

/**
 * Asks DNS as this computer does, without its hosts file.
 *
 * @param nameServer `address:port` to ask instead of the computer's own name servers.
 */
export async function lookupNames(
  names: readonly string[],
  nameServer?: string,
  timeout = nameServer === undefined ? timeoutsMs.usual : timeoutsMs.named,
): Promise<NameAnswers[]> {
  const resolver = new Resolver({ timeout, tries: 2 });
  if (nameServer !== undefined) resolver.setServers([nameServer]);
  return Promise.all(
    names.map(async (name) => {
      const [ipv4, ipv6, caa] = await Promise.all([
        answerOf(resolver.resolve4(name)),
        answerOf(resolver.resolve6(name)),
        lookupCaa(resolver, name),
      ]);
      return { name, ipv4, ipv6, caa };
    }),
  );
}

/** For `http.request`: has it find a name's IPv4 address by one name server, at `address:port`. */
export function lookupBy(nameServer: string): LookupFunction {
  const resolver = new CallbackResolver({ timeout: timeoutsMs.named, tries: 2 });
  resolver.setServers([nameServer]);
  return (name, { all }, callback) =>
    resolver.resolve4(name, (error, addresses) => {
      if (error !== null) callback(error, "");
      else if (all !== true) callback(null, addresses[0] ?? "", 4);
      else
        callback(
          null,
          addresses.map((address) => ({ address, family: 4 })),
        );
    });
}

/** https://www.rfc-editor.org/rfc/rfc8659#section-3 */
async function lookupCaa(resolver: Resolver, name: string): Promise<Answer<CaaRecord>> {
  const labels = name.split(".");
  const above = labels.map((_, index) => labels.slice(index).join("."));
  const answers = await Promise.all(above.map((one) => answerOf(resolver.resolveCaa(one))));
  return answers.find((one) => "failure" in one || one.values.length > 0) ?? { values: [] };
}

const none = new Set(["ENODATA", "ENOTFOUND"]);

async function answerOf<T>(asked: Promise<T[]>): Promise<Answer<T>> {
  try {
    return { values: await asked };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    return none.has(code) ? { values: [] } : { failure: code };
  }
}
