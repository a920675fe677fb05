/**
 * What the process of a real guest has, and what it cannot reach: the network of its computer, images of
 * others, descriptors of whoever started the agent. Needs root, qemu-system-x86_64, qemu-img, nats-server and
 * the tiny guest that the set-up builds.
 */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { expect } from "chai";
import { guestUser, imageGroup } from "../../nodes/drivers/guest-user.ts";
import { ImageStore } from "../../nodes/drivers/images/store.ts";
import type { Drivers } from "../../nodes/drivers/kinds.ts";
import { type Launch, launchOf } from "../../nodes/drivers/qemu/launcher.ts";
import { systemIds } from "../../nodes/process/clock.ts";
import { closeInherited } from "../../nodes/process/inherited.ts";
import type { MachineSpec } from "../../protocol/machine.ts";
import { machineSpec, temporaryDirectory } from "../support/driver-world.ts";
import { guestOfSetup, missingForGuests } from "../support/live-guest.ts";
import { qemuHost } from "../support/qemu-host.ts";
import { natsUrl, skip } from "../support/services.ts";

const never = new AbortController().signal;

/** Connects to a port of 127.0.0.1, and says how that ended. */
const connecting = (port: number) =>
  `const socket = require("net").connect(${port}, "127.0.0.1");` +
  'socket.on("connect", () => { console.log("connected"); process.exit(); });' +
  'socket.on("error", (error) => { console.log(error.code); process.exit(); });';

/** Runs a command to its end; answers what it wrote, on either output. */
async function said({ command, argv }: Launch): Promise<string> {
  const child = spawn(command, argv, { cwd: "/", timeout: 30_000 });
  child.stdin.on("error", () => undefined);
  child.stdin.end("quit\n");
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk) => {
      text += String(chunk);
    });
  await new Promise((resolve) => child.once("close", resolve));
  return text.trim();
}

describe("the process of a real guest", function () {
  this.timeout(120_000);
  let place: Awaited<ReturnType<typeof temporaryDirectory>>;
  let drivers: Drivers;
  let spec: MachineSpec;
  let natsPort: number;
  const lives: Drivers[] = [];

  const nextLife = () => {
    const life = qemuHost({
      stateDirectory: join(place.path, "state"),
      imageStore: join(place.path, "store"),
    });
    lives.push(life);
    return life;
  };
  const start = async (life: Drivers, one: MachineSpec) =>
    life.hypervisor.start(one, await life.disks.ensure(one, never), never);
  const networkOf = (pid: number | "self") => readlinkSync(`/proc/${pid}/ns/net`);

  before(async function () {
    const guest = guestOfSetup();
    const missing = missingForGuests();
    if (missing !== undefined || guest === undefined) return skip(this, missing ?? "no guest was built");
    if (process.getuid?.() !== 0) skip(this, "not root: guests run as the agent's own user");
    natsPort = Number(new URL(await natsUrl(this)).port);
    // As every process of ours does at its start.
    closeInherited();
    place = await temporaryDirectory();
    const store = new ImageStore({
      directory: join(place.path, "store"),
      sources: [guest.directory, place.path],
    });
    const kernel = await store.registerFile({ path: guest.kernel });
    const ramdisk = await store.registerFile({ path: guest.ramdisk });
    const disk = await store.registerFile({ path: guest.disk, format: "qcow2" });
    const { virtualSizeBytes = 0 } = disk;
    const root = { ...disk, format: "qcow2", virtualSizeBytes } as const;
    spec = machineSpec({
      image: { id: "tiny", disk: root, kernel, ramdisk, commandLine: guest.commandLine },
    });
    drivers = nextLife();
  });
  after(async () => {
    for (const life of lives) {
      for (const { instanceId } of await life.hypervisor.list())
        await life.hypervisor.halt(instanceId, never);
      await life.hypervisor.detach();
    }
    await place?.remove();
  });

  it("is in one network with the node's other guests, also after the agent began anew, and in no other", async () => {
    const [first, second] = [
      await start(drivers, spec),
      await start(drivers, { ...spec, instanceId: systemIds(0).next() }),
    ];
    expect(networkOf(first.pid)).to.not.equal(networkOf("self"));
    expect(networkOf(second.pid)).to.equal(networkOf(first.pid));
    await drivers.hypervisor.detach();
    const life = nextLife();
    const third = await start(life, { ...spec, instanceId: systemIds(0).next() });
    expect(networkOf(third.pid)).to.equal(networkOf(first.pid));
    const interfaces = readFileSync(`/proc/${first.pid}/net/dev`, "utf8");
    const names = [...interfaces.matchAll(/^\s*([a-z0-9]+):/gm)].map(([, name]) => name);
    expect(
      names.filter((name) => !/^(lo|ifb[0-9]+)$/.test(name ?? "")),
      interfaces,
    ).to.deep.equal([]);
    expect(
      readFileSync(`/proc/${first.pid}/net/tcp`, "utf8").trim().split("\n"),
      "nobody listens",
    ).to.have.length(1);
    expect(readFileSync(`/proc/${first.pid}/net/route`, "utf8").trim().split("\n")).to.have.length(1);
    drivers = life;
  });

  it("and nothing that it opens reaches NATS, slirp's gateway included; its own sockets answer", async () => {
    const { pid, instanceId } = await start(drivers, spec);
    // The same way as a guest's process: the same user, network and limits.
    const launch = (program: Launch) =>
      launchOf({ user: guestUser(instanceId), groups: [], network: `/proc/${pid}/ns/net`, spec }, program);
    const node = { command: process.execPath, argv: ["-e", connecting(natsPort)] };
    expect(await said(node), "from the computer's own network").to.equal("connected");
    expect(await said(launch(node))).to.match(/^E(NETUNREACH|CONNREFUSED|HOSTUNREACH|ADDRNOTAVAIL)$/);
    // A user network that is not restricted, whose gateway forwards to NATS: QEMU connects when it starts.
    const netdev = `user,id=net0,guestfwd=tcp:10.0.2.100:4222-tcp:127.0.0.1:${natsPort}`;
    const argv = [
      "-machine",
      "none",
      "-nodefaults",
      "-display",
      "none",
      "-netdev",
      netdev,
      "-monitor",
      "stdio",
    ];
    const qemu = { command: "qemu-system-x86_64", argv };
    expect(await said(qemu), "from the computer's own network").to.not.match(/[Ff]ailed|unreachable|refused/);
    expect(await said(launch(qemu))).to.match(/unreachable|refused|Cannot assign/);
    const socket = connect(join(place.path, "state/guests", instanceId, "run/console"));
    await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    socket.destroy();
  });

  it("has no descriptor but its standard ones and what QEMU opened, and hard limits", async () => {
    const { pid } = await start(drivers, spec);
    const opened = readdirSync(`/proc/${pid}/fd`).flatMap((name) => {
      try {
        return [{ name: Number(name), target: readlinkSync(`/proc/${pid}/fd/${name}`) }];
      } catch {
        // Closed since it was listed.
        return [];
      }
    });
    const own = new RegExp(`^(${place.path}/state/|/dev/(null|urandom|kvm)$|anon_inode:|socket:|/memfd:)`);
    const foreign = opened.filter(({ target }) => !own.test(target));
    // QEMU has pipes of its own, with both ends.
    const ends = Map.groupBy(foreign, ({ target }) => target);
    const left = foreign.filter(
      ({ target }) => !(target.startsWith("pipe:") && ends.get(target)?.length === 2),
    );
    expect(left).to.deep.equal([]);
    const limits = readFileSync(`/proc/${pid}/limits`, "utf8");
    expect(limits).to.match(/^Max core file size +0 +0 /m);
    expect(limits).to.match(/^Max open files +1024 +1024 /m);
    expect(limits).to.match(new RegExp(`^Max processes +${144 + spec.vcpus} +${144 + spec.vcpus} `, "m"));
    expect(limits).to.match(/^Max file size +[0-9]+ +[0-9]+ /m);
  });

  it("can read the files of its own image, and no other's, and not the image store", async () => {
    await writeFile(join(place.path, "other"), "x".repeat(4_096));
    const store = new ImageStore({ directory: join(place.path, "store"), sources: [place.path] });
    const other = await store.registerFile({ path: join(place.path, "other") });
    const others = { ...spec, instanceId: systemIds(0).next(), image: { ...spec.image, ramdisk: other } };
    const { ramdisk: path = "" } = await drivers.disks.ensure(others, never);
    const { kernel: ownPath = "" } = await drivers.disks.ensure(spec, never);
    const files = [spec.image.disk, spec.image.kernel, spec.image.ramdisk];
    const groups = files.flatMap((file) => (file === null ? [] : (imageGroup(file.sha256) ?? [])));
    const reading = (file: string) =>
      said(
        launchOf(
          { user: guestUser(spec.instanceId), groups, network: undefined, spec },
          { command: "cmp", argv: [file, file, "--bytes=16"] },
        ),
      );
    expect(await reading(ownPath)).to.equal("");
    expect(await reading(path)).to.include("Permission denied");
    expect(await reading(join(place.path, "store", other.sha256))).to.include("Permission denied");
    expect(statSync(path).mode & 0o777).to.equal(0o440);
  });
});
