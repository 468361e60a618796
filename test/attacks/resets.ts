import { CreateBucketCommand, HeadBucketCommand } from "@aws-sdk/client-s3";
import { region } from "../commands/stack.ts";
import type { Attack } from "./attack.ts";
import { askAll, askAsOther, page, type Request } from "./local-aws.ts";
import type { Target } from "./target.ts";

async function reset(
  target: Target,
  Bucket: string,
  send: (sent: Request) => Promise<string>,
): Promise<string> {
  const { s3 } = target.clients;
  await s3.send(
    new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: region } }),
  );
  await send({ method: "POST", path: "/moto-api/reset", headers: { "content-type": "text/plain" } });
  await send({ method: "POST", path: "/_ministack/reset", headers: { "content-type": "text/plain" } });
  try {
    await s3.send(new HeadBucketCommand({ Bucket }));
    return "everything is still there";
  } catch {
    return "everything is gone";
  }
}

/** Empties the embedded AWS where it succeeds. */
export const resets: readonly Attack[] = [
  {
    from: "other-user",
    name: "embedded AWS: reset",
    expected: "everything is still there",
    attempt: (target) => reset(target, "berth-reset-other", (sent) => askAsOther(target, sent)),
    alone: true,
  },
  {
    from: "web-page",
    name: "embedded AWS: reset",
    expected: "everything is still there",
    attempt: (target) =>
      reset(target, "berth-reset-page", (sent) =>
        askAll(target, { ...sent, headers: { ...sent.headers, ...page } }),
      ),
    alone: true,
  },
];
