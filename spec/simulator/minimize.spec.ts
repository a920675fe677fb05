/** Shortening plans: what matters stays, what does not goes, and it ends. */
import { expect } from "chai";
import { ddmin, minimize } from "./minimize.ts";
import { type Plan, planOf } from "./plan.ts";

describe("ddmin", () => {
  const holdsWith =
    (...needed: readonly number[]) =>
    async (kept: readonly number[]) =>
      needed.every((one) => kept.includes(one));
  const list = Array.from({ length: 50 }, (_, index) => index);

  it("keeps what is needed, in order, and nothing else", async () => {
    expect(await ddmin(list, holdsWith(3, 4, 41))).to.deep.equal([3, 4, 41]);
    expect(await ddmin(list, holdsWith(49))).to.deep.equal([49]);
  });

  it("keeps nothing when nothing is needed, and all when all is", async () => {
    expect(await ddmin(list, holdsWith())).to.deep.equal([]);
    expect(await ddmin([1, 2, 3], holdsWith(1, 2, 3))).to.deep.equal([1, 2, 3]);
    expect(await ddmin([], holdsWith())).to.deep.equal([]);
  });
});

describe("minimize", () => {
  const plan = planOf("11");
  const creates = ({ commands }: Plan) => commands.filter(({ command }) => command === "create").length;

  it("leaves out commands, faults and troubles, and makes the cluster smaller", async () => {
    const isBroken = async (shorter: Plan) => creates(shorter) > 0;
    const shortest = await minimize(plan, { isBroken, triesMax: 500, told: () => undefined });
    expect(shortest.commands.map(({ command }) => command)).to.deep.equal(["create"]);
    expect(shortest.faults).to.deep.equal([]);
    const { hosts, controllers, clients, lost, late, doubled, hang } = shortest.parameters;
    expect({ hosts, controllers, clients }).to.deep.equal({ hosts: 1, controllers: 1, clients: 1 });
    expect({ lost, late, doubled, hang }).to.deep.equal({ lost: 0, late: 0, doubled: 0, hang: 0 });
  });

  it("gives what it has when its tries are over", async () => {
    let tries = 0;
    const isBroken = async (shorter: Plan) => {
      tries += 1;
      return creates(shorter) > 0;
    };
    const shorter = await minimize(plan, { isBroken, triesMax: 7, told: () => undefined });
    expect(tries).to.equal(7);
    expect(creates(shorter)).to.be.greaterThan(0);
  });
});
