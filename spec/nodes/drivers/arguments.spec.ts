/** QEMU's command line, by value. */
import { expect } from "chai";
import { hostName } from "../../../nodes/drivers/guest-name.ts";
import { qemuArguments } from "../../../nodes/drivers/qemu/arguments.ts";
import { guestName, parseGuestName, tagOfArgv } from "../../../nodes/drivers/qemu/guest-tag.ts";
import { isUsableMachineType } from "../../../nodes/drivers/qemu/offers.ts";
import { machineSpec } from "../../support/driver-world.ts";

const instanceId = "01890000-0000-7000-8000-00000000000a";
const spec = machineSpec({
  instanceId,
  name: "web one",
  ownerEpoch: 7,
  vcpus: 2,
  memoryMib: 256,
  image: { id: "image", disk: null, kernel: null, ramdisk: null, commandLine: "console=ttyS0 quiet" },
});
const base = { file: "../../images/base", format: "raw" } as const;
const bare = {
  spec,
  accelerator: "tcg",
  disk: undefined,
  direct: false,
  base: undefined,
  kernel: undefined,
  ramdisk: undefined,
  firmware: undefined,
} as const;

/** The value that follows an option. */
const optionOf = (argv: readonly string[], option: string) => argv[argv.indexOf(option) + 1];

describe("QEMU's arguments", () => {
  it("name the guest, its uuid and its epoch", () => {
    const argv = qemuArguments(bare);
    expect(argv.slice(0, 6)).to.deep.equal([
      ...["-name", `novact.${instanceId}.7`, "-uuid", instanceId, "-pidfile", "run/pid"],
    ]);
    expect(tagOfArgv(["qemu-system-x86_64", ...argv])).to.deep.equal({ instanceId, ownerEpoch: 7 });
  });

  it("state versions and sizes, and leave no default device", () => {
    const argv = qemuArguments(bare);
    expect(argv).to.include.members(["-nodefaults", "-no-user-config", "-no-shutdown", "-S"]);
    expect(optionOf(argv, "-machine")).to.equal("pc-q35-7.2");
    expect(optionOf(argv, "-accel")).to.equal("tcg,tb-size=32");
    expect(optionOf(argv, "-smp")).to.equal("cpus=2");
    expect(optionOf(argv, "-m")).to.equal("size=256M");
    expect(optionOf(argv, "-sandbox")).to.equal(
      "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
    );
  });

  it("have the image's machine type, of those that have ports for our devices", () => {
    const typed = { ...bare, spec: { ...spec, machineType: "pc-q35-6.2" } };
    expect(optionOf(qemuArguments(typed), "-machine")).to.equal("pc-q35-6.2");
    const usable = ["q35", "pc-q35-7.2", "pc", "pc-i440fx-7.2", "microvm", "q35,accel=kvm", "none"];
    expect(usable.filter(isUsableMachineType)).to.deep.equal(["q35", "pc-q35-7.2"]);
  });

  it("use the host's processor under KVM", () => {
    const argv = qemuArguments({ ...bare, accelerator: "kvm" });
    expect([optionOf(argv, "-accel"), optionOf(argv, "-cpu")]).to.deep.equal(["kvm", "host"]);
  });

  it("boot a kernel with the guest's host name at the end of its line", () => {
    const argv = qemuArguments({
      ...bare,
      kernel: "../../images/k",
      ramdisk: "../../images/r",
      firmware: "/q.rom",
    });
    const at = argv.indexOf("-bios");
    expect(argv.slice(at, at + 8)).to.deep.equal([
      ...["-bios", "/q.rom", "-kernel", "../../images/k", "-initrd", "../../images/r"],
      ...["-append", "console=ttyS0 quiet guest.hostname=web-one"],
    ]);
  });

  it("have the config drive at a port of its own, which nobody writes to, and its name in the kernel's line", () => {
    const guest = {
      ...{ hostname: "other", availabilityZone: "nova", launchIndex: 0, metadata: {}, publicKeys: [] },
      ...{ userData: null, configDrive: true },
    };
    const argv = qemuArguments({ ...bare, spec: { ...spec, guest }, configDrive: "config.iso", kernel: "k" });
    const drives = argv.filter((one) => one.includes('"config"')).map((one) => JSON.parse(one));
    expect(drives).to.deep.equal([
      {
        driver: "raw",
        "node-name": "config",
        "read-only": true,
        file: { driver: "file", filename: "config.iso", "read-only": true, locking: "on" },
      },
      { driver: "virtio-blk-pci", id: "config0", drive: "config", bus: "port3" },
    ]);
    expect(optionOf(argv, "-append")).to.match(/ guest\.hostname=other$/);
    expect(qemuArguments(bare).join()).not.to.include('"config"');
  });

  it("name the format of every file of a disk, down to the last", () => {
    const argv = qemuArguments({ ...bare, disk: "disk.qcow2", base });
    expect(JSON.parse(optionOf(argv, "-blockdev") ?? "")).to.deep.equal({
      driver: "qcow2",
      "node-name": "root",
      discard: "unmap",
      file: { driver: "file", filename: "disk.qcow2", locking: "on", discard: "unmap" },
      backing: {
        driver: "raw",
        "node-name": "base",
        "read-only": true,
        file: { driver: "file", filename: "../../images/base", locking: "on" },
      },
    });
  });

  it("write a disk that other hosts see past the page cache", () => {
    const argv = qemuArguments({ ...bare, disk: "disk.qcow2", direct: true, base });
    expect(JSON.parse(optionOf(argv, "-blockdev") ?? "").file.cache).to.deep.equal({ direct: true });
  });

  it("cut the chain at a qcow2 base, whatever its header says", () => {
    const argv = qemuArguments({ ...bare, disk: "disk.qcow2", base: { ...base, format: "qcow2" } });
    expect(JSON.parse(optionOf(argv, "-blockdev") ?? "").backing.backing).to.equal(null);
  });

  it("have an ephemeral disk and a swap disk as the root disk is opened, at ports of their own", () => {
    const shape = { version: 1, machineType: "pc-q35-7.2", cpuModel: "qemu64-v1" };
    const given = { ...bare, spec: { ...bare.spec, shape }, direct: true };
    const argv = qemuArguments({ ...given, ephemeral: "ephemeral.raw", swap: "swap.raw" });
    const all = argv.flatMap((text, at) => (argv[at - 1] === "-blockdev" ? [JSON.parse(text)] : []));
    expect(all.map((one) => [one["node-name"], one.driver, one.file.filename, one.file.cache])).to.deep.equal(
      [
        ["ephemeral", "raw", "ephemeral.raw", { direct: true }],
        ["swap", "raw", "swap.raw", { direct: true }],
      ],
    );
    const devices = argv.filter((text) => /"drive":"(ephemeral|swap)"/.test(text));
    expect(devices.map((text) => JSON.parse(text).serial)).to.deep.equal(["ephemeral0", "swap0"]);
    expect(() => qemuArguments({ ...bare, swap: "swap.raw" }), "no port for it").to.throw(/without a shape/);
  });

  it("give a guest without a disk none", () => {
    expect(qemuArguments(bare)).not.to.include("-blockdev");
  });

  it("open the channel of the guest's own agent to nobody, and keep nothing of what it says", () => {
    const shape = { version: 1, machineType: "pc-q35-7.2", cpuModel: "qemu64-v1" };
    const argv = qemuArguments({ ...bare, spec: { ...spec, shape } });
    const channel = argv.find((text) => text.includes("id=agent"));
    expect(channel).to.equal("socket,id=agent,path=run/agent,server=on,wait=off");
    expect(qemuArguments(bare).join(" "), "a guest of before has none").not.to.include("run/agent");
  });

  it("listen at a socket for each interface, in their order, and have no network of QEMU's own", () => {
    const shape = { version: 1, machineType: "pc-q35-7.2", cpuModel: "qemu64-v1" };
    const at = (mac: string) => ({ portId: mac, networkId: "n", mac, mtuBytes: 1_450 });
    const interfaces = [at("52:54:00:00:00:01"), at("52:54:00:00:00:02")];
    const sockets = ["../../network/ports/p,server=off/s", "../../network/ports/q/s"];
    const plugs = sockets.map((path, place) => ({ place, plug: { kind: "stream" as const, path } }));
    const argv = qemuArguments({ ...bare, spec: { ...spec, shape, interfaces }, plugs });
    const valuesOf = (option: string) =>
      argv.flatMap((one, index) => (argv[index - 1] === option ? [one] : []));
    const unix = (path: string) => ({ type: "unix", path });
    expect(valuesOf("-netdev").map((one) => JSON.parse(one))).to.deep.equal([
      { type: "stream", id: "net0", server: true, addr: unix(sockets[0] ?? "") },
      { type: "stream", id: "net1", server: true, addr: unix(sockets[1] ?? "") },
    ]);
    const cards = valuesOf("-device").flatMap((one) => (one.includes("virtio-net") ? [JSON.parse(one)] : []));
    expect(cards.map(({ netdev, mac, host_mtu }) => [netdev, mac, host_mtu])).to.deep.equal([
      ["net0", "52:54:00:00:00:01", 1_450],
      ["net1", "52:54:00:00:00:02", 1_450],
    ]);
    expect(tagOfArgv(["qemu-system-x86_64", ...argv])).to.deep.equal({ instanceId, ownerEpoch: 7 });
    const none = qemuArguments({ ...bare, spec: { ...spec, shape, interfaces: [] }, plugs: [] });
    expect(none.join(" ")).not.to.match(/-netdev|virtio-net/);
  });

  it("open a tap by its name, without a script and without a thread of the kernel", () => {
    const shape = { version: 1, machineType: "pc-q35-7.2", cpuModel: "qemu64-v1" };
    const interfaces = [{ portId: "p", networkId: "n", mac: "52:54:00:00:00:01", mtuBytes: 1_450 }];
    const plugs = [{ place: 0, plug: { kind: "tap" as const, name: "nvt,script=/x" } }];
    const argv = qemuArguments({ ...bare, spec: { ...spec, shape, interfaces }, plugs });
    expect(JSON.parse(optionOf(argv, "-netdev") ?? "")).to.deep.equal({
      ...{ type: "tap", id: "net0", ifname: "nvt,script=/x", script: "no", downscript: "no", vhost: false },
    });
  });

  it("have what QEMU may not open itself by the number under which it gets it", () => {
    const shape = { version: 1, machineType: "pc-q35-7.2", cpuModel: "qemu64-v1" };
    const interfaces = [{ portId: "p", networkId: "n", mac: "52:54:00:00:00:01", mtuBytes: 1_450 }];
    const plugs = [{ place: 2, plug: { kind: "macvtap" as const, descriptor: 5 } }];
    const argv = qemuArguments({ ...bare, spec: { ...spec, shape, interfaces }, plugs });
    expect(JSON.parse(optionOf(argv, "-netdev") ?? "")).to.deep.equal({
      ...{ type: "tap", id: "net2", fd: "5", vhost: false },
    });
  });

  it("keep the guest away from its host's network", () => {
    expect(optionOf(qemuArguments(bare), "-netdev")).to.match(/^user,.*restrict=on/);
  });

  it("tell the guest its name by DHCP as well", () => {
    expect(optionOf(qemuArguments(bare), "-netdev")).to.match(/,hostname=web-one$/);
  });
});

describe("a guest's host name", () => {
  const cases: readonly [string, string][] = [
    ["web", "web"],
    ["Web One", "web-one"],
    ["a init=/bin/sh", "a-init-bin-sh"],
    ["--x--", "x"],
    ["ü日本", `i-${instanceId}`],
    [`${"a".repeat(62)}  b`, `${"a".repeat(62)}`],
  ];
  for (const [name, expected] of cases) {
    it(`of ${JSON.stringify(name)} is ${expected}`, () => {
      expect(hostName({ name, instanceId })).to.equal(expected);
    });
  }
});

describe("a guest's name", () => {
  it("is read back as it was written", () => {
    expect(parseGuestName(guestName({ instanceId, ownerEpoch: 3 }))).to.deep.equal({
      instanceId,
      ownerEpoch: 3,
    });
    const fenced = { instanceId, ownerEpoch: 3, fence: true };
    expect(parseGuestName(guestName(fenced))).to.deep.equal(fenced);
    expect(parseGuestName(guestName({ ...fenced, fence: false }))).to.deep.equal({
      instanceId,
      ownerEpoch: 3,
    });
  });

  it("of anything else is none", () => {
    for (const name of [
      "",
      "novact",
      "novact.a",
      "novact.a.b",
      "other.a.1",
      "novact.a.1.2",
      "novact.a/b.1",
    ]) {
      expect(parseGuestName(name), name).to.equal(undefined);
    }
  });

  it("counts only together with the uuid", () => {
    const name = guestName({ instanceId, ownerEpoch: 1 });
    expect(tagOfArgv(["x", "-name", name])).to.equal(undefined);
    expect(tagOfArgv(["x", "-uuid", instanceId])).to.equal(undefined);
    expect(tagOfArgv(["x", "-name", name, "-uuid", "other"])).to.equal(undefined);
    expect(tagOfArgv([])).to.equal(undefined);
  });
});
