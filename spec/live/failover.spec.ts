/**
 * Floating addresses of the driver `bridge` when they go to another host: because they are led elsewhere, and
 * because their host has died. Namespaces are the machines, a neighbour on the operator's network writes down
 * who answers when, and guests of QEMU are believed. Until the proof that a host is dead, its addresses are
 * nobody else's. Needs root, PostgreSQL, NATS, QEMU and the tiny guest that the set-up builds; skips loudly
 * elsewhere. Times are printed, and judged by nobody: the computer may be busy.
 */
import { realpathSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { outsideMac } from "../../nodes/drivers/bridge-network/routing/names.ts";
import { connect, type Novact } from "../../nodes/sdk/sdk.ts";
import { type NodeProcess, startNodeProcess } from "../../nodes/up/node-process.ts";
import type { Instance } from "../../protocol/instance.ts";
import { refused } from "../support/asking.ts";
import { missingForBridges } from "../support/bridge-host.ts";
import { type LiveCluster, startLiveCluster } from "../support/live-cluster.ts";
import { guestOfSetup, missingForGuests } from "../support/live-guest.ts";
import { Machines, missingForMachines } from "../support/machines.ts";
import { OutsideCaller } from "../support/outside-caller.ts";
import { losePower } from "../support/power-loss.ts";
import { routerConnections } from "../support/router-connections.ts";
import { natsUrl, skip } from "../support/services.ts";

const fixed = { lost: "10.9.0.11", peer: "10.9.0.12" } as const;
type Name = keyof typeof fixed;
const floats = { dies: "203.0.113.50", moves: "203.0.113.51" } as const;
const nodeAddress = (number: number) => `203.0.113.${10 + number}/24`;
const macOf = (number: number) => outsideMac("office", nodeAddress(number));

/** Asks often enough to see when an address is back, and says only that it is. */
const asking = `#!/bin/sh
while :; do
  ping -c 1 -W 1 ${fixed.lost} >/dev/null 2>&1 && echo "NOVACT-GUEST HEARS" &
  usleep 200000
done
`;
const idle = "#!/bin/sh\n";

describe("floating addresses that go to another host", function () {
  this.timeout(240_000);
  let machines: Machines;
  let cluster: LiveCluster;
  let demo: Novact;
  let caller: OutsideCaller;
  let file = "";
  const agents: NodeProcess[] = [];
  const made = new Map<Name, Instance>();

  before(async function () {
    const missing = missingForGuests() ?? missingForBridges() ?? missingForMachines();
    const guest = guestOfSetup();
    if (missing !== undefined || guest === undefined) return skip(this, missing ?? "no guest was built");
    machines = await Machines.make(3, Number(new URL(await natsUrl(this)).port), true);
    cluster = await startLiveCluster(this, undefined, {
      nodes: machines.all.map(({ underlay }, index) => ({
        ...{ name: nameOf(index + 1), accelerator: "tcg" },
        network: {
          driver: "bridge",
          options: { underlay, outside: { office: { device: "eth1", address: nodeAddress(index + 1) } } },
        },
      })),
      imageSources: guest.directory,
      start: async (written) => {
        file = written;
        for (const [index, { runtime }] of machines.all.entries())
          agents.push(await agent(index + 1, runtime));
      },
    });
    const { url, cell, admin } = cluster;
    demo = await connect({ url, cell, project: "demo" });
    await admin.flavor.create({ name: "tiny", vcpus: 1, memoryMib: 128, diskGib: 0 });
    const { kernel, ramdisk, commandLine } = guest;
    await admin.image.register({
      ...{ name: "tiny", kernel: { path: kernel }, ramdisk: { path: ramdisk }, commandLine },
    });
    await makeNetworks();
    caller = await OutsideCaller.open(machines.office ?? "");
    await make("lost", 1, idle);
    await make("peer", 3, asking);
  });
  after(async () => {
    await caller?.close();
    await demo?.close();
    await Promise.all(agents.map((one) => one.shutdown({ guests: true, patienceMs: 0 })));
    await cluster?.stop();
    await machines?.close();
  });

  const nameOf = (number: number) => `machine-${number}`;
  const agent = (number: number, runtime: string) =>
    startNodeProcess({
      name: nameOf(number),
      arguments: ["compute", "--name", nameOf(number), "--config", file],
      ...{ runtime, nodeArguments: [], outputFile: `${file}.${nameOf(number)}.out` },
    });
  const makeNetworks = async () => {
    const { admin } = cluster;
    await admin.network.create({ name: "public", external: true, physicalNetwork: "office" });
    const pools = [{ first: floats.dies, last: floats.moves }];
    await admin.subnet.create({ name: "public", network: "public", cidr: "203.0.113.0/24", pools });
    await demo.network.create({ name: "net", mtuBytes: 1_400 });
    await demo.subnet.create({ name: "net", network: "net", cidr: "10.9.0.0/24" });
    await demo.router.create({ name: "way", externalNetwork: "public" });
    await demo.router.addInterface("way", { subnet: "net" });
    await demo.securityGroupRule.create({ group: "default", direction: "ingress", protocol: "icmp" });
  };
  /** On the machine with that number: the others take nothing meanwhile. */
  const make = async (name: Name, machine: number, script: string) => {
    await onlyOn(machine);
    const { instance, operation } = await demo.instance.create(
      {
        ...{
          name,
          flavor: "tiny",
          image: "tiny",
          wait: true,
          networks: [{ network: "net", address: fixed[name] }],
        },
        userData: Buffer.from(script).toString("base64"),
      },
      { timeoutMs: 30_000 },
    );
    expect([instance.hostName, operation.error]).to.deep.equal([nameOf(machine), null]);
    made.set(name, instance);
  };
  const onlyOn = async (machine: number) => {
    const { admin } = cluster;
    for (const number of [1, 2, 3].filter((one) => one !== machine))
      await admin.host.disable(nameOf(number), { reason: "the guest is to be elsewhere" });
    await admin.host.enable(nameOf(machine), {});
  };
  const instanceOf = (name: Name) => made.get(name) ?? expect.fail(name);
  const portOf = (name: Name) => instanceOf(name).interfaces?.[0]?.portId ?? expect.fail("It has no port.");
  const until = async (what: string, met: () => Promise<boolean> | boolean, periodMs = 20) => {
    const deadlineMs = performance.now() + 90_000;
    while (!(await met())) {
      if (performance.now() > deadlineMs) throw new Error(`It took too long: ${what}.`);
      await new Promise((resolve) => setTimeout(resolve, periodMs));
    }
  };
  const eventsOf = async (nouns: readonly string[]) =>
    (await cluster.admin.event.list({ order: "newest", nouns: [...nouns], limit: 200 })).events;
  /** Connections of the address that the machine's kernel keeps, in its routers and ways outside. */
  const keptAt = (number: number, address: string) =>
    routerConnections(realpathSync(join(cluster.state(nameOf(number)), "network", "fabric")), address);
  const hears = async () => {
    const { text } = await demo.instance.console(instanceOf("peer").id, { tailLines: 4_000 });
    return [...text.matchAll(/NOVACT-GUEST HEARS/g)].length;
  };

  it("are answered by the next host, and by the former one no more, when they are led elsewhere", async () => {
    const { floatingIp } = await demo.floatingIp.create({
      ...{ network: "public", target: { port: portOf("lost") } },
    });
    const called = caller.call(floatingIp.name);
    await until("the guest answers", () => called.echoesAtMs.length > 3);
    expect(new Set(called.words.map(({ mac }) => mac))).to.deep.equal(new Set([macOf(1)]));
    for (const [from, to, name] of [
      [1, 3, "peer"],
      [3, 1, "lost"],
    ] as const) {
      expect(await keptAt(from, floatingIp.name), "while it is called").not.to.deep.equal([]);
      const startedMs = Date.now();
      await demo.floatingIp.set(floatingIp.id, { target: { port: portOf(name) } });
      const [event] = (await eventsOf(["floating-ip"])).filter(({ id }) => id === floatingIp.id);
      const committedMs = event?.atMs ?? startedMs;
      const said = (number: number) =>
        called.words.filter(({ mac, atMs }) => mac === macOf(number) && atMs >= startedMs);
      await until(
        "the former one keeps no connection",
        async () => (await keptAt(from, floatingIp.name)).length === 0,
      );
      const endedMs = Date.now() - committedMs;
      await until("the next one answers", () => said(to).length > 0);
      const quietMs = 2_000;
      await until(
        "the former one is quiet",
        () => Date.now() - (said(from).at(-1)?.atMs ?? startedMs) > quietMs,
      );
      const [first, last] = [said(to)[0]?.atMs ?? 0, said(from).at(-1)?.atMs ?? committedMs];
      console.log(
        `      the next host answers ${first - committedMs} ms after the commit,`,
        `the former one last ${last - committedMs} ms; both for ${Math.max(0, last - first)} ms;`,
        `its connections have ended after ${endedMs} ms`,
      );
      expect(called.words.at(-1)?.mac).to.equal(macOf(to));
    }
    await demo.floatingIp.delete(floatingIp.id, {});
  });

  it("come back with their guest when its host has died, and are nobody's until that is proved", async () => {
    const { floatingIp } = await demo.floatingIp.create({
      ...{ network: "public", target: { port: portOf("lost") } },
    });
    const called = caller.call(floatingIp.name);
    await until("the guest answers", () => called.echoesAtMs.length > 3);
    await until("its neighbour hears it", async () => (await hears()) > 3, 200);
    await onlyOn(2);
    machines.unplug(1);
    await losePower(nameOf(1), cluster.state(nameOf(1)), file);
    const diedMs = Date.now();
    const heard = await hears();
    const taken = async () => [
      (await refused(demo.port.create({ network: "net", addresses: [{ address: fixed.lost }] }))).reason,
      (await refused(cluster.admin.floatingIp.create({ network: "public", address: floatingIp.name })))
        .reason,
    ];
    const fenced = async () =>
      (await eventsOf(["host"])).find(({ event, atMs }) => event === "fenced" && atMs >= diedMs);
    // Whoever asks before the proof is refused; the answer to one that was asked before counts, too.
    let refusals = 0;
    for (; (await fenced()) === undefined; refusals += 1) {
      const reasons = await taken();
      if ((await fenced()) === undefined) expect(reasons).to.deep.equal(["addressTaken", "addressTaken"]);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(refusals).to.be.greaterThan(3);
    const placed = async () =>
      (await eventsOf(["instance"])).find(
        ({ event, id, atMs }) => event === "placed" && id === instanceOf("lost").id && atMs >= diedMs,
      );
    await until("it is placed", async () => (await placed()) !== undefined);
    const placedMs = (await placed())?.atMs ?? 0;
    const answers = () => called.words.filter(({ atMs }) => atMs > diedMs);
    await until("the next host answers", () => answers().length > 0);
    await until("the guest answers", () => called.echoesAtMs.some((atMs) => atMs > placedMs), 5);
    const floatingMs = called.echoesAtMs.find((atMs) => atMs > placedMs) ?? 0;
    await until("its neighbour hears it", async () => (await hears()) > heard, 50);
    const figures = {
      fenced: ((await fenced())?.atMs ?? 0) - diedMs,
      placed: placedMs - diedMs,
      answers: (answers()[0]?.atMs ?? 0) - placedMs,
      floating: floatingMs - placedMs,
      fixed: Date.now() - placedMs,
    };
    console.log(`      ms after the death: fenced ${figures.fenced}, placed ${figures.placed}`);
    console.log(
      `      ms after the placement: ARP ${figures.answers}, floating ${figures.floating}, fixed ${figures.fixed}`,
    );
    expect(new Set(answers().map(({ mac }) => mac))).to.deep.equal(new Set([macOf(2)]));
    expect(answers().every(({ atMs }) => atMs >= placedMs)).to.equal(true);
    const { instance } = await demo.instance.get(instanceOf("lost").id, {});
    expect([instance.hostName, instance.state]).to.deep.equal([nameOf(2), "running"]);
    expect(await taken()).to.deep.equal(["addressTaken", "addressTaken"]);
  });
});
