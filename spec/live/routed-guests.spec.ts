/**
 * Routers of the driver `user` with real guests: guests of two networks reach each other, on one node and on
 * two nodes of one computer; and with a way outside, a server there answers them, while the computer itself
 * does not. Needs qemu-system-x86_64, qemu-img and the tiny guest that the set-up builds; what is outside is
 * a network namespace, which needs root.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { findGateway } from "../../nodes/drivers/user-network/gateway-process.ts";
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
const ranges = { mine: "10.9.0", other: "10.9.1" } as const;
type Project = keyof typeof ranges;

const namespace = `nvo-${process.pid}`;
/** Networks for tests of devices (RFC 2544): one of four addresses for each process. */
const link = (last: number) => `198.18.${(process.pid >> 6) & 255}.${(process.pid & 63) * 4 + last}`;
const [ownEnd, server] = [link(1), link(2)];
/** On the computer and outside alike. */
const port = 20_000 + (process.pid % 10_000);

/** Pings and calls, again and again, and says on the console what answers. */
const trying = (addresses: readonly string[], called: readonly string[]): string => `#!/bin/sh
pings() {
  for address in ${addresses.join(" ")}; do
    answer=silent
    ping -c 1 -W 1 "$address" >/dev/null 2>&1 && answer=answers
    echo "NOVACT-GUEST TRY $1 ping/$address $answer"
  done
}
calls() {
  for place in ${called.join(" ")}; do
    answer=$(timeout 3 nc -w 1 "\${place%:*}" "\${place#*:}" </dev/null 2>/dev/null)
    echo "NOVACT-GUEST TRY $1 call/$place \${answer:-silent}"
  done
}
for work in pings calls; do
  (round=0; while :; do round=$((round + 1)); $work $round; usleep 200000; done) &
done
wait
`;

/** `name`: of who answers. */
const answering = (name: string) => `
  require("node:net").createServer((socket) => socket.on("error", () => undefined).end("${name}"))
    .listen(${port}, "0.0.0.0", () => console.log("ready"));`;

const isRoot = process.getuid?.() === 0;

describe("guests behind a router", function () {
  this.timeout(240_000);
  let host: NetworkedHost;
  let beside: NetworkedHost;
  let one: NetworkedGuest;
  let two: NetworkedGuest;
  let three: NetworkedGuest;
  let version = 0;
  let outside: ChildProcess | undefined;
  /** Of this computer: what guests must not reach. */
  let secret: Server;
  let calls = 0;

  const router = (): RouterPicture => ({
    id: "router",
    interfaces: Object.entries(ranges).map(([project, range], index) => ({
      ...{ portId: `gate-${project}`, networkId: `network-${project}`, subnetId: `subnet-${project}` },
      ...{ mac: `fa:16:3e:00:00:0${index}`, address: `${range}.1` },
    })),
    ...{ routes: [], floating: [] },
    outside: {
      ...{ networkId: "network-public", physicalNetwork: "public", mtuBytes: 1_500, snat: true },
      subnets: [],
    },
  });
  /** What a node is told: its own guests, and both networks. Everybody may call everybody. */
  const pictureFor = (
    guests: readonly NetworkedGuest[],
    routers: readonly RouterPicture[],
  ): HostNetworking => {
    version += 1;
    const picture = pictureOf(version, [one, two, three]);
    const own = new Set(guests.flatMap(({ plugs }) => plugs.map(({ portId }) => portId)));
    const networks = picture.networks.map((network) => {
      const range = ranges[network.id.replace("network-", "") as Project];
      const subnets = network.subnets.map((subnet) => ({
        ...subnet,
        cidr: `${range}.0/24`,
        gateway: `${range}.1`,
      }));
      return { ...network, subnets, ports: network.ports.filter(({ id }) => own.has(id)) };
    });
    const groups = picture.groups.map((group) => ({
      ...group,
      rules: group.rules.map((rule) => ({ ...rule, remoteGroupId: null })),
    }));
    return { version, networks, groups, routers };
  };
  const apply = async (routers: readonly RouterPicture[]) => {
    await host.applyPicture(pictureFor([one, two], routers));
    await beside.applyPicture(pictureFor([three], routers));
  };
  const until = async (what: string, met: () => Promise<boolean> | boolean) => {
    const deadlineMs = performance.now() + 90_000;
    while (!(await met())) {
      if (performance.now() > deadlineMs) throw new Error(`It took too long: ${what}.`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  const homeOf = (guest: NetworkedGuest) => (guest === three ? beside : host);
  /** What a guest has found by one of its tries in the rounds after that one, and the last round. */
  const foundBy = async (guest: NetworkedGuest, what: string, after = 0) => {
    const text = await homeOf(guest).consoleOf(guest);
    const all = [...text.matchAll(/NOVACT-GUEST TRY (\d+) (\S+) (\S+)/g)].filter(
      ([, , tried]) => tried === what,
    );
    const rounds = all.map(([, round]) => Number(round));
    const answers = all.flatMap(([, round, , answer]) => (Number(round) > after ? [answer] : []));
    return { answers, last: Math.max(after, ...rounds) };
  };
  const becomes = async (guest: NetworkedGuest, what: string, answer: string) => {
    const { last } = await foundBy(guest, what);
    // The round that goes on may have tried it before.
    await until(`${guest.address} finds ${what} ${answer}`, async () =>
      (await foundBy(guest, what, last + 1)).answers.includes(answer),
    );
  };
  const makeOutside = async () => {
    const device = `nvo${process.pid}`;
    const inside = (...argv: string[]) => execFileSync("ip", ["-n", namespace, ...argv]);
    execFileSync("ip", ["netns", "add", namespace]);
    execFileSync("ip", ["link", "add", device, "type", "veth", "peer", "name", "out", "netns", namespace]);
    execFileSync("ip", ["address", "add", `${ownEnd}/30`, "dev", device]);
    execFileSync("ip", ["link", "set", device, "up"]);
    inside("address", "add", `${server}/30`, "dev", "out");
    inside("link", "set", "out", "up");
    const serving = ["netns", "exec", namespace, process.execPath, "-e", answering("outside")];
    outside = spawn("ip", serving, { stdio: ["ignore", "pipe", "inherit"] });
    if (outside.stdout !== null) await once(outside.stdout, "data");
  };
  const exitPids = (of: NetworkedHost) =>
    readdirSync(of.exitsDirectory).flatMap((id) => findGateway(join(of.exitsDirectory, id)) ?? []);

  before(async function () {
    const [missing, guest] = [missingForGuests(), guestOfSetup()];
    if (missing !== undefined || guest === undefined) return skip(this, missing ?? "no guest was built");
    // Before the guests: an address that the computer has only just got may be called.
    if (isRoot) await makeOutside();
    secret = createServer((socket) => {
      calls += 1;
      socket.on("error", () => undefined).end("secret");
    }).listen(port, "0.0.0.0");
    await once(secret, "listening");
    const devices = Object.values(networkInterfaces()).flatMap((addresses = []) => addresses);
    const own = devices.filter(({ family, internal }) => family === "IPv4" && !internal);
    // slirp's own addresses among them, which it leads to the computer's loopback.
    const barred = [ownEnd, "100.127.255.249", "100.127.255.250", ...own.map(({ address }) => address)];
    host = await makeNetworkedHost(guest, undefined, { outside: ["public"] });
    beside = await makeNetworkedHost(guest, undefined, { outside: [], beside: host });
    const [first, second, third] = [`${ranges.mine}.11`, `${ranges.other}.12`, `${ranges.other}.13`];
    const called = [server, ...new Set(barred)].map((address) => `${address}:${port}`);
    const script = (pings: readonly string[]) => trying([...pings, `${ranges.mine}.1`], called);
    one = host.makeGuest("mine", 11, [], { range: ranges.mine, script: script([second, third]) });
    two = host.makeGuest("other", 12, [], { range: ranges.other, script: script([first]) });
    three = beside.makeGuest("other", 13, [], { range: ranges.other, script: script([first, second]) });
    await apply([router()]);
    await Promise.all([host.start(one), host.start(two), beside.start(three)]);
  });
  after(async () => {
    outside?.kill();
    await beside?.close();
    await host?.close();
    secret?.close();
    spawnSync("ip", ["netns", "delete", namespace]);
  });

  it("reach each other and the router on one node, and on another node of the computer", async () => {
    await becomes(one, `ping/${two.address}`, "answers");
    await becomes(two, `ping/${one.address}`, "answers");
    await becomes(one, `ping/${three.address}`, "answers");
    await becomes(three, `ping/${one.address}`, "answers");
    await becomes(three, `ping/${ranges.mine}.1`, "answers");
  });

  it("do not without it, and do again as soon as it is back", async () => {
    await apply([]);
    await becomes(one, `ping/${two.address}`, "silent");
    await becomes(three, `ping/${one.address}`, "silent");
    await becomes(three, `ping/${two.address}`, "answers");
    await apply([router()]);
    await becomes(one, `ping/${two.address}`, "answers");
    await becomes(three, `ping/${one.address}`, "answers");
  });

  describe("that leads outside", () => {
    const calling = (address: string) => `call/${address}:${port}`;
    before(function () {
      if (!isRoot) skip(this, "a network that is outside takes root to make");
    });

    it("are answered by a server there", async () => {
      for (const guest of [one, two]) await becomes(guest, calling(server), "outside");
    });

    it("are not by the computer itself, at whichever of its addresses", async () => {
      for (const address of [ownEnd, "100.127.255.249", "100.127.255.250"])
        await becomes(one, calling(address), "silent");
      const text = await host.consoleOf(one);
      expect(text)
        .to.contain(`${calling(ownEnd)} silent`)
        .and.contain(`${calling("100.127.255.249")} silent`);
      expect(text).not.to.match(/TRY \d+ call\/\S+ secret/);
      expect(calls).to.equal(0);
      const [word] = await once(connect(port, ownEnd), "data");
      expect(String(word), "what was tried would have found something").to.equal("secret");
      calls = 0;
    });

    it("are not on a node that does not lead there", async () => {
      await becomes(three, calling(server), "silent");
      expect((await foundBy(three, calling(server))).answers).not.to.include("outside");
    });

    it("go on while the agent is away, by the same process, and by another when it was killed", async () => {
      const before = exitPids(host);
      expect(before).to.have.length(1);
      await host.restartAgent();
      await apply([router()]);
      await becomes(one, calling(server), "outside");
      expect(exitPids(host)).to.deep.equal(before);
      process.kill(before[0] ?? Number.NaN, "SIGKILL");
      await until("another process", () => exitPids(host).some((pid) => !before.includes(pid)));
      await becomes(one, calling(server), "outside");
    });

    it("are answered no more when the router leads nowhere, and the process ends", async () => {
      await apply([{ ...router(), outside: null }]);
      await becomes(one, calling(server), "silent");
      await until("no process", () => exitPids(host).length === 0);
      await becomes(one, `ping/${two.address}`, "answers");
      expect(calls).to.equal(0);
    });
  });
});
