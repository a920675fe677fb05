/**
 * A compute node as a real process: its own Node process, a NATS server, QEMU. The spec plays the
 * controllers. One guest at a time; needs nats-server, QEMU and the tiny guest that the set-up builds.
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { connectNats, type NatsBus } from "../../nodes/bus/nats.ts";
import { controllerUser } from "../../nodes/bus/users.ts";
import { type ClusterConfig, connectionOf, loadConfig, statePaths } from "../../nodes/config/config.ts";
import { hostIdOf } from "../../nodes/config/host-id.ts";
import { ImageStore } from "../../nodes/drivers/images/store.ts";
import { systemClock, systemIds } from "../../nodes/process/clock.ts";
import { findNatsServer, startNatsServer } from "../../nodes/up/nats-server.ts";
import { type NodeProcess, startNodeProcess } from "../../nodes/up/node-process.ts";
import type { RunningServer } from "../../nodes/up/server-process.ts";
import {
  hostAgentService,
  type MachineIntent,
  type MachineSpec,
  type Observation,
  reportService,
} from "../../protocol/machine.ts";
import { hostBinding, reportBinding } from "../../protocol/wire/binding.ts";
import { createClient } from "../../protocol/wire/client.ts";
import { createServer, implement } from "../../protocol/wire/server.ts";
import type { Client } from "../../protocol/wire/service.ts";
import { intent } from "../actors/node/machine/worlds.ts";
import {
  machineSpec,
  silentLog,
  type TemporaryDirectory,
  temporaryDirectory,
} from "../support/driver-world.ts";
import { PlayedController } from "../support/host-world.ts";
import { guestOfSetup, missingForGuests } from "../support/live-guest.ts";
import { skip } from "../support/services.ts";

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10));
}

describe("a compute node", function () {
  this.timeout(120_000);
  let directory: TemporaryDirectory;
  let config: ClusterConfig;
  let nats: RunningServer;
  let bus: NatsBus;
  let node: NodeProcess;
  let spec: MachineSpec;
  let host: Client<typeof hostAgentService>;
  const controller = new PlayedController();
  const instanceId = systemIds(0).next();

  const startNode = () =>
    startNodeProcess({
      name: "node-1",
      arguments: ["compute", "--name", "node-1", "--config", config.file],
      nodeArguments: [],
      outputFile: join(directory.path, "node-1.out"),
    });
  const seen = (): Partial<Observation> => controller.seen.get(instanceId) ?? {};
  let generation = 0;
  const ensure = async (changes: Partial<MachineIntent> = {}) => {
    generation += 1;
    const observedGeneration = seen().generation ?? 0;
    const request = {
      spec,
      intent: intent({ generation, ...changes }),
      observedGeneration,
      leaseEpoch: 0,
      needs: [],
    };
    return (await host.ensure(request, { timeoutMs: 3_000 })).observation;
  };
  const reaches = (state: Observation["state"]) =>
    until(() => seen().state === state && seen().intentGeneration === generation);
  const pids = async () => (await host.audit({})).processes.map(({ pid }) => pid);

  before(async function () {
    const guest = guestOfSetup();
    const missing =
      missingForGuests() ?? (findNatsServer() === undefined ? "nats-server is not installed" : undefined);
    if (missing !== undefined || guest === undefined) return skip(this, missing ?? "there is no tiny guest");
    directory = await temporaryDirectory();
    const file = join(directory.path, "cluster.yaml");
    const settings = {
      stateDirectory: "state",
      nats: { port: 0 },
      nodes: [{ name: "node-1", accelerator: "tcg" }],
    };
    writeFileSync(file, JSON.stringify(settings));
    config = loadConfig(file);
    const paths = statePaths(config);
    const hostId = hostIdOf(config, "node-1");
    const access = { cell: config.cell, hosts: [hostId], projects: config.projects };
    const logFile = join(directory.path, "nats.log");
    nats = await startNatsServer({ directory: paths.nats, port: 0, logFile, access, diesWithUs: true });
    bus = await connectNats({ ...connectionOf(config, controllerUser), name: "spec", log: silentLog });
    const common = { bus, clock: systemClock, ids: systemIds(0), log: silentLog };
    const services = [implement(reportService, controller.client)];
    createServer({ ...common, binding: reportBinding(config.cell), services });
    host = createClient(hostAgentService, { ...common, binding: hostBinding(config.cell, hostId) });
    const store = new ImageStore({ directory: paths.images, sources: [guest.directory] });
    const [kernel, ramdisk] = await Promise.all([
      store.registerFile({ path: guest.kernel }),
      store.registerFile({ path: guest.ramdisk }),
    ]);
    const image = { id: "tiny", disk: null, kernel, ramdisk, commandLine: guest.commandLine };
    spec = machineSpec({ instanceId, image });
    node = await startNode();
  });

  after(async () => {
    await node?.shutdown({ guests: true, patienceMs: 0 });
    await bus?.close();
    await nats?.stop();
    await directory?.remove();
  });

  it("registers with what it has, and why it runs guests as it does", async () => {
    await until(() => controller.registrations === 1);
    expect(controller.inventory).to.include({ name: "node-1", hypervisor: "qemu", accelerator: "tcg" });
    expect(controller.inventory?.acceleratorReason).to.equal("The configuration says tcg.");
    expect(controller.inventory?.vcpus).to.be.greaterThan(0);
  });

  it("boots a guest, reports it running, and reads its console to the marker", async () => {
    const beganMs = performance.now();
    await ensure();
    await reaches("running");
    console.log(`      create to running: ${Math.round(performance.now() - beganMs)} ms`);
    let text = "";
    for (let offset = 0; !text.includes("NOVACT-GUEST READY"); ) {
      const page = await host
        .console({ instanceId, offset, waitMs: 5_000 }, { timeoutMs: 10_000 })
        .catch(() => undefined);
      text += page?.text ?? "";
      offset = page?.nextOffset ?? offset;
    }
  });

  it("lets its guest run on when it is killed, and takes it over untouched", async () => {
    const before = await pids();
    const generationBefore = seen().generation ?? 0;
    process.kill(node.pid, "SIGKILL");
    await node.ended;
    node = await startNode();
    await until(() => (seen().generation ?? 0) > generationBefore);
    expect(seen().state).to.equal("running");
    expect(await pids()).to.deep.equal(before);
    expect((await host.audit({})).strays).to.deep.equal([]);
  });

  it("restarts a guest whose QEMU is killed", async () => {
    const [pid] = await pids();
    process.kill(pid ?? 0, "SIGKILL");
    await until(() => seen().reason === "processLost");
    await reaches("running");
    const [second] = await pids();
    expect(second).to.be.a("number").and.not.equal(pid);
  });

  it("pauses, resumes, resets and stops it, each as it was asked", async () => {
    await ensure({ power: "paused" });
    await reaches("paused");
    await ensure({ resetCount: 1, resetMode: "hard" });
    await until(() => seen().state === "running" && seen().resetCount === 1);
    await ensure({ power: "stopped", resetCount: 1, stop: { mode: "hard", timeoutMs: 0 } });
    await reaches("stopped");
    expect(await pids()).to.deep.equal([]);
  });

  it("hears a deletion while the guest boots, and leaves nothing behind", async () => {
    await ensure({ resetCount: 1 });
    await ensure({ power: "deleted", resetCount: 1 });
    await reaches("gone");
    const { machines, processes, directories, strays } = await host.audit({});
    expect({ machines, processes, directories, strays }).to.deep.equal({
      ...{ machines: [], processes: [], directories: [], strays: [] },
    });
    const running = execFileSync("ps", ["-eo", "args"], { encoding: "utf8" });
    expect(running).to.not.include(instanceId);
  });

  it("says when it ends, and ends", async () => {
    await node.shutdown({ guests: false, patienceMs: 0 });
    expect((await node.ended).code).to.equal(0);
    expect(controller.heartbeats.at(-1)?.stopping).to.equal(true);
  });
});
