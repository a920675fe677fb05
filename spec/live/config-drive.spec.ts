/**
 * The tiny guest with a config drive: what the drive says is seen on its console, and who has the private key
 * logs in. Needs qemu-system-x86_64, qemu-img and the tiny guest that the set-up builds; to log in also ssh,
 * and root, who can enter the guests' network.
 */
import { execFile, execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { ImageStore } from "../../nodes/drivers/images/store.ts";
import type { Drivers } from "../../nodes/drivers/kinds.ts";
import type { GuestData } from "../../protocol/guest-data.ts";
import type { MachineSpec } from "../../protocol/machine.ts";
import { machineSpec, type TemporaryDirectory, temporaryDirectory } from "../support/driver-world.ts";
import { guestOfSetup, missingForGuests } from "../support/live-guest.ts";
import { qemuHost } from "../support/qemu-host.ts";
import { skip } from "../support/services.ts";

const never = new AbortController().signal;
const ready = "NOVACT-GUEST READY";
const run = promisify(execFile);

describe("the tiny guest with a config drive", function () {
  this.timeout(120_000);
  let place: TemporaryDirectory;
  let drivers: Drivers;
  let specOf: (guest: GuestData, diskGib?: number) => MachineSpec;

  before(async function () {
    const [missing, guest] = [missingForGuests(), guestOfSetup()];
    if (missing !== undefined || guest === undefined) return skip(this, missing ?? "no guest was built");
    place = await temporaryDirectory();
    const imageStore = join(place.path, "store");
    const store = new ImageStore({ directory: imageStore, sources: [guest.directory] });
    const [kernel, ramdisk, disk] = await Promise.all([
      store.registerFile({ path: guest.kernel }),
      store.registerFile({ path: guest.ramdisk }),
      store.registerFile({ path: guest.disk, format: "qcow2" }),
    ]);
    drivers = qemuHost({ imageStore, stateDirectory: join(place.path, "state") });
    const direct = { id: "tiny", disk: null, kernel, ramdisk, commandLine: guest.commandLine };
    const onDisk = { ...disk, format: "qcow2", virtualSizeBytes: disk.virtualSizeBytes ?? 0 } as const;
    specOf = (told, diskGib = 0) =>
      machineSpec({
        ...{ guest: told, diskGib },
        image:
          diskGib === 0 ? direct : { ...direct, disk: onDisk, kernel: null, ramdisk: null, commandLine: "" },
      });
  });
  afterEach(async () => {
    for (const { instanceId } of (await drivers?.hypervisor.list()) ?? []) {
      await drivers.hypervisor.halt(instanceId, never);
      await drivers.disks.release(instanceId);
    }
  });
  after(async () => {
    await drivers?.hypervisor.detach();
    await place?.remove();
  });

  const told = (changes: Partial<GuestData> = {}): GuestData => ({
    ...{ hostname: "told-1", availabilityZone: "nova", launchIndex: 0, metadata: {} },
    ...{ publicKeys: [], userData: null, configDrive: true },
    ...changes,
  });
  const consoleOf = async (id: string) => (await drivers.consoles.read(id, {}))?.text ?? "";
  const says = async (id: string, text: string): Promise<string> => {
    for (;;) {
      const seen = await consoleOf(id);
      if (seen.includes(text)) return seen;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const start = async (spec: MachineSpec) => {
    const paths = await drivers.disks.ensure(spec, never);
    return { ...paths, ...(await drivers.hypervisor.start(spec, paths, never)) };
  };

  it("has its name, its keys and its user data from the drive, and runs what is a script", async () => {
    const publicKey =
      'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f a"b\n';
    const script = "#!/bin/sh\necho IT-RUNS as $(hostname) with $(wc -l </root/.ssh/authorized_keys) key\n";
    const spec = specOf(
      told({
        metadata: { hostname: "not-this", '"hostname": "nor-this",\n': "x" },
        publicKeys: [{ name: 'n"hostname": "nor-this"', type: "ssh", publicKey }],
        userData: Buffer.from(script).toString("base64"),
      }),
    );
    await start(spec);
    const seen = await says(spec.instanceId, "NOVACT-GUEST USERDATA status=0");
    expect(seen).to.include(`NOVACT-GUEST TOLD hostname=told-1 keys=1 userdata=${script.length}`);
    expect(seen).to.match(/NOVACT-GUEST READY hostname=told-1 /);
    expect(seen).to.include("NOVACT-GUEST SSH port=22");
    expect(seen).to.include("IT-RUNS as told-1 with 1 key");
  });

  it("is told anew at each start, also when it boots from its disk, which it cannot write to", async () => {
    const spec = specOf(told(), 1);
    const { configDrive = "" } = await start(spec);
    const first = await readFile(configDrive);
    const seen = await says(spec.instanceId, ready);
    expect(seen)
      .to.include("NOVACT-GUEST TOLD hostname=told-1 keys=0 userdata=0")
      .and.not.include("SSH port");
    const { directory } = await drivers.disks.ensure(spec, never);
    const keyboard = connect(join(directory, "run", "console"));
    for (let text = ""; !/WROTE [1-9]/.test(text); text = await consoleOf(spec.instanceId)) {
      // The shell may not listen yet: the line is typed again until it has answered.
      keyboard.write(
        "dd if=/dev/zero of=$(findfs LABEL=config-2) bs=512 count=1 2>/dev/null; echo WROTE $?\n",
      );
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    keyboard.destroy();
    expect((await readFile(configDrive)).equals(first)).to.equal(true);
    await drivers.hypervisor.halt(spec.instanceId, never);
    await start({ ...spec, guest: told({ hostname: "told-2" }) });
    await says(spec.instanceId, "READY hostname=told-2 ");
  });

  it("lets in whoever has the private key, and nobody else", async function () {
    if (process.getuid?.() !== 0) return skip(this, "only root enters the network of guests");
    if (spawnSync("ssh", ["-V"]).error !== undefined) return skip(this, "ssh is not installed");
    const file = (name: string) => join(place.path, name);
    for (const name of ["own", "foreign"])
      execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "me", "-f", file(name)]);
    const publicKey = await readFile(file("own.pub"), "utf8");
    const spec = specOf(told({ publicKeys: [{ name: "own", type: "ssh", publicKey }] }));
    const { pid, directory } = await start(spec);
    await says(spec.instanceId, ready);
    const inside = (...words: readonly string[]) => run("nsenter", [`--net=/proc/${pid}/ns/net`, ...words]);
    await inside("ip", "link", "set", "lo", "up");
    await forward(join(directory, "run", "qmp-debug"), "hostfwd_add net0 tcp:127.0.0.1:2222-:22");
    const options = [
      ...["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "BatchMode=yes"],
      ...["IdentitiesOnly=yes", "ConnectTimeout=60", "LogLevel=ERROR"],
    ].flatMap((option) => ["-o", option]);
    const login = (key: string) =>
      inside("ssh", ...options, "-F", "none", "-i", file(key), "-p", "2222", "root@127.0.0.1", "hostname");
    expect((await login("own")).stdout).to.equal("told-1\n");
    const refused = await login("foreign").catch((error: unknown) => String(error));
    expect(refused).to.match(/Permission denied/);
  });
});

/** Gives a command to QEMU's second monitor, which is for people. */
async function forward(socket: string, command: string): Promise<void> {
  const monitor = connect(socket);
  let heard = "";
  monitor.on("data", (bytes) => {
    heard += String(bytes);
  });
  const asked = { execute: "human-monitor-command", arguments: { "command-line": command } };
  monitor.write(`${JSON.stringify({ execute: "qmp_capabilities" })}\n${JSON.stringify(asked)}\n`);
  while ((heard.match(/"return"/g) ?? []).length < 2) await once(monitor, "data");
  monitor.destroy();
  expect(heard).to.match(/\{"return": ""\}\s*$/);
}
