import { randomBytes } from "node:crypto";
import type { ExecResult } from "../../../compose/container.ts";

/** What an image or a container starts. */
export interface FakeStart {
  Entrypoint?: string[];
  Cmd?: string[];
  ExposedPorts?: Record<string, object>;
}

/** The part of an answer to `inspect` that the checks use. Tests change it to what the checks are to see. */
export interface FakeInfo {
  readonly Id: string;
  Name: string;
  Image: string;
  RestartCount: number;
  Config: { User: string; Env: string[]; Labels: Record<string, string>; Tty?: boolean } & FakeStart;
  HostConfig: {
    ReadonlyRootfs: boolean;
    CapDrop: string[] | null;
    CapAdd: string[] | null;
    Privileged: boolean;
    SecurityOpt: string[] | null;
    Memory: number;
    PidsLimit: number | null;
    RestartPolicy: { Name: string };
  };
  State: {
    Status: string;
    Running: boolean;
    Restarting: boolean;
    Dead: boolean;
    OOMKilled: boolean;
    ExitCode: number;
    StartedAt: string;
    Health?: { Status: string; Log: { Output: string }[] };
  };
  Mounts: { Type: string; Name?: string; Destination: string }[];
  NetworkSettings: {
    Ports: Record<string, { HostIp: string; HostPort: string }[] | null>;
    Networks: Record<string, { IPAddress: string }>;
  };
}

/** A container that keeps its state, with a process that behaves as `execute` says. */
export class FakeContainer {
  readonly info: FakeInfo;
  readonly log: string[] = [];
  readonly files = new Map<string, string>();
  listens: number[] = [];
  /** On 127.0.0.1. */
  listensLocally: number[] = [];
  /** UDP ports. */
  receives: number[] = [];
  /** The networks that the container is on while it runs. */
  networks: string[] = [];
  execute: (command: readonly string[]) => Promise<ExecResult> = () =>
    Promise.resolve({ exitCode: 127, output: "not found" });
  /** What the container does when the engine asks it to end. Returns its exit code. */
  end: () => Promise<number> = () => Promise.resolve(0);

  constructor(name: string, labels: Record<string, string> = {}) {
    this.info = {
      Id: randomBytes(8).toString("hex"),
      Name: `/${name}`,
      Image: "sha256:image",
      RestartCount: 0,
      Config: { User: "10001", Env: [], Labels: labels },
      HostConfig: {
        ReadonlyRootfs: true,
        CapDrop: ["ALL"],
        CapAdd: null,
        Privileged: false,
        SecurityOpt: ["no-new-privileges:true"],
        Memory: 2 ** 26,
        PidsLimit: 64,
        RestartPolicy: { Name: "unless-stopped" },
      },
      State: {
        Status: "created",
        Running: false,
        Restarting: false,
        Dead: false,
        OOMKilled: false,
        ExitCode: 0,
        StartedAt: "",
      },
      Mounts: [],
      NetworkSettings: { Ports: {}, Networks: {} },
    };
  }

  get service(): string | undefined {
    return this.info.Config.Labels["com.docker.compose.service"];
  }

  setHealth(status: string, output = "said something"): void {
    this.info.State.Health = { Status: status, Log: [{ Output: output }] };
  }

  addresses(): readonly string[] {
    return Object.values(this.info.NetworkSettings.Networks).map(({ IPAddress }) => IPAddress);
  }
}
