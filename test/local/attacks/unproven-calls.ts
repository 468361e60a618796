import { ec2Call, post, type ForbiddenCall } from "./forbidden-call.ts";
import { presignCall, signCall } from "./signed-call.ts";

/** Calls without proof that this user made them. */
export const unprovenCalls: readonly ForbiddenCall[] = [
  { name: "a call that nobody signed", expected: "403 AccessDenied", call: ({ host }) => ec2Call(host) },
  {
    name: "a call signed with the keys of old, which anybody knows",
    expected: "403 AuthFailure",
    call: ({ host }) => {
      const credentials = { accessKeyId: "berth-local", secretAccessKey: "berth-local" };
      return signCall(ec2Call(host), { credentials, service: "ec2" });
    },
  },
  {
    name: "a call signed with another secret",
    expected: "403 AuthFailure",
    call: ({ host, credentials }) =>
      signCall(ec2Call(host), {
        credentials: { ...credentials, secretAccessKey: "guessed" },
        service: "ec2",
      }),
  },
  {
    name: "a call signed an hour ago",
    expected: "403 RequestExpired",
    call: (own) => signCall(ec2Call(own.host), { ...own, service: "ec2", signedAt: minutesFromNow(-60) }),
  },
  {
    name: "a call signed for an hour from now",
    expected: "403 RequestExpired",
    call: (own) => signCall(ec2Call(own.host), { ...own, service: "ec2", signedAt: minutesFromNow(60) }),
  },
  {
    name: "a call that was signed for another host",
    expected: "403 AuthFailure",
    call: async (own) => {
      const call = await signCall(ec2Call("ec2.eu-central-1.amazonaws.com"), { ...own, service: "ec2" });
      return { ...call, headers: { ...call.headers, host: own.host } };
    },
  },
  {
    name: "a call whose body was changed after it was signed",
    expected: "403 AuthFailure",
    call: async (own) => {
      const call = await signCall(ec2Call(own.host), { ...own, service: "ec2" });
      return { ...call, body: "Action=DescribeAddresses&Version=2016-11-15" };
    },
  },
  {
    name: "a call whose body and its hash were changed after it was signed",
    expected: "403 AuthFailure",
    call: async (own) => {
      const call = await signCall(ec2Call(own.host), { ...own, service: "ec2" });
      const other = await signCall(ec2Call(own.host, "Action=DescribeAddresses"), { ...own, service: "ec2" });
      const hash = "x-amz-content-sha256";
      return {
        ...call,
        body: other.body ?? "",
        headers: { ...call.headers, [hash]: other.headers[hash] ?? "" },
      };
    },
  },
  {
    name: "a call that was given another target after it was signed",
    expected: "400 IncompleteSignatureException",
    call: async (own) => {
      const call = await signCall(post("/", { host: own.host }, "{}"), { ...own, service: "ecr" });
      const target = "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories";
      return { ...call, headers: { ...call.headers, "x-amz-target": target } };
    },
  },
  {
    name: "a call whose query was changed after it was signed",
    expected: "403 SignatureDoesNotMatch",
    call: async (own) => {
      const call = await signCall(
        { method: "GET", url: "/bucket", headers: { host: own.host } },
        { ...own, service: "s3" },
      );
      return { ...call, url: "/bucket?policy" };
    },
  },
  {
    name: "an object whose bytes aren't those that were signed",
    expected: "403 XAmzContentSHA256Mismatch",
    call: async (own) => {
      const call = { method: "PUT", url: "/attacked/key", headers: { host: own.host }, body: "signed" };
      return { ...(await signCall(call, { ...own, service: "s3" })), body: "forged" };
    },
  },
  {
    name: "a presigned URL that has had its time",
    expected: "403 RequestTimeTooSkewed",
    call: (own) =>
      presignCall(
        { method: "GET", url: "/attacked/kept", headers: { host: own.host } },
        { ...own, service: "s3", signedAt: minutesFromNow(-5) },
      ),
  },
  {
    name: "a presigned URL for another object",
    expected: "403 SignatureDoesNotMatch",
    call: async (own) => {
      const signed = await presignCall(
        { method: "GET", url: "/attacked/other", headers: { host: own.host } },
        { ...own, service: "s3" },
      );
      return { ...signed, url: signed.url.replace("other", "kept") };
    },
  },
];

const minutesFromNow = (minutes: number): Date => new Date(Date.now() + minutes * 60_000);
