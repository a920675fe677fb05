/** The doctor compares what is plugged into ports with what instances have. By value. */
import { expect } from "chai";
import { compare } from "../../../../actors/control/doctor/compare.ts";
import type { DoctorInput } from "../../../../actors/control/doctor/input.ts";
import { healthy, instance, loaded } from "./worlds.ts";

const found = (input: DoctorInput) =>
  compare(input)
    .findings.map(({ kind, subject, message }) => `${kind} ${subject}: ${message}`)
    .filter((one) => one.includes("port"));

const plugOf = (portId: string, deviceId: string, device: "instance" | "router" = "instance") => ({
  ...{ id: portId, name: portId, portId, device, deviceId },
  ...{ deleteWithInstance: true, createdAtMs: 1, version: 1 },
});
const interfaces = ["p1", "p2"].map((portId) => ({
  ...{ portId, networkId: "n", mac: "52:54:00:00:00:01", addresses: [], mtuBytes: 1_450 },
  deleteWithInstance: true,
}));

function world(plugs: NonNullable<DoctorInput["plugs"]>): DoctorInput {
  const { input } = healthy();
  const [first, ...others] = input.instances;
  const plugged = { machine: first?.machine, instance: instance("i1", { interfaces }) };
  return { ...input, plugs, instances: [plugged, ...others] };
}

describe("doctor: ports", () => {
  it("finds nothing where each port is held for whoever has it", () => {
    const both = [plugOf("p1", "i1"), plugOf("p2", "i1")];
    expect(found(world([...both, plugOf("p3", "r", "router")]))).to.deep.equal([]);
  });

  it("finds a port that is held for an instance that is gone, but not for one that is going", () => {
    const input = world([plugOf("p1", "i1"), plugOf("p2", "i1"), plugOf("p9", "i9")]);
    expect(found(input)).to.deep.equal(["leak port p9: It is held for instance i9, which is gone."]);
    const going = loaded(instance("i9", { desired: "deleted", settled: false }));
    expect(found({ ...input, unsettled: [...input.unsettled, going] })).to.deep.equal([]);
  });

  it("finds an instance whose port is not held, or is held for another one", () => {
    const astray = world([plugOf("p1", "i2")]);
    expect(found({ ...astray, unsettled: [loaded(instance("i2"))] })).to.deep.equal([
      "drift instance i1: It is plugged into port p1, which is held for instance i2.",
      "drift instance i1: It is plugged into port p2, which is held for nobody.",
    ]);
  });
});
