import { z } from "zod";

/**
 * Every service gets the same tags, so the rules are the strictest of all that read them: IAM allows the fewest characters
 * (https://docs.aws.amazon.com/IAM/latest/APIReference/API_Tag.html) and ignores the case of keys
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html), and AWS Billing reserves `aws:` in values too
 * (https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/allocation-tag-restrictions.html).
 */
const tagText = (what: string, max: number) =>
  z
    .string()
    .min(1, `a tag needs a ${what}`)
    .max(max, `AWS takes at most ${max} characters in a tag's ${what}`)
    .regex(
      /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u,
      "AWS takes letters, digits, spaces and _ . : / = + - @ in a tag",
    );

const key = tagText("name", 128).refine(
  (text) => !/^(aws|berth):/i.test(text),
  "tags that start with aws: or berth: are reserved",
);

const value = tagText("value", 256).refine(
  (text) => !/^aws:/i.test(text),
  "values that start with aws: are reserved",
);

/** Berth names each resource by a tag of this key; a user's tag of the same key replaces it. */
const nameKey = "Name";

export const tags = z
  .record(key, value)
  .refine((all) => Object.keys(all).length <= 40, "AWS takes 50 tags a resource, of which Berth keeps ten")
  .superRefine((all, context) => {
    const known = new Map([[nameKey.toLowerCase(), nameKey]]);
    for (const one of Object.keys(all)) {
      const other = known.get(one.toLowerCase()) ?? one;
      known.set(one.toLowerCase(), other);
      if (other === one) continue;
      const why = other === nameKey ? "Berth sets the tag" : "there is the tag";
      context.addIssue({
        code: "custom",
        path: [one],
        message: `${why} ${other}, and IAM takes both for the same; write ${other}`,
      });
    }
  })
  .default({});
