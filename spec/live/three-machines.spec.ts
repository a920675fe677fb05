/**
 * Three machines of a cluster, each a compute node with the network driver `bridge`: namespaces with a wire
 * between them, PostgreSQL, NATS and a controller, and guests of QEMU whose consoles are believed. Two
 * projects have networks of the same addresses. What is forged, and a flood at a closed port, is judged in
 * tunnel-rules.spec.ts. Needs root, all of these, and the tiny guest that the set-up builds; skips loudly
 * elsewhere.
 */
import { expect } from "chai";
import { connect, type Novact } from "../../nodes/sdk/sdk.ts";
import { type NodeProcess, startNodeProcess } from "../../nodes/up/node-process.ts";
import type { Instance } from "../../protocol/instance.ts";
import { missingForBridges } from "../support/bridge-host.ts";
import { type LiveCluster, startLiveCluster } from "../support/live-cluster.ts";
import { guestOfSetup, missingForGuests } from "../support/live-guest.ts";
import { Machines, missingForMachines } from "../support/machines.ts";
import { pinging } from "../support/networked-guests.ts";
import { natsUrl, skip } from "../support/services.ts";

const mtuBytes = 1_400;
const port = 5_000;
const at = (last: number) => `10.9.0.${last}`;
const all = [11, 12, 13].map(at);
const publicKey =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2Wnb8Xl5fVqXo6Zt1yq0l4bq0f7q1k2m3n4o5p6q7r demo@spec";

/** Pings all, and beside it answers or speaks by TCP: each word that comes back is a line of its console. */
const talking = (speaksTo: string | undefined) => {
  const conversation =
    speaksTo === undefined
      ? `while :; do nc -l -p ${port} -e cat; done &`
      : `(while :; do
  (count=0; while :; do count=$((count + 1)); echo $count; usleep 100000; done) | nc ${speaksTo} ${port} |
    while read -r word; do echo "NOVACT-GUEST ECHO $word"; done
  usleep 100000
done) &`;
  return pinging(all).replace("round=0\n", `${conversation}\nround=0\n`);
};

interface Wanted {
  readonly api: () => Novact;
  readonly name: string;
  /** From 1. */
  readonly machine: number;
  readonly address: string;
  readonly speaksTo?: string;
}

describe("guests of three machines", function () {
  this.timeout(300_000);
  let machines: Machines;
  let cluster: LiveCluster;
  let demo: Novact;
  let other: Novact;
  const agents: NodeProcess[] = [];
  const wanted: readonly Wanted[] = [
    { api: () => demo, name: "near", machine: 1, address: at(12) },
    { api: () => demo, name: "far", machine: 2, address: at(13) },
    { api: () => demo, name: "first", machine: 1, address: at(11), speaksTo: at(13) },
    { api: () => other, name: "twin", machine: 1, address: at(11) },
    { api: () => other, name: "far-twin", machine: 3, address: at(13) },
  ];
  const made = new Map<string, Instance>();

  before(async function () {
    const missing = missingForGuests() ?? missingForBridges() ?? missingForMachines();
    const guest = guestOfSetup();
    if (missing !== undefined || guest === undefined) return skip(this, missing ?? "no guest was built");
    machines = await Machines.make(3, Number(new URL(await natsUrl(this)).port));
    cluster = await startLiveCluster(this, undefined, {
      nodes: machines.all.map(({ underlay }, index) => ({
        ...{ name: `machine-${index + 1}`, accelerator: "tcg" },
        network: { driver: "bridge", options: { underlay } },
      })),
      imageSources: guest.directory,
      start: async (file) => {
        for (const [index, { runtime }] of machines.all.entries())
          agents.push(await agent(index, file, runtime));
      },
    });
    const { url, cell, admin } = cluster;
    [demo, other] = [
      await connect({ url, cell, project: "demo" }),
      await connect({ url, cell, project: "other" }),
    ];
    await admin.flavor.create({ name: "tiny", vcpus: 1, memoryMib: 128, diskGib: 0 });
    const { kernel, ramdisk, commandLine } = guest;
    await admin.image.register({
      ...{ name: "tiny", kernel: { path: kernel }, ramdisk: { path: ramdisk }, commandLine },
    });
    for (const [index] of machines.all.entries()) {
      await admin.aggregate.create({ name: `zone-${index + 1}`, availabilityZone: `zone-${index + 1}` });
      await admin.aggregate.addHost(`zone-${index + 1}`, { host: `machine-${index + 1}` });
    }
    for (const api of [demo, other]) {
      await api.network.create({ name: "net", mtuBytes });
      await api.subnet.create({ name: "net", network: "net", cidr: "10.9.0.0/24" });
      await allowPart(api);
      await api.keyPair.create({ name: "own", publicKey });
    }
    for (const one of wanted) made.set(one.name, await make(one));
  });
  after(async () => {
    await demo?.close();
    await other?.close();
    await Promise.all(agents.map((one) => one.shutdown({ guests: true, patienceMs: 0 })));
    await cluster?.stop();
    await machines?.close();
  });

  const agent = (index: number, file: string, runtime: string) =>
    startNodeProcess({
      name: `machine-${index + 1}`,
      arguments: ["compute", "--name", `machine-${index + 1}`, "--config", file],
      ...{ runtime, nodeArguments: [], outputFile: `${file}.machine-${index + 1}.out` },
    });
  /** Members of the project's own group may ping each other and speak at one port, and nothing else. */
  const allowPart = async (api: Novact) => {
    const rule = { group: "default", direction: "ingress", remoteGroup: "default" } as const;
    await api.securityGroupRule.create({ ...rule, protocol: "icmp" });
    await api.securityGroupRule.create({ ...rule, protocol: "tcp", portMin: port });
    const { securityGroupRules } = await api.securityGroupRule.list({});
    for (const { id, name } of securityGroupRules)
      if (name.startsWith("ingress everything")) await api.securityGroupRule.delete(id, {});
  };
  const make = async ({ api, name, machine, address, speaksTo }: Wanted) => {
    const { instance } = await api().instance.create({
      ...{ name, flavor: "tiny", image: "tiny", wait: true, keyName: "own", hostname: `${name}-host` },
      ...{ networks: [{ network: "net", address }], availabilityZone: `zone-${machine}` },
      userData: Buffer.from(talking(speaksTo)).toString("base64"),
    });
    expect(instance.hostName).to.equal(`machine-${machine}`);
    return instance;
  };
  const instanceOf = (name: string): Instance => made.get(name) ?? expect.fail(`no instance ${name}`);
  const consoleOf = async ({ name, api }: Wanted) =>
    (await api().instance.console(instanceOf(name).id, { tailLines: 4_000 })).text;
  const called = (name: string): Wanted => wanted.find((one) => one.name === name) ?? expect.fail(name);
  const until = async (what: string, met: () => Promise<boolean>) => {
    const deadlineMs = performance.now() + 90_000;
    while (!(await met())) {
      if (performance.now() > deadlineMs) throw new Error(`It took too long: ${what}.`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  const pings = async (one: Wanted) =>
    [...(await consoleOf(one)).matchAll(/NOVACT-GUEST PING (\d+) (\S+) (answers|silent)/g)].map(
      ([, round, address = "", how = ""]) => ({ round: Number(round), address, how }),
    );
  const roundOf = async (one: Wanted) => Math.max(0, ...(await pings(one)).map(({ round }) => round));
  const reaches = (one: Wanted, address: string, after = 0) =>
    until(`${one.name} reaches ${address}`, async () =>
      (await pings(one)).some(
        (each) => each.round > after && each.address === address && each.how === "answers",
      ),
    );
  const echoes = async () =>
    [...(await consoleOf(called("first"))).matchAll(/NOVACT-GUEST ECHO (\d+)/g)].length;

  it("have address, size of packets, name and key from their own machine", async () => {
    for (const one of wanted) {
      const told = [
        `NOVACT-GUEST NET eth0 ${one.address}/24 mtu ${mtuBytes} server 169.254.169.254`,
        `NOVACT-GUEST TOLD hostname=${one.name}-host keys=1`,
        `NOVACT-GUEST READY hostname=${one.name}-host ip=${one.address}/24`,
      ];
      for (const line of told)
        await until(`${one.name} says ${line}`, async () => (await consoleOf(one)).includes(line));
    }
  });

  it("reach those of their project on one machine and on two", async () => {
    for (const name of ["first", "near", "far"])
      for (const address of all) await reaches(called(name), address);
    for (const name of ["twin", "far-twin"])
      for (const address of [at(11), at(13)]) await reaches(called(name), address);
  });

  it("reach nobody of another project that has the same addresses", async () => {
    for (const name of ["twin", "far-twin"]) {
      await until("three rounds", async () => (await roundOf(called(name))) >= 3);
      const found = (await pings(called(name))).filter(({ address }) => address === at(12));
      expect(new Set(found.map(({ how }) => how)), name).to.deep.equal(new Set(["silent"]));
    }
    // Whoever answers at an address that both have is of the own project: the other one's is gone now.
    await other.instance.delete(instanceOf("far-twin").id, { wait: true });
    const round = await roundOf(called("twin"));
    await until("three rounds", async () => (await roundOf(called("twin"))) >= round + 3);
    const later = (await pings(called("twin"))).filter(
      (one) => one.round > round + 1 && one.address === at(13),
    );
    expect(new Set(later.map(({ how }) => how))).to.deep.equal(new Set(["silent"]));
    await reaches(called("first"), at(13), await roundOf(called("first")));
  });

  it("speak no more at a port whose rule was taken back, also by what was open, and go on to be pinged", async () => {
    await until("first and far speak", async () => (await echoes()) > 3);
    const { securityGroupRules } = await demo.securityGroupRule.list({});
    const rule = securityGroupRules.find(({ protocol }) => protocol === 6) ?? expect.fail("no rule");
    let [heard, lastMs] = [await echoes(), performance.now()];
    await demo.securityGroupRule.delete(rule.id, {});
    const revokedMs = performance.now();
    const quiet = async () => {
      const now = await echoes();
      if (now !== heard) [heard, lastMs] = [now, performance.now()];
      return performance.now() - lastMs > 5_000;
    };
    await until("nothing is heard any more", quiet);
    console.log(
      `      the last word came ${Math.round(Math.max(0, lastMs - revokedMs))} ms after the rule was gone`,
    );
    await reaches(called("first"), at(13), await roundOf(called("first")));
    expect(await echoes()).to.equal(heard);
  });

  it("leave nothing to find", async () => {
    const { findings } = await cluster.admin.doctor.examine({}, { timeoutMs: 20_000 });
    expect(findings).to.deep.equal([]);
  });
});
