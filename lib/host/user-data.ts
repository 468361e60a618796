import { partition } from "@aws-sdk/core/client";
import { BerthError } from "../errors.ts";
import { packed } from "./archive.ts";
import { launcherFiles } from "./host-files.ts";

export interface HostSettings {
  readonly stack: string;
  readonly region: string;
  readonly bucket: string;
  /** 12-digit id of the account that owns the bucket. It is also part of the registry's name. */
  readonly account: string;
}

const limitBytes = 16 * 1024;

/**
 * The cloud-config text that cloud-init gets at an instance's first boot: at most 16 KB before base64 (else
 * `UserDataTooLarge`), and byte-identical for equal settings. It contains the launcher, which fetches everything else,
 * and no release, agent or secret. So it rarely changes, and hosts are rarely replaced because of it.
 */
export function userData(settings: HostSettings): string {
  const text = cloudConfig(settings);
  const bytes = Buffer.byteLength(text);
  if (bytes > limitBytes) {
    throw new BerthError({
      code: "UserDataTooLarge",
      message: `the user data of the host is ${bytes} bytes, and EC2 takes at most ${limitBytes}`,
      hint: "make the files in lib/host/launcher/ smaller",
      resource: "instance",
    });
  }
  return text;
}

function cloudConfig({ stack, region, bucket, account }: HostSettings): string {
  const domain = partition(region).dnsSuffix;
  const registry = `${account}.dkr.ecr.${region}.${domain}`;
  return `#cloud-config
# A host of Berth. What the archive holds is readable in Berth's lib/host/launcher/.
ssh_pwauth: false
write_files:
- path: /var/lib/berth-launcher/launcher.tar
  encoding: gz+b64
  content: ${Buffer.from(packed(launcherFiles(), "small")).toString("base64")}
- path: /etc/berth/settings.json
  content: ${quoted({ stack, region, bucket, account, domain })}
- path: /etc/berth/docker/config.json
  content: ${quoted({ credHelpers: { [registry]: "ecr-login" } })}
runcmd:
- python3 -W ignore -m tarfile --extract /var/lib/berth-launcher/launcher.tar /
- systemctl daemon-reload
- systemctl enable berth-launcher.service
- systemctl start --no-block berth-launcher.service
`;
}

/** Quotes JSON as a YAML string, so that no setting's content can break out of it. */
function quoted(value: object): string {
  return `'${JSON.stringify(value).replaceAll("'", "''")}'`;
}
