import assert from "node:assert/strict";
import * as ec2 from "@aws-sdk/client-ec2";
import { access, readdir } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { describe, it } from "node:test";
import { z } from "zod";
import { schema } from "../../lib/config/schema.ts";
import { exitCodes } from "../../lib/errors.ts";
import { certificatePrefix } from "../../lib/release/https.ts";
import { attacks } from "../attacks/table.ts";
import { root } from "../../lib/paths.ts";
import { anchors, matches, pages, read, section, sources } from "./tree.ts";

describe("the runbook", () => {
  it("explains every error code of the code, and no other", async () => {
    const code = await sources("lib", "state", "provision", "teardown", "setup", "compose");
    const [, troubles = ""] = (await read("lib/aws/errors.ts")).split("export type Trouble =");
    const inCode = [
      ...matches(code, /(?:code: (?:known\?\.code \?\? )?|refuse\()"([A-Z]\w+)"/g),
      ...matches(troubles.split(";")[0] ?? "", /"(\w+)"/g),
    ];
    const explained = matches(section(await read("RUNBOOK.md"), "Errors by code"), /^\| `(\w+)`/gm);
    assert.deepEqual(explained, [...new Set(inCode)].toSorted());
  });

  it("prints a policy that allows every call the code makes, and no other", async () => {
    const calls = await sources(
      "lib/aws",
      "lib/toolkit",
      "lib/resources",
      "lib/command/session.ts",
      "lib/deploy/log-reading.ts",
      "lib/deploy/metrics-reading.ts",
      "state",
    );
    const operations = [
      ...matches(calls, /\b([A-Z]\w+)Command\b(?=[\s,({])/g),
      ...matches(calls, /\bpaginate([A-Z]\w+)/g),
    ];
    const needed = new Set([...operations.flatMap(actionsOf), ...actionsBesideCalls]);
    assert.deepEqual(await actionsOfPolicy(), [...needed].toSorted());
  });
});

describe("the runbook's policies", () => {
  it("allow a shell by one of their own, for the calls of the command and its plugin, on Berth's hosts alone", async () => {
    const [policy] = await readPolicies("A shell on the host");
    const calls = matches(await sources("lib/deploy/shell-session.ts"), /\bnew ([A-Z]\w+)Command\(/g);
    const allowed = policy?.Statement.flatMap(({ Action }) => Action) ?? [];
    assert.deepEqual(
      [...new Set(allowed)].toSorted(),
      // The plugin signs for the last two itself.
      [...calls.map((call) => `ssm:${call}`), "ssm:ResumeSession", "ssmmessages:OpenDataChannel"].toSorted(),
    );
    const wide = policy?.Statement.filter(({ Resource }) => Resource === "*").flatMap(({ Action }) => Action);
    assert.deepEqual(wide, ["ssm:GetConnectionStatus"]);
    const onHosts = policy?.Statement.find(({ Resource }) => String(Resource).includes(":instance/"));
    assert.deepEqual(onHosts?.Condition, { StringLike: { "ssm:resourceTag/berth:stack": "*" } });
  });

  it("are each within what IAM takes", async () => {
    const lengths = (await readPolicies()).map((policy) => JSON.stringify(policy).length);
    assert.equal(lengths.length, 2);
    assert.ok(Math.max(...lengths) <= 6144, String(lengths));
  });

  it("keep the hosts' certificates from whoever deploys", async () => {
    const statements = (await readPolicies()).flatMap((policy) => policy.Statement);
    const denied = statements.filter(({ Effect }) => Effect === "Deny");
    assert.deepEqual(
      denied.map(({ Action, Resource }) => [Action, Resource]),
      [
        [
          ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"],
          [`arn:aws:s3:::berth-*/${certificatePrefix}*`],
        ],
      ],
    );
  });

  it("allow a tag only in a call that creates, or on what has a tag of Berth's", async () => {
    const tagging = (await statementsOfPolicy()).filter(({ Action }) => Action.includes("ec2:CreateTags"));
    const conditions = tagging.map(({ Condition }) => Condition ?? {});
    // All creates of EC2 but this one send tags.
    const creates = matches(
      await sources("lib/resources"),
      /\bnew ((?:Allocate|Create|Run)\w+)Command\(/g,
    ).filter((name) => taggedIn.has(name));

    assert.deepEqual(conditions, [
      { StringEquals: { "ec2:CreateAction": [...new Set(creates)].toSorted() } },
      { StringLike: { "aws:ResourceTag/berth:resource": "*" } },
      { StringLike: { "aws:ResourceTag/berth:stack": "*" } },
    ]);
  });
});

describe("the pages of docs/", () => {
  it("list every exit code", async () => {
    const listed = matches(await read("docs/exit-codes.md"), /^\| (\d+) \|/gm);
    const codes = Object.values(exitCodes).map(String).toSorted();
    assert.deepEqual(listed, codes);
  });

  it("list every warning of a plan", async () => {
    const listed = matches(
      section(await read("docs/events.md"), "plan"),
      /^\| `([a-z]+-[a-z-]+)` \| [^|]+ \|$/gm,
    );
    const inCode = matches(await sources("lib"), /code: "([a-z]+-[a-z-]+)"/g);
    assert.deepEqual(listed, [...new Set(inCode)].toSorted());
  });

  it("list every key of berth.yaml", async () => {
    const listed = matches(await read("docs/configuration.md"), /^\| `([\w.[\]]+)` \|/gm);
    assert.deepEqual(listed, [...new Set(leaves(schema, ""))].toSorted());
  });
});

describe("the threat model", () => {
  it("has a test that exists for each of its lines", async () => {
    const rows = section(await read("SECURITY.md"), "Threat model")
      .split("\n")
      .filter(isThreat);
    assert.ok(rows.length > 20, `${rows.length} lines`);
    for (const row of rows) {
      // A bar within a cell is written with a backslash.
      const [, , pattern = "", test = ""] = row
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim().replaceAll("\\|", "|"));
      assert.notEqual(pattern + test, "", `nothing holds: ${row}`);
      if (pattern !== "") assert.ok(findAttack(pattern.replaceAll("`", "")), `no attack is like ${pattern}`);
      const [, path, title = ""] = /^`([\w./-]+)`(?:, "(.+)")?$/.exec(test) ?? [];
      if (test !== "") assert.ok((await read(path ?? test)).includes(title), `${test}: no such test`);
    }
  });

  it("covers every attack", async () => {
    const page = await read("SECURITY.md");
    const patterns = matches(page, /\| `(\^.+?)` \|/g).map((text) => new RegExp(text.replaceAll("\\|", "|")));
    const names = attacks.map(({ from, name }) => `${from}: ${name}`);
    assert.deepEqual(
      names.filter((name) => !patterns.some((one) => one.test(name))),
      [],
    );
  });
});

const isThreat = (line: string): boolean =>
  line.startsWith("| ") && !/^\| (?:may, or may not|---) /.test(line);

const findAttack = (pattern: string) =>
  attacks.find(({ from, name }) => new RegExp(pattern).test(`${from}: ${name}`));

describe("the guide for contributors", () => {
  it("names every room of lib/", async () => {
    const entries = await readdir(join(root, "lib"), { recursive: true, withFileTypes: true });
    const folders = entries
      .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
      .map((entry) => relative(root, entry.parentPath));
    // The host's own files are laid out as on the host.
    const rooms = [...new Set(folders)].filter((folder) => folder !== "lib").toSorted();
    const named = matches(await read("CONTRIBUTING.md"), /^\| `(lib\/[\w/]+)\/`/gm);
    assert.deepEqual(named.toSorted(), rooms);
  });
});

describe("every page", () => {
  it("names only scripts that are in package.json", async () => {
    const { scripts } = z
      .object({ scripts: z.record(z.string(), z.string()) })
      .parse(JSON.parse(await read("package.json")));
    for (const page of await pages()) {
      const named = matches(await read(page), /npm run (?:-[\w-]+ )*([a-z][\w:-]*)/g);
      assert.deepEqual(
        named.filter((name) => !(name in scripts)),
        [],
        page,
      );
    }
  });

  it("has links that lead somewhere", async () => {
    for (const page of await pages()) {
      for (const link of matches(await read(page), /\]\((?!https?:)([^)\s]+)\)/g)) {
        const [target = "", anchor] = link.split("#");
        const path = target === "" ? page : join(dirname(page), target);
        await access(join(root, path));
        if (anchor !== undefined) assert.ok(anchors(await read(path)).includes(anchor), `${page}: ${link}`);
      }
    }
  });

  it("names only files of the tree that are there", async () => {
    const folders = "(?:lib|state|provision|teardown|setup|test|docs|compose|dockerfiles)";
    for (const page of await pages()) {
      const named = matches(await read(page), new RegExp(`\`(${folders}/[\\w./-]+\\.\\w+)\``, "g"));
      for (const path of named) await access(join(root, path));
    }
  });
});

/** Paths of all keys that hold a value: `app.port`, `ingress[].from`. */
function leaves(type: unknown, path: string): string[] {
  if (type instanceof z.ZodDefault || type instanceof z.ZodOptional || type instanceof z.ZodPrefault)
    return leaves(type.unwrap(), path);
  if (type instanceof z.ZodObject) {
    return Object.entries(type.shape).flatMap(([key, inner]) =>
      leaves(inner, path === "" ? key : `${path}.${key}`),
    );
  }
  if (type instanceof z.ZodArray && type.element instanceof z.ZodObject)
    return leaves(type.element, `${path}[]`);
  if (type instanceof z.ZodUnion && type.options.some((option) => option instanceof z.ZodObject))
    return type.options.flatMap((option) => leaves(option, path));
  return [path];
}

async function actionsOfPolicy(): Promise<string[]> {
  const statements = await statementsOfPolicy();
  return [...new Set(statements.flatMap(({ Action }) => Action))].toSorted();
}

/** The calls of EC2 that take tags. IAM, S3 and ECR have their own permissions for that. */
const taggedIn = new Set(
  Object.keys(ec2)
    .flatMap((name) => /^(?:Allocate|Create|Run)\w+(?=Command$)/.exec(name) ?? [])
    .filter((name) => !["CreateRoute", "CreateTags"].includes(name)),
);

const statement = z.looseObject({
  Effect: z.enum(["Allow", "Deny"]),
  Action: z.array(z.string()),
  Resource: z.union([z.string(), z.array(z.string())]),
  Condition: z.record(z.string(), z.unknown()).optional(),
});

/** What the policies allow, where none of them denies it. */
async function statementsOfPolicy() {
  const statements = (await readPolicies()).flatMap((policy) => policy.Statement);
  return statements.filter(({ Effect }) => Effect === "Allow");
}

async function readPolicies(title = "A fresh AWS account") {
  const found = matches(
    section(await read("RUNBOOK.md"), title),
    /```json\n(\{\n {2}"Version": "2012-10-17"[^`]*)```/g,
  );
  return found.map((json) =>
    z.object({ Version: z.string(), Statement: z.array(statement) }).parse(JSON.parse(json)),
  );
}

/** Where AWS calls the permission otherwise than the call: https://docs.aws.amazon.com/service-authorization/ */
const renamed: Readonly<Record<string, readonly string[]>> = {
  HeadBucket: ["s3:ListBucket"],
  HeadObject: ["s3:GetObject"],
  ListObjectsV2: ["s3:ListBucket"],
  ListObjectVersions: ["s3:ListBucketVersions"],
  ListBuckets: ["s3:ListAllMyBuckets"],
  DeleteObjects: ["s3:DeleteObject", "s3:DeleteObjectVersion"],
  GetBucketEncryption: ["s3:GetEncryptionConfiguration"],
  PutBucketEncryption: ["s3:PutEncryptionConfiguration"],
  GetBucketLifecycleConfiguration: ["s3:GetLifecycleConfiguration"],
  PutBucketLifecycleConfiguration: ["s3:PutLifecycleConfiguration"],
  GetPublicAccessBlock: ["s3:GetBucketPublicAccessBlock"],
  PutPublicAccessBlock: ["s3:PutBucketPublicAccessBlock"],
  // AWS lets everybody ask who they are.
  GetCallerIdentity: [],
  ListTagsForResource: ["cloudwatch", "ecr", "logs", "sns", "ssm"].map((one) => `${one}:ListTagsForResource`),
  TagResource: ["cloudwatch", "ecr", "logs", "sns"].map((one) => `${one}:TagResource`),
  // Of EC2 and of ECR alike.
  DescribeImages: ["ec2:DescribeImages", "ecr:DescribeImages"],
};

/** Needed by what a call holds or by the engine's push, not by a call of its own. */
const actionsBesideCalls = [
  "ecr:BatchCheckLayerAvailability",
  "ecr:BatchGetImage",
  "ecr:CompleteLayerUpload",
  "ecr:GetDownloadUrlForLayer",
  "ecr:InitiateLayerUpload",
  "ecr:PutImage",
  "ecr:UploadLayerPart",
  "iam:PassRole",
  // For a GetObject that names a version.
  "s3:GetObjectVersion",
  "s3:TagResource",
  // For a PutParameter with tags.
  "ssm:AddTagsToResource",
];

function actionsOf(operation: string): readonly string[] {
  const known = renamed[operation];
  if (known !== undefined) return known;
  return [`${serviceOf(operation)}:${operation}`];
}

function serviceOf(operation: string): string {
  if (/Bucket|Object/.test(operation)) return "s3";
  if (/Parameters?$/.test(operation)) return "ssm";
  if (/Log(?:Group|Event|Stream)|RetentionPolicy/.test(operation)) return "logs";
  if (/MetricData/.test(operation)) return "cloudwatch";
  if (/Secret/.test(operation)) return "secretsmanager";
  if (/Alarm|Dashboard/.test(operation)) return "cloudwatch";
  if (/Topic|ubscri/.test(operation)) return "sns";
  if (
    /Repositor|LifecyclePolicy|ImageScanning|ImageTag|AuthorizationToken|^ListTagsForResource|^TagResource/.test(
      operation,
    )
  )
    return "ecr";
  if (/ResourceRecordSets|HostedZones|^GetChange$/.test(operation)) return "route53";
  if (/^(?!.*Iam).*(?:Role|InstanceProfile|AccountAliases)/.test(operation)) return "iam";
  return "ec2";
}
