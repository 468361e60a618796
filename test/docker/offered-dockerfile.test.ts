import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BerthError } from "../../lib/errors.ts";
import { openSource } from "../../lib/docker/source.ts";
import { type Files, writeSourceFolder } from "./source-folder.ts";

async function refusalOf(files: Files): Promise<BerthError> {
  await using folder = await writeSourceFolder(files);
  const error: unknown = await openSource({ source: folder.path }).catch((thrown: unknown) => thrown);
  assert.ok(error instanceof BerthError);
  assert.equal(error.code, "DockerfileMissing");
  return error;
}

const linesOf = async (files: Files): Promise<readonly string[]> => (await refusalOf(files)).detail;
const manifest = (scripts: object) => JSON.stringify({ name: "x", scripts });

describe("a missing Dockerfile is offered for Node", () => {
  it("with its lock file, its build and its start", async () => {
    const lines = await linesOf({
      "package.json": manifest({ start: "node dist/main.js", build: "tsc" }),
      "package-lock.json": "{}",
    });
    assert.ok(lines.includes("COPY package.json package-lock.json ./"), lines.join("\n"));
    assert.ok(lines.includes("RUN npm ci"));
    assert.ok(lines.includes("RUN npm run build"));
    assert.deepEqual(lines.slice(-2), ["USER node", 'CMD ["node","dist/main.js"]']);
  });

  for (const [scripts, last] of [
    [{ start: "next start" }, 'CMD ["npm","start"]'],
    [{ start: "node a.js && rm -rf /" }, 'CMD ["npm","start"]'],
    [{}, 'CMD ["node","index.js"]'],
  ] as const) {
    it(`without a lock file: ${JSON.stringify(scripts)}`, async () => {
      const lines = await linesOf({ "package.json": manifest(scripts), "index.js": "" });
      assert.ok(lines.includes("COPY package.json ./") && lines.includes("RUN npm install"));
      assert.ok(!lines.includes("RUN npm run build"));
      assert.equal(lines.at(-1), last);
    });
  }

  it("also where package.json is none", async () => {
    for (const text of ["{", "null", "[]", '{"scripts":7}'])
      assert.equal((await linesOf({ "package.json": text })).at(-1), 'CMD ["node","server.js"]');
  });
});

describe("a missing Dockerfile is offered for Python", () => {
  const django = 'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")\n';
  const bound = '"--bind","0.0.0.0:8080","--worker-tmp-dir","/dev/shm"';
  const served = `${bound},"--no-control-socket"`;
  const asked = '"--host","0.0.0.0","--port","8080"';
  for (const [what, files, install, last] of [
    [
      "Django",
      { "requirements.txt": "django\n", "manage.py": django },
      "requirements.txt gunicorn",
      `["gunicorn",${served},"shop.wsgi"]`,
    ],
    [
      "Flask",
      { "requirements.txt": "Flask\ngunicorn==25.1.0\n", "app.py": "site = Flask(__name__)\n" },
      "requirements.txt",
      `["gunicorn",${served},"app:site"]`,
    ],
    [
      "FastAPI",
      { "requirements.txt": "fastapi\n", "main.py": "api: FastAPI = fastapi.FastAPI()\n" },
      "requirements.txt uvicorn",
      `["uvicorn",${asked},"main:api"]`,
    ],
    [
      "a project file",
      { "pyproject.toml": 'dependencies = ["uvicorn"]\n', "main.py": "app = Starlette()\n" },
      "--no-cache-dir .",
      `["uvicorn",${asked},"main:app"]`,
    ],
    [
      "a server of its own",
      { "requirements.txt": "aiohttp\n", "server.py": "run()\n" },
      "requirements.txt",
      '["python","server.py"]',
    ],
  ] as const) {
    it(`with ${what}`, async () => {
      const lines = await linesOf(files);
      assert.ok(
        lines.some((one) => one.startsWith("RUN /opt/venv/bin/pip") && one.endsWith(install)),
        lines.join("\n"),
      );
      assert.deepEqual(lines.slice(-2), ["USER 10001:10001", `CMD ${last}`]);
    });
  }

  for (const [what, files, install, last] of [
    ["nothing but Python", { "app.py": "run()\n" }, undefined, '["python","app.py"]'],
    [
      "Flask",
      { "main.py": "app = Flask(__name__)\n" },
      "RUN /opt/venv/bin/pip install --no-cache-dir flask gunicorn",
      `["gunicorn",${served},"main:app"]`,
    ],
    [
      "Django",
      { "manage.py": django },
      "RUN /opt/venv/bin/pip install --no-cache-dir django gunicorn",
      `["gunicorn",${served},"shop.wsgi"]`,
    ],
  ] as const) {
    it(`without a list of packages, with ${what}`, async () => {
      const lines = await linesOf(files);
      assert.deepEqual(
        lines.find((one) => one.includes("pip install")),
        install,
      );
      assert.equal(lines.at(-1), `CMD ${last}`);
    });
  }

  it("with an option of gunicorn only where no version without it is asked for", async () => {
    for (const [needed, has] of [
      ["gunicorn", true],
      ["gunicorn >= 20, != 21", true],
      ["gunicorn[gevent]~=25.1", true],
      ["gunicorn<27", true],
      ["flask==3.1\nblinker<2", true],
      ["gunicorn[gevent]==23.0.0", false],
      ["Gunicorn ~= 25.0", false],
      ["gunicorn>=20,<25", false],
    ] as const) {
      const lines = await linesOf({ "requirements.txt": `${needed}\n`, "app.py": "app = Flask(__name__)\n" });
      assert.equal(lines.at(-1), `CMD ["gunicorn",${has ? served : bound},"app:app"]`, needed);
    }
  });

  it("with static files collected where the app serves them itself", async () => {
    const lines = (needed: string) => linesOf({ "requirements.txt": needed, "manage.py": django });
    assert.match((await lines("django\nwhitenoise\n")).join("\n"), /manage\.py collectstatic --no-input/);
    assert.doesNotMatch((await lines("django\n")).join("\n"), /collectstatic/);
  });
});

it("a missing Dockerfile is offered for nothing else, and where it is to be saved is said", async () => {
  const other = await refusalOf({ Gemfile: "" });
  assert.deepEqual(other.detail, []);
  assert.match(other.hint ?? "", /^write one there/);
  const module = /^run go mod init app && go mod tidy in that folder/;
  assert.match((await refusalOf({ "main.go": "package main" })).hint ?? "", module);
  assert.match((await refusalOf({ "package.json": "{}" })).hint ?? "", /^save the lines above there/);
});
