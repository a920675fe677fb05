/**
 * Real guests on networks of IPv6 with DHCP: their kernels take the range and the way out from advertisements
 * alone, and reach others by them. The tiny guest has no client of DHCPv6 (specs of the switch and of bridges
 * have one): its script tells the address. Needs QEMU and the tiny guest of the set-up; with the driver
 * `bridge` root, iproute2, nftables and conntrack as well.
 */
import { expect } from "chai";
import { bridgeNetworkFacts } from "../../nodes/drivers/bridge-network/facts.ts";
import { gatewayLinkLocal } from "../../nodes/drivers/bridge-network/gateways6.ts";
import { packetFilter } from "../../nodes/drivers/bridge-network/index.ts";
import type { NetworkDriver } from "../../nodes/drivers/kinds.ts";
import { systemClock } from "../../nodes/process/clock.ts";
import type { HostNetworking } from "../../protocol/networking.ts";
import { until } from "../support/asking.ts";
import { missingForBridges, openBridge } from "../support/bridge-host.ts";
import { guestOfSetup, missingForGuests } from "../support/live-guest.ts";
import {
  makeNetworkedHost,
  type NetworkedGuest,
  type NetworkedHost,
  pictureOf,
  pinging,
} from "../support/networked-guests.ts";
import { skip } from "../support/services.ts";
import { silentLog } from "../support/silent-log.ts";

/** Number of looks at a console for its words: for less time than a spec has, and longer than guests take. */
const saidTimesMax = 4_000;

/** By project, each a network of its own. */
const ranges: Readonly<Record<string, string>> = { mine: "fd00:9", other: "fd00:a" };
const rangeOf = (project: string): string => ranges[project] ?? expect.fail(project);
const addressOf = ({ project, address }: Pick<NetworkedGuest, "project" | "address">): string =>
  `${rangeOf(project)}::${address.split(".").at(-1)}`;

const script = (own: string, others: readonly string[]): string => `#!/bin/sh
# What the drive says of ways is forgotten: advertisements alone say them.
ip link set eth0 down
ip link set eth0 up
until ip -6 route | grep -q '^default via fe80::'; do usleep 100000; done
ip -6 address add ${own}/128 dev eth0
echo "NOVACT-GUEST WAY $(ip -6 route | grep '^default via fe80::' | head -n 1)"
echo "NOVACT-GUEST RANGE $(ip -6 route | grep '::/64 ' | grep -v '^fe80' | head -n 1)"
echo "NOVACT-GUEST MADE $(ip -6 address show dev eth0 | grep -c 'inet6 fd00')"
${pinging(others)}`;

/** Each network has DHCP of IPv6 and a router of ours, by which everything may pass. */
function withSix(picture: HostNetworking, guests: readonly NetworkedGuest[]): HostNetworking {
  const networks = picture.networks.map(({ id, subnets, ports, ...network }) => {
    const range = rangeOf(id.replace("network-", ""));
    const told = { gateway: `${range}::1`, dnsServers: ["2620:fe::fe"], hostRoutes: [], dhcp: true };
    const subnetId = `subnet6-${id}`;
    const six = (portId: string) =>
      guests
        .filter(({ plugs }) => plugs.some((plug) => plug.portId === portId))
        .map((guest) => ({ subnetId, address: addressOf(guest) }));
    return {
      ...{ ...network, id, subnets: [...subnets, { id: subnetId, cidr: `${range}::/64`, ...told }] },
      ports: ports.map((port) => ({ ...port, addresses: [...port.addresses, ...six(port.id)] })),
    };
  });
  const every = { protocol: null, portMin: null, portMax: null, remoteCidr: null, remoteGroupId: null };
  const open = (["egress", "ingress"] as const).map((direction) => ({
    ...{ direction, ipVersion: 6 as const, ...every },
  }));
  const interfaces = Object.entries(ranges).map(([project, range], index) => ({
    ...{ portId: `01890000-0000-7000-8000-00000000a20${index}`, networkId: `network-${project}` },
    ...{ mac: `fa:16:3e:00:06:0${index}`, subnetId: `subnet6-network-${project}`, address: `${range}::1` },
  }));
  return {
    ...{
      ...picture,
      networks,
      groups: picture.groups.map((one) => ({ ...one, rules: [...one.rules, ...open] })),
    },
    routers: [{ id: "router", interfaces, routes: [], outside: null, floating: [] }],
  };
}

const bridge: NetworkDriver = {
  ...bridgeNetworkFacts,
  open: ({ stateDirectory }) =>
    openBridge({ stateDirectory, filter: packetFilter({ clock: systemClock, log: silentLog }) }).network,
};

interface Kind {
  readonly driver?: NetworkDriver;
  readonly missing?: () => string | undefined;
  /** As whom the router of a network speaks. */
  readonly gate: (project: string) => string;
}

const kinds: Readonly<Record<string, Kind>> = {
  user: { gate: (project) => `fe80::f816:3eff:fe00:${project === "mine" ? "600" : "601"}` },
  bridge: {
    driver: bridge,
    missing: missingForBridges,
    gate: (project) => gatewayLinkLocal({ id: `subnet6-network-${project}` }),
  },
};

for (const [name, kind] of Object.entries(kinds)) hearing(name, kind);

function hearing(name: string, kind: Kind): void {
  describe(`guests of the driver ${name} that hear routers of IPv6`, function () {
    this.timeout(180_000);
    let host: NetworkedHost | undefined;

    before(async function () {
      const [missing, guest] = [missingForGuests() ?? kind.missing?.(), guestOfSetup()];
      if (missing !== undefined || guest === undefined) return skip(this, missing ?? "no guest was built");
      host = await makeNetworkedHost(guest, kind.driver);
    });
    after(() => host?.close());

    it("take range and way out from them, and reach each other by these", async () => {
      if (host === undefined) throw new Error("There is a host.");
      const { makeGuest, applyPicture, start, consoleOf } = host;
      const places = [["mine", 11] as const, ["mine", 12] as const, ["other", 13] as const];
      const all = places.map(([project, last]) => `${rangeOf(project)}::${last}`);
      const guests = places.map(([project, last], index) => {
        const own = all[index] ?? "";
        const others = all.filter((address) => address !== own);
        return makeGuest(project, last, [], { script: script(own, others) });
      });
      await applyPicture(withSix(pictureOf(1, guests), guests));
      for (const one of guests) await start(one);
      for (const one of guests) {
        const said = async (pattern: RegExp): Promise<string> => {
          const found = async () => pattern.exec(await consoleOf(one))?.[1];
          return (await until(found, (text) => text !== undefined, saidTimesMax)) ?? expect.fail();
        };
        const gate = kind.gate(one.project);
        expect(await said(/NOVACT-GUEST WAY (.*)/)).to.include(`default via ${gate} dev eth0`);
        expect(await said(/NOVACT-GUEST RANGE (.*)/)).to.include(`${rangeOf(one.project)}::/64 dev eth0`);
        // The guest has made no address by itself.
        expect(await said(/NOVACT-GUEST MADE (\d+)/)).to.equal("1");
        for (const to of guests)
          if (to !== one) await said(new RegExp(`PING \\d+ ${addressOf(to)} (answers)`));
      }
    });
  });
}
