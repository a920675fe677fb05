/** A network and its subnets are read at once by a guess, which never stands for a read. */
import { expect } from "chai";
import { NetworkReads } from "../../../../actors/control/instances/network-reads.ts";
import type { RowReads } from "../../../../actors/ports/row-reads.ts";

function world() {
  const asked: string[] = [];
  const ids = { named: "n1" };
  const rows: unknown = {
    called: async () => {
      asked.push("network");
      return [{ id: ids.named, name: "net", project: "demo" }];
    },
    list: async (_resource: unknown, { refers }: { refers: { networkId: string[] } }) => {
      asked.push(`subnets of ${refers.networkId.join()}`);
      return [{ id: `subnet of ${refers.networkId.join()}` }];
    },
  };
  return { asked, ids, reads: new NetworkReads(rows as RowReads) };
}

describe("Networks that creates name", () => {
  const caller = { project: "demo", id: "net" };

  it("are read one after the other at first, and then at once with their subnets", async () => {
    const { asked, reads } = world();
    await reads.find(caller);
    expect(asked.splice(0)).to.deep.equal(["network", "subnets of n1"]);
    expect(await reads.find(caller)).to.deep.include({ subnets: [{ id: "subnet of n1" }] });
    expect(asked).to.deep.equal(["subnets of n1", "network"]);
  });

  it("have the subnets of the network that has the name now", async () => {
    const { asked, ids, reads } = world();
    await reads.find(caller);
    ids.named = "n2";
    asked.length = 0;
    expect(await reads.find(caller)).to.deep.include({ subnets: [{ id: "subnet of n2" }] });
    expect(asked).to.deep.equal(["subnets of n1", "network", "subnets of n2"]);
  });

  it("are guessed for nobody else", async () => {
    const { asked, reads } = world();
    await reads.find(caller);
    asked.length = 0;
    await reads.find({ ...caller, project: "other" });
    expect(asked[0]).to.equal("network");
  });
});
