import { describe } from "node:test";
import { countingChecks } from "../../../compose/checks/counting.ts";
import { type Fault, tryCheck } from "../fakes/red.ts";
import { roles } from "../fakes/shop.ts";

const list = () => countingChecks(roles);
const all = "host → nginx → web → db";
const front = "nginx → web";

/** One more row than there should be, once `path` is asked for by `method`. */
const countToo = (what: string, path: string, method = "GET"): Fault => [
  what,
  (shop) => {
    const { countsOf } = shop;
    shop.countsOf = (request) =>
      countsOf(request) + (request.url === path && request.method === method ? 1 : 0);
  },
  /rose from 0 to 1 without a view/,
];
const answerTo = (path: string, method = "GET"): Fault => [
  `${method} ${path} is in vain`,
  (shop) => {
    shop.spoil = (answer, request) => {
      if (request.url === path && request.method === method) answer.status = 503;
    };
  },
  new RegExp(`${method === "HEAD" ? "HEAD /" : path} answers 503`),
];

describe("counting", { concurrency: 4 }, () => {
  tryCheck({
    between: all,
    name: "the count rises by one each time",
    list,
    seen: /^0 → 5, and Postgres counts 5$/,
    faults: [
      ["a view counts twice", (shop) => (shop.countsOf = () => 2), /shows 2 where 1 comes next/],
      ["a view counts nothing", (shop) => (shop.countsOf = () => 0), /shows 0 where 1 comes next/],
      [
        "Postgres counts others than the page",
        (shop) => (shop.psql = () => ({ exitCode: 0, output: "0" })),
        /Postgres counts 0, the page 5/,
      ],
      [
        "Postgres says something else",
        (shop) => (shop.psql = () => ({ exitCode: 0, output: "many" })),
        /psql in db says: many/,
      ],
      ["psql fails", (shop) => (shop.psql = () => ({ exitCode: 2, output: "5" })), /psql in db says: 5/],
      [
        "page and header differ",
        (shop) => (shop.spoil = ({ headers }) => (headers["x-page-views"] = "7")),
        /shows the count 1, its header 7/,
      ],
      [
        "the page shows no count",
        (shop) => (shop.spoil = (answer) => (answer.body = "hello")),
        /shows the count nowhere, its header 1/,
      ],
      [
        "the edge can't get an answer",
        (shop) => (shop.spoil = (answer) => (answer.status = 502)),
        /nginx answers 502: it can't get an answer from web/,
      ],
      [
        "the app fails",
        (shop) => (shop.spoil = (answer) => (answer.status = 500)),
        /nginx answers 500 instead of the page/,
      ],
      [
        "the database isn't there",
        (shop) => shop.engine.exit(shop.engine.of("db"), 1),
        /no container of service db runs/,
      ],
      [
        "the edge isn't published",
        (shop) => (shop.engine.of("nginx").info.NetworkSettings.Ports = {}),
        /service nginx publishes no port/,
      ],
    ],
  });

  tryCheck({
    between: front,
    name: "HEAD and health count nothing",
    list,
    seen: /^\/nginx-health, \/livez, \/readyz, HEAD \/$/,
    faults: [
      countToo("HEAD is counted", "/", "HEAD"),
      countToo("the edge's health is counted", "/nginx-health"),
      countToo("life is counted", "/livez"),
      countToo("readiness is counted", "/readyz"),
      answerTo("/nginx-health"),
      answerTo("/livez"),
      answerTo("/readyz"),
      answerTo("/", "HEAD"),
    ],
  });

  const spoilSheet = (
    what: string,
    expected: RegExp,
    headers: Record<string, string>,
    status = 200,
  ): Fault => [
    what,
    (shop) => {
      shop.spoil = (answer, { url }) => {
        if (url === "/static/a.css")
          Object.assign(answer, { status, headers: { ...answer.headers, ...headers } });
      };
    },
    expected,
  ];
  tryCheck({
    between: front,
    name: "static files come through",
    list,
    seen: /^a\.css, 7 bytes$/,
    faults: [
      [
        "there is none",
        (shop) => (shop.spoil = (answer) => (answer.body = '<b id="count">1<')),
        /names no style sheet/,
      ],
      spoilSheet("it isn't found", /a\.css answers 404/, {}, 404),
      spoilSheet("it is no style sheet", /answers 200, text\/html/, { "content-type": "text/html" }),
      spoilSheet("it may not be kept", /may not be kept: no-store/, { "cache-control": "no-store" }),
    ],
  });

  tryCheck({
    between: front,
    name: "a wrong Host is refused",
    list,
    seen: /^400, and nothing is counted$/,
    faults: [
      [
        "it is served",
        (shop) => {
          shop.spoil = (answer, { headers }) => {
            if (headers.host === "evil.example") answer.status = 200;
          };
        },
        /is answered with 200 instead of 400/,
      ],
      ["it is counted", (shop) => (shop.countsOf = () => 1), /a refused request was counted/],
    ],
  });

  tryCheck({
    between: front,
    name: "visitors can't forge what the app trusts",
    list,
    seen: /overwritten/,
    faults: [
      [
        "the visitor's key makes two views one",
        (shop) => {
          const keys = new Set<unknown>();
          shop.countsOf = ({ headers }) => {
            const key = headers["x-attempt-key"];
            const isNew = key === undefined || !keys.has(key);
            keys.add(key);
            return isNew ? 1 : 0;
          };
        },
        /X-Attempt-Key reached web: 1, then 1/,
      ],
      [
        "the visitor's scheme is believed",
        (shop) => {
          shop.spoil = (answer, { headers }) => {
            if (headers["x-forwarded-proto"] === "gopher") answer.body = "";
          };
        },
        /shows the count nowhere/,
      ],
    ],
  });

  tryCheck({
    between: front,
    name: "a request keeps its id, and is logged",
    list,
    seen: /^upstream_status 200 in the log of nginx$/,
    faults: [
      [
        "it gets another one",
        (shop) => (shop.spoil = ({ headers }) => (headers["x-request-id"] = "other")),
        /sent id smoke-.*, got other/,
      ],
      [
        "it has no upstream in the log",
        (shop) => {
          shop.spoil = (_, { headers }) => {
            const { log } = shop.engine.of("nginx");
            log.push(JSON.stringify({ request_id: headers["x-request-id"], upstream_status: "" }));
            log.splice(0, log.length - 1);
          };
        },
        /no line with this id and an upstream status/,
      ],
      [
        "it isn't logged",
        (shop) => {
          shop.timeoutMs = 2000;
          shop.spoil = () => void shop.engine.of("nginx").log.splice(0);
        },
        /no line with this id and an upstream status/,
      ],
    ],
  });

  const without = (name: string): Fault => [
    `${name} is missing`,
    (shop) => (shop.spoil = ({ headers }) => void Reflect.deleteProperty(headers, name)),
    new RegExp(`the header ${name} is missing`),
  ];
  tryCheck({
    between: "host → nginx",
    name: "security headers, each once",
    list,
    seen: /^6 headers, no version$/,
    faults: [
      without("content-security-policy"),
      without("x-content-type-options"),
      without("x-frame-options"),
      without("referrer-policy"),
      without("cross-origin-opener-policy"),
      without("permissions-policy"),
      [
        "one is sent twice",
        (shop) => (shop.spoil = ({ headers }) => (headers["x-frame-options"] = ["DENY", "DENY"])),
        /x-frame-options is sent twice: DENY, DENY/,
      ],
      [
        "the version is told",
        (shop) => (shop.spoil = ({ headers }) => (headers["server"] = "nginx/1.30")),
        /Server: nginx\/1\.30 tells the version/,
      ],
    ],
  });
});
