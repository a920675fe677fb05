/**
 * A router of the driver `user` whose guests are on two computers: two nodes of one computer with underlays
 * of their own, and so with a switch each. The guests are of two networks, and reach each other by the router
 * of the one who sends. Needs qemu-system-x86_64, qemu-img and the tiny guest that the set-up builds.
 */
import { randomInt } from "node:crypto";
import { expect } from "chai";
import type { HostNetworking, RouterPicture } from "../../protocol/networking.ts";
import { guestOfSetup, missingForGuests } from "../support/live-guest.ts";
import {
  makeNetworkedHost,
  type NetworkedGuest,
  type NetworkedHost,
  pictureOf,
} from "../support/networked-guests.ts";
import { skip } from "../support/services.ts";

/** By project, each a network of its own. */
const projects = ["mine", "other"] as const;
type Project = (typeof projects)[number];
const ranges = { mine: "10.9.0", other: "10.9.1" } as const;
const gateway = (project: Project) => `${ranges[project]}.1`;
const underlays = [1, 2].map((last) => `127.${randomInt(1, 250)}.${randomInt(1, 250)}.${last}`);

/** The kernel gives the guest its address, and this script the route by its router. */
const pinging = (address: string, by: string): string => `#!/bin/sh
ip route replace default via ${by} dev eth0
round=0
while :; do
  round=$((round + 1))
  answer=silent
  ping -c 1 -W 1 ${address} >/dev/null 2>&1 && answer=answers
  echo "NOVACT-GUEST PING $round $answer"
  usleep 200000
done
`;

const router: RouterPicture = {
  id: "router",
  interfaces: projects.map((project, index) => ({
    ...{ portId: `gate-${project}`, networkId: `network-${project}`, subnetId: `subnet-${project}` },
    ...{ mac: `fa:16:3e:00:00:0${index}`, address: gateway(project) },
  })),
  ...{ routes: [], floating: [], outside: null },
};

describe("guests behind a router, on two computers", function () {
  this.timeout(180_000);
  const hosts: NetworkedHost[] = [];
  const guests: NetworkedGuest[] = [];
  let version = 0;

  /** What the host with that number is told: its own guest, and where the other one is. */
  const pictureFor = (at: number, routers: readonly RouterPicture[]): HostNetworking => {
    const { networks, groups } = pictureOf(version, guests);
    return {
      version,
      networks: networks.map((network) => {
        const project = network.id.replace("network-", "") as Project;
        const cidr = `${ranges[project]}.0/24`;
        const subnets = network.subnets.map((one) => ({ ...one, cidr, gateway: gateway(project) }));
        return { ...network, subnets, ports: project === projects[at] ? network.ports : [] };
      }),
      // Everybody may call everybody.
      groups: groups.map((group) => ({
        ...group,
        rules: group.rules.map((rule) => ({ ...rule, remoteGroupId: null })),
      })),
      far: networks
        .filter(({ id }) => id !== `network-${projects[at]}`)
        .map(({ id, ports }) => ({
          ...{ networkId: id, host: underlays[1 - at] ?? "" },
          ports: ports.map((port) => ({
            ...{ id: port.id, mac: port.mac, addressPairs: [] },
            addresses: port.addresses.map(({ address }) => address),
          })),
        })),
      routers,
    };
  };
  const apply = async (routers: readonly RouterPicture[]) => {
    version += 1;
    for (const [at, host] of hosts.entries()) await host.applyPicture(pictureFor(at, routers));
  };
  const roundsOf = async (at: number) => {
    const text = await hosts[at]?.consoleOf(guests[at] ?? expect.fail("It was not made."));
    const found = [...(text ?? "").matchAll(/NOVACT-GUEST PING (\d+) (answers|silent)/g)];
    return found.map(([, round, how]) => ({ round: Number(round), how }));
  };
  /** In a round that has begun since. */
  const becomes = async (at: number, how: string) => {
    const last = (await roundsOf(at)).at(-1)?.round ?? 0;
    const deadlineMs = performance.now() + 90_000;
    while (!(await roundsOf(at)).some((one) => one.round > last + 1 && one.how === how)) {
      if (performance.now() > deadlineMs) throw new Error(`Guest ${at} never found the other one ${how}.`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  const bothBecome = (how: string) => Promise.all([becomes(0, how), becomes(1, how)]);

  before(async function () {
    const [missing, guest] = [missingForGuests(), guestOfSetup()];
    if (missing !== undefined || guest === undefined) return skip(this, missing ?? "no guest was built");
    for (const underlay of underlays) hosts.push(await makeNetworkedHost(guest, underlay));
    for (const [at, project] of projects.entries()) {
      const range = ranges[project];
      const script = pinging(`${ranges[projects[1 - at] ?? "mine"]}.${12 - at}`, gateway(project));
      const made = hosts[at]?.makeGuest(project, 11 + at, [], { range, script });
      if (made !== undefined) guests.push(made);
    }
    await apply([router]);
    for (const [at, guest] of guests.entries()) await hosts[at]?.start(guest);
  });
  after(() => Promise.all(hosts.map((host) => host.close())));

  it("reach each other, each by a switch of its own", async () => {
    await bothBecome("answers");
    const [one, two] = [await hosts[0]?.switchIs(), await hosts[1]?.switchIs()];
    expect(one?.pid).to.be.a("number").and.not.equal(two?.pid);
  });

  it("do not without it, and do again as soon as it is back", async () => {
    await apply([]);
    await bothBecome("silent");
    await apply([router]);
    await bothBecome("answers");
  });

  it("reach each other again when a switch was killed", async () => {
    const pid = (await hosts[0]?.switchIs())?.pid ?? Number.NaN;
    process.kill(pid, "SIGKILL");
    while ((await hosts[0]?.switchIs())?.pid === pid) await new Promise((resolve) => setTimeout(resolve, 50));
    await bothBecome("answers");
  });
});
