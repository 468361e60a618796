import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { readLimited } from "../limited-file.ts";

const nodeImage = "node:20-trixie-slim";
const pythonImage = "python:3.13-slim-trixie";

const pythonEntries = ["app.py", "main.py", "server.py", "wsgi.py", "asgi.py"];

/** More than any of the files that are looked at has. They may be a stranger's. */
const mostBytes = 256 * 1024;

/**
 * The lines of a Dockerfile that fits what lies in the folder, to start from. Undefined if it looks like neither Node nor
 * Python. It runs nothing of the folder, and takes only plain words out of it.
 */
export async function offerDockerfile(folder: string): Promise<readonly string[] | undefined> {
  const names = new Set(await readdir(folder).catch(() => []));
  if (names.has("package.json")) return offerForNode(folder, names);
  const isPython = ["requirements.txt", "pyproject.toml", "manage.py", ...pythonEntries].some((one) =>
    names.has(one),
  );
  return isPython ? offerForPython(folder, names) : undefined;
}

async function offerForNode(folder: string, names: ReadonlySet<string>): Promise<string[]> {
  const manifest = await read(folder, "package.json");
  const scripts = recordAt(parse(manifest), "scripts");
  const isLocked = names.has("package-lock.json") || names.has("npm-shrinkwrap.json");
  const build = typeof scripts["build"] === "string" ? ["RUN npm run build"] : [];
  return [
    `FROM ${nodeImage} AS build`,
    "WORKDIR /app",
    `COPY ${["package.json", "package-lock.json", "npm-shrinkwrap.json"].filter((one) => names.has(one)).join(" ")} ./`,
    `RUN npm ${isLocked ? "ci" : "install"}`,
    "COPY . .",
    ...build,
    "RUN npm prune --omit=dev && chmod -R u=rwX,go=rX /app",
    "",
    `FROM ${nodeImage}`,
    "ENV NODE_ENV=production",
    "WORKDIR /app",
    "COPY --from=build /app /app",
    "USER node",
    `CMD ${JSON.stringify(startOfNode(scripts["start"], names))}`,
  ];
}

/** Node itself where the start script is nothing else: npm would only stand between it and its signals. */
function startOfNode(start: unknown, names: ReadonlySet<string>): readonly string[] {
  if (typeof start === "string")
    return /^node( [\w./=-]+)+$/.test(start) ? start.split(" ") : ["npm", "start"];
  const main = ["server.js", "index.js", "app.js", "main.js"].find((one) => names.has(one));
  return ["node", main ?? "server.js"];
}

async function offerForPython(folder: string, names: ReadonlySet<string>): Promise<string[]> {
  const isListed = names.has("requirements.txt");
  const isProject = !isListed && names.has("pyproject.toml");
  const needed = await read(folder, isListed ? "requirements.txt" : "pyproject.toml");
  const server = await findServer(folder, names, needed);
  const has = (name: string) => new RegExp(`(^|["'\\s])${name}\\b`, "im").test(needed);
  const more = server.package === undefined || has(server.package) ? "" : ` ${server.package}`;
  // The app lies in /app, as in the next stage: an environment remembers its paths.
  const install = isListed
    ? [
        "COPY requirements.txt ./",
        `RUN /opt/venv/bin/pip install --no-cache-dir --requirement requirements.txt${more}`,
      ]
    : [];
  const packages = isProject ? `.${more}` : [server.framework ?? "", more].join("").trim();
  const installAll =
    isListed || packages === "" ? [] : [`RUN /opt/venv/bin/pip install --no-cache-dir ${packages}`];
  const collect =
    names.has("manage.py") && has("whitenoise")
      ? ["RUN /opt/venv/bin/python manage.py collectstatic --no-input"]
      : [];
  return [
    `FROM ${pythonImage} AS build`,
    "RUN python -m venv /opt/venv",
    "WORKDIR /app",
    ...install,
    "COPY . .",
    ...installAll,
    ...collect,
    "RUN chmod -R u=rwX,go=rX /app",
    "",
    `FROM ${pythonImage}`,
    "ENV PATH=/opt/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1",
    "WORKDIR /app",
    "COPY --from=build /opt/venv /opt/venv",
    "COPY --from=build /app /app",
    "USER 10001:10001",
    `CMD ${JSON.stringify(server.command)}`,
  ];
}

interface Server {
  /** What has to be installed for it; absent if the app is its own server. */
  readonly package?: string;
  /** The package that the app's code imports. */
  readonly framework?: string;
  readonly command: readonly string[];
}

/** The default of app.port. */
const port = "8080";

/**
 * The disk is read-only: gunicorn keeps its files in memory. It has a socket for commands since 25.1; older ones end at the
 * option that turns that off.
 */
function gunicorn(app: string, needed: string): Server {
  const [, major, minor = "0"] =
    /(?:^|["'\s])gunicorn\b[^#\n"']*?(?:[=~]=|<=?)\s*(\d+)(?:\.(\d+))?/im.exec(needed) ?? [];
  const isOld = major !== undefined && Number(major) + Number(minor) / 100 < 25.01;
  const socket = isOld ? [] : ["--no-control-socket"];
  return {
    package: "gunicorn",
    command: ["gunicorn", "--bind", `0.0.0.0:${port}`, "--worker-tmp-dir", "/dev/shm", ...socket, app],
  };
}

const uvicorn = (app: string): Server => ({
  package: "uvicorn",
  command: ["uvicorn", "--host", "0.0.0.0", "--port", port, app],
});

async function findServer(folder: string, names: ReadonlySet<string>, needed: string): Promise<Server> {
  if (names.has("manage.py")) {
    // As Django writes it; elsewhere it may stand in quotes of its own.
    const settings = /DJANGO_SETTINGS_MODULE["'],\s*["']([\w.]+)\.settings\b/.exec(
      await read(folder, "manage.py"),
    );
    return { ...gunicorn(`${settings?.[1] ?? "config"}.wsgi`, needed), framework: "django" };
  }
  const files = pythonEntries.filter((one) => names.has(one));
  for (const file of files) {
    const [, name, kind = ""] =
      /^(\w+)\s*(?::[^=\n]+)?=\s*(?:\w+\.)?(Flask|FastAPI|Starlette)\(/m.exec(await read(folder, file)) ?? [];
    if (name === undefined) continue;
    const app = `${file.slice(0, -".py".length)}:${name}`;
    return { ...(kind === "Flask" ? gunicorn(app, needed) : uvicorn(app)), framework: kind.toLowerCase() };
  }
  if (/^(flask|gunicorn)\b/im.test(needed) && files.length > 0)
    return gunicorn(`${files[0]?.slice(0, -3)}:app`, needed);
  return { command: ["python", files[0] ?? "main.py"] };
}

/** Empty for a file that can't be read: the offer is only a start. */
async function read(folder: string, name: string): Promise<string> {
  const bytes = await readLimited(join(folder, name), mostBytes).catch(() => Buffer.alloc(0));
  return bytes.toString("utf8");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function recordAt(from: unknown, key: string): Record<string, unknown> {
  const isRecord = (value: unknown): value is Record<string, unknown> =>
    typeof value === "object" && value !== null;
  const found = isRecord(from) ? from[key] : undefined;
  return isRecord(found) ? found : {};
}
