/** Which metadata of aggregates is refused where it is written, and what is made of older metadata. */
import { expect } from "chai";
import { metadataFault } from "../../../../actors/control/scheduler/aggregate-metadata.ts";
import { FactsOfRead } from "../../../../actors/control/scheduler/facts.ts";
import { schedulerLimits } from "../../../../actors/control/scheduler/limits.ts";

const projects = ["demo", "other"];
const faultOf = (key: string, value: string) => metadataFault({ [key]: value }, projects);

describe("the metadata of aggregates", () => {
  const wrong: readonly (readonly [key: string, value: string, says: string])[] = [
    ["freeRam_weight_multiplier", "NaN", "no number from -1000000 to 1000000"],
    ["ram_weight_multiplier", "", "no number"],
    ["ram_weight_multiplier", " ", "no number"],
    ["ram_weight_multiplier", "1,2", "no number"],
    ["ram_weight_multiplier", "Infinity", "no number"],
    ["ram_weight_multiplier", "1e308", "no number"],
    ["acme.warm_weight_multiplier", "much", "no number"],
    ["fredRam_weight_multiplier", "2", "there is no weigher fredRam (did you mean freeRam?)"],
    ["colour_weight_multiplier", "2", "colour: there are freeRam, ram, freeCpu"],
    ["max_io_ops_per_host", "eight", "no whole number from 0"],
    ["max_io_ops_per_host", "-1", "no whole number"],
    ["max_instances_per_host", "1.5", "no whole number"],
    ["filter_tenant_id", "dmo", "there is no project dmo (did you mean demo?)"],
    ["filter_tenant_id_2", "demo,somebody", "there is no project somebody"],
  ];
  for (const [key, value, says] of wrong)
    it(`is refused with ${key}=${value}`, () => expect(faultOf(key, value)).to.contain(says));

  it("is free where nothing reads it, and taken where it can be read", () => {
    for (const [key, value] of [
      ["ssd", "NaN"],
      ["freeRam_weight_multiplier", "-2.5"],
      ["build_failure_weight_multiplier", "-1000000"],
      ["acme.warm_weight_multiplier", "3"],
      ["max_instances_per_host", "0"],
      ["filter_tenant_id", "demo, other"],
      ["filter_tenant_id", ""],
    ] as const)
      expect(faultOf(key, value), `${key}=${value}`).to.equal(undefined);
    expect(metadataFault({ filter_tenant_id: "anybody" }, undefined)).to.equal(undefined);
  });

  it("makes no score that is no number, whatever was written before", () => {
    const aggregates = (...metadata: Record<string, string>[]) =>
      new FactsOfRead().aggregates(
        metadata.map((one, n) => ({ id: `a${n}`, name: `a${n}`, availabilityZone: null, metadata: one })),
      );
    const { multipliers } = aggregates({ ram_weight_multiplier: "1e308", cpu_weight_multiplier: "-1e308" });
    const most = schedulerLimits.multiplierMax;
    expect([...(multipliers ?? [])]).to.deep.equal([
      ["ram", most],
      ["cpu", -most],
    ]);
    expect(aggregates({ ram_weight_multiplier: "NaN" }).multipliers).to.equal(undefined);
  });
});
