/**
 * Real guests with addresses of IPv6, which they are told by their config drive: they reach each other in one
 * network, and in two that a router joins; with the driver `user`, and with `bridge` as root. Needs QEMU and
 * the tiny guest that the set-up builds; skips loudly elsewhere.
 */
import { expect } from "chai";
import { bridgeNetworkFacts } from "../../nodes/drivers/bridge-network/facts.ts";
import { packetFilter } from "../../nodes/drivers/bridge-network/index.ts";
import type { NetworkDriver } from "../../nodes/drivers/kinds.ts";
import { systemClock } from "../../nodes/process/clock.ts";
import type { HostNetworking } from "../../protocol/networking.ts";
import { missingForBridges, openBridge } from "../support/bridge-host.ts";
import { guestOfSetup, missingForGuests } from "../support/live-guest.ts";
import {
  makeNetworkedHost,
  type NetworkedGuest,
  type NetworkedHost,
  pictureOf,
} from "../support/networked-guests.ts";
import { skip } from "../support/services.ts";
import { silentLog } from "../support/silent-log.ts";

/** By project, each a network of its own. */
const ranges = { mine: "fd00:9", other: "fd00:a" } as const;
type Project = keyof typeof ranges;
const isProject = (text: string): text is Project => Object.hasOwn(ranges, text);
const rangeOf = (project: string): string => (isProject(project) ? ranges[project] : expect.fail(project));
const addressOf = ({ project, address }: NetworkedGuest): string =>
  `${rangeOf(project)}::${address.split(".").at(-1)}`;

/** As the helpers make it, and IPv6 beside it, by which everything may pass. */
function withSix(picture: HostNetworking, guests: readonly NetworkedGuest[]): HostNetworking {
  const projectOf = (id: string) => id.replace("network-", "");
  const networks = picture.networks.map(({ id, subnets, ports, ...network }) => {
    const range = rangeOf(projectOf(id));
    const told = { gateway: `${range}::1`, dnsServers: [], hostRoutes: [], dhcp: false };
    const subnetId = `subnet6-${projectOf(id)}`;
    const six = (port: (typeof ports)[number]) =>
      guests
        .filter(({ plugs }) => plugs.some(({ portId }) => portId === port.id))
        .map((guest) => ({ subnetId, address: addressOf(guest) }));
    return {
      ...{ ...network, id, subnets: [...subnets, { id: subnetId, cidr: `${range}::/64`, ...told }] },
      ports: ports.map((port) => ({ ...port, addresses: [...port.addresses, ...six(port)] })),
    };
  });
  const every = { protocol: null, portMin: null, portMax: null, remoteCidr: null, remoteGroupId: null };
  const groups = picture.groups.map((group) => ({
    ...group,
    rules: [
      ...group.rules,
      ...(["egress", "ingress"] as const).map((direction) => ({
        direction,
        ipVersion: 6 as const,
        ...every,
      })),
    ],
  }));
  const interfaces = Object.entries(ranges).map(([project, range], index) => ({
    ...{ portId: `01890000-0000-7000-8000-00000000a20${index}`, networkId: `network-${project}` },
    ...{ mac: `fa:16:3e:00:06:0${index}`, subnetId: `subnet6-${project}`, address: `${range}::1` },
  }));
  const router = { id: "router", interfaces, routes: [], outside: null, floating: [] };
  return { ...picture, networks, groups, routers: [router] };
}

const bridge: NetworkDriver = {
  ...bridgeNetworkFacts,
  open: ({ stateDirectory }) =>
    openBridge({ stateDirectory, filter: packetFilter({ clock: systemClock, log: silentLog }) }).network,
};
const isRoot = process.getuid?.() === 0;

for (const [name, driver] of [["user", undefined] as const, ["bridge", bridge] as const])
  describe(`guests with IPv6 of the driver ${name}`, function () {
    this.timeout(180_000);
    let host: NetworkedHost | undefined;

    before(async function () {
      const lacks = name === "bridge" ? (isRoot ? missingForBridges() : "it needs root") : undefined;
      const [missing, guest] = [missingForGuests() ?? lacks, guestOfSetup()];
      if (missing !== undefined || guest === undefined) return skip(this, missing ?? "no guest was built");
      host = await makeNetworkedHost(guest, driver);
    });
    after(() => host?.close());

    it("reach each other in one network and by a router", async () => {
      if (host === undefined) throw new Error("There is a host.");
      const { makeGuest, applyPicture, start, consoleOf } = host;
      const guests = [
        makeGuest("mine", 11, ["fd00:9::12", "fd00:a::13"]),
        makeGuest("mine", 12, ["fd00:9::11", "fd00:a::13"]),
        makeGuest("other", 13, ["fd00:9::11", "fd00:9::12"]),
      ];
      await applyPicture(withSix(pictureOf(1, guests), guests));
      for (const one of guests) await start(one);
      for (const one of guests)
        for (const to of guests) {
          if (one === to) continue;
          const answer = new RegExp(`PING \\d+ ${addressOf(to)} answers`);
          while (!answer.test(await consoleOf(one))) await new Promise((resolve) => setTimeout(resolve, 50));
          expect(await consoleOf(one)).to.include(`NOVACT-GUEST NET6 eth0 ${addressOf(one)}/64`);
        }
    });
  });
