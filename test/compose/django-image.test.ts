import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { run } from "../../setup/child-process.ts";
import { root } from "../../lib/paths.ts";

const folder = join(root, "dockerfiles", "django");
const read = (name: string): string => readFileSync(join(folder, name), "utf8");

/** Instructions, each on one line. */
const instructions = read("Dockerfile")
  .replaceAll(/^#.*\n/gm, "")
  .replaceAll(/\s*\\\n\s*/g, " ")
  .split("\n")
  .filter((line) => line !== "");
const last = instructions.slice(instructions.lastIndexOf("FROM python"));

describe("the image of Django", () => {
  it("holds packages, the app, and nothing that could install or change them", () => {
    assert.deepEqual(last, [
      "FROM python",
      "RUN groupadd --system --gid 10001 app && useradd --system --uid 10001 --gid app --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin app && install -d -o app -g app -m 0750 /run/secrets",
      "ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1",
      "COPY --from=build /opt/venv /opt/venv",
      "COPY --from=build /app /app",
      "WORKDIR /app",
      "USER 10001:10001",
      "EXPOSE 8000",
      'HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["bash", "/app/probe.sh"]',
      'CMD ["gunicorn", "site_settings.wsgi:application"]',
    ]);
    assert.ok(instructions.includes("RUN python -m venv --without-pip /opt/venv"));
  });

  it("takes only packages whose hashes are locked, and compiles none", () => {
    const install = instructions.find((line) => line.includes("pip --python"));
    assert.match(install ?? "", /install --require-hashes --only-binary :all: -r \/tmp\/requirements\.txt/);
    const locked = read("requirements.txt").split(/\n(?=[a-z])/);
    for (const one of locked.filter((text) => !text.startsWith("#")))
      assert.match(one, /^[\w-]+==[\w.]+[^\n]*\\\n {4}--hash=sha256:[0-9a-f]{64}/);
  });

  it("builds the static files with secrets that end with the build, and lets nobody write the app", () => {
    const collect = instructions.find((line) => line.includes("collectstatic")) ?? "";
    assert.match(collect, /first_secrets \/tmp && .* && rm \/tmp\/django_secret_key \/tmp\/db_password &&/);
    assert.match(collect, /&& chmod -R u=rwX,go=rX \/app$/);
  });

  it("takes neither tests nor a laptop's database along", () => {
    const ignored = read(".dockerignore").trim().split("\n");
    for (const one of ["**/tests", "*.sqlite3", "static-collected", "**/__pycache__"])
      assert.ok(ignored.includes(one), one);
  });
});

describe("the health check of the image", () => {
  /** What the check makes of an app that answers so; undefined closes the connection, "" says nothing for ever. */
  async function check(answer: string | undefined) {
    const asked: string[] = [];
    const server = createServer((socket) => {
      socket.on("error", () => socket.destroy());
      socket.once("data", (chunk) => {
        asked.push(String(chunk));
        if (answer !== "") socket.end(answer ?? "");
      });
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const address = server.address();
    const port = typeof address === "object" ? String(address?.port ?? "") : "";
    const outcome = await run("bash", [join(folder, "probe.sh")], { environment: { PORT: port } });
    server.close();
    return { code: outcome.code, said: outcome.lines.join("\n"), asked };
  }

  it("is content with 200 alone", async () => {
    const body = 'Content-Type: application/json\r\n\r\n{"status": "ready"}';
    const good = await check(`HTTP/1.1 200 OK\r\n${body}`);
    assert.deepEqual(good, {
      code: 0,
      said: 'HTTP/1.1 200 OK {"status": "ready"}',
      asked: ["GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n"],
    });
    assert.equal((await check(`HTTP/1.0 200 OK\r\n${body}`)).code, 0);
    for (const line of [
      "HTTP/1.1 503 Service Unavailable",
      "HTTP/1.1 500 x 200 ",
      "HTTP/1.1 301 Moved",
      "HTTP/1.1 2000 x",
      "SSH-2.0 200 ",
    ])
      assert.equal((await check(`${line}\r\n${body}`)).code, 1, line);
  });

  it("is not content with silence or with nobody", async () => {
    assert.equal((await check(undefined)).code, 1);
    const nobody = await run("bash", [join(folder, "probe.sh")], { environment: { PORT: "9" } });
    assert.equal(nobody.code, 1);
  });
});
