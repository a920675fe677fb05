/**
 * The examples of plug-ins in one cluster, as a user has it: the command of the installed package runs a
 * node for QEMU, one for containers and one that is too hot, with the filters and the maintenance windows of
 * the other examples. A machine and a container are made, stopped and started, outlive their agents, and are
 * deleted; the container waits for its lost host; the doctor finds nothing, and nothing is left.
 */
import { execFile, execFileSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { exitCodes } from "../../nodes/package/exit-codes.ts";
import { connect, type Novact, StatusError } from "../../nodes/sdk/sdk.ts";
import { findNatsServer } from "../../nodes/up/nats-server.ts";
import { findPostgres } from "../../nodes/up/postgres.ts";
import { ContainerWorld, whyNot } from "../examples/containers/spec/world.ts";
import { guestOfSetup, missingForGuests } from "./live-guest.ts";
import type { PackageProject } from "./package-project.ts";
import { skip } from "./services.ts";
import { processesWith, UpRun } from "./up-run.ts";

const yaml = `
stateDirectory: state
nats: { port: 0 }
postgres: { port: 0 }
demo: false
imageDirectories: [images]
plugins:
  - novact-containers
  - package: novact-cooling
    options: { mostCelsius: 32 }
  - package: novact-maintenance
    options: { leadMinutes: 120 }
nodes:
  - { name: machines, accelerator: tcg, memoryMib: 1024, labels: { inlet-celsius: "24.5" } }
  - { name: boxes, hypervisor: containers, labels: { inlet-celsius: "21" } }
  - { name: oven, hypervisor: fake, labels: { inlet-celsius: "41" } }
`;

/** Why the cluster cannot be run here; undefined: it can. */
function missing(): string | undefined {
  if (findPostgres() === undefined) return "no PostgreSQL server is installed (postgresql)";
  if (findNatsServer() === undefined) return "no NATS server is installed (nats-server)";
  return whyNot() ?? missingForGuests();
}

/** `projectOf`: where novact and the examples are installed. */
export function examplesInUse(projectOf: () => PackageProject): void {
  describe("all in one cluster, with a node for QEMU and a node for containers", function () {
    this.timeout(240_000);
    let directory: string;
    let run: UpRun;
    let admin: Novact;
    let demo: Novact;
    let images: ContainerWorld | undefined;
    /** Ids of the machine and of the container. */
    let [vm, box] = ["", ""];

    before(async function () {
      const reason = missing();
      if (reason !== undefined) skip(this, reason);
      directory = projectOf().directory;
      await prepare(projectOf());
      images = new ContainerWorld();
      mkdirSync(join(directory, "images"));
      cpSync(join(images.imageStore, images.tarImage().sha256), join(directory, "images/box.tar"));
      const config = join(directory, "cluster.yaml");
      writeFileSync(config, yaml);
      const program = [process.execPath, join(directory, "node_modules/.bin/novact")];
      run = new UpRun(config, { program });
      await run.says("Ctrl-C ends everything.");
      admin = await connect({ config, project: "admin" });
      demo = await connect({ config });
    });
    after(async () => {
      await demo?.close();
      await admin?.close();
      run?.child.kill("SIGINT");
      await run?.ended;
      if (directory !== undefined)
        for (const { pid } of processesWith(join(directory, "state"))) process.kill(pid, "SIGKILL");
      await images?.close();
      if (directory !== undefined) rmSync(join(directory, "state"), { recursive: true, force: true });
    });

    const until = async (holds: () => Promise<boolean>) => {
      while (!(await holds())) await sleep(100);
    };
    /** What the package's own command answers: its exit code and its words. */
    const novact = (...words: readonly string[]) =>
      new Promise<{ readonly code: unknown; readonly said: string }>((resolve) => {
        const argv = [join(directory, "node_modules/.bin/novact"), ...words];
        execFile(process.execPath, argv, { cwd: directory, timeout: 60_000 }, (error, stdout, stderr) =>
          resolve({ code: error === null ? 0 : error.code, said: stdout + stderr }),
        );
      });
    const did = async (...words: readonly string[]): Promise<string> => {
      const { code, said } = await novact(...words);
      expect(code, said).to.equal(0);
      return said;
    };
    const now = async (id: string) => (await demo.instance.get(id, {})).instance;
    const boots = async () => (await demo.instance.console(box, {})).text.split("it is up").length - 1;
    const host = async (name: string) => (await admin.host.get(name, {})).host;
    const agent = (name: string): number => {
      const begun = run.output.matchAll(new RegExp(`${name} (?:serves|is back) \\(pid (\\d+)\\)`, "g"));
      return Number([...begun].at(-1)?.[1]);
    };
    const place = () => join(directory, "state/nodes/boxes/containers", box);
    const shims = () => commandsWith(`shim.js\0${place()}`);
    const machines = () =>
      processesWith(join(directory, "state")).filter(({ program }) => program.includes("qemu-system"));

    it("is begun by the package's command, and each node says what it runs", async () => {
      await until(async () => (await admin.host.list({})).hosts.filter(({ alive }) => alive).length === 3);
      expect(await did("host", "show", "boxes")).to.match(/hypervisor +containers/);
      expect(await did("host", "show", "machines")).to.match(/hypervisor +qemu/);
    });

    it("makes a machine and a container, and shows their consoles", async () => {
      const { kernel, ramdisk, commandLine } = guestOfSetup() ?? expect.fail("no guest");
      for (const [name, file] of Object.entries({ kernel, ramdisk }))
        cpSync(file, join(directory, "images", name));
      await did("flavor", "create", "either", "--vcpus", "1", "--memory", "128M", "--disk", "1");
      const boot = [
        "--kernel",
        "images/kernel",
        "--ramdisk",
        "images/ramdisk",
        "--command-line",
        commandLine,
      ];
      await did("image", "register", "machine", ...boot, "--hypervisor", "qemu");
      await did("image", "register", "any", ...boot);
      const archive = ["--disk", join(directory, "images/box.tar"), "--format", "raw"];
      await did("image", "register", "box", ...archive, "--hypervisor", "containers");
      const create = (name: string, image: string) =>
        did("instance", "create", name, "--flavor", "either", "--image", image, "--wait");
      const said = await Promise.all([create("vm", "machine"), create("web", "box")]);
      expect(said[0]).to.match(/vm +running on machines/);
      expect(said[1]).to.match(/web +running on boxes/);
      const { instances } = await demo.instance.list({});
      const idOf = (wanted: string) => instances.find(({ name }) => name === wanted)?.id ?? "";
      [vm, box] = [idOf("vm"), idOf("web")];
      await until(async () => (await demo.instance.console(vm, {})).text.includes("NOVACT-GUEST READY"));
      await until(async () => (await boots()) === 1);
      expect(await did("instance", "console", "web")).to.contain("it is up");
      expect([shims().length, machines().length]).to.deep.equal([1, 1]);
    });

    it("keeps new ones off the node that is too hot, and says so", async () => {
      const dry = await did("instance", "create", "x", "--flavor", "either", "--image", "any", "--dry-run");
      expect(dry).to.contain("its inlet has 41 °C, and 32 °C is the most");
      expect(await did("instance", "explain", "vm"))
        .to.match(/machines +yes/)
        .and.match(/oven +no/);
    });

    it("stops and starts both on their disks", async () => {
      await Promise.all([did("instance", "stop", "vm", "--wait"), did("instance", "stop", "web", "--wait")]);
      expect([(await now(vm)).state, (await now(box)).state]).to.deep.equal(["stopped", "stopped"]);
      expect(await did("instance", "console", "web")).to.contain("goes");
      expect([shims().length, machines().length]).to.deep.equal([0, 0]);
      await Promise.all([
        did("instance", "start", "vm", "--wait"),
        did("instance", "start", "web", "--wait"),
      ]);
      await until(async () => (await boots()) === 2);
    });

    it("lets both run on when their agents are killed, and has them adopted", async () => {
      const before = [shims(), machines()];
      const killed = ["machines", "boxes"].map(agent);
      for (const pid of killed) process.kill(pid, "SIGKILL");
      for (const [index, name] of ["machines", "boxes"].entries())
        await until(async () => agent(name) !== killed[index] && (await host(name)).alive);
      for (const id of [vm, box]) {
        await demo.instance.pause(id, { wait: true });
        await demo.instance.unpause(id, { wait: true });
      }
      expect([shims(), machines()]).to.deep.equal(before);
      expect(await boots()).to.equal(2);
      expect(await did("doctor")).to.contain("No findings.");
    });

    it("plans work on a node: it gets no new ones, and owners hear of it and say what they wish", async () => {
      const [fromMs, untilMs] = [Date.now() + 60 * 60_000, Date.now() + 120 * 60_000];
      const times = ["--from-ms", String(fromMs), "--until-ms", String(untilMs)];
      const window = ["create", "fans", "--hosts", "boxes", "--reason", "new fans", ...times];
      await did("maintenance-window", ...window);
      const dry = () =>
        novact("instance", "create", "x", "--flavor", "either", "--image", "box", "--dry-run");
      await until(async () => (await dry()).code !== 0);
      expect((await dry()).said)
        .to.contain("it is in the maintenance window fans")
        .and.contain("new fans");
      expect(await did("maintenance", "when", "web")).to.contain("new fans");
      await did("maintenance", "wish", "web", "--wish", "stop");
      expect((await now(box)).metadata).to.have.property("maintenance");
      expect(await did("maintenance-window", "upcoming", "--hours", "48")).to.contain("boxes");
      await did("maintenance-window", "delete", "fans");
      await until(async () => (await dry()).code === 0);
    });

    it("keeps a container for its lost and fenced host, and starts it there when that returns", async () => {
      const stopped = agent("boxes");
      // A computer that loses its power: no agent answers, and no container is left.
      process.kill(stopped, "SIGSTOP");
      try {
        for (const pid of shims()) process.kill(pid, "SIGKILL");
        await until(async () => !(await host("boxes")).alive);
        const word = { confirm: "boxes", reason: "its plug is in my hand", force: true };
        await until(async () => {
          await admin.host.fence("boxes", word).catch((error: unknown) => {
            if (!(error instanceof StatusError)) throw error;
          });
          return (await host("boxes")).lease?.state === "fenced";
        });
        const refused = await admin.instance.evacuate(box, {}).catch((error: unknown) => error);
        expect(refused).to.have.property("reason", "diskNotShared");
        expect((await now(box)).hostName).to.equal("boxes");
        expect((await now(vm)).state).to.equal("running");
      } finally {
        process.kill(stopped, "SIGCONT");
      }
      await until(async () => (await host("boxes")).alive && (await now(box)).state === "running");
      await until(async () => (await boots()) === 3);
      expect(shims()).to.have.length(1);
    });

    it("deletes both, and leaves nothing that the doctor or the kernel knows", async () => {
      for (const name of ["vm", "web"]) await did("instance", "delete", name, "--wait");
      expect([shims(), machines()]).to.deep.equal([[], []]);
      expect(existsSync(place())).to.equal(false);
      expect(readFileSync("/proc/mounts", "utf8")).to.not.include(join(directory, "state/nodes/boxes"));
      const loops = execFileSync("losetup", ["--list", "--noheadings", "--output", "BACK-FILE"]);
      expect(String(loops)).to.not.include(directory);
      expect(readdirSync(join(directory, "state/container-users"))).to.deep.equal([]);
      await until(async () => (await novact("doctor")).said.includes("No findings."));
    });

    it("ends with the command", async () => {
      run.child.kill("SIGINT");
      expect((await run.ended).code).to.equal(exitCodes.interrupted.exit);
      expect(run.output).to.contain("everything is down");
      expect(processesWith(join(directory, "state"))).to.deep.equal([]);
    });
  });
}

/** What the cluster's guests have to reach, and the tiny guest, which else would be built anew. */
async function prepare({ directory, evaluate }: PackageProject): Promise<void> {
  chmodSync(join(directory, ".."), 0o711);
  chmodSync(directory, 0o711);
  const guest = join(directory, "state/guest");
  mkdirSync(join(directory, "state"), { mode: 0o711 });
  cpSync(guestOfSetup()?.directory ?? "", guest, { recursive: true });
  // It was built from the same sources, which the package has as JavaScript.
  const built = join(directory, "node_modules/novact/build/nodes/setup/guest/build.js");
  const code = `import { stampOfSources } from ${JSON.stringify(built)}; console.log(JSON.stringify(stampOfSources()));`;
  const manifest = join(guest, "manifest.json");
  const stamped = { ...JSON.parse(readFileSync(manifest, "utf8")), stamp: await evaluate("24", code) };
  writeFileSync(manifest, JSON.stringify(stamped));
}

/** Living processes whose command line has the text. */
function commandsWith(text: string): readonly number[] {
  return readdirSync("/proc").flatMap((name) => {
    try {
      const isOne = /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, "utf8").includes(text);
      return isOne ? [Number(name)] : [];
    } catch {
      // It has ended since it was listed.
      return [];
    }
  });
}
