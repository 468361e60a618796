import assert from "node:assert/strict";
import { test } from "node:test";
import {
  BatchDeleteImageCommand,
  CreateRepositoryCommand,
  DeleteLifecyclePolicyCommand,
  DescribeRepositoriesCommand,
  PutImageCommand,
  PutImageScanningConfigurationCommand,
  PutImageTagMutabilityCommand,
  PutLifecyclePolicyCommand,
  TagResourceCommand,
  UntagResourceCommand,
} from "@aws-sdk/client-ecr";
import { repositoryName } from "../../../lib/aws/names.ts";
import { toTagList } from "../../../lib/aws/tags.ts";
import { repository } from "../../../lib/resources/delivery/repository.ts";
import type { Observed } from "../../../lib/contract/resource.ts";
import { resourceSuite } from "../../contracts/resource-suite.ts";
import { newIdentity, openAccount } from "../account.ts";

const account = await openAccount({ ecr: true });
const { ctx, stranger } = account;

async function arnOf({ id }: Observed): Promise<string> {
  const { repositories = [] } = await stranger.ecr.send(
    new DescribeRepositoriesCommand({ repositoryNames: [id] }),
  );
  return repositories[0]?.repositoryArn ?? "";
}

const expireAll = {
  rules: [
    {
      rulePriority: 1,
      selection: { tagStatus: "any", countType: "imageCountMoreThan", countNumber: 1 },
      action: { type: "expire" },
    },
  ],
};

resourceSuite({
  account,
  resource: repository,
  prepare: async (identity) => ({ name: repositoryName(identity) }),
  creation: ["CreateRepository"],
  tagger: {
    add: async ({ ecr }, observed, tags) =>
      ecr.send(new TagResourceCommand({ resourceArn: await arnOf(observed), tags: toTagList(tags) })),
    take: async ({ ecr }, observed, keys) =>
      ecr.send(new UntagResourceCommand({ resourceArn: await arnOf(observed), tagKeys: [...keys] })),
  },
  drifts: [
    {
      field: "tag-mutability",
      act: ({ ecr }, { id }) =>
        ecr.send(new PutImageTagMutabilityCommand({ repositoryName: id, imageTagMutability: "MUTABLE" })),
    },
    {
      field: "scan-on-push",
      act: ({ ecr }, { id }) =>
        ecr.send(
          new PutImageScanningConfigurationCommand({
            repositoryName: id,
            imageScanningConfiguration: { scanOnPush: false },
          }),
        ),
    },
    {
      field: "lifecycle",
      act: ({ ecr }, { id }) => ecr.send(new DeleteLifecyclePolicyCommand({ repositoryName: id })),
    },
    {
      field: "lifecycle",
      act: ({ ecr }, { id }) =>
        ecr.send(
          new PutLifecyclePolicyCommand({
            repositoryName: id,
            lifecyclePolicyText: JSON.stringify(expireAll),
          }),
        ),
    },
  ],
  replacements: { name: (desired) => ({ ...desired, name: "another" }) },
});

test("repository: it goes with the images in it", async () => {
  const identity = newIdentity("repository");
  const name = repositoryName(identity);
  await repository.create(ctx, identity, { name });
  const imageManifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: "application/vnd.docker.distribution.manifest.v2+json",
    config: {
      mediaType: "application/vnd.docker.container.image.v1+json",
      size: 2,
      digest: `sha256:${"a".repeat(64)}`,
    },
    layers: [],
  });
  await stranger.ecr.send(new PutImageCommand({ repositoryName: name, imageManifest, imageTag: "one" }));

  await repository.remove(ctx, name);

  const gone = new BatchDeleteImageCommand({ repositoryName: name, imageIds: [{ imageTag: "one" }] });
  await assert.rejects(stranger.ecr.send(gone), { name: "RepositoryNotFoundException" });
});

test("repository: one that a stranger gave the name to is refused", async () => {
  const identity = newIdentity("repository");
  const name = repositoryName(identity);
  await stranger.ecr.send(new CreateRepositoryCommand({ repositoryName: name }));

  for (const known of [undefined, name]) {
    await assert.rejects(repository.find(ctx, identity, known), { code: "ForeignResource" });
  }
});
