import { asText, type ResolvedFile } from "../resolved-file.ts";

/** The test's own names for the images that the file builds, so that the user's tags stay unchanged. */
export class BuiltImages {
  readonly #byBuild = new Map<string, string>();
  readonly #byName = new Map<string, string>();

  constructor({ services }: ResolvedFile, project: string) {
    for (const [service, { image, build }] of Object.entries(services)) {
      if (build === undefined) continue;
      const name = withTag(asText(image) ?? service);
      const key = JSON.stringify([name, build]);
      const tag = this.#byBuild.get(key) ?? `${project}:${service}`;
      this.#byBuild.set(key, tag);
      if (!this.#byName.has(name)) this.#byName.set(name, tag);
    }
  }

  get tags(): readonly string[] {
    return [...new Set(this.#byBuild.values())];
  }

  /** The image of a service in the copy. An image that isn't built keeps its name, because it is only read. */
  find(service: string, { image, build }: { readonly image?: unknown; readonly build?: unknown }) {
    const name = asText(image);
    if (build !== undefined) return this.#byBuild.get(JSON.stringify([withTag(name ?? service), build]));
    return name === undefined ? undefined : (this.#byName.get(withTag(name)) ?? name);
  }
}

/** `app` is the same as `app:latest`. */
const withTag = (image: string): string =>
  /[:@]/.test(image.slice(image.lastIndexOf("/") + 1)) ? image : `${image}:latest`;
