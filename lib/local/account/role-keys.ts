import { randomBytes } from "node:crypto";
import type { Caller } from "./admission.ts";
import type { KnownKey } from "./signature.ts";

/** A registry token is valid for as long as one of ECR's. */
const registryTokenMs = 12 * 3600 * 1000;

/**
 * The role credentials that the metadata service gave to machines, and the registry passwords issued to them. In memory
 * only.
 */
export class RoleKeys {
  readonly #callers = new Map<string, Caller>();
  readonly #passwords = new Map<string, { readonly caller: Caller; readonly expiresMs: number }>();

  add(role: string, key: KnownKey): void {
    const now = Date.now();
    for (const [id, { key: old }] of this.#callers) {
      if (old.expires !== undefined && old.expires.getTime() <= now) this.#callers.delete(id);
    }
    this.#callers.set(key.accessKeyId, { key, role });
  }

  find(accessKeyId: string): Caller | undefined {
    return this.#callers.get(accessKeyId);
  }

  /** Issues a new registry password, valid for as long as one of ECR's. */
  issuePassword(caller: Caller): { password: string; expires: Date } {
    const now = Date.now();
    for (const [old, { expiresMs }] of this.#passwords) if (expiresMs <= now) this.#passwords.delete(old);
    const password = randomBytes(32).toString("base64url");
    const expiresMs = now + registryTokenMs;
    this.#passwords.set(password, { caller, expiresMs });
    return { password, expires: new Date(expiresMs) };
  }

  findByPassword(password: string): Caller | undefined {
    const known = this.#passwords.get(password);
    return known !== undefined && known.expiresMs > Date.now() ? known.caller : undefined;
  }
}
