import { z } from "zod";

/** No stack lives through so many; a host that claims more would use up the numbers that are left. */
const highestNumber = 1_000_000_000;
export const number = z.int().min(1).max(highestNumber);
export const text = z.string().max(2048);
export const port = z.int().min(1, "ports go from 1 to 65535").max(65_535, "ports go from 1 to 65535");

/** Of all variables of an app together. */
const mostEnvironmentCharacters = 64 * 1024;
const mostVariables = 1_000;

/** What can stand in the environment of a process. */
const environment = z
  .record(
    z
      .string()
      .max(256)
      .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "environment names are letters, digits and underscores"),
    z.string().refine((value) => !value.includes("\0"), "the value holds a NUL, which no environment can"),
  )
  .refine(
    (variables) => Object.keys(variables).length <= mostVariables,
    `use at most ${mostVariables} variables`,
  )
  .refine(
    (variables) => Object.entries(variables).flat().join("").length <= mostEnvironmentCharacters,
    `use at most ${mostEnvironmentCharacters} characters for all names and values together; put more into a file of the image`,
  )
  // Last: a schema that is derived from another one doesn't inherit this.
  .meta({ secret: true });

/**
 * What a user decides of a release, under `app` of berth.yaml. The one place of each field, its bounds and its default: the
 * configuration, `release.json`, the comparison and the check of the host's reader follow. `secret` in the meta of a field
 * hides its values wherever differences are shown.
 */
export const appFields = {
  /** The port the app listens on inside its container. */
  port: port.default(8080),
  replicas: z.int().min(1).max(10).default(2),
  /** Memory limit of one replica, in MiB. */
  memoryMib: z.int().min(16).max(65_536).default(128),
  /** How long the replicas may take from their start to their first answer, all together. */
  startSeconds: z.int().min(1).max(300).default(60),
  environment: environment.default({}),
};

/** What a host runs, whole: two releases of equal content are one. */
export const content = z.object({
  /** By digest: `123456789012.dkr.ecr.eu-central-1.amazonaws.com/berth/hello@sha256:…` */
  image: text.min(1),
  ...withoutDefaults(appFields),
});

/**
 * A field that came later than these may be missing in what an earlier Berth wrote. It reads as not set, which differs from
 * every value: the next `up` writes it.
 */
const first = { image: true, port: true, replicas: true, memoryMib: true, environment: true } as const;

export const release = z.object({
  /** Counts up from 1 for the life of the stack. One that no report could name would be waited for in vain. */
  number,
  ...content.partial().required(first).shape,
  /** ISO 8601, UTC. */
  at: text,
  /** ARN of the caller who published it. */
  by: text,
  /** Git commit of the source folder, when it is in a repository. */
  commit: text.optional(),
});

export type Content = Readonly<z.output<typeof content>>;

/** What shall run on the hosts. Written by `up` as `release.json` in the state bucket, read by each host. */
export type Release = Readonly<z.output<typeof release>>;

/** What a configuration and an image make together. What else the configuration says of the app is left out. */
export const contentOf = (app: Omit<Content, "image">, image: string): Content =>
  content.parse({ ...app, image });

type WithoutDefaults<Shape> = {
  [Field in keyof Shape]: Shape[Field] extends z.ZodDefault<infer Inner> ? Inner : never;
};

function withoutDefaults<Shape extends Readonly<Record<string, z.ZodDefault>>>(shape: Shape) {
  const fields = Object.entries(shape).map(([field, type]) => [field, type.unwrap()]);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- The compiler loses track of which field has which type on the way through a list.
  return Object.fromEntries(fields) as WithoutDefaults<Shape>;
}
