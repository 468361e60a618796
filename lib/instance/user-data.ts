import { gzipSync } from "fflate";
import { BerthError } from "../errors.ts";
import { archive } from "./archive.ts";
import { hostFiles } from "./host-files.ts";

export interface HostSettings {
  readonly stack: string;
  readonly region: string;
  readonly bucket: string;
  /** 12-digit account id: owner of the bucket, and part of the registry's name. */
  readonly account: string;
}

const limitBytes = 16 * 1024;

/** Containers, and the way to them, outlive a restart of the engine: the kernel forwards, no process of the engine's. */
const engineSettings = { "live-restore": true, "userland-proxy": false };

/**
 * What cloud-init is given at an instance's first boot: cloud-config text, at most 16 KB before base64
 * (else `UserDataTooLarge`), byte-identical for equal settings. Holds nothing of any release and no secret, so it
 * changes only with Berth itself.
 */
export function userData(settings: HostSettings): string {
  const text = cloudConfig(settings);
  const bytes = Buffer.byteLength(text);
  if (bytes > limitBytes) {
    throw new BerthError({
      code: "UserDataTooLarge",
      message: `The user data of the host is ${bytes} bytes, and EC2 takes at most ${limitBytes}`,
      hint: "Make the files in lib/instance/ smaller",
      resource: "instance",
    });
  }
  return text;
}

function cloudConfig({ stack, region, bucket, account }: HostSettings): string {
  const suffix = region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
  const registry = `${account}.dkr.ecr.${region}.${suffix}`;
  return `#cloud-config
# A host of Berth. What the archive holds is readable in Berth's lib/instance/.
ssh_pwauth: false
write_files:
- path: /var/lib/berth/host.tar
  encoding: gz+b64
  content: ${packedHostFiles()}
- path: /etc/berth/settings.json
  content: ${quoted({ stack, region, bucket, account })}
- path: /etc/berth/docker/config.json
  content: ${quoted({ credHelpers: { [registry]: "ecr-login" } })}
- path: /etc/docker/daemon.json
  content: ${quoted(engineSettings)}
runcmd:
- python3 -W ignore -m tarfile --extract /var/lib/berth/host.tar /
- systemctl daemon-reload
- systemctl restart systemd-journald.service
- sysctl --quiet --system
- systemctl enable berth.service
- systemctl start --no-block berth.service
`;
}

/** JSON as a text of YAML: whatever a setting holds, it ends nothing but itself. */
function quoted(value: object): string {
  return `'${JSON.stringify(value).replaceAll("'", "''")}'`;
}

// Not node:zlib: what it makes of equal input differs between versions of Node and between processors.
function packedHostFiles(): string {
  return Buffer.from(gzipSync(archive(hostFiles()), { level: 9, mtime: 0 })).toString("base64");
}
