import { isWritable, type Mount, readMounts } from "../mounts.ts";
import { readScale, type ResolvedFile, type Table } from "../resolved-file.ts";
import type { Findings } from "./findings.ts";
import { findCopyObstacle, findWayOut, lookAtHost } from "./host-path.ts";

/** A folder of the user's whose content is copied into a new volume before anything starts. */
export interface FolderCopy {
  readonly volume: string;
  readonly source: string;
  /** A service that mounts the volume, and the path: the copy is made through its container. */
  readonly service: string;
  readonly target: string;
}

export interface FileCopy {
  readonly source: string;
  readonly path: string;
}

/** What is mounted in place of a path on this computer. */
type Stand =
  | { readonly kind: "itself" }
  | { readonly kind: "volume"; readonly volume: string }
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "refused" };

/** Decides for all services together what each bind mount becomes: services that share a folder also share its copy. */
export class BindMounts {
  readonly folders: FolderCopy[] = [];
  readonly files: FileCopy[] = [];
  readonly volumes: string[] = [];
  readonly #stands = new Map<string, Stand>();
  readonly #folder: string;

  /** `folder` gets the copies of single files. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  async decide(file: ResolvedFile, findings: Findings): Promise<void> {
    const uses = Object.entries(file.services).flatMap(([service, table]) =>
      readMounts(table)
        .filter(({ type }) => type === "bind")
        .map((mount) => ({ service, mount, runs: readScale(table) > 0 })),
    );
    for (const { service, mount } of uses) {
      const source = mount.source ?? "";
      if (this.#stands.has(source)) continue;
      const sharing = uses.filter((one) => one.mount.source === source);
      const written = sharing.some((one) => isWritable(one.mount));
      const place = `services.${service}.volumes: ${source}`;
      const filler = sharing.find(({ runs }) => runs);
      const use = filler === undefined ? { service, mount } : filler;
      this.#stands.set(source, await this.#choose({ source, place, written, ...use }, findings));
    }
  }

  /** The mount for the copy of the file; undefined if it was refused. */
  rewrite(mount: Mount): Table | undefined {
    const stand = this.#stands.get(mount.source ?? "");
    const { target, source } = mount;
    const readOnly = mount.readOnly ? { read_only: true } : {};
    if (stand?.kind === "itself") return { type: "bind", source, target, read_only: true };
    if (stand?.kind === "file") return { type: "bind", source: stand.path, target, ...readOnly };
    // `nocopy`, because a bind mount hides the image's content too. Writable, because the copy is made through this
    // mount.
    if (stand?.kind === "volume")
      return { type: "volume", source: stand.volume, target, volume: { nocopy: true } };
    return undefined;
  }

  async #choose({ source, place, written, service, mount }: Use, findings: Findings): Promise<Stand> {
    const found = await lookAtHost(source);
    const refuse = (reason: string, advice: string): Stand => {
      findings.refuse(place, reason, advice);
      return { kind: "refused" };
    };
    if (found.kind === "refused") return refuse(found.reason, "take the mount out");
    if (found.kind === "missing") {
      findings.replace(place, "isn't there; an empty volume");
      return this.#addVolume();
    }
    if (!written) {
      const way = found.kind === "folder" ? await findWayOut(found.path) : undefined;
      return way === undefined ? { kind: "itself" } : refuse(way, "mount only what is needed of it");
    }
    if (found.kind === "file") {
      findings.replace(place, "a copy, because it is mounted writable");
      const path = `${this.#folder}/file-${this.files.length + 1}`;
      this.files.push({ source: found.path, path });
      return { kind: "file", path };
    }
    const obstacle = await findCopyObstacle(found.path);
    if (obstacle !== undefined)
      return refuse(
        `it is mounted writable, and can't be copied: ${obstacle}`,
        "mount it read-only (`:ro`), or use a named volume",
      );
    findings.replace(place, "a volume with a copy, because it is mounted writable");
    const stand = this.#addVolume();
    this.folders.push({ volume: stand.volume, source: found.path, service, target: mount.target });
    return stand;
  }

  #addVolume(): { readonly kind: "volume"; readonly volume: string } {
    const volume = `smoke-copy-${this.volumes.length + 1}`;
    this.volumes.push(volume);
    return { kind: "volume", volume };
  }
}

interface Use {
  readonly source: string;
  readonly place: string;
  readonly written: boolean;
  readonly service: string;
  readonly mount: Mount;
}
