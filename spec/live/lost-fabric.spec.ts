/**
 * A node of the driver `bridge` loses everybody who holds its network while its agent is dead: the namespace
 * goes, and with it the taps of guests that run. Real PostgreSQL, NATS and QEMU. Needs root; skips loudly
 * elsewhere.
 */
import { realpathSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import { findResidents } from "../../nodes/drivers/bridge-network/holder.ts";
import { connect, type Novact } from "../../nodes/sdk/sdk.ts";
import { type NodeProcess, startNodeProcess } from "../../nodes/up/node-process.ts";
import type { Instance } from "../../protocol/instance.ts";
import { missingForBridges } from "../support/bridge-host.ts";
import { type LiveCluster, startLiveCluster } from "../support/live-cluster.ts";
import { guestOfSetup, missingForGuests } from "../support/live-guest.ts";
import { skip } from "../support/services.ts";

const node = "node-1";
const patient = { timeoutMs: 120_000 };
const addresses = ["10.9.0.11", "10.9.0.12"];

describe("a host that has lost the network of its guests", function () {
  this.timeout(240_000);
  let cluster: LiveCluster;
  let agent: NodeProcess;
  let file = "";
  let demo: Novact;
  const guests: Instance[] = [];

  const startAgent = async () => {
    agent = await startNodeProcess({
      name: node,
      arguments: ["compute", "--name", node, "--config", file],
      ...{ nodeArguments: [], outputFile: `${file}.out` },
    });
  };
  before(async function () {
    const [missing, guest] = [missingForGuests() ?? missingForBridges(), guestOfSetup()];
    if (missing !== undefined || guest === undefined) return skip(this, missing ?? "no guest was built");
    cluster = await startLiveCluster(this, undefined, {
      nodes: [{ name: node, accelerator: "tcg", network: "bridge" }],
      imageSources: guest.directory,
      start: (cluster) => {
        file = cluster;
        return startAgent();
      },
    });
    const { url, cell, admin } = cluster;
    demo = await connect({ url, cell, project: "demo" });
    const { kernel, ramdisk, commandLine } = guest;
    await admin.flavor.create({ name: "tiny", vcpus: 1, memoryMib: 128, diskGib: 0 });
    await admin.image.register({
      ...{ name: "tiny", kernel: { path: kernel }, ramdisk: { path: ramdisk }, commandLine },
    });
    await demo.network.create({ name: "net" });
    await demo.subnet.create({ name: "net", network: "net", cidr: "10.9.0.0/24" });
    for (const [index, address] of addresses.entries()) {
      const script = `#!/bin/sh\nexec ping ${addresses[1 - index]}\n`;
      const { instance } = await demo.instance.create({
        ...{ name: `guest-${index}`, flavor: "tiny", image: "tiny", networks: [{ network: "net", address }] },
        ...{ userData: Buffer.from(script).toString("base64"), wait: true },
      });
      guests.push(instance);
    }
  });
  after(async () => {
    await demo?.close();
    await agent?.shutdown({ guests: true, patienceMs: 0 });
    await cluster?.stop();
  });

  const until = async (what: string, met: () => Promise<boolean>) => {
    const deadlineMs = performance.now() + 60_000;
    while (!(await met())) {
      if (performance.now() > deadlineMs) throw new Error(`It took too long: ${what}.`);
      await pause(100);
    }
  };
  const directory = () => realpathSync(join(cluster.state(node), "network/fabric"));
  const portOf = (index: number) => guests[index]?.interfaces?.[0]?.portId ?? "";
  const answered = async (index: number) => {
    const { text } = await demo.instance.console(guests[index]?.id ?? "", { tailLines: 4_000 });
    return [...text.matchAll(/bytes from \S+ seq=(\d+) /g)].length;
  };

  const statusOf = async (port: string) => (await demo.port.get(port, {})).port;
  const becomes = (port: string, wanted: string) =>
    until(`the port is ${wanted}`, async () => (await statusOf(port)).status === wanted);
  const findings = async () => (await cluster.admin.doctor.examine({}, { timeoutMs: 20_000 })).findings;

  it("says so of each port, and what to do, when its agent is back", async () => {
    for (const index of [0, 1]) await until("it pings", async () => (await answered(index)) > 1);
    process.kill(agent.pid, "SIGKILL");
    await agent.ended;
    for (const { pid } of await findResidents(directory())) process.kill(pid, "SIGKILL");
    await until("all are gone", async () => (await findResidents(directory())).length === 0);
    await startAgent();
    for (const index of [0, 1]) {
      await becomes(portOf(index), "error");
      const { statusReason } = await statusOf(portOf(index));
      expect(statusReason).to.equal(
        `What guest-${index} was plugged into is gone from the host node-1: stop guest-${index} and start it again.`,
      );
    }
    const found = await findings();
    for (const [index, { id }] of guests.entries())
      expect(found.find(({ message }) => message.includes(portOf(index)))?.next).to.contain(
        `novact instance stop ${id} --wait && novact instance start ${id} --wait`,
      );
  });

  it("has the network of a guest again when it is stopped and started, and not when it is reset", async () => {
    const [id = ""] = guests.map((one) => one.id);
    await demo.instance.reboot(id, { mode: "hard", wait: true }, patient);
    expect((await statusOf(portOf(0))).status).to.equal("error");
    await demo.instance.stop(id, { mode: "hard", wait: true }, patient);
    await demo.instance.start(id, { wait: true }, patient);
    await becomes(portOf(0), "active");
    expect((await statusOf(portOf(1))).status).to.equal("error");
  });

  it("plugs such a guest into nothing else while it runs", async () => {
    const attached = { network: "net", address: "10.9.0.40", wait: true };
    await demo.instance.interfaceAttach(guests[1]?.id ?? "", attached, patient);
    const { operations } = await demo.operation.list({ instanceId: guests[1]?.id ?? "" }, patient);
    const last = operations.find(({ kind }) => kind === "interfaceAttach");
    expect([last?.state, last?.error?.message]).to.deep.equal([
      "failed",
      "The guest was started where it can be plugged into no network of its host: stop it and start it again.",
    ]);
  });

  it("is as before when all guests have been started anew", async () => {
    const [, id = ""] = guests.map((one) => one.id);
    const before = await answered(0);
    await demo.instance.stop(id, { mode: "hard", wait: true }, patient);
    await demo.instance.start(id, { wait: true }, patient);
    await becomes(portOf(1), "active");
    await until("they reach each other", async () => (await answered(0)) > before);
    await until("nothing is left to do", async () => (await findings()).length === 0);
  });
});
