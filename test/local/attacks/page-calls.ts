import { ec2Call, post, type ForbiddenCall } from "./forbidden-call.ts";
import { signCall } from "./signed-call.ts";

const foreignOrigin = "https://page.example";

/** Calls that a web page in this user's browser can send. */
export const callsOfPages: readonly ForbiddenCall[] = [
  {
    name: "a page's simple POST empties the emulator",
    expected: "403",
    call: ({ host }) =>
      post("/moto-api/reset", { host, origin: foreignOrigin, "content-type": "text/plain" }),
  },
  {
    name: "a page's form calls an operation",
    expected: "403",
    call: ({ host }) => ({ ...ec2Call(host), headers: { ...ec2Call(host).headers, origin: foreignOrigin } }),
  },
  {
    name: "a page without an origin of its own",
    expected: "403",
    call: ({ host }) => post("/moto-api/reset", { host, origin: "null", "content-type": "text/plain" }),
  },
  {
    name: "a page asks beforehand whether it may",
    expected: "403",
    call: ({ host }) => ({
      method: "OPTIONS",
      url: "/",
      headers: { host, origin: foreignOrigin, "access-control-request-method": "POST" },
    }),
  },
  {
    name: "a page's call that is even signed rightly",
    expected: "403",
    call: async (own) => {
      const call = await signCall(ec2Call(own.host), { ...own, service: "ec2" });
      return { ...call, headers: { ...call.headers, origin: foreignOrigin } };
    },
  },
  {
    name: "a page by a name of its own that leads here",
    expected: "403",
    call: async (own) => signCall(ec2Call("page.example"), { ...own, service: "ec2" }),
  },
  {
    name: "a page by another name of this computer",
    expected: "403",
    call: async (own) => signCall(ec2Call(`localhost:${own.port}`), { ...own, service: "ec2" }),
  },
];
