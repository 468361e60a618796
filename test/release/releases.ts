import type { Content } from "../../lib/release/schema.ts";

export const content: Content = {
  image: "registry/app@sha256:1",
  port: 8080,
  replicas: 2,
  memoryMib: 128,
  startSeconds: 60,
  volumes: { uploads: "/app/uploads" },
  dataVolume: "vol-0123456789abcdef0",
  stopSeconds: 10,
  environment: { MODE: "fast" },
  logGroup: "/berth/shop",
  shell: true,
  secrets: { DATABASE_URL: "ssm:/shop/database-url:3" },
  edge: {
    bodyMib: 10,
    answerSeconds: 60,
    idleSeconds: 60,
    drainSeconds: 30,
    headerKib: 32,
    underscores: "drop",
    trustedProxies: [],
  },
  user: "1000:1000",
  writable: false,
  tmpMib: 64,
  command: ["serve", "--fast"],
  releaseCommand: ["migrate"],
  rollbackWhenWorse: false,
  health: { path: "/healthz", status: "200-399", timeoutSeconds: 5 },
};

export const at = "2026-11-21T10:00:00.000Z";
export const published = { number: 4, ...content, at, by: "ann" };
