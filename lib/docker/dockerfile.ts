import { DockerfileParser, type Instruction, ModifiableInstruction } from "dockerfile-ast";

/** Something that a Dockerfile uses and that not every builder has. */
export interface Feature {
  /** The line, counted from 1. */
  readonly line: number;
  /** What a user finds there: `RUN --mount=type=cache`. */
  readonly name: string;
  /** The first Docker engine whose own BuildKit has it. */
  readonly since: string;
}

/** Names that the Dockerfile declares with ARG. */
export function declaredArgs(dockerfile: string): Set<string> {
  const args = DockerfileParser.parse(dockerfile)
    .getInstructions()
    .filter((instruction) => instruction.getKeyword() === "ARG");
  return new Set(args.flatMap((arg) => arg.getArguments().map((one) => one.getValue().split("=")[0] ?? "")));
}

/** The frontend that a `# syntax=` line names: `docker/dockerfile:1`. */
export function syntaxOf(dockerfile: string): string | undefined {
  const directives = DockerfileParser.parse(dockerfile).getDirectives();
  return directives.find((directive) => directive.getName() === "syntax")?.getValue();
}

/** Everything that Docker's classic builder doesn't know, in the order of the lines. */
export function buildKitFeatures(dockerfile: string): Feature[] {
  return DockerfileParser.parse(dockerfile).getInstructions().flatMap(featuresOf);
}

/** Flags by instruction, with the first engine whose own BuildKit has them. */
const flags: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  RUN: { mount: "20.10", network: "20.10", security: "23.0" },
  COPY: { chmod: "20.10", link: "23.0", parents: "29.1", exclude: "28.5" },
  ADD: { chmod: "20.10", link: "23.0", checksum: "24.0", "keep-git-dir": "23.0", exclude: "28.5" },
  HEALTHCHECK: { "start-interval": "25.0" },
};

function featuresOf(instruction: Instruction): Feature[] {
  const keyword = instruction.getKeyword();
  const line = (instruction.getRange()?.start.line ?? 0) + 1;
  const found = flagsOf(instruction).flatMap(({ name, value }) => {
    const text = `${keyword} --${name}${value === null ? "" : `=${value}`}`;
    const since = isPlatformOfBuild(keyword, text) ? "20.10" : flags[keyword]?.[name];
    return since === undefined ? [] : [{ line, name: text, since }];
  });
  if (hasHeredoc(instruction)) found.push({ line, name: `${keyword} with a heredoc`, since: "23.0" });
  return found;
}

function flagsOf(instruction: Instruction): { name: string; value: string | null }[] {
  if (!(instruction instanceof ModifiableInstruction)) return [];
  return instruction.getFlags().map((flag) => ({ name: flag.getName(), value: flag.getValue() }));
}

/** The classic builder knows no `$BUILDPLATFORM`, which BuildKit declares by itself. */
const isPlatformOfBuild = (keyword: string, text: string): boolean =>
  keyword === "FROM" && /^FROM --platform=\$\{?(?:BUILD|TARGET)/.test(text);

const hasHeredoc = (instruction: Instruction): boolean =>
  /^(?:RUN|COPY|ADD)$/.test(instruction.getKeyword()) &&
  instruction.getArguments().some((argument) => /^\d?<<-?["']?\w/.test(argument.getValue()));
