import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { openEdge } from "../../../compose/page.ts";
import { roles, Shop } from "../fakes/shop.ts";

/** The name under which the edge is visited, while the app has this environment. */
async function readHost(environment: string[]): Promise<string> {
  await using shop = await Shop.open();
  for (const { info } of shop.engine.allOf("web")) info.Config.Env = environment;
  let host = "";
  shop.spoil = (_, { headers }) => (host = headers.host ?? "");
  const visit = await openEdge(shop.cluster, roles);
  await visit("/");
  return host.replace(String(shop.port), "PORT");
}

describe("a visit goes under a name that the app accepts", () => {
  const here = "127.0.0.1:PORT";
  const cases: readonly (readonly [string, string])[] = [
    ["", here],
    ["my.host, other.host", "my.host"],
    [".my.host", "my.host"],
    ["my.host,127.0.0.1", here],
    ["*", here],
  ];
  for (const [accepted, expected] of cases)
    test(`of "${accepted}"`, async () => {
      assert.equal(await readHost(["A=b", `DJANGO_ALLOWED_HOSTS=${accepted}`]), expected);
    });

  test("without such a variable", async () => assert.equal(await readHost([]), here));

  test("or under the one that a check names", async () => {
    await using shop = await Shop.open();
    shop.engine.of("web").info.Config.Env = ["DJANGO_ALLOWED_HOSTS=my.host"];
    const visit = await openEdge(shop.cluster, roles);
    assert.equal((await visit("/", { headers: { Host: "evil.example" } })).status, 400);
  });
});
