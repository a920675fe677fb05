/**
 * What guests see of their hardware, against files that are written once and never again: a guest that has
 * run keeps its line for ever, so one of these that fails is mended in the code, and never in its file.
 * Other hardware is another version of the shape, with files of its own.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import {
  guestLine,
  type LineGiven,
  likenessOf,
  shapeVersions,
} from "../../../nodes/drivers/qemu/line/line.ts";
import { portOf, rootPorts } from "../../../nodes/drivers/qemu/line/root-ports.ts";
import type { MachineSpec } from "../../../protocol/machine.ts";
import { machineSpec } from "../../support/driver-world.ts";

const files = join(import.meta.dirname, "guest-lines");
const instanceId = "01890000-0000-7000-8000-00000000000a";
const shape = { version: 1, machineType: "pc-q35-7.2", cpuModel: "qemu64-v1" };
const own = (spec: Partial<MachineSpec> = {}, given: Partial<LineGiven> = {}): LineGiven => ({
  ...{ accelerator: "tcg", hasRootDisk: true, hasConfigDrive: false, firmware: "bios" },
  ...given,
  spec: machineSpec({ instanceId, vcpus: 2, memoryMib: 2_048, ...spec }),
});
const numa: MachineSpec["numa"] = {
  dedicated: true,
  nodes: [
    { node: 0, vcpus: 1, memoryMib: 1_024, pageKib: 2_048 },
    { node: 1, vcpus: 1, memoryMib: 1_024, pageKib: 2_048 },
  ],
};
const eight = Array.from({ length: 8 }, (_, index) => ({
  ...{ portId: `port-${index}`, networkId: "network", mac: `52:54:00:00:00:0${8 - index}` },
  mtuBytes: 1_400 + index,
}));

/** By the name of its file. */
const lines: Readonly<Record<string, LineGiven>> = {
  before: own(),
  "before-kvm": own({}, { accelerator: "kvm" }),
  "before-kernel": own({}, { hasRootDisk: false, firmware: "qboot" }),
  "before-machine-type": own({ machineType: "pc-q35-6.2" }),
  "before-numa": own({ numa }),
  "shape-1": own({ shape }),
  "shape-1-kvm": own({ shape: { ...shape, cpuModel: "EPYC-v3" } }, { accelerator: "kvm" }),
  "shape-1-kernel": own({ shape, memoryMib: 128, vcpus: 1 }, { hasRootDisk: false, firmware: "qboot" }),
  "shape-1-large": own({ shape, memoryMib: 65_536, vcpus: 64 }),
  "shape-1-numa": own({ shape, numa }),
  "shape-1-interfaces": own({ shape, interfaces: eight }),
  "shape-1-places": own({
    shape,
    interfaces: eight.slice(0, 2).map((one, at) => ({ ...one, place: 2 + 3 * at })),
  }),
  "shape-1-no-interface": own({ shape, interfaces: [] }),
  "shape-1-local-disks": own({ shape }, { localDisks: ["ephemeral", "swap"] }),
  "before-told": own({}, { hasConfigDrive: true }),
  "shape-1-told": own({ shape }, { hasConfigDrive: true }),
};

/** An option and its value on a line; the last line is the hash. */
const textOf = (given: LineGiven): string => {
  const argv = guestLine(given);
  const options = argv.flatMap((text, at) => (at % 2 === 0 ? [`${text} ${argv[at + 1]}`] : []));
  return `${[...options, `likeness ${likenessOf(given)}`].join("\n")}\n`;
};

describe("what a guest sees of its hardware", () => {
  for (const [name, given] of Object.entries(lines)) {
    it(`is as it was at its first boot: ${name}`, () => {
      expect(textOf(given)).to.equal(readFileSync(join(files, `${name}.txt`), "utf8"));
    });
  }

  it("has a file for each version that there is, and no other files", () => {
    expect(readdirSync(files).sort()).to.deep.equal(
      Object.keys(lines)
        .map((name) => `${name}.txt`)
        .sort(),
    );
    const known = Object.values(lines).map(({ spec }) => spec.shape?.version ?? 0);
    expect([...new Set(known)].sort()).to.deep.equal([0, ...shapeVersions]);
  });

  it("is none of a version that there is not", () => {
    expect(() => guestLine(own({ shape: { ...shape, version: 999 } }))).to.throw(/version 999/);
  });

  it("has nothing of its host in it", () => {
    for (const [name, given] of Object.entries(lines))
      for (const text of guestLine(given))
        expect(text, name).not.to.match(/\/|path|filename|fd=|run\/|host-nodes|affinity/);
  });
});

describe("the likeness of two guests", () => {
  const first = own({ shape });
  const likeness = likenessOf(first);

  it("is the same on whatever host, under whatever name and owner epoch", () => {
    const elsewhere = own({ shape, ownerEpoch: 9, name: "other", fence: true, storageId: "s" });
    expect(likenessOf(elsewhere)).to.equal(likeness);
  });

  it("of a guest with interfaces goes by what the guest sees of them, and by no name of their ports", () => {
    const [one, other] = eight;
    if (one === undefined || other === undefined) throw new Error("There are eight.");
    const of = (...interfaces: readonly (typeof one)[]) =>
      likenessOf(own({ shape, interfaces: [...interfaces] }));
    const renamed = own({ shape, interfaces: [{ ...one, portId: "other", networkId: "other" }] });
    expect(likenessOf(renamed)).to.equal(of(one));
    const mac = of({ ...one, mac: "52:54:00:00:00:99" });
    const all = [of(), of(one), mac, of({ ...one, mtuBytes: 1_500 }), of(one, other), of(other, one)];
    expect(new Set([likeness, ...all]).size).to.equal(7);
    expect(likenessOf(own({ shape, interfaces: [one], macAddress: "52:54:00:00:00:98" }))).to.equal(of(one));
  });

  it("is another for all that a guest sees and QEMU does not compare", () => {
    const others: Readonly<Record<string, LineGiven>> = {
      processor: own({ shape: { ...shape, cpuModel: "Nehalem-v1" } }),
      "machine type": own({ shape: { ...shape, machineType: "pc-q35-7.1" } }),
      "MAC address": own({ shape, macAddress: "52:54:00:00:00:99" }),
      memory: own({ shape, memoryMib: 2_049 }),
      processors: own({ shape, vcpus: 3 }),
      accelerator: own({ shape }, { accelerator: "kvm" }),
      disk: own({ shape }, { hasRootDisk: false }),
      "config drive": own({ shape }, { hasConfigDrive: true }),
      firmware: own({ shape }, { firmware: "qboot" }),
      shape: own(),
      "NUMA nodes": own({ shape, numa }),
    };
    for (const [what, other] of Object.entries(others))
      expect(likenessOf(other), what).not.to.equal(likeness);
    expect(new Set(Object.values(others).map(likenessOf)).size).to.equal(Object.keys(others).length);
  });

  it("is another for NUMA nodes that are as many and not as large", () => {
    const [one, other] = numa?.nodes ?? [];
    if (numa === null || one === undefined || other === undefined) throw new Error("There are two.");
    const uneven = {
      ...numa,
      nodes: [
        { ...one, memoryMib: 512 },
        { ...other, memoryMib: 1_536 },
      ],
    };
    expect(likenessOf(own({ shape, numa: uneven }))).not.to.equal(likenessOf(own({ shape, numa })));
  });
});

describe("the root ports of shape 1", () => {
  const ports = rootPorts().flatMap((text) => (text === "-device" ? [] : [JSON.parse(text)]));
  const purposes = { nic: 8, rescue: 1, root: 1, ephemeral: 1, swap: 1, volume: 26, config: 1 } as const;
  const given = Object.entries(purposes).flatMap(([purpose, count]) =>
    Array.from({ length: count }, (_, index) => portOf(purpose as keyof typeof purposes, index)),
  );

  it("are 48 functions of six slots, each with an address, a chassis and a number of its own", () => {
    expect(ports).to.have.length(48);
    for (const field of ["id", "addr", "chassis", "slot"])
      expect(new Set(ports.map((port) => port[field])).size, field).to.equal(48);
    expect(new Set(ports.map(({ addr }) => addr.split(".")[0])).size).to.equal(6);
  });

  it("are for one thing each, and nine for nothing yet", () => {
    expect(new Set(given).size).to.equal(39);
    expect(ports.map(({ id }) => id)).to.include.members(given);
  });

  it("are no more for a thing than there are", () => {
    expect(() => portOf("volume", 26)).to.throw("There is no port for volume 26.");
    expect(() => portOf("root", 1)).to.throw();
  });

  it("come in the order in which a guest names what is in them", () => {
    const order = ["rescue", "root", "ephemeral", "swap", "volume", "config"] as const;
    const at = order.map((purpose) => ports.findIndex(({ id }) => id === portOf(purpose)));
    expect(at).to.deep.equal(at.toSorted((one, other) => one - other));
  });
});
