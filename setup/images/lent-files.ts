import { mkdir, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { run } from "../child-process.ts";
import { listOptionalFolder, readOptionalFile } from "../computer/optional-file.ts";
import { readPrivateCertificates } from "./private-certificates.ts";

/**
 * This computer's files for reaching package servers. Stand-ins get copies, so that builds on top of them can reach the
 * servers too.
 */
export interface LentFiles {
  /** File contents by absolute path inside the image. */
  readonly files: ReadonlyMap<string, string>;
  /** Lines of an apt.conf. */
  readonly aptSettings: string;
  readonly buildArguments: Readonly<Record<string, string>>;
}

const lentAptSettings = /^Acquire::(https?::Proxy|Check-Valid-Until|Check-Date) /;
const lentVariables = /^(https?_proxy|no_proxy|GOPROXY|GOSUMDB)$/i;
const pipSettingNames = ["index-url", "extra-index-url", "trusted-host"];

export async function readLentFiles(): Promise<LentFiles> {
  const configuration = process.env["XDG_CONFIG_HOME"] ?? join(homedir(), ".config");
  const pipFiles = ["/etc/pip.conf", join(homedir(), ".pip/pip.conf"), join(configuration, "pip/pip.conf")];
  const [certificates, sources, pip, apt, go] = await Promise.all([
    readPrivateCertificates(),
    readAptSources(),
    Promise.all(pipFiles.map(readOptionalFile)),
    run("apt-config", ["dump"]),
    readOptionalFile(join(configuration, "go/env")),
  ]);
  const pipConfiguration = pipSettings(pip.join("\n"), process.env);
  return {
    files: new Map<string, string>([
      ["/etc/apt/sources.list.d/debian.sources", debianSources(sources)],
      ...(pipConfiguration === "" ? [] : [["/etc/pip.conf", pipConfiguration] as const]),
      ...certificates.map((pem, index) => [certificatePath(index), `${pem}\n`] as const),
    ]),
    aptSettings: apt.lines
      .filter((line) => lentAptSettings.test(line))
      .map((line) => `${line}\n`)
      .join(""),
    buildArguments: { ...lent(assignments(go)), ...lent(process.env) },
  };
}

/** Writes the files below a folder, at their paths. */
export async function writeLentFiles(folder: string, lentFiles: LentFiles): Promise<void> {
  for (const [path, content] of lentFiles.files) {
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, content);
  }
}

/**
 * Debian's package sources for trixie, with this computer's mirrors where its own source lines name some, else with the
 * public ones.
 */
export function debianSources(ownLines: string): string {
  const addresses = ownLines
    .split("\n")
    .filter((line) => /^\s*(deb |URIs:)/.test(line))
    .flatMap((line) => line.match(/https?:\/\/\S+/g) ?? [])
    .map((address) => address.replace(/\/$/, ""));
  const mirror = (name: string) =>
    addresses.find((address) => address.endsWith(`/${name}`)) ?? `http://deb.debian.org/${name}`;
  return [
    stanza(mirror("debian"), "trixie trixie-updates"),
    stanza(mirror("debian-security"), "trixie-security"),
  ].join("\n");
}

function stanza(uri: string, suites: string): string {
  const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
  return `Types: deb\nURIs: ${uri}\nSuites: ${suites}\nComponents: main\nSigned-By: ${keyring}\n`;
}

/** pip's package index as a pip.conf, from pip.conf files and, with priority, the environment. Empty for the public index. */
export function pipSettings(configuration: string, environment: NodeJS.ProcessEnv): string {
  const configured = assignments(configuration);
  const lines = pipSettingNames.flatMap((name) => {
    const value = environment[`PIP_${name.toUpperCase().replaceAll("-", "_")}`] ?? configured[name];
    return value ? [`${name} = ${value}\n`] : [];
  });
  return lines.length === 0 ? "" : `[global]\n${lines.join("")}`;
}

function assignments(text: string): Record<string, string> {
  return Object.fromEntries(
    text.split("\n").flatMap((line) => {
      const [, name, value] = /^\s*([\w-]+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
      return name === undefined || value === undefined ? [] : [[name, value]];
    }),
  );
}

function lent(environment: NodeJS.ProcessEnv): Record<string, string> {
  const entries = Object.entries(environment);
  return Object.fromEntries(
    entries.flatMap(([name, value]) => (value && lentVariables.test(name) ? [[name, value]] : [])),
  );
}

async function readAptSources(): Promise<string> {
  const folder = "/etc/apt/sources.list.d";
  const parts = (await listOptionalFolder(folder)).filter((name) => /\.(list|sources)$/.test(name));
  const paths = ["/etc/apt/sources.list", ...parts.map((name) => join(folder, name))];
  return (await Promise.all(paths.map(readOptionalFile))).join("\n");
}

function certificatePath(index: number): string {
  return `/usr/local/share/ca-certificates/host-${String(index)}.crt`;
}
