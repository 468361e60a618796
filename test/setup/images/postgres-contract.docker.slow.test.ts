import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openScratchContainers } from "./scratch-containers.ts";

const image = "postgres:17-trixie";

// True of the official image as well: whichever of the two has the tag must pass.
describe(image, () => {
  it("doesn't start an empty database without a password", async () => {
    await using containers = await openScratchContainers();
    const { code, lines } = await containers.runToEnd([image]);
    assert.equal(code, 1);
    assert.match(lines.join("\n"), /password/i);
  });

  it("doesn't start with both a password and a file of it", async () => {
    await using containers = await openScratchContainers();
    const both = ["--env", "POSTGRES_PASSWORD=one", "--env", "POSTGRES_PASSWORD_FILE=/etc/hostname"];
    const { code, lines } = await containers.runToEnd([...both, image]);
    assert.equal(code, 1);
    assert.match(lines.join("\n"), /POSTGRES_PASSWORD.*POSTGRES_PASSWORD_FILE/);
  });

  it("makes user and database from a file's password and runs the first steps, before anybody can connect", async () => {
    await using containers = await openScratchContainers();
    const secret = await containers.file("secret", "a'b $c\n");
    const steps = await containers.file(
      "steps.sql",
      "CREATE TABLE made (at text);\nINSERT INTO made SELECT coalesce(inet_server_addr()::text, 'socket');\n",
    );
    const id = await containers.start([
      "--volume",
      `${secret}:/run/secrets/password:ro`,
      "--env",
      "POSTGRES_PASSWORD_FILE=/run/secrets/password",
      "--volume",
      `${steps}:/docker-entrypoint-initdb.d/steps.sql:ro`,
      "--env",
      "POSTGRES_USER=someone",
      "--env",
      "POSTGRES_DB=things",
      image,
    ]);
    const connect = 'PGPASSWORD="a\'b \\$c" psql -h 127.0.0.1 -U someone things -Atc';
    const query = "SELECT at, current_setting('data_directory') FROM made";
    const rows = await containers.untilSucceeds(id, ["bash", "-c", `${connect} "${query}"`]);
    assert.equal(rows, "socket|/var/lib/postgresql/data\n");
  });

  it("asks for the password over the network, and runs as uid 999", async () => {
    await using containers = await openScratchContainers();
    const id = await containers.start(["--env", "POSTGRES_PASSWORD=right", image]);
    await containers.untilSucceeds(id, ["pg_isready", "-h", "127.0.0.1", "-U", "postgres"]);
    const address = "$(hostname -i)";
    const as = (password: string) =>
      `PGPASSWORD=${password} psql -h ${address} -U postgres -Atc 'SELECT 1' || echo refused`;
    const answers = await containers.untilSucceeds(id, ["bash", "-c", `${as("right")}; ${as("wrong")}`]);
    assert.equal(answers, "1\nrefused\n");
    assert.equal(await containers.untilSucceeds(id, ["stat", "-c", "%u", "/proc/1"]), "999\n");
  });
});
