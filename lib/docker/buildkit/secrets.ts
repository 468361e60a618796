import { type sendUnaryData, type ServerUnaryCall, status as codes } from "@grpc/grpc-js";
import { z } from "zod";
import { describeMethod } from "./protocol.ts";
import type { Method } from "./session.ts";

const request = z.object({ ID: z.string().default("") });
type Asked = z.output<typeof request>;

interface Answer {
  readonly data: Buffer;
}

/** Gives BuildKit the secrets for which a step asks by `RUN --mount=type=secret,id=…`. */
export function secretsOf(values: ReadonlyMap<string, Buffer>): Method {
  return {
    definition: describeMethod<Asked, Answer>("moby.buildkit.secrets.v1.Secrets", "GetSecret", request),
    answer: ({ request: { ID } }: ServerUnaryCall<Asked, Answer>, reply: sendUnaryData<Answer>) => {
      const data = values.get(ID);
      if (data !== undefined) reply(null, { data });
      // BuildKit leaves out a secret that isn't found, unless the step requires it.
      else reply({ code: codes.NOT_FOUND, details: `app.build.secrets has no ${ID}` });
    },
  };
}
