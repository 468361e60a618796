import { z } from "zod";
import { email } from "./email.ts";

/** Let's Encrypt. Its profile `shortlived` issues certificates for addresses too. */
export const letsEncrypt = "https://acme-v02.api.letsencrypt.org/directory";

/** As long as DNS takes a name, and at least two labels: no authority issues for a name such as `localhost`. */
const domainName = z
  .string()
  .max(253, "a domain name has at most 253 characters")
  .regex(
    /^(?=.*\.[a-z][a-z0-9-]*$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)+$/,
    "use a name such as app.example.org: lower-case letters, digits, hyphens and dots; no wildcard, no address, no dot at the end; other letters as xn--…",
  );

/** The names of the app. The first is the one that the address leads to. */
export const domain = z
  .union([domainName.transform((one) => [one]), z.array(domainName).min(1).max(10)], {
    error:
      "use a name such as app.example.org (lower-case letters, digits, hyphens and dots), or a list of at most 10",
  })
  .refine((names) => new Set(names).size === names.length, "name each domain once")
  .default([]);

const directory = z
  .string()
  .max(1024)
  .regex(
    /^https:\/\/[a-z0-9][a-z0-9.-]*(?::[0-9]{1,5})?(?:\/[!-~]*)?$/,
    "use the https URL of an ACME directory, such as https://acme-staging-v02.api.letsencrypt.org/directory",
  );

const twoYears = 2 * 365 * 24 * 3600;

export const https = z
  .union(
    [
      z.literal("off"),
      z.strictObject({
        directory: directory.default(letsEncrypt),
        email: email.optional(),
        hstsSeconds: z.int().min(0).max(twoYears).default(300),
      }),
    ],
    {
      error:
        "HTTPS is on without this key: remove the line, or write off, or a map with directory, email or hstsSeconds",
    },
  )
  .prefault({});
