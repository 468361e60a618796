import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { explainTrouble } from "../../../compose/trouble.ts";
import { Shop } from "../fakes/shop.ts";

const noMigrations = '503 {"status": "not ready", "migrations_missing": ["a.0001", "b.0002"]}';

async function explain(shop: Shop, service: string, reason = "unhealthy") {
  const { code, message, hint, detail, resource } = await explainTrouble(shop.cluster, {
    service,
    state: "failed",
    reason,
  });
  assert.equal(resource, service);
  return { code, message, hint: hint ?? "", detail };
}

/** A database of version 17 on the files of another one. */
function giveOldVolume({ engine }: Shop, version: string): void {
  const db = engine.of("db");
  db.info.Config.Env = ["PG_MAJOR=17", "PGDATA=/data/pg"];
  db.info.Mounts = [{ Type: "volume", Name: "shop_db-data", Destination: "/data" }];
  db.files.set("/data/pg/PG_VERSION", `${version}\n`);
}

describe("the reason of a trouble", { concurrency: 4 }, () => {
  test("is the files of another Postgres", async () => {
    await using shop = await Shop.open();
    giveOldVolume(shop, "15");
    const { code, message, hint } = await explain(shop, "db");
    assert.equal(code, "OldDatabaseVolume");
    assert.equal(
      message,
      "service db: unhealthy. The volume shop_db-data was made by PostgreSQL 15, and the image is PostgreSQL 17",
    );
    assert.match(hint, /go back to postgres:15/);
  });

  test("isn't the files of the same Postgres, nor of the database when another service is ill", async () => {
    await using shop = await Shop.open();
    giveOldVolume(shop, "17");
    assert.equal((await explain(shop, "db")).code, "ServiceNotReady");
    giveOldVolume(shop, "15");
    assert.equal((await explain(shop, "web")).code, "ServiceNotReady");
    shop.engine.of("db").files.clear();
    assert.equal((await explain(shop, "db")).code, "ServiceNotReady");
  });

  test("is migrations that are missing, in the app's own words", async () => {
    await using shop = await Shop.open();
    const { code, message, hint } = await explain(shop, "web", noMigrations);
    assert.equal(code, "MigrationsMissing");
    assert.match(message, /the database lacks migrations: a\.0001, b\.0002$/);
    assert.equal(
      hint,
      "docker-compose -f /fake/docker-compose.yml -p fake run --rm migrate; and see why service migrate didn't make them",
    );
    for (const other of ["unhealthy: {", "{odd}", '{"migrations": 1}'])
      assert.equal((await explain(shop, "web", other)).code, "ServiceNotReady", other);
  });

  test("is a refused password, by its SQLSTATE in the database's log", async () => {
    await using shop = await Shop.open();
    const { log } = shop.engine.of("db");
    log.push("2026 [1] 00000 pageviews said: [22] or 28P01 or not");
    assert.equal((await explain(shop, "web")).code, "ServiceNotReady");
    log.push("2026-11-26 12:00:00.123 UTC [1] 28P01 pageviews@pageviews 10.0.0.2 [unknown]");
    const { code, hint } = await explain(shop, "web");
    assert.equal(code, "DatabasePasswordRefused");
    assert.equal(hint, "compare the password that db has with the one that the app is given");
    const volumes = ["/repository/compose/db/set-app-password.sh:/opt/set-app-password.sh:ro"];
    Object.assign(shop.file.resolved.services, { db: { volumes } });
    assert.match(
      (await explain(shop, "web")).hint,
      /^docker-compose -f \/fake\/docker-compose\.yml -p fake exec db bash \/opt\/set-app-password\.sh gives it/,
    );
  });

  test("names no cluster that is gone when it is read", async () => {
    await using shop = await Shop.open();
    const verdict = { service: "web", state: "failed", reason: noMigrations } as const;
    const { hint } = await explainTrouble(shop.own, verdict);
    assert.equal(hint, "see why service migrate didn't make them");
    const other = await explainTrouble(shop.own, { ...verdict, reason: "odd" });
    assert.equal(
      other.hint,
      "npm run smoke -- --file /fake/docker-compose.yml --keep leaves the cluster running, so that you can look at web",
    );
    assert.equal(
      (await explain(shop, "web", "odd")).hint,
      "docker-compose -f /fake/docker-compose.yml -p fake logs web shows all of its log",
    );
  });

  test("comes with a readable log from a container with a terminal too", async () => {
    await using shop = await Shop.open();
    const web = shop.engine.of("web");
    web.info.Config.Tty = true;
    web.log.push("why");
    assert.deepEqual((await explain(shop, "web")).detail, ["why"]);
  });

  test("comes with the end of the log of the container that was judged", async () => {
    await using shop = await Shop.open();
    const [first, second] = shop.engine.allOf("web");
    assert.ok(first && second);
    first.log.push("of the first");
    second.log.push(...Array.from({ length: 20 }, (_, at) => `line ${at}`), "\u001B[31mred\u001B[0m  ");
    const verdict = { service: "web", state: "failed", reason: "odd", container: second.info.Id } as const;
    const { detail } = await explainTrouble(shop.cluster, verdict);
    assert.equal(detail.length, 15);
    assert.equal(detail.at(-1), "red");
    assert.equal(detail[0], "line 6");
    assert.deepEqual((await explain(shop, "web")).detail, ["of the first"]);
  });
});
