import { createClients, type Clients, type Endpoints } from "../../aws/clients.ts";
import type { LocalCredentials } from "../account/drawn-credentials.ts";

/** The supervisor's own clients: one set per region, created at the first call to that region. */
export class RegionalClients {
  readonly #made = new Map<string, Clients>();
  readonly #emulators: { readonly endpoints: Endpoints; readonly credentials: LocalCredentials };

  constructor(emulators: { readonly endpoints: Endpoints; readonly credentials: LocalCredentials }) {
    this.#emulators = emulators;
  }

  get(region: string): Clients {
    const known = this.#made.get(region);
    if (known !== undefined) return known;
    const { endpoints, credentials } = this.#emulators;
    const made = createClients({ region, endpoints, credentials, maxAttempts: 2 });
    this.#made.set(region, made);
    return made;
  }

  /** The regions in use. */
  regions(): readonly string[] {
    return [...this.#made.keys()];
  }
}
