import type { Filter, ResourceType, Tag, TagSpecification } from "@aws-sdk/client-ec2";
import { ownershipTags, stackTag, type Owner, type Tags } from "../owner.ts";

/** All tags of a resource. Ownership is laid over the user's tags last: configuration can't overwrite it. */
export function resourceTags(owner: Owner, userTags: Tags = {}): Tags {
  return { ...userTags, ...ownershipTags(owner) };
}

/** Filters for EC2: this very resource, or everything of a stack. */
export function ownershipFilters(owner: Owner | { readonly stack: string }): Filter[] {
  const tags = "name" in owner ? ownershipTags(owner) : { [stackTag]: owner.stack };
  return Object.entries(tags).map(([key, value]) => ({ Name: `tag:${key}`, Values: [value] }));
}

/** Wanted tags that are missing or differ. What else is there was added by somebody and is theirs. */
export function tagDifferences(desired: Tags, observed: Tags) {
  return Object.entries(desired).flatMap(([key, value]) =>
    valueOf(observed, key) === value
      ? []
      : [
          {
            field: `tags.${key}`,
            desired: value,
            observed: valueOf(observed, key) ?? "missing",
            action: "update" as const,
          },
        ],
  );
}

/** A tag may be called like something that every object has: `constructor`. */
const valueOf = (tags: Tags, key: string): string | undefined =>
  Object.hasOwn(tags, key) ? tags[key] : undefined;

/** Tags as EC2, IAM and S3 write them. */
export function toTagList(tags: Tags): { Key: string; Value: string }[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

/** From any of the shapes that services answer with; ECR's are optional like EC2's. */
export function fromTagList(list: readonly Tag[] | undefined): Tags {
  return Object.fromEntries((list ?? []).map(({ Key = "", Value = "" }) => [Key, Value]));
}

/** For the create calls of EC2, which take the tags of several things that one call makes. */
export function tagSpecifications(tags: Tags, ...types: ResourceType[]): TagSpecification[] {
  return types.map((ResourceType) => ({ ResourceType, Tags: toTagList(tags) }));
}
