import { request } from "node:https";
import { text } from "node:stream/consumers";
import { machineCalls, region, s3Host, unsignedCalls, type MachineTarget } from "./machine-calls.ts";
import { signCall, type RawAnswer, type RawCall } from "./signed-call.ts";

export interface MachineAttack {
  readonly name: string;
  /** As `describeAnswer` tells it. */
  readonly expected: string;
  readonly attempt: (target: MachineTarget) => Promise<RawAnswer>;
}

export const machineAttacks: readonly MachineAttack[] = [
  ...machineCalls.map(
    ({ name, expected, host, service, method = "GET", url = "/", headers = {}, body, key }) => ({
      name,
      expected,
      attempt: async (target: MachineTarget) => {
        const call = { method, url, headers: { ...headers, host }, ...(body === undefined ? {} : { body }) };
        return sendToMachineGateway(
          target,
          await signCall(call, { service, region, credentials: key?.(target) ?? target.role }),
        );
      },
    }),
  ),
  ...unsignedCalls.map(({ name, expected, call }) => ({
    name,
    expected,
    attempt: (target: MachineTarget) => sendToMachineGateway(target, call),
  })),
];

export async function sendToMachineGateway(
  { address, port, authority }: Pick<MachineTarget, "address" | "port" | "authority">,
  { method, url, headers, body }: RawCall,
): Promise<RawAnswer> {
  const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
  const name = (headers["host"] ?? "").endsWith(".amazonaws.com") ? headers["host"] : s3Host;
  const sent = request({
    host: address,
    port,
    method,
    path: url,
    agent: false,
    ca: authority,
    ...(name === undefined ? {} : { servername: name }),
    headers: { ...length, ...headers },
  });
  return new Promise((resolve, reject) => {
    sent.once("error", reject);
    sent.once("response", (response) => {
      const { statusCode: status = 0, headers: answered } = response;
      text(response).then((said) => resolve({ status, headers: answered, body: said }), reject);
    });
    sent.end(body);
  });
}
