import { describe } from "node:test";
import { drainingChecks } from "../../../compose/checks/draining.ts";
import { recoveryChecks } from "../../../compose/checks/recovery.ts";
import { replicaChecks } from "../../../compose/checks/replicas.ts";
import { tryCheck } from "../fakes/red.ts";
import { roles } from "../fakes/shop.ts";

// Each of these is red only after the check has waited for as long as it is willing to.
describe("what never comes", { concurrency: 8 }, () => {
  tryCheck({
    between: "nginx → web",
    name: "one web killed: service returns",
    list: () => recoveryChecks(roles),
    seen: /requests failed/,
    faults: [
      [
        "a killed one isn't started again",
        (shop) => (shop.restarts = false),
        /a killed container was not started again: it is exited/,
      ],
      [
        "visitors never get a page",
        (shop) => (shop.spoil = (answer) => (answer.status = 503)),
        /not 3 pages in a row within 20 s/,
      ],
      [
        "visitors get no page any more",
        (shop) => {
          shop.spoil = (answer) => {
            if (shop.engine.of("web").info.State.StartedAt !== "start 3") answer.status = 503;
          };
        },
        /not 20 pages in a row within 20 s/,
      ],
    ],
  });
  tryCheck({
    between: "nginx → 3 × web",
    name: "three replicas share the work, nginx not restarted",
    list: () => replicaChecks(roles),
    cluster: ({ own }) => own,
    seen: /views/,
    faults: [
      [
        "one is asked nothing",
        (shop) => {
          shop.spoil = ({ headers }) => {
            if (headers["x-served-by"] === "/fake-web-3") headers["x-served-by"] = "/fake-web-1";
          };
        },
        /only 2 of 3 replicas serve requests/,
      ],
    ],
  });
  tryCheck({
    between: "nginx → web",
    name: "every web stopped: requests in flight are answered",
    list: () => drainingChecks(roles),
    seen: /answered/,
    faults: [
      [
        "views don't wait for the lock",
        (shop) => {
          shop.psql = (query) =>
            query.includes("granted = false") ? { exitCode: 0, output: "5" } : undefined;
        },
        /5 of 6 views reached the database in time/,
      ],
    ],
  });
});
