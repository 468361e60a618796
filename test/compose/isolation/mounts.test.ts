import assert from "node:assert/strict";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { findWayOut } from "../../../compose/isolation/host-path.ts";
import { asTable } from "../../../compose/resolved-file.ts";
import { isolate, isolateService, readRefusal } from "./attempt.ts";
import { makeHostFiles } from "./host-files.ts";

const { root, file, folder, folderOfNobody, remove } = await makeHostFiles();
after(remove);

describe("rewritten mounts", () => {
  test("mounts: read-only stays, what could be written to is a copy, shared by all that mount it", async () => {
    const services = {
      writer: {
        volumes: [
          { type: "bind", source: folder, target: "/a" },
          `${file}:/etc/settings.conf:rw`,
          { type: "bind", source: `${root}/nowhere`, target: "/n", read_only: true },
          "/unnamed",
        ],
      },
      reader: {
        volumes: [
          `${folder}:/b:ro`,
          {
            type: "volume",
            source: "data",
            target: "/d",
            read_only: true,
            volume: { nocopy: true, subpath: "x" },
          },
          { type: "tmpfs", target: "/m", tmpfs: { size: "1" } },
        ],
      },
      careful: { volumes: [{ type: "bind", source: folderOfNobody, target: "/c", read_only: true }] },
    };
    const { content, folders, files } = await isolate({ services, volumes: { data: null } });
    const mounts = Object.values(asTable(content["services"])).map((one) => asTable(one)["volumes"]);
    const copy = { type: "volume", source: "smoke-copy-1", volume: { nocopy: true } };
    assert.deepEqual(mounts, [
      [
        { ...copy, target: "/a" },
        { type: "bind", source: "/copies/file-1", target: "/etc/settings.conf" },
        { ...copy, source: "smoke-copy-2", target: "/n" },
        { type: "volume", target: "/unnamed" },
      ],
      [
        { ...copy, target: "/b" },
        { type: "volume", source: "data", target: "/d", read_only: true, volume: { nocopy: true } },
        { type: "tmpfs", target: "/m", tmpfs: { size: "1" } },
      ],
      [{ type: "bind", source: folderOfNobody, target: "/c", read_only: true }],
    ]);
    assert.deepEqual(content["volumes"], { data: {}, "smoke-copy-1": {}, "smoke-copy-2": {} });
    assert.deepEqual(folders, [{ volume: "smoke-copy-1", source: folder, service: "writer", target: "/a" }]);
    assert.deepEqual(files, [{ source: file, path: "/copies/file-1" }]);
  });

  test("a read-only file that the engine is asked to label anew is a copy too", async () => {
    for (const volumes of [
      [`${file}:/c:ro,z`],
      [{ type: "bind", source: file, target: "/c", read_only: true, bind: { selinux: "Z" } }],
    ]) {
      assert.deepEqual(await isolateService({ volumes }), {
        volumes: [{ type: "bind", source: "/copies/file-1", target: "/c", read_only: true }],
      });
    }
  });
});

describe("what a path of this computer is", () => {
  const reasons: readonly (readonly [string, RegExp])[] = [
    ["/", /: it is all of this computer's file system;/],
    [join(root, "link-to-all"), /: it is all of this computer's file system;/],
    [join(root, "link-to-socket"), /engine\.sock is a socket,/],
    ["/dev/null", /\/dev\/null is the kernel's;/],
  ];
  for (const [source, expected] of reasons)
    test(`${source.replace(root, "")} is refused for what it is`, async () => {
      const volumes = [{ type: "bind", source, target: "/t", read_only: true }];
      assert.match(await readRefusal({ services: { web: { volumes } } }), expected);
    });

  test("a link to a file is that file", async () => {
    const source = join(root, "link-to-file");
    const volumes = [{ type: "bind", source, target: "/t", read_only: true }];
    assert.deepEqual(await isolateService({ volumes }), { volumes });
    const { files } = await isolate({ services: { web: { volumes: [`${source}:/t`] } } });
    assert.deepEqual(files, [{ source: file, path: "/copies/file-1" }]);
  });

  test("a file system mounted below a folder is found, and none beside it", async () => {
    const mountinfo = [
      "22 1 8:1 / / rw - ext4 /dev/sda1 rw",
      `23 22 8:2 / ${folder} rw - ext4 /dev/sda2 rw`,
      `24 22 8:3 / ${folder}-beside rw - ext4 /dev/sda3 rw`,
      `25 22 8:4 / ${folderOfNobody}/a\\040b rw - ext4 /dev/sda4 rw`,
      "",
    ].join("\n");
    assert.equal(await findWayOut(folder, mountinfo), undefined);
    assert.match((await findWayOut(folderOfNobody, mountinfo)) ?? "", /quiet\/a b is mounted inside it/);
    const written = "25 22 8:4 / /a\\134b\\011c/d rw - ext4 /dev/sda4 rw";
    assert.match((await findWayOut("/a\\b\tc", written)) ?? "", /d is mounted inside it/);
  });

  test("who reads a folder that a later service writes to shares its copy", async () => {
    const { content, folders } = await isolate({
      services: { reader: { volumes: [`${folder}:/b:ro`] }, writer: { volumes: [`${folder}:/a`] } },
    });
    const sources = Object.values(asTable(content["services"])).map((one) => asTable(one)["volumes"]);
    const copy = { type: "volume", source: "smoke-copy-1", volume: { nocopy: true } };
    assert.deepEqual(sources, [[{ ...copy, target: "/b" }], [{ ...copy, target: "/a" }]]);
    assert.equal(folders.length, 1);
  });
});
