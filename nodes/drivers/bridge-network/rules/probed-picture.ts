/** A picture with every kind of rule, port and address. Values only. */
import type { HostNetworking, RulePicture } from "../../../../protocol/networking.ts";
import type { RulePort } from "./ruled-ports.ts";

const rule = (given: Partial<RulePicture>): RulePicture => ({
  ...{ direction: "ingress", ipVersion: 4, protocol: null, portMin: null, portMax: null },
  ...{ remoteCidr: null, remoteGroupId: null, ...given },
});

const port = (id: string, mac: string, portSecurity: boolean, pairs: readonly string[]) => ({
  ...{ id, instanceId: "instance", mac, portSecurity, groupIds: ["group"] },
  addresses: [
    { subnetId: "subnet-4", address: portSecurity ? "192.0.2.2" : "192.0.2.3" },
    { subnetId: "subnet-6", address: portSecurity ? "2001:db8::2" : "2001:db8::3" },
  ],
  addressPairs: pairs.map((cidr) => ({ cidr, mac: null })),
});

const subnet = (id: string, cidr: string, dhcp: boolean) => ({
  ...{ id, cidr, dhcp, gateway: null, dnsServers: [], hostRoutes: [] },
});

export const probedPicture: HostNetworking = {
  version: 1,
  networks: [
    {
      ...{ id: "network", number: 1, mtuBytes: 1_450 },
      subnets: [subnet("subnet-4", "192.0.2.0/24", true), subnet("subnet-6", "2001:db8::/64", true)],
      ports: [
        port("filtered", "02:00:00:00:00:02", true, ["192.0.2.128/25", "2001:db8:1::/64"]),
        port("open", "02:00:00:00:00:03", false, []),
      ],
    },
  ],
  groups: [
    {
      id: "group",
      members: ["192.0.2.2/32", "198.51.100.0/24", "2001:db8::2/128", "2001:db8:2::/64"],
      rules: ([4, 6] as const).flatMap((ipVersion) => [
        rule({ direction: "egress", ipVersion }),
        rule({ ipVersion, remoteGroupId: "group" }),
        rule({ ipVersion, portMin: 1, portMax: 2 }),
        rule({ ipVersion, protocol: 6, remoteCidr: ipVersion === 4 ? "198.51.100.0/24" : "2001:db8:2::/64" }),
      ]),
    },
  ],
};

export const probedPorts: readonly RulePort[] = ["filtered", "open"].map((portId, at) => ({
  ...{ portId, networkId: "network", instanceId: "instance", hostName: "guest" },
  mac: `02:00:00:00:00:0${at + 2}`,
}));
