import { partition } from "@aws-sdk/core/client";
import { z } from "zod";
import { isBlock, prefixOf } from "../ipv4-block.ts";
import { appFields, edgeFields, port } from "../release/schema.ts";
import { domain, https } from "./https.ts";
import { alarms } from "./metrics.ts";
import { tags } from "./tags.ts";

export const stackName = z
  .string()
  .regex(
    /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/,
    "use lower-case letters, digits and single hyphens, starting with a letter",
  )
  .max(24, "use at most 24 characters: names in AWS are derived from it");

const region = z
  .string()
  .refine(
    (name) => "description" in partition(name) && !name.endsWith("-global"),
    "not a region that AWS has; use for example eu-central-1 or us-east-1",
  );

const block = z
  .string()
  .refine(isBlock, "use an IPv4 block such as 10.20.0.0/16, with no bits set after the prefix");

const networkBlock = block.refine((text) => {
  const prefix = prefixOf(text);
  return !isBlock(text) || (prefix >= 16 && prefix <= 28);
}, "AWS takes networks from /16 to /28");

const path = z
  .string()
  .min(1)
  .refine((text) => Buffer.byteLength(text) <= 4095, "a path has at most 4095 bytes")
  .refine(
    (text) => text.split("/").every((name) => Buffer.byteLength(name) <= 255),
    "a file's name has at most 255 bytes",
  )
  .refine((text) => !text.includes("\0"), "a path holds no NUL");

/** Unknown keys are mistakes in a configuration, but not in a release, which a newer Berth may have written. */
const health = appFields.health.unwrap().strict().optional();

/** As many as BuildKit gets in one request. */
const mostArgumentBytes = 64 * 1024;

const build = z.strictObject({
  args: z
    .record(
      z
        .string()
        .max(256)
        .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "names of build arguments are letters, digits and underscores"),
      z.string().refine((value) => !value.includes("\0"), "a build argument holds no NUL"),
    )
    .refine(
      (args) => Buffer.byteLength(Object.entries(args).flat().join("")) <= mostArgumentBytes,
      `use at most ${mostArgumentBytes} bytes for all names and values together`,
    )
    .default({}),
  target: z
    .string()
    .max(128)
    .regex(/^[A-Za-z0-9][\w.-]*$/, "use the name or the number of a stage of the Dockerfile")
    .optional(),
  secrets: z
    .record(
      z
        .string()
        .max(128)
        .regex(/^[A-Za-z0-9_][\w.-]*$/, "ids of secrets are letters, digits, underscores, hyphens and dots"),
      z.union([z.strictObject({ env: z.string().min(1).max(256) }), z.strictObject({ file: path })], {
        error:
          "say where the secret comes from: {env: VARIABLE} or {file: path}; its value doesn't belong here",
      }),
    )
    .default({}),
});

const app = z
  .strictObject({
    source: path,
    dockerfile: path.optional(),
    build: build.prefault({}),
    ...appFields,
    health,
  })
  .superRefine(({ environment, secrets }, context) => {
    for (const name of Object.keys(secrets).filter((one) => Object.hasOwn(environment, one)))
      context.addIssue({
        code: "custom",
        path: ["secrets", name],
        message: `app.environment sets ${name} too; remove one of them`,
      });
  });

const ingressRule = z.strictObject({
  port,
  protocol: z.enum(["tcp", "udp"]).default("tcp"),
  from: z
    .union([block.transform((one) => [one]), z.array(block).min(1)], {
      error: "use an IPv4 block such as 203.0.113.0/24 (no bits set after the prefix), or a list of them",
    })
    .default(["0.0.0.0/0"]),
});

export type IngressRule = z.output<typeof ingressRule>;

const instance = z.strictObject({
  type: z
    .string()
    .regex(/^[a-z][a-z0-9-]*\.[a-z0-9-]+$/, "use an instance type such as t3.micro")
    .default("t3.micro"),
  os: z.enum(["debian-13", "amazon-linux-2023"]).default("debian-13"),
  diskGib: z.int().min(8, "the images need 8 GiB").max(16_384).default(8),
  /** The size of the data volume, which only a stack with `app.volumes` has. */
  dataGib: z.int().min(1).max(16_384).default(8),
});

/** The only numbers of days that CloudWatch takes. */
const keptDays = new Set([
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
]);

/** Absent: the hosts keep their logs for themselves. */
const logs = z
  .strictObject({
    days: z
      .int()
      .min(1)
      .max(3653)
      .refine((days) => keptDays.has(days), `CloudWatch keeps logs for ${[...keptDays].join(", ")} days`)
      .default(14),
  })
  .optional();

const state = z.discriminatedUnion("backend", [
  z.strictObject({ backend: z.literal("s3") }),
  z.strictObject({ backend: z.literal("file"), path: path.default(".berth/state") }),
]);

export const schema = z.strictObject({
  stack: stackName,
  region,
  domain,
  https,
  app,
  edge: z
    .strictObject(edgeFields)
    .refine(({ underscores, trustedProxies }) => underscores === "drop" || trustedProxies.length === 0, {
      path: ["underscores"],
      message:
        "edge.trustedProxies needs drop: nginx can't tell a client's X_Forwarded_Proto from the proxy's X-Forwarded-Proto",
    })
    .prefault({}),
  /** Absent: what the edge listens on, from everywhere. */
  ingress: z.array(ingressRule).optional(),
  instance: instance.prefault({}),
  network: z.strictObject({ cidr: networkBlock.default("10.20.0.0/16") }).prefault({}),
  state: state.default({ backend: "s3" }),
  logs,
  /** Each costs money, so nothing is sent, watched or shown unless somebody asks. */
  metrics: z.boolean().default(false),
  alarms,
  dashboard: z.boolean().default(false),
  /** Whether the hosts let people in by Session Manager. */
  shell: z.boolean().default(false),
  tags,
});

export type Settings = z.output<typeof schema>;
