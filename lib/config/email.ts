import { z } from "zod";

/** The addresses that mail servers agree on, without quotes, comments and literal addresses. */
export const email = z
  .string()
  .max(254)
  .regex(/^[A-Za-z0-9._+-]{1,64}@[a-z0-9-]+(?:\.[a-z0-9-]+)+$/, "use an address such as admin@example.org");
