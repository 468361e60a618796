import type { PlanHead } from "../../lib/report/shown-plan.ts";

/** The head of a plan, for tests that are about something else. */
export const sampleHead: PlanHead = {
  account: "123456789012",
  accountAlias: "acme-test",
  isLocal: false,
  caller: "arn:aws:iam::123456789012:user/ann",
  region: "eu-central-1",
  stack: "hello",
  instanceType: "t3.micro",
  diskGib: 8,
  machineImage: "debian-13 (ami-0123456789abcdef0)",
  ingress: ["tcp/80 from 0.0.0.0/0"],
  image: "berth/hello:src-0123456789abcdef",
  commit: "75ba0eba96341f0e2d3c4b5a69788796a5b4c3d2",
  uncommitted: [],
  cost: { monthlyUsd: 13.96, text: "about $13.96 a month" },
};
