/** The names that users bring along from Compose, Kamal, SST and others, by what they are called here. */
const namesHere: Readonly<Record<string, readonly string[]>> = {
  stack: ["name", "appname", "project", "projectname", "service"],
  "app.source": ["context", "src", "folder", "root", "buildcontext"],
  "app.environment": ["env", "envs", "variables", "vars", "environmentvariables", "clear"],
  "app.port": ["ports", "expose", "containerport", "appport", "targetport", "listen"],
  "app.replicas": ["scale", "instances", "count", "desiredcount", "deploy"],
  "app.memoryMib": ["memory", "mem", "memlimit", "memreservation"],
  "app.health": ["healthcheck", "healthchecks", "healthpath"],
  "app.startSeconds": ["startperiod", "deploytimeout", "readinessdelay", "boottimeout"],
  "app.stopSeconds": ["stopgraceperiod", "stoptimeout"],
  "app.tmpMib": ["tmpfs", "shmsize"],
  "app.command": ["cmd", "entrypoint", "args", "run", "start"],
  "app.releaseCommand": ["predeploy", "predeploycommand", "migrate", "migrations"],
  "app.volumes": ["volume", "mounts", "storage", "disks", "directories", "persistence"],
  "app.secrets": ["secret"],
  "app.build.args": ["buildargs"],
  "app.build.secrets": ["buildsecrets"],
  "edge.answerSeconds": ["timeout", "responsetimeout", "requesttimeout"],
  "edge.bodyMib": ["maxbodysize", "clientmaxbodysize", "maxrequestbody"],
  "edge.drainSeconds": ["draintimeout"],
  edge: ["proxy", "nginx", "loadbalancer"],
  ingress: ["firewall", "securitygroup", "securitygroups", "allow"],
  "instance.type": ["instancetype", "machine", "size"],
  "instance.diskGib": ["disk", "disksize", "rootvolume"],
  "network.cidr": ["vpc", "vpccidr"],
  domain: ["host", "hostname", "domains", "domainname", "customdomain", "fqdn", "servername"],
  logs: ["logging", "log"],
  metrics: ["monitoring", "metric", "telemetry", "cloudwatch"],
  alarms: ["alarm", "alerts", "alert", "alerting", "notifications", "notify", "sns"],
  dashboard: ["dashboards"],
  https: ["ssl", "tls", "certificate", "certificates", "cert", "acme", "letsencrypt"],
  tags: ["labels"],
};

/** What has no key here, with what there is instead. */
const notes: Readonly<Record<string, string>> = {
  image:
    "Berth builds the image from the folder app.source; a Dockerfile with FROM and the image's name takes one that is built",
  readonly: "the app's disk is read-only unless app.writable is true",
  registry: "Berth makes the registry's repository itself",
  services: "one file is one app; what stood under the service's name belongs under app",
  servers: "Berth makes its own host: instance.type says of what kind",
  hosts: "Berth makes its own host: instance.type says of what kind",
  profile: "the account comes from the environment: export AWS_PROFILE=NAME",
  account: "the account comes from the environment: export AWS_PROFILE=NAME",
  credentials: "the account comes from the environment: export AWS_PROFILE=NAME",
  envfile:
    "write the variables under app.environment, and what is secret under app.secrets; Berth reads no file of them",
  cpu: "instance.type decides how much processor there is",
  cpus: "instance.type decides how much processor there is",
  restart: "the host starts a replica again whenever it ends",
  dependson: "one file is one app; a database has to be somewhere else",
  database: "one file is one app; a database has to be somewhere else",
  databases: "one file is one app; a database has to be somewhere else",
  accessories: "one file is one app; a database has to be somewhere else",
  networks: "one file is one app; network.cidr is the stack's own network",
  builder: "app.build has args, target and secrets",
  version: "this file has no version; remove the line",
};

const plain = (name: string): string => name.toLowerCase().replaceAll(/[-_]/g, "");

/** What there is here instead of something that has no key. */
export function noteOn(key: string): string | undefined {
  const name = plain(key);
  return Object.hasOwn(notes, name) ? notes[name] : undefined;
}

/**
 * Where a key belongs that stands in the wrong place or that users know by another name: `here it is app.environment`.
 * @param places every key of the schema: `app.port`
 */
export function placeOfOther(key: string, places: readonly string[]): string | undefined {
  const name = plain(key);
  const same = places.filter((path) => plain(path.split(".").at(-1) ?? "") === name);
  const other = Object.keys(namesHere).filter((path) => namesHere[path]?.includes(name));
  const found = [...new Set([...same, ...other])];
  return found.length === 0 || found.length > 2 ? undefined : `here it is ${found.join(" or ")}`;
}
