import type Docker from "dockerode";
import type { Source } from "./source.ts";

export interface BuildRequest {
  readonly docker: Docker;
  readonly source: Source;
  /** Name and tag in the local engine. */
  readonly tag: string;
  readonly signal: AbortSignal;
  /** Called with one short line as each step begins: `step 3/8 RUN go build`. */
  readonly onProgress?: ((line: string) => void) | undefined;
}

export interface Engine {
  /** `20.10.24` */
  readonly version: string;
  /** `linux/amd64` */
  readonly platform: string;
  /** False for an engine that answers Docker's API, such as Podman. */
  readonly isDocker: boolean;
}

/** A request with what was found out about its engine and read for it. */
export interface PreparedBuild extends BuildRequest {
  readonly secrets: ReadonlyMap<string, Buffer>;
  readonly engine: Engine;
}

export const hashLabel = "dev.berth.source";

/** What both builders are told. */
export function commonOptions({ source, tag }: BuildRequest) {
  return {
    t: tag,
    platform: source.platform,
    labels: { [hashLabel]: source.hash, "dev.berth.platform": source.platform },
    ...(source.target === undefined ? {} : { target: source.target }),
  };
}

/** Whether the user chose the classic builder, as the docker command has it. */
export const isTurnedOff = (): boolean => process.env["DOCKER_BUILDKIT"] === "0";
