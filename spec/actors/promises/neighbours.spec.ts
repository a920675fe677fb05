/** I11 between neighbours: somebody hostile makes no lease of others late, and no answer to others. */
import { expect } from "chai";
import type { Fact } from "../../../actors/promises/facts.ts";
import { neighbours } from "../../../actors/promises/neighbours.ts";

const renewed = (atMs: number, hostId = "h1"): Fact => ({
  kind: "leaseRenewed",
  atMs,
  hostId,
  leaseEpoch: 1,
});
const began = (atMs: number, who = "flooders", alone = true): Fact => {
  return { kind: "hostileBegan", atMs, who, alone };
};
const ended = (atMs: number, who = "flooders", alone = true): Fact => {
  return { kind: "hostileEnded", atMs, who, alone };
};

function sentences(facts: readonly Fact[]): readonly string[] {
  const see = neighbours();
  return facts.flatMap((fact) => see(fact));
}

describe("neighbours of somebody hostile", () => {
  it("renew their leases each time in time", () => {
    const well = [renewed(0), began(1_000), renewed(2_000), renewed(5_000), ended(8_000)];
    expect(sentences(well)).to.deep.equal([]);
    const late = [renewed(0), began(1_000), renewed(3_001), ended(4_000)];
    expect(sentences(late)).to.deep.equal([
      "The lease of h1 was not renewed for 3001 ms while flooders was hostile; at most 3000 ms are due.",
    ]);
  });

  it("renew them until the end", () => {
    const [first] = sentences([renewed(0), began(1_000), ended(3_500)]);
    expect(first).to.contain("not renewed for 3500 ms");
  });

  it("are judged only when nothing else is broken, and when they were well before", () => {
    const others = [renewed(0), began(1_000, "flooders", false), renewed(9_000)];
    expect(sentences([...others, ended(9_500, "flooders", false)])).to.deep.equal([]);
    expect(sentences([renewed(0), began(9_000), renewed(20_000), ended(21_000)])).to.deep.equal([]);
    expect(sentences([renewed(0), began(1_000), ended(2_000), renewed(9_000)])).to.deep.equal([]);
  });

  it("are all others: a host that lies may be late itself", () => {
    const lying = [renewed(0, "h1"), renewed(0, "h2"), began(100, "h1"), renewed(2_000, "h2")];
    expect(sentences([...lying, renewed(4_000, "h1"), renewed(4_000, "h2")])).to.deep.equal([]);
    expect(sentences([...lying, renewed(5_100, "h2")])).to.have.length(1);
  });

  it("are answered before their deadline", () => {
    const asked = (answered: boolean): Fact => {
      return { kind: "bystanderAsked", atMs: 2_000, tookMs: 900, answered, alone: true };
    };
    expect(sentences([began(1_000), asked(true)])).to.deep.equal([]);
    expect(sentences([began(1_000), asked(false)])).to.deep.equal([
      "A bystander was not answered in time while flooders was hostile.",
    ]);
  });
});
