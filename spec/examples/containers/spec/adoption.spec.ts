/** Containers outlive the agent, however it ends, and are adopted by its next life and by nobody else. */
import { spawn } from "node:child_process";
import { cpSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import type { GuestEvent, GuestPaths, MachineSpec } from "novact/plugin";
import { Cgroup } from "../src/cgroup.ts";
import { guestFiles } from "../src/guest-files.ts";
import { cgroupParent, containersIn, hierarchies } from "../src/host.ts";
import { isAttached } from "../src/loop-devices.ts";
import { livingRecord } from "../src/shim-record.ts";
import { ContainerWorld, needsContainers } from "./world.ts";

const never = new AbortController().signal;
const agentProgram = fileURLToPath(new URL("./agent.ts", import.meta.url));

describe("containers without their agent", function () {
  this.timeout(60_000);
  let world: ContainerWorld;
  let spec: MachineSpec;
  let paths: GuestPaths;
  before(function () {
    needsContainers(this);
  });
  beforeEach(async () => {
    world = new ContainerWorld();
    spec = world.spec(world.tarImage());
    paths = await world.disks.ensure(spec, never);
  });
  afterEach(() => world?.close());

  const cgroup = () => new Cgroup(hierarchies(), cgroupParent(world.host), `${spec.instanceId}.1`);

  /** A process that starts the container and is killed, with its whole process group, as an agent may be. */
  const startedByAnother = async (): Promise<number> => {
    const child = spawn(process.execPath, [agentProgram], {
      ...{ detached: true, stdio: ["pipe", "pipe", "inherit"] },
    });
    child.stdin?.end(JSON.stringify({ host: world.host, spec, paths }));
    const said = await new Promise<string>((resolve) =>
      child.stdout?.once("data", (text) => resolve(String(text))),
    );
    const ended = new Promise((resolve) => child.once("exit", resolve));
    process.kill(-(child.pid ?? 0), "SIGKILL");
    await ended;
    return Number(said);
  };

  it("run on when it is killed, keep on writing, and are the same ones afterwards", async () => {
    const pid = await startedByAnother();
    await world.untilSaid(spec.instanceId, "it is up");
    const agent = world.agent();
    const [guest] = await agent.list();
    expect(guest).to.include({ instanceId: spec.instanceId, pid, status: "running", ownerEpoch: 1 });
    expect((await agent.start(spec, paths, never)).pid).to.equal(pid);
    const heard: GuestEvent[] = [];
    agent.onEvent((event) => heard.push(event));
    await agent.pressPowerButton(spec.instanceId, never);
    await world.untilSaid(spec.instanceId, "goes");
    while (heard.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(heard).to.deep.equal([{ kind: "shutdown", instanceId: spec.instanceId }]);
  });

  it("are ended by the next agent when their shim has died as well, and never run twice", async () => {
    const pid = await startedByAnother();
    process.kill(pid, "SIGKILL");
    while (livingRecord(paths.directory) !== undefined)
      await new Promise((resolve) => setTimeout(resolve, 5));
    expect(cgroup().isPopulated()).to.equal(true);
    const agent = world.agent();
    expect(await agent.list()).to.deep.equal([]);
    expect(cgroup().isPopulated()).to.equal(false);
    expect((await agent.start(spec, paths, never)).pid).to.not.equal(pid);
  });

  it("are not adopted by a record that is another directory's, of another boot, or of another process", async () => {
    const agent = world.agent();
    await agent.start(spec, paths, never);
    const { directory } = paths;
    const record = JSON.parse(readFileSync(join(directory, guestFiles.shim), "utf8"));
    const copy = join(world.host.containers, "copied");
    cpSync(directory, copy, { recursive: true, filter: (path) => !path.endsWith(guestFiles.disk) });
    expect(livingRecord(directory)?.pid).to.equal(record.pid);
    expect(livingRecord(copy)).to.equal(undefined);
    for (const wrong of [
      { bootId: "another" },
      { startTicks: record.startTicks + 1 },
      { pid: process.pid },
    ]) {
      writeFileSync(join(copy, guestFiles.shim), JSON.stringify({ ...record, ...wrong }));
      expect(livingRecord(copy)).to.equal(undefined);
    }
    writeFileSync(join(copy, guestFiles.shim), '{"pid":');
    expect(livingRecord(copy)).to.equal(undefined);
    rmSync(copy, { recursive: true });
    expect(await agent.list()).to.have.length(1);
  });

  it("keep their disk and their console's positions over a halt and a start", async () => {
    const agent = world.agent();
    await agent.start(spec, paths, never);
    await world.untilSaid(spec.instanceId, "it is up");
    await agent.halt(spec.instanceId, never);
    const before = (await world.consoles.read(spec.instanceId, {}))?.nextOffset ?? 0;
    expect(await world.disks.ensure(spec, never)).to.deep.equal(paths);
    await agent.start(spec, paths, never);
    for (;;) {
      const page = await world.consoles.read(spec.instanceId, { offset: before });
      if (page?.text.includes("it is up")) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect((await world.console(spec.instanceId)).split("it is up")).to.have.length(3);
  });

  it("have their disk in use by whatever links it is found, and when its name is gone", async () => {
    const agent = world.agent();
    const way = `${world.path}-way`;
    symlinkSync(world.path, way);
    try {
      const disk = join(containersIn(way), spec.instanceId, guestFiles.disk);
      expect(isAttached(disk)).to.equal(false);
      await agent.start(spec, paths, never);
      expect(isAttached(disk)).to.equal(true);
      rmSync(disk);
      expect(isAttached(disk)).to.equal(true);
      await agent.halt(spec.instanceId, never);
      expect(isAttached(disk)).to.equal(false);
    } finally {
      rmSync(way);
    }
  });

  it("that do not start leave no process, and tell their owner nothing of the host's paths", async () => {
    const agent = world.agent();
    const image = { ...spec.image, commandLine: "init=/nowhere" };
    const failed = await agent.start({ ...spec, image }, paths, never).catch((error: unknown) => error);
    expect(failed)
      .to.include({ reason: "guestFailed" })
      .and.have.property("detail")
      .that.includes("/nowhere");
    expect(failed).to.have.property("message").that.does.not.include("/");
    expect(await world.consoles.read(spec.instanceId, {})).to.equal(undefined);
    expect(await agent.list()).to.deep.equal([]);
    expect(Cgroup.names(hierarchies(), cgroupParent(world.host))).to.deep.equal([]);
  });

  it("are refused when another host may take them over, or when their disk is none of this driver's", async () => {
    const agent = world.agent();
    const reason = (given: Partial<MachineSpec>, where: Partial<GuestPaths> = {}) =>
      agent.start({ ...spec, ...given }, { ...paths, ...where }, never).then(
        () => "none",
        (error: Error) => error.message,
      );
    expect(await reason({ fence: true })).to.match(/another host may take it over/);
    expect(await reason({}, { disk: "/elsewhere/disk.qcow2" })).to.match(/disk is of another driver/);
    expect(await reason({}, { disk: undefined })).to.match(/no root file system/);
    expect(await agent.list()).to.deep.equal([]);
  });
});
