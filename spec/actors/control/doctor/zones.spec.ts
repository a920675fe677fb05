/** The doctor names instances outside of the zone they asked for, before their host is lost. By value. */
import { expect } from "chai";
import { compare } from "../../../../actors/control/doctor/compare.ts";
import type { DoctorInput } from "../../../../actors/control/doctor/input.ts";
import type { InstanceRecord } from "../../../../actors/records/instance.ts";
import { host } from "../scheduler/worlds.ts";
import { healthy, instance, loaded } from "./worlds.ts";

/** The healthy cluster, its host in this zone, with the first instance as it is said. */
function world(zone: string | null, changes: Partial<InstanceRecord>): DoctorInput {
  const { input } = healthy();
  const [first, ...others] = input.instances;
  const aggregates = [{ id: "a1", name: "rack", availabilityZone: zone, metadata: {} }];
  return {
    ...input,
    instances: [{ machine: first?.machine, instance: instance("i1", changes) }, ...others],
    hosts: input.hosts.map((one) => ({ ...one, aggregates })),
  };
}

const found = (input: DoctorInput) =>
  compare(input).findings.map(({ kind, subject, message }) => `${kind} ${subject}: ${message}`);

describe("doctor: zones", () => {
  it("finds an instance whose host is in another zone than it asked for", () => {
    const astray = world("z2", { availabilityZone: "z1" });
    const said =
      "drift instance name-i1 (i1): It asked for the zone z1, and host one is in z2: no host may take it over.";
    expect(found(astray)).to.deep.equal([said]);
    expect(found(world(null, { availabilityZone: "z1" }))).to.deep.equal([said.replace("in z2", "in nova")]);
    expect(
      found({ ...astray, hosts: [...astray.hosts, host("h2")] }).filter((one) => one === said),
    ).to.have.length(1);
  });

  it("finds none where it asked to be, or anywhere, or while it moves or is being deleted", () => {
    for (const [zone, changes] of [
      ["z1", { availabilityZone: "z1" }],
      [null, { availabilityZone: "nova" }],
      ["z2", { availabilityZone: null }],
      ["z2", { availabilityZone: "z1", desired: "deleted" }],
    ] as const)
      expect(found(world(zone, changes)).filter((one) => one.includes("zone"))).to.deep.equal([]);
    const moving = world("z2", { availabilityZone: "z1", settled: false });
    const unsettled = moving.instances.slice(0, 1).map((row) => loaded(row.instance));
    expect(found({ ...moving, unsettled }).filter((one) => one.includes("zone"))).to.deep.equal([]);
  });

  it("finds an instance without a host whose zone has none any more", () => {
    const homeless = world("z2", { availabilityZone: "z1", hostId: null, settled: false });
    const unsettled = homeless.instances.slice(0, 1).map((row) => loaded(row.instance));
    const said = "It asked for the zone z1, and no host is in it.";
    expect(found({ ...homeless, unsettled }).join()).to.contain(`advice instance name-i1 (i1): ${said}`);
    const kept = world("z1", { availabilityZone: "z1", hostId: null, settled: false });
    expect(found({ ...kept, unsettled }).join()).to.not.contain("zone");
  });

  it("finds nothing of a failed build, which holds no zone", () => {
    const failed = world("z2", { availabilityZone: "z1", hostId: null });
    expect(found(failed).join()).to.not.contain("zone");
  });
});
