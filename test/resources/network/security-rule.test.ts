import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  everythingOut,
  flattenPermissions,
  ruleKey,
  toPermission,
} from "../../../lib/resources/network/security-rule.ts";

const web = { IpProtocol: "tcp", FromPort: 80, ToPort: 80 };

describe("the rules of a security group", () => {
  it("are told apart by every kind of source, each with what revokes it alone", () => {
    const rules = flattenPermissions([
      {
        ...web,
        IpRanges: [{ CidrIp: "0.0.0.0/0", Description: "all" }, { CidrIp: "10.0.0.0/8" }],
        Ipv6Ranges: [{ CidrIpv6: "::/0" }],
        PrefixListIds: [{ PrefixListId: "pl-1", Description: "somebody's" }],
        UserIdGroupPairs: [{ GroupId: "sg-1", UserId: "123456789012", GroupName: "other" }],
      },
    ]);

    assert.deepEqual(rules, {
      "tcp/80 from 0.0.0.0/0": { ...web, IpRanges: [{ CidrIp: "0.0.0.0/0" }] },
      "tcp/80 from 10.0.0.0/8": { ...web, IpRanges: [{ CidrIp: "10.0.0.0/8" }] },
      "tcp/80 from ::/0": { ...web, Ipv6Ranges: [{ CidrIpv6: "::/0" }] },
      "tcp/80 from pl-1": { ...web, PrefixListIds: [{ PrefixListId: "pl-1" }] },
      "tcp/80 from sg-1": { ...web, UserIdGroupPairs: [{ GroupId: "sg-1", UserId: "123456789012" }] },
    });
  });

  for (const [permission, key] of [
    [{ IpProtocol: "-1" }, "all from 0.0.0.0/0"],
    [{}, "all from 0.0.0.0/0"],
    [{ IpProtocol: "tcp", FromPort: 22, ToPort: 22 }, "tcp/22 from 0.0.0.0/0"],
    [{ IpProtocol: "tcp", FromPort: 0, ToPort: 65_535 }, "tcp/0-65535 from 0.0.0.0/0"],
    [{ IpProtocol: "icmp", FromPort: -1, ToPort: -1 }, "icmp from 0.0.0.0/0"],
    [{ IpProtocol: "47" }, "47 from 0.0.0.0/0"],
  ] as const) {
    it(`are written as ${key}`, () => {
      const found = flattenPermissions([{ ...permission, IpRanges: [{ CidrIp: "0.0.0.0/0" }] }]);
      assert.deepEqual(Object.keys(found), [key]);
    });
  }

  it("are none where there are none", () => assert.deepEqual(flattenPermissions(), {}));

  it("are the same there and back, for IPv4 and IPv6", () => {
    for (const cidr of ["203.0.113.0/24", "2001:db8::/32"]) {
      const rule = { protocol: "tcp", port: 443, cidr } as const;
      assert.deepEqual(flattenPermissions([toPermission(rule)]), { [ruleKey(rule)]: toPermission(rule) });
    }
  });

  it("let everything out to anywhere, and that is one rule", () => {
    assert.deepEqual(everythingOut, { IpProtocol: "-1", IpRanges: [{ CidrIp: "0.0.0.0/0" }] });
  });
});
