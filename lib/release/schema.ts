import { z } from "zod";
import { isBlock, prefixOf } from "../ipv4-block.ts";

/** More releases than any stack will have. Without the limit, a host could claim a number that leaves none to count on. */
const highestNumber = 1_000_000_000;
export const number = z.int().min(1).max(highestNumber);
export const text = z.string().max(2048);
export const port = z.int().min(1, "ports go from 1 to 65535").max(65_535, "ports go from 1 to 65535");

/** What Linux takes for one variable (MAX_ARG_STRLEN), without the NUL that ends it. */
const mostVariableBytes = 128 * 1024 - 1;
/** The limit for all variables of an app together. Linux takes some 2 MiB, arguments included. */
const mostEnvironmentBytes = 256 * 1024;
/** The limit for all words of a command together. */
const mostCommandBytes = 64 * 1024;
const mostEntries = 1_000;

/** A process receives `NAME=value` in UTF-8, so bytes count and not characters. */
const bytesOf = ([name, value]: readonly [string, string]): number => Buffer.byteLength(`${name}=${value}`);

const tooLong = (bytes: number): string =>
  `takes ${bytes} bytes with its name, and a process takes at most ${mostVariableBytes} for one variable; put the value into a file of the image`;

const tooManyBytes = (bytes: number): string =>
  `takes ${bytes} bytes, and all variables together take at most ${mostEnvironmentBytes}; put more into a file of the image`;

const variableName = z
  .string()
  .max(256)
  .regex(
    /^[A-Za-z_][A-Za-z0-9_]*$/,
    "environment names are letters (A to Z), digits and underscores, and start with no digit",
  );

/** Environment variables, limited to what a process's environment can hold. */
const environment = z
  .record(
    variableName,
    z.string().refine((value) => !value.includes("\0"), "the value holds a NUL, which no environment can"),
  )
  .refine((variables) => Object.keys(variables).length <= mostEntries, `use at most ${mostEntries} variables`)
  .superRefine((variables, context) => {
    for (const [name, value] of Object.entries(variables)) {
      const bytes = bytesOf([name, value]);
      if (bytes > mostVariableBytes)
        context.addIssue({ code: "custom", path: [name], message: tooLong(bytes) });
    }
    const bytes = Object.entries(variables)
      .map(bytesOf)
      .reduce((sum, one) => sum + one, 0);
    if (bytes > mostEnvironmentBytes) context.addIssue({ code: "custom", message: tooManyBytes(bytes) });
  })
  // This must come last, because a derived schema doesn't inherit its meta.
  .meta({ secret: true });

/** Where the value of a secret is: AWS takes no other names. */
const parameter = "ssm:/?[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*";
const secretEntry = "secretsmanager:[A-Za-z0-9/_+=.@-]{1,512}";
const longestSource = 1_100;
const mostSecrets = 100;

const secretsFrom = (source: z.ZodString) =>
  z
    .record(variableName, source.max(longestSource))
    .refine((secrets) => Object.keys(secrets).length <= mostSecrets, `use at most ${mostSecrets} secrets`);

/** Each secret's source, by the variable that the app finds its value in. */
const secrets = secretsFrom(
  z
    .string()
    .regex(
      new RegExp(`^(?:${parameter}|${secretEntry})$`),
      "say where the value is, as in ssm:/shop/database-url or secretsmanager:shop/database; the value itself doesn't belong here",
    ),
);

/** The same with the version, so that all replicas of a release have one value, on every host: `ssm:/shop/database-url:3`. */
const secretVersions = secretsFrom(
  z.string().regex(new RegExp(`^(?:${parameter}:[1-9][0-9]{0,8}|${secretEntry}:[A-Za-z0-9-]{32,64})$`)),
);

const highestId = 2 ** 31 - 1;

/** `uid`, `uid:gid`, or a name that the image's own list of users has. */
const user = z
  .string()
  .max(32)
  .regex(
    /^(?:[0-9]{1,10}(?::[0-9]{1,10})?|[A-Za-z_][A-Za-z0-9_.-]{0,31})$/,
    'use a uid such as 1000, "uid:gid", or the name of a user of the image',
  )
  .refine(
    (one) => one.split(":").every((id) => !/^[0-9]+$/.test(id) || Number(id) <= highestId),
    `ids go up to ${highestId}`,
  );

/** What the image's entrypoint is called with, instead of the image's CMD. */
const command = z
  .array(
    z.string().refine((word) => !word.includes("\0"), "the word holds a NUL, which no command line can"),
    'use a list of strings such as [gunicorn, --workers, "2", shop.wsgi]',
  )
  .min(1, "name at least one word, or leave the key out for the image's own command")
  .max(mostEntries, `use at most ${mostEntries} words`)
  .refine(
    (words) => Buffer.byteLength(words.join("")) <= mostCommandBytes,
    `use at most ${mostCommandBytes} bytes for all words together`,
  );

const isRising = (range: string): boolean => {
  const [lowest = "", highest = lowest] = range.split("-");
  return lowest <= highest;
};

/** What the app has to answer, to serve and to go on serving. */
const health = z.object({
  path: z
    .string()
    .max(1024)
    .regex(/^\/[!-~]*$/, "use a path such as /healthz: it starts with a slash and has no spaces")
    .default("/"),
  /** One status, or the lowest and the highest. */
  status: z
    .string()
    .regex(/^[1-5][0-9][0-9](?:-[1-5][0-9][0-9])?$/, "use a status such as 200, or a range such as 200-399")
    .refine(isRising, "the lowest status comes first, as in 200-399; no answer could be healthy")
    .default("100-499"),
  timeoutSeconds: z.int().min(1).max(60).default(5),
});
/** Where the data volume's files are on the host: each volume is a folder with its name. */
const volumeName = z
  .string()
  .regex(
    /^[a-z][a-z0-9-]{0,30}$/,
    "use lower-case letters, digits and hyphens, at most 31, starting with a letter",
  );

/** Folders and files that a container needs from its image or its kernel. */
const ownFolders = new RegExp(
  [
    "^/((proc|sys|dev|bin|boot|lib|lib32|lib64|sbin)(/.*)?|(etc|root|run|tmp|usr|var)?",
    "|usr/(local/)?(bin|include|lib|lib32|lib64|libexec|local|sbin|share)|var/(lib|run)",
    "|etc/(group|gshadow|hostname|hosts|ld\\.so\\.(cache|conf)|mtab|nsswitch\\.conf|passwd|resolv\\.conf|shadow|ssl))$",
  ].join(""),
);

const mountPath = z
  .string()
  .max(256)
  .regex(
    /^(\/(?!\.\.?(\/|$))[A-Za-z0-9._-]+)+$/,
    "use an absolute path such as /app/uploads, of letters, digits and . _ - /, without a slash at its end",
  )
  .refine(
    (path) => !ownFolders.test(path),
    "the container needs what its image has there; use a folder of the app's",
  );

/** Folders of a container whose files last, by the volume's name. */
const volumes = z
  .record(volumeName, mountPath)
  .refine((all) => Object.keys(all).length <= 10, "use at most 10 volumes")
  .refine(
    (all) =>
      Object.values(all).every((path, at, paths) =>
        paths.every((other, it) => it === at || !isWithin(path, other)),
      ),
    "no volume may lie in another one, or at the same path",
  );

const isWithin = (path: string, other: string): boolean => `${path}/`.startsWith(`${other}/`);

/**
 * The release's fields that a user sets under `app` in berth.yaml. Only this place defines each field, its bounds and its
 * default. The configuration, `release.json`, the comparison and the test of the host's reader all derive from it. A field
 * that is optional has no value as long as the user sets none. A field with `secret` in its meta has its values hidden wherever differences are shown.
 */
export const appFields = {
  /** The port the app listens on inside its container. */
  port: port.default(8080),
  replicas: z.int().min(1).max(10).default(2),
  /** Memory limit of one replica, in MiB. */
  memoryMib: z.int().min(16).max(65_536).default(128),
  /** How long all replicas together may take from their start to their first response. */
  startSeconds: z.int().min(1).max(300).default(60),
  /** How long a replica may take to end after SIGTERM, before it is killed. */
  stopSeconds: z.int().min(1).max(120).default(10),
  environment: environment.default({}),
  /** Further variables, whose values the host reads from AWS: they are in no document of Berth's. */
  secrets: secrets.default({}),
  /** Without it, the image's user, or 65532 if that is root. */
  user: user.optional(),
  /** Whether the app may write to its root file system. What it writes there is lost with its container. */
  writable: z.boolean().default(false),
  /** Size of /tmp, in MiB. It is in memory, so what it holds counts towards `memoryMib`. */
  tmpMib: z.int().min(1).max(65_536).default(64),
  command: command.optional(),
  /** What the new image runs once, before any replica starts. If it fails, so does the release. */
  releaseCommand: command.optional(),
  /** Whether the host puts the release before back by itself, if the new one fails clearly more tries in its first minute. */
  rollbackWhenWorse: z.boolean().default(false),
  /** Without it, a new replica has to answer `GET /` below 500 once, and nobody asks again. */
  health: health.optional(),
  volumes: volumes.default({}),
};

/** The fewest bits of a trusted block. No proxy has so many addresses, and 0.0.0.0/0 would trust every client. */
const leastTrustedPrefix = 8;
const mostTrustedProxies = 256;

const trustedProxy = z
  .string()
  .refine(isBlock, "use an IPv4 block such as 203.0.113.0/24, with no bits set after the prefix")
  .refine(
    (block) => !isBlock(block) || prefixOf(block) >= leastTrustedPrefix,
    `use blocks from /${leastTrustedPrefix}: whoever is in a block may claim any client's address`,
  );

/** The release's fields that a user sets under `edge` in berth.yaml. As with `appFields`, only this place defines them. */
export const edgeFields = {
  /** The largest body of a request, in MiB. */
  bodyMib: z.int().min(1).max(2048).default(10),
  /** How long the app may be silent before an answer and within one. */
  answerSeconds: z.int().min(1).max(600).default(60),
  /** How long a WebSocket may be silent in both directions. */
  idleSeconds: z.int().min(1).max(3600).default(60),
  /** How long requests to the old release may go on after a switch. */
  drainSeconds: z.int().min(1).max(300).default(30),
  /** The size of all headers of a request, and of all headers of an answer, in KiB. */
  headerKib: z.int().min(8).max(128).default(32),
  /** What becomes of headers with an underscore in their name. */
  underscores: z.enum(["drop", "pass"]).default("drop"),
  /** Who stands in front of the edge. Their X-Forwarded headers are believed. */
  trustedProxies: z
    .array(trustedProxy)
    .max(mostTrustedProxies, `use at most ${mostTrustedProxies} blocks`)
    .default([]),
};

const logGroup = z.string().regex(/^\/berth\/[a-z0-9/-]{1,100}$/);

/** Everything that a host runs. A release with the same content as the published one isn't published again. */
export const content = z.object({
  /** By digest: `123456789012.dkr.ecr.eu-central-1.amazonaws.com/berth/hello@sha256:…` */
  image: text.regex(/^[^-]/),
  /** The EBS volume that holds `volumes`, if there are any. */
  dataVolume: text.min(1).optional(),
  /** The group in CloudWatch that the hosts send their logs to, if they do. */
  logGroup: logGroup.optional(),
  /** Whether the hosts run the agent of Session Manager. Absent if not. */
  shell: z.boolean().optional(),
  ...withoutDefaults(appFields),
  secrets: secretVersions,
  edge: z.object(withoutDefaults(edgeFields)),
});

/**
 * The fields of the first version. A field added later may be missing in a release that an earlier Berth wrote. It then
 * counts as not set, which differs from every value, so the next `up` writes it.
 */
const first = { image: true, port: true, replicas: true, memoryMib: true, environment: true } as const;

/**
 * Later fields whose default is what each host did before there was the field. A release without them is read with the
 * default, so that a newer Berth alone makes no new release.
 */
const asBefore = {
  writable: appFields.writable,
  tmpMib: appFields.tmpMib,
  stopSeconds: appFields.stopSeconds,
  rollbackWhenWorse: appFields.rollbackWhenWorse,
  volumes: appFields.volumes,
  secrets: secretVersions.default({}),
  edge: z.object(edgeFields).prefault({}),
};

/** Where an image comes from. */
export const origin = {
  /** The tag of the app's image: a hash of its source. */
  source: text.optional(),
  /** The Git commit of the source folder, if it is in a repository. */
  commit: text.optional(),
  /** Whether the source was as in that commit. */
  isClean: z.boolean().optional(),
};

export const rolledBack = z.object({ from: number, to: number });

/** As large as a page with its style and a small picture in it. Each plan and each host reads it. */
export const mostPageBytes = 64 * 1024;

/** No container has anything of it, so a change of it alone makes no new release. */
const metrics = z.string().regex(/^Berth\/[a-z0-9-]{1,100}$/);

const maintenance = z.object({
  /** As ISO 8601 in UTC. */
  since: text,
  /** The ARN of the caller who switched it on. */
  by: text,
  /** What visitors see in place of the app: HTML. */
  page: z
    .string()
    .min(1)
    .refine(
      (page) => Buffer.byteLength(page) <= mostPageBytes,
      `a page takes at most ${mostPageBytes} bytes`,
    ),
});

export type Maintenance = Readonly<z.output<typeof maintenance>>;

export const release = z.object({
  /** Counts up from 1 for the life of the stack. Reports have the same limit, so that a host can name every release. */
  number,
  ...content.partial().required(first).shape,
  ...asBefore,
  /** The time of publication, as ISO 8601 in UTC. */
  at: text,
  /** The ARN of the caller who published it. */
  by: text,
  ...origin,
  /** Set if a rollback published it: what was published last then, and the release whose content this is. */
  rolledBack: rolledBack.optional(),
  /** Set as long as visitors see a page in place of the app. It belongs to the stack: each next release keeps it. */
  maintenance: maintenance.optional(),
  /** The namespace in CloudWatch that the hosts send their numbers to, if they do. It belongs to the stack too. */
  metrics: metrics.optional(),
});

export type Content = Readonly<z.output<typeof content>>;

/** The desired release. `up` writes it as `release.json` into the state bucket, and each host reads it. */
export type Release = Readonly<z.output<typeof release>>;

/** Combines the app's configuration and an image. Fields that aren't part of a release are dropped. */
export const contentOf = (
  app: Omit<Content, "image" | "dataVolume">,
  image: string,
  dataVolume?: string,
): Content => content.parse({ ...app, image, ...(dataVolume === undefined ? {} : { dataVolume }) });

type WithoutDefaults<Shape> = {
  [Field in keyof Shape]: Shape[Field] extends z.ZodDefault<infer Inner> ? Inner : Shape[Field];
};

function withoutDefaults<Shape extends Readonly<Record<string, z.ZodDefault | z.ZodOptional>>>(shape: Shape) {
  const fields = Object.entries(shape).map(([field, type]) => [
    field,
    type instanceof z.ZodDefault ? type.unwrap() : type,
  ]);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `Object.entries` loses the type of each field.
  return Object.fromEntries(fields) as WithoutDefaults<Shape>;
}
