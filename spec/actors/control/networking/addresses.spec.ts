/** Addresses of new ports while other commits are under way, with rows that the spec has in its hand. */
import { expect } from "chai";
import { Addresses, type ChosenAddress } from "../../../../actors/control/networking/addresses.ts";
import type { RowReads } from "../../../../actors/ports/row-reads.ts";
import type { Subnet } from "../../../../protocol/network.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";

const subnetId = "subnet";
const pool = { first: "10.0.0.1", last: "10.0.0.2" };
const small: Subnet = {
  ...{ id: subnetId, project: "demo", name: "small", networkId: "net", cidr: "10.0.0.0/30", pools: [pool] },
  ...{ gateway: null, dnsServers: [], hostRoutes: [], dhcp: true, shared: false, createdAtMs: 0 },
};

describe("addresses of new ports", () => {
  let taken: string[];
  let addresses: Addresses;
  beforeEach(() => {
    taken = [];
    // Rows as a store reads them: of text, and typed by whoever asks.
    const list: RowReads["list"] = async () =>
      JSON.parse(JSON.stringify(taken.map((name, index) => ({ id: `${index}`, name, subnetId }))));
    const rows: RowReads = { list, called: async () => [], count: async () => 0, nextNumber: async () => 1 };
    addresses = new Addresses({ rows: { ...rows, calledWith: async () => [] } });
  });

  const one = { subnets: [small] };
  const choose = () => addresses.choose([one]);
  const never = () => false;
  const patiently = (isLate = never) => addresses.patiently((own) => addresses.choose([one], own), isLate);
  const textsOf = (chosen: readonly ChosenAddress[]) => chosen.map(({ address }) => address);
  const outcomeOf = (asked: Promise<readonly ChosenAddress[]>) =>
    asked.then(textsOf, (thrown) => (thrown instanceof StatusError ? thrown.reason : thrown));
  /** Another controller was faster with both. */
  const lose = (...chosen: (readonly ChosenAddress[])[]) => {
    for (const each of chosen) addresses.settled(each, "taken");
  };

  it("are refused at once when all are taken, and only then", async () => {
    taken = ["10.0.0.1", "10.0.0.2"];
    expect(await outcomeOf(patiently())).to.equal("subnetFull");
    taken = ["10.0.0.1"];
    expect(await outcomeOf(patiently())).to.deep.equal(["10.0.0.2"]);
  });

  it("are waited for while those that are left are on their way, and given when one comes back", async () => {
    const [first, second] = [await patiently(), await patiently()];
    expect(await outcomeOf(choose())).to.equal("subnetFull");
    const third = outcomeOf(patiently());
    addresses.settled(first, "committed");
    addresses.settled(second, "refused");
    expect(await third).to.deep.equal(textsOf(second));
  });

  it("are refused once all that were on their way have come there", async () => {
    const both = [await patiently(), await patiently()];
    const [third, fourth] = [outcomeOf(patiently()), outcomeOf(patiently())];
    taken = both.flatMap(textsOf);
    for (const each of both) addresses.settled(each, "committed");
    expect([await third, await fourth]).to.deep.equal(["subnetFull", "subnetFull"]);
  });

  it("are given when another controller was faster with some, and did not take all", async () => {
    const [first, second] = [await patiently(), await patiently()];
    const third = outcomeOf(patiently());
    // Whoever asks later is answered later: the third one waits by then.
    expect(await outcomeOf(choose())).to.equal("subnetFull");
    taken = textsOf(first);
    lose(first, second);
    expect(await third).to.deep.equal(textsOf(second));
  });

  it("are refused to who alone needs more than there are", async () => {
    const asked = addresses.patiently((own) => addresses.choose([one, one, one], own), never);
    expect(await outcomeOf(asked)).to.equal("subnetFull");
    expect(await outcomeOf(patiently())).to.be.an("array");
  });

  it("are found by two who need more than what is left while the other waits, one after the other", async () => {
    const two = () => addresses.patiently((own) => addresses.choose([one, one], own), never);
    const both = [two(), two()];
    const first = await Promise.race(both);
    expect(textsOf(first)).to.have.members(["10.0.0.1", "10.0.0.2"]);
    addresses.settled(first, "refused");
    const second = (await Promise.all(both)).find((each) => each !== first) ?? [];
    expect(textsOf(second)).to.have.members(["10.0.0.1", "10.0.0.2"]);
  });

  it("are given to nobody who waits no more", async () => {
    const [first, second] = [await patiently(), await patiently()];
    let isLate = false;
    const [third, fourth] = [outcomeOf(patiently(() => isLate)), outcomeOf(patiently())];
    expect(await outcomeOf(choose())).to.equal("subnetFull");
    isLate = true;
    addresses.settled(first, "refused");
    expect([await third, await fourth]).to.deep.equal(["subnetFull", textsOf(first)]);
    addresses.settled(second, "refused");
  });

  it("are waited for by no dry run, for which nothing is ever settled", async () => {
    for (let number = 0; number < 2; number += 1) await patiently();
    const apart = addresses.rehearsal();
    const asked = apart.patiently((own) => apart.choose([one], own), never);
    expect(await outcomeOf(asked)).to.equal("subnetFull");
  });
});
