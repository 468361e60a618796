import type { Filter, ResourceType, Tag, TagSpecification } from "@aws-sdk/client-ec2";
import { ownershipTags, stackTag, type Owner, type Tags } from "../owner.ts";

/** All tags of a resource. The ownership tags come last, so that configuration can't overwrite them. */
export function resourceTags(owner: Owner, userTags: Tags = {}): Tags {
  return { ...userTags, ...ownershipTags(owner) };
}

/** EC2 filters for one resource, or for everything of a stack. */
export function ownershipFilters(owner: Owner | { readonly stack: string }): Filter[] {
  const tags = "name" in owner ? ownershipTags(owner) : { [stackTag]: owner.stack };
  return Object.entries(tags).map(([key, value]) => ({ Name: `tag:${key}`, Values: [value] }));
}

/** The desired tags that are missing or differ. Other tags were added by somebody else and are left alone. */
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

/** Reads own properties only: a tag may have the name of an inherited property, such as `constructor`. */
const valueOf = (tags: Tags, key: string): string | undefined =>
  Object.hasOwn(tags, key) ? tags[key] : undefined;

/** Tags as EC2, IAM and S3 write them. */
export function toTagList(tags: Tags): { Key: string; Value: string }[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

/** Reads tags from any shape that services answer with. ECR's fields are optional, like EC2's. */
export function fromTagList(list: readonly Tag[] | undefined): Tags {
  return Object.fromEntries((list ?? []).map(({ Key = "", Value = "" }) => [Key, Value]));
}

/** Tags for EC2's create calls, which take tags for each type of resource that one call creates. */
export function tagSpecifications(tags: Tags, ...types: ResourceType[]): TagSpecification[] {
  return types.map((ResourceType) => ({ ResourceType, Tags: toTagList(tags) }));
}
