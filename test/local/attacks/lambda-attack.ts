import { zipSync, strToU8 } from "fflate";
import type { Endpoints } from "../../../lib/aws/clients.ts";
import { describeAnswer } from "./forbidden-call.ts";
import { sendRaw } from "./signed-call.ts";

/**
 * Has Lambda run a program that writes the file, as anybody could who reaches the emulator: nothing is signed. Returns what was
 * answered to the creation and to the invocation; the file tells whether it ran.
 */
export async function runCodeByLambda(endpoints: Endpoints, marker: string): Promise<string[]> {
  const source = `def run(event, context):\n    open(${JSON.stringify(marker)}, "w").write("ran")\n    return "ran"\n`;
  const ZipFile = Buffer.from(zipSync({ "own.py": strToU8(source) })).toString("base64");
  const FunctionName = "attack";
  const create = {
    FunctionName,
    Runtime: "python3.11",
    Handler: "own.run",
    Role: "arn:aws:iam::123456789012:role/any",
    Code: { ZipFile },
  };
  const { port, host } = new URL(endpoints.ecr);
  const send = async (url: string, body: string) =>
    describeAnswer(
      await sendRaw(Number(port), {
        method: "POST",
        url,
        headers: { host, "content-type": "application/json" },
        body,
      }),
    );
  const created = await send("/2015-03-31/functions", JSON.stringify(create));
  const invoked = await send(`/2015-03-31/functions/${FunctionName}/invocations`, "{}");
  return [created, invoked];
}
