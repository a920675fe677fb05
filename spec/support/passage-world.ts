/**
 * Rows of two guests on networks of 10.0.N.0/24 and fd00:N::/64, as a host with both is told, for specs of
 * passages: guests and addresses are those of switch-world.ts.
 */

import { partsFor, pictureOf } from "../../actors/control/networking/picture.ts";
import type { End, EndHost } from "../../actors/control/passage/facts.ts";
import type { NetworkingRows } from "../../actors/ports/networking-reads.ts";
import { type Guest, ip4Of, ip6Of, macOf, networkOf, portIdOf, portOf } from "./switch-world.ts";

export interface WorldGiven {
  readonly guests: readonly Guest[];
  /** Ids of the groups of each guest's port. */
  readonly groups: readonly (readonly string[])[];
  /** Of each guest's port; absent: true. */
  readonly portSecurity?: readonly boolean[];
  readonly addressPairs?: readonly NetworkingRows["ports"][number]["addressPairs"][];
  readonly rules: NetworkingRows["rules"];
  /** Of groups of guests on other hosts. */
  readonly members?: NetworkingRows["members"];
}

export const ruleRow = (
  groupId: string,
  given: Partial<NetworkingRows["rules"][number]> = {},
): NetworkingRows["rules"][number] => ({
  ...{ id: `rule of ${groupId}`, groupId, direction: "ingress", ipVersion: 4, protocol: null },
  ...{ portMin: null, portMax: null, remoteCidr: null, remoteGroupId: null, ...given },
});

export function rowsOf(given: WorldGiven): NetworkingRows {
  const { guests, groups, rules, portSecurity = [], addressPairs = [], members = [] } = given;
  const numbers = [...new Set(guests.map(({ network }) => network))];
  const ports = guests.map((guest, at) => {
    const { id, instanceId, mac } = portOf(guest);
    const pairs = addressPairs[at] ?? [];
    const networkId = `network-${guest.network}`;
    return {
      id,
      instanceId,
      networkId,
      mac,
      portSecurity: portSecurity[at] ?? true,
      addressPairs: pairs,
      bandwidth: null,
    };
  });
  const memberships = guests.flatMap((guest, at) =>
    (groups[at] ?? []).map((groupId) => ({
      ...{ id: `${portIdOf(guest)} in ${groupId}`, portId: portIdOf(guest), groupId },
    })),
  );
  const named = new Set(rules.flatMap(({ remoteGroupId }) => remoteGroupId ?? []));
  const own = memberships
    .filter(({ groupId }) => named.has(groupId))
    .map(({ groupId, portId }) => {
      const at = guests.findIndex((guest) => portIdOf(guest) === portId);
      const guest = guests[at] ?? { network: 0, number: 0 };
      return { groupId, addresses: [ip4Of(guest), ip6Of(guest)], pairs: addressPairs[at] ?? [] };
    });
  return {
    version: 7,
    ports,
    networks: numbers.map((number) => ({
      id: `network-${number}`,
      number,
      mtuBytes: 1_400,
      physicalNetwork: null,
    })),
    subnets: numbers.flatMap((number) =>
      networkOf(number, []).subnets.map((subnet) => ({ ...subnet, networkId: `network-${number}` })),
    ),
    addresses: guests.flatMap((guest) =>
      portOf(guest).addresses.map((one) => ({ ...one, portId: portIdOf(guest) })),
    ),
    memberships,
    rules,
    members: [...own, ...members],
    far: [],
    published: [],
    routers: [],
    routerInterfaces: [],
    floating: [],
  };
}

/** A host that has applied these rows. */
export function hostOf(rows: NetworkingRows, given: Partial<EndHost> = {}): EndHost {
  const { version, networks, groups, far = [], routers = [] } = partsFor(pictureOf(rows), new Set());
  const parts = [...networks, ...groups, ...far, ...routers].map(({ hash }) => hash);
  const abilities = {
    ...{
      networks: ["stream"],
      volumes: [],
      hotPlug: false,
      liveMigration: false,
      console: true,
      save: false,
    },
  };
  const networking = { mtuBytesMax: 65_535, spansHosts: false, underlay: null };
  return {
    ...{ id: "h1", name: "node1", bootId: "boot-1" },
    drivers: { hypervisor: "qemu", disks: "file", network: "user", volumes: null, abilities, networking },
    word: { kind: "said", networking: { version, parts, lookedAgoMs: 1, failure: null } },
    ...given,
  };
}

export function endOf(guest: Guest, rows: NetworkingRows, given: Partial<End> = {}): End {
  const { addresses } = portOf(guest);
  const one = {
    ...{ portId: portIdOf(guest), networkId: `network-${guest.network}`, mac: macOf(guest), addresses },
    ...{ mtuBytes: 1_400, deleteWithInstance: true },
  };
  return {
    ...{ instanceId: `instance-${portIdOf(guest)}`, name: `guest-${guest.number}`, state: "running" },
    ...{ interfaces: [one], host: hostOf(rows), rows, ...given },
  };
}
