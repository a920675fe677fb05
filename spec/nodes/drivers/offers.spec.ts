/** What QEMU says that it can pretend to be, and what a host makes of it, by value. */
import { expect } from "chai";
import {
  chooseCpuModel,
  offersIn,
  type QemuOffers,
  shapesOf,
  unlessRefused,
} from "../../../nodes/drivers/qemu/offers.ts";
import { firstShape, lackingOf, type OfferedShapes } from "../../../protocol/shape.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { silentLog } from "../../support/silent-log.ts";

const cpu = (name: string, ...missing: string[]) => ({ name, "unavailable-features": missing });
const said = (machines: unknown, cpus: unknown) =>
  [
    { QMP: { version: {} } },
    { return: {}, id: 0 },
    { return: machines, id: 1 },
    { event: "SHUTDOWN", data: {} },
    { return: cpus, id: 2 },
    { return: {}, id: 3 },
  ]
    .map((one) => `${JSON.stringify(one)}\r\n`)
    .join("");
const machines = [
  { name: "pc-i440fx-7.2", alias: "pc", "is-default": true },
  { name: "pc-q35-7.2", alias: "q35" },
  { name: "pc-q35-7.1" },
  { name: "microvm" },
  { name: "none" },
];
const cpus = [
  ...[cpu("qemu64-v1"), cpu("qemu64"), cpu("max"), cpu("host"), cpu("Nehalem-v1"), cpu("Nehalem-v2")],
  ...[cpu("Haswell-v4", "pcid", "x2apic"), { name: "EPYC-v1" }, cpu("bad name-v1")],
];
const offers: QemuOffers = {
  machineTypes: ["pc-q35-7.1", "pc-q35-7.2", "q35"],
  aliases: [{ alias: "q35", machineType: "pc-q35-7.2" }],
  cpuModels: ["Nehalem-v1", "Nehalem-v2", "qemu64-v1"],
};
const refusalOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    return error instanceof StatusError ? `${error.reason}: ${error.message}` : String(error);
  }
  return "nothing";
};

describe("what QEMU offers", () => {
  it("is machines with PCI Express, and processors that the host can be whole, by their full names", () => {
    expect(offersIn(said(machines, cpus))).to.deep.equal(offers);
  });

  it("is not known when an answer is missing, is cut off or is none", () => {
    const whole = said(machines, cpus);
    for (const output of ["", "qemu: error", whole.slice(0, 150), said(machines, {}), said(null, cpus)])
      expect(offersIn(output), output).to.equal(undefined);
  });

  it("is no more than a controller takes", () => {
    const many = Array.from({ length: 300 }, (_, index) => index);
    const found = offersIn(
      said(
        many.map((index) => ({ name: `pc-q35-${index}` })),
        many.map((index) => cpu(`Model${index}-v1`)),
      ),
    );
    expect([found?.machineTypes.length, found?.cpuModels.length]).to.deep.equal([256, 256]);
  });
});

describe("the processor of new guests", () => {
  const all = [...offers.cpuModels, "Skylake-Server-v2", "Skylake-Server-v10", "EPYC-v1", "EPYC-Rome-v2"];

  it("is QEMU's plain one where processors are emulated", () => {
    expect(chooseCpuModel(all, "tcg", undefined)).to.equal("qemu64-v1");
  });

  it("is the newest member of the best family that the host can be", () => {
    expect(chooseCpuModel(all, "kvm", undefined)).to.equal("EPYC-Rome-v2");
    expect(chooseCpuModel(all.slice(0, 5), "kvm", undefined)).to.equal("Skylake-Server-v10");
    expect(chooseCpuModel(offers.cpuModels, "kvm", undefined)).to.equal("Nehalem-v2");
  });

  it("is the one of the configuration, or the host does not begin", () => {
    expect(chooseCpuModel(all, "kvm", "Nehalem-v1")).to.equal("Nehalem-v1");
    expect(refusalOf(() => chooseCpuModel(all, "tcg", "EPYC-v9"))).to.equal(
      "hypervisorRefused: The configuration says cpuModel: EPYC-v9, which this host cannot give a guest.",
    );
    expect(refusalOf(() => chooseCpuModel([], "kvm", undefined))).to.match(/^hypervisorRefused: /);
  });
});

describe("the shapes of a host", () => {
  const shapes = shapesOf(offers, "tcg", undefined);
  const shape = { version: 1, machineType: "pc-q35-7.2", cpuModel: "qemu64-v1" };

  it("are what it has, with what a new guest gets", () => {
    expect(shapes).to.deep.equal({
      versions: [1],
      ...{ machineType: "pc-q35-7.2", cpuModel: "qemu64-v1", aliases: offers.aliases },
      ...{ machineTypes: ["pc-q35-7.1", "pc-q35-7.2"], cpuModels: offers.cpuModels },
    });
    expect(refusalOf(() => shapesOf({ ...offers, aliases: [] }, "tcg", undefined))).to.match(
      /^hypervisorRefused/,
    );
  });

  it("give a new guest full names, whatever name its image has for its machine", () => {
    expect(firstShape(shapes)).to.deep.equal(shape);
    expect(firstShape(shapes, "q35")).to.deep.equal(shape);
    expect(firstShape(shapes, "pc-q35-7.1")).to.deep.equal({ ...shape, machineType: "pc-q35-7.1" });
    expect(firstShape(undefined, "q35")).to.equal(null);
  });

  it("give a new guest the newest of several versions", () => {
    expect(firstShape({ ...shapes, versions: [1, 2, 5] })?.version).to.equal(5);
  });

  it("are none where they are refused, so that the host goes on with the guests that it has", async () => {
    const refusal = new StatusError("hypervisorRefused", "No such processor.");
    const said: string[] = [];
    const log = { ...silentLog, error: (_fields: object, message: string) => void said.push(message) };
    expect(await unlessRefused(Promise.reject(refusal), log)).to.equal(undefined);
    expect(said).to.deep.equal(["This host offers no hardware to new guests."]);
    expect(await unlessRefused(Promise.resolve(shapes), log)).to.equal(shapes);
    const bug = await unlessRefused(Promise.reject(new Error("a bug")), log).catch(
      (thrown: unknown) => thrown,
    );
    expect(bug).to.be.instanceOf(Error);
  });

  it("lack what they have not", () => {
    const lacks = (changes: Partial<OfferedShapes>) => lackingOf(shape, { ...shapes, ...changes });
    expect(lacks({})).to.equal(undefined);
    expect(lacks({ versions: [2] })).to.equal("version");
    expect(lacks({ machineTypes: ["q35"] })).to.equal("machineType");
    expect(lacks({ cpuModels: ["qemu64"] })).to.equal("cpuModel");
    expect(lackingOf(shape, undefined)).to.equal("version");
  });
});
