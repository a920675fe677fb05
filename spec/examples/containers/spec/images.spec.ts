/** Images of unknown origin: good ones become disks; bad ones reach no file of the host. */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { type MachineSpec, StatusError } from "novact/plugin";
import { Cgroup } from "../src/cgroup.ts";
import { extract } from "../src/extraction.ts";
import { guestFiles } from "../src/guest-files.ts";
import { extractionParent, hierarchies, runtimeDefault } from "../src/host.ts";
import { isAttached } from "../src/loop-devices.ts";
import { uidFirstDefault } from "../src/uid-range.ts";
import { ContainerWorld, needsContainers, type RegisteredImage, writeRoot } from "./world.ts";

const never = new AbortController().signal;

/** The reason and the text of what a promise is rejected with. */
const failure = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "nothing",
    (error: unknown) => (error instanceof StatusError ? `${error.reason}: ${error.message}` : String(error)),
  );

describe("the disks of containers", function () {
  this.timeout(60_000);
  let world: ContainerWorld;
  before(function () {
    needsContainers(this);
    world = new ContainerWorld();
  });
  after(() => world?.close());

  /** A tar archive made by GNU tar with these arguments. */
  const tar = (directory: string, argv: readonly string[]): RegisteredImage => {
    const file = join(world.path, `${randomBytes(6).toString("hex")}.tar`);
    execFileSync("tar", ["--create", "--file", file, "--directory", directory, ...argv], { stdio: "ignore" });
    return world.register(file);
  };
  const directory = (name: string) => {
    const path = join(world.path, name);
    mkdirSync(path, { recursive: true });
    return path;
  };
  /** What a container on this image finds at these paths, by its own `stat`. */
  const found = async (image: RegisteredImage, paths: readonly string[]) => {
    const spec = world.spec(image, {}, `init=/bin/stat -- -c %n:%u:%g:%a:%F ${paths.join(" ")}`);
    await world.agent().start(spec, await world.disks.ensure(spec, never), never);
    return world.untilSaid(spec.instanceId, "exit code");
  };
  /** Nothing is left of a disk that could not be made: no file of it, no process, no mount, no cgroup. */
  const expectNothing = async ({ instanceId }: MachineSpec) => {
    const path = join(world.host.containers, instanceId);
    const left = existsSync(path) ? readdirSync(path) : [];
    for (const name of [
      guestFiles.disk,
      guestFiles.partialDisk,
      guestFiles.partialImage,
      guestFiles.extractor,
    ])
      expect(left).to.not.include(name);
    expect(isAttached(join(path, guestFiles.partialDisk))).to.equal(false);
    expect(Cgroup.names(hierarchies(), extractionParent(world.host))).to.deep.equal([]);
    await world.disks.release(instanceId);
  };
  const refused = async (image: RegisteredImage, given: Partial<MachineSpec> = {}) => {
    const spec = world.spec(image, given);
    const why = await failure(world.disks.ensure(spec, never));
    await expectNothing(spec);
    return why;
  };

  it("hold what an archive or a file system holds, with owners and modes", async () => {
    const root = directory("owners");
    writeRoot(root);
    writeFileSync(join(root, "etc/secret"), "s");
    execFileSync("chown", ["33:44", join(root, "etc/secret")]);
    chmodSync(join(root, "etc/secret"), 0o640);
    const expected = "/etc/secret:33:44:640:regular file";
    expect(await found(tar(root, ["."]), ["/etc/secret", "/bin"]))
      .to.include(expected)
      .and.include("/bin:0:0:755:");
    const file = join(world.path, "owners.ext4");
    execFileSync("mke2fs", ["-q", "-t", "ext4", "-E", "root_owner=0:0", "-d", root, file, "32M"]);
    expect(await found(world.register(file), ["/etc/secret"])).to.include(expected);
  });

  it("leave out devices of an archive's /dev, and refuse those anywhere else", async () => {
    const root = directory("devices");
    writeRoot(root);
    execFileSync("mknod", [join(root, "dev/disk"), "b", "7", "0"]);
    expect(await found(tar(root, ["."]), ["/dev/null"])).to.include("character special file");
    execFileSync("mknod", [join(root, "etc/disk"), "b", "7", "0"]);
    expect(await refused(tar(root, ["."]))).to.match(/^unusableImage: .*etc\/disk/);
  });

  it("never lie outside, whatever paths and links an archive has", async () => {
    const root = directory("paths");
    writeFileSync(join(root, "evil"), "evil");
    const outside = join(world.path, "outside");
    const climbs = tar(root, [
      "--absolute-names",
      `--transform=s,^evil,${"../".repeat(12)}${outside},`,
      "evil",
    ]);
    expect(await refused(climbs)).to.match(/^unusableImage: /);
    const absolute = tar(root, ["--absolute-names", `--transform=s,^evil,${outside},`, "evil"]);
    const spec = world.spec(absolute);
    await world.disks.ensure(spec, never);
    symlinkSync("/out/../../../../../../../tmp", join(root, "way"));
    const link = tar(root, ["way", `--transform=s,^evil,way/through-a-link,`, "evil"]);
    await failure(world.disks.ensure(world.spec(link), never));
    expect(existsSync(outside)).to.equal(false);
    expect(existsSync("/tmp/through-a-link")).to.equal(false);
  });

  it("are not made of links that stand where the runtime mounts", async () => {
    const root = directory("links");
    writeRoot(root);
    for (const name of ["proc", "sys", "dev"]) {
      execFileSync("rmdir", [join(root, name)]);
      symlinkSync("/etc", join(root, name));
    }
    const spec = world.spec(tar(root, ["."]), {}, "init=/sbin/init");
    const before = readFileSync("/etc/passwd", "utf8");
    const paths = await world.disks.ensure(spec, never);
    await failure(world.agent().start(spec, paths, never));
    expect(readFileSync("/etc/passwd", "utf8")).to.equal(before);
    expect(readFileSync("/proc/mounts", "utf8")).to.not.include(spec.instanceId);
  });

  it("refuse what has no room on the flavor's disk", async () => {
    const root = directory("large");
    writeFileSync(join(root, "zeros"), "");
    execFileSync("truncate", ["--size", "200M", join(root, "zeros")]);
    const sparse = world.spec(tar(root, ["--sparse", "."]));
    await world.disks.ensure(sparse, never);
    await world.disks.release(sparse.instanceId);
    writeFileSync(join(root, "noise"), randomBytes(70 * 1024 * 1024));
    expect(await refused(tar(root, ["noise"]))).to.match(/^unusableImage: .*has no room on the disk/);
  });

  it("refuse more files than the disk has room for", async () => {
    const root = directory("many");
    for (let index = 0; index < 20_000; index += 1) writeFileSync(join(root, `file-${index}`), "");
    expect(await refused(tar(root, ["."]))).to.match(/^unusableImage: .*has no room on the disk/);
  });

  it("refuse a broken file system, a cut-off archive, an unknown format, and users that there are not", async () => {
    const good = join(world.path, "good.ext4");
    execFileSync("mke2fs", ["-q", "-t", "ext4", good, "16M"]);
    const bytes = readFileSync(good);
    randomBytes(400_000).copy(bytes, 20_000);
    writeFileSync(good, bytes);
    expect(await refused(world.register(good))).to.match(/^unusableImage: /);
    const root = directory("users");
    writeFileSync(join(root, "file"), randomBytes(100_000));
    const whole = join(world.path, "whole.tar");
    execFileSync("tar", ["--create", "--file", whole, "--directory", root, "file"]);
    writeFileSync(whole, readFileSync(whole).subarray(0, 50_000));
    expect(await refused(world.register(whole))).to.match(/^unusableImage: /);
    writeFileSync(whole, randomBytes(4_096));
    expect(await refused(world.register(whole))).to.match(/^unusableImage: .*neither ext2/);
    execFileSync("chown", ["70000:70000", join(root, "file")]);
    expect(await refused(tar(root, ["file"]))).to.match(/^unusableImage: /);
  });

  it("refuse an image that is missing, changed, or of a format that nobody here unpacks", async () => {
    const image = world.tarImage();
    expect(await refused({ ...image, sha256: "0".repeat(64) })).to.match(/^imageMissing: /);
    writeFileSync(join(world.imageStore, image.sha256), "something else");
    expect(await refused(image)).to.match(/^checksumMismatch: /);
    const spec = world.spec(world.tarImage());
    const disk = spec.image.disk && { ...spec.image.disk, format: "qcow2" as const };
    const qcow2 = { ...spec, image: { ...spec.image, disk } };
    expect(await failure(world.disks.ensure(qcow2, never))).to.match(/^unusableImage: .*qcow2/);
  });

  it("are unpacked by what can read and write files, and nothing else, were it a stranger's program", async () => {
    const id = "hostile-tool";
    const runtime = join(world.path, "runtime");
    /** A runtime that runs other arguments, and everything else as it is told. */
    const running = (argv: readonly string[]) => {
      const text = [
        'const { readFileSync, writeFileSync } = require("node:fs");',
        'const file = process.argv[process.argv.indexOf("--bundle") + 1] + "/config.json";',
        'const config = JSON.parse(readFileSync(file, "utf8"));',
        `config.process.args = ${JSON.stringify(argv)};`,
        "writeFileSync(file, JSON.stringify(config));",
      ];
      writeFileSync(`${runtime}.cjs`, text.join("\n"));
      const rewrites = `${process.execPath} ${runtime}.cjs "$@"`;
      writeFileSync(runtime, `#!/bin/sh\n${rewrites} && exec ${runtimeDefault} "$@"\n`, { mode: 0o755 });
    };
    const said = async (...argv: readonly string[]) => {
      running(argv);
      const place = join(world.host.containers, id);
      mkdirSync(place, { recursive: true, mode: 0o711 });
      const image = join(world.imageStore, world.tarImage().sha256);
      const wanted = { instanceId: id, directory: place, image, sizeBytes: 32 * 1024 ** 2 };
      const parts = { hierarchies: hierarchies(), cgroupParent: extractionParent(world.host) };
      const made = extract({ ...wanted, ...parts, uidFirst: uidFirstDefault, runtime }, never);
      return made.then(
        () => "done",
        (error: unknown) => (error instanceof StatusError ? String(error.detail) : String(error)),
      );
    };
    expect(await said("/usr/bin/unshare", "--user", "/usr/bin/true")).to.contain("not implemented");
    expect(await said("/usr/bin/busybox", "nc", "127.0.0.1", "1")).to.contain("not implemented");
    expect(await said("/usr/bin/busybox", "sh", "-c", "/usr/bin/true & wait")).to.contain("fork");
    expect(await said("/usr/bin/busybox", "mknod", "/out/zero", "c", "1", "5")).to.contain("not implemented");
    expect(await said("/usr/bin/busybox", "mkfifo", "/out/pipe")).to.equal("done");
  });

  it("leave nothing when they are called off", async () => {
    const spec = world.spec(world.tarImage());
    const abort = new AbortController();
    const made = failure(world.disks.ensure(spec, abort.signal));
    setTimeout(() => abort.abort(), 100);
    expect(await made).to.match(/AbortError|nothing/);
    if ((await made) !== "nothing") await expectNothing(spec);
  });
});
