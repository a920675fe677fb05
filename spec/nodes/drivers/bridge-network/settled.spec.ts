/** What is believed of a fabric between two looks, by value: nothing to do, and exactly what differs. */
import { expect } from "chai";
import type { FabricPlan } from "../../../../nodes/drivers/bridge-network/plan.ts";
import { planOf } from "../../../../nodes/drivers/bridge-network/plan.ts";
import { allSettled, differing } from "../../../../nodes/drivers/bridge-network/settled.ts";
import { isDone, stepsBetween, touchedBy } from "../../../../nodes/drivers/bridge-network/steps.ts";
import { far, networkPicture, portPicture, portRecord } from "../../../support/fabric-pictures.ts";

const [tap, other] = ["nvt00000000a001", "nvt00000000a002"];
const planFor = (numbers: readonly number[], away: readonly number[] = [7]): FabricPlan =>
  planOf({
    ...{ underlay: "192.0.2.1", services: [], ports: numbers.map((one) => portRecord(one)) },
    networking: {
      ...{ version: 1, groups: [], networks: [networkPicture(numbers.map((one) => portPicture(one)))] },
      far: [far(1, "192.0.2.2", away)],
    },
  });
const taps = new Set([tap, other]);

const stepsTo = (plan: FabricPlan, settled: Parameters<typeof differing>[1]) => {
  const { plan: left, seen } = differing(plan, settled);
  return stepsBetween(left, seen);
};

describe("A fabric that was proved", () => {
  it("needs no step towards the same plan", () => {
    const plan = planFor([1, 2]);
    expect(isDone(stepsTo(plan, allSettled(plan, taps)))).to.equal(true);
    expect(isDone(stepsTo(planFor([1, 2]), allSettled(plan, taps)))).to.equal(true);
  });

  it("gets of another far port its entries, and loses those of one that went", () => {
    const steps = stepsTo(planFor([1, 2], [8]), allSettled(planFor([1, 2], [7]), taps));
    expect(steps.places.filter((line) => line.includes("replace"))).to.have.length(2);
    expect(steps.places.filter((line) => line.includes("del"))).to.have.length(2);
    expect(steps.links.every((line) => line.startsWith("neigh"))).to.equal(true);
  });

  it("believes nothing of a tap that has just come", () => {
    const plan = planFor([1, 2]);
    const settled = { ...allSettled(plan, new Set([tap])), arrived: new Set([other]) };
    const steps = stepsTo(plan, settled);
    expect(touchedBy(steps)).to.deep.equal([other]);
    expect(steps.links.join("\n")).to.include("learning off").and.include(`master ${plan.bridges[0]?.name}`);
    expect(steps.places).to.have.length(1);
  });

  it("waits for a tap that is not there, and does not name its entries", () => {
    const plan = planFor([1, 2]);
    const steps = stepsTo(plan, allSettled(planFor([1]), new Set([tap])));
    expect(touchedBy(steps)).to.deep.equal([]);
    expect(steps.places).to.deep.equal([]);
  });

  it("tells which devices no plan has any more", () => {
    const plan: FabricPlan = { ...planFor([1]), bridges: [], tunnels: [], places: [], neighbours: [] };
    const steps = stepsTo(plan, allSettled(planFor([1]), new Set()));
    expect([...steps.orphans].sort()).to.deep.equal(["nvb00000000f001", "nvx00000000f001"]);
  });
});
