/** A network and its subnets are read in one read, within what the caller sees. */
import { expect } from "chai";
import { readNetwork } from "../../../../actors/control/instances/network-reads.ts";
import type { JoinedReads, Owner } from "../../../../actors/ports/row-reads.ts";

/** Networks by project; `asked`: of which projects, and by which name. */
function world(networks: Readonly<Record<string, readonly string[]>>) {
  const asked: (readonly [string, string | undefined])[] = [];
  const rows: unknown = {
    calledWith: async (_resource: unknown, key: string, { owner }: { owner: Owner }) => {
      asked.push([key, owner?.project]);
      const all = owner?.project === undefined ? Object.values(networks).flat() : networks[owner.project];
      return (all ?? []).map((id) => ({ row: { id, name: "net" }, parts: [{ id: `subnet of ${id}` }] }));
    },
  };
  return { asked, rows: rows as JoinedReads };
}

const failure = (work: Promise<unknown>) =>
  work.then(
    () => "none",
    ({ reason }: { readonly reason: string }) => reason,
  );

describe("Networks that creates name", () => {
  it("are read once, with their subnets", async () => {
    const { asked, rows } = world({ demo: ["n1"] });
    const found = await readNetwork({ project: "demo", id: "net" }, rows);
    expect([found.on.id, found.subnets.map(({ id }) => id)]).to.deep.equal(["n1", ["subnet of n1"]]);
    expect(asked).to.deep.equal([["net", "demo"]]);
  });

  it("are the caller's, and of a name that only one has", async () => {
    const { rows } = world({ demo: ["n1", "n2"], other: ["n3"] });
    expect(await failure(readNetwork({ project: "demo", id: "net" }, rows))).to.equal("ambiguous");
    expect(await failure(readNetwork({ project: "third", id: "net" }, rows))).to.equal("notFound");
  });

  it("are read once more for operators, who name those of others by id", async () => {
    const { asked, rows } = world({ demo: ["n1"] });
    const found = await readNetwork({ project: "admin", id: "n1" }, rows);
    expect(found.subnets).to.deep.equal([{ id: "subnet of n1" }]);
    expect(asked).to.deep.equal([
      ["n1", "admin"],
      ["n1", undefined],
    ]);
  });
});
