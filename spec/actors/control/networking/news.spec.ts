/** Hosts are told when something changes of which their pictures were made; no others, and not each time. */
import { expect } from "chai";
import { networkingLimits } from "../../../../actors/control/networking/limits.ts";
import { NetworkingNews } from "../../../../actors/control/networking/news.ts";
import type { NetworkingRows } from "../../../../actors/ports/networking-reads.ts";
import { SimulatedClock } from "../../../support/simulated-clock.ts";

const port = (id: string, networkId: string): NetworkingRows["ports"][number] => ({
  ...{
    id,
    instanceId: `i-${id}`,
    networkId,
    mac: "52:54:00:00:00:01",
    portSecurity: true,
    addressPairs: [],
    bandwidth: null,
  },
});
const rule = (id: string, remoteGroupId: string | null) => ({
  ...{ id, groupId: "g", direction: "ingress" as const, ipVersion: 4 as const, protocol: null },
  ...{ portMin: null, portMax: null, remoteCidr: null, remoteGroupId },
});
const none: NetworkingRows = {
  ...{
    version: 1,
    ports: [],
    networks: [],
    subnets: [],
    addresses: [],
    memberships: [],
    rules: [],
    members: [],
    far: [],
    published: [],
    routers: [],
    routerInterfaces: [],
    floating: [],
  },
};
const rowsOf: Readonly<Record<string, NetworkingRows>> = {
  h1: {
    ...{
      ...none,
      ports: [port("p1", "n1")],
      networks: [{ id: "n1", number: 1, mtuBytes: 1_450, physicalNetwork: null }],
    },
    ...{ memberships: [{ id: "m1", portId: "p1", groupId: "g" }], rules: [rule("r1", "far")] },
  },
  h2: {
    ...{
      ...none,
      ports: [port("p2", "n2")],
      networks: [{ id: "n2", number: 2, mtuBytes: 1_450, physicalNetwork: null }],
    },
    far: [{ ...{ id: "p9", networkId: "n2", host: "192.0.2.1", mac: "", addresses: [] }, addressPairs: [] }],
  },
};

describe("what hosts are told of networks", () => {
  let clock: SimulatedClock;
  let told: string[];
  let answers: PromiseWithResolvers<undefined>[];
  let news: NetworkingNews;
  beforeEach(async () => {
    clock = new SimulatedClock();
    told = [];
    answers = [];
    news = new NetworkingNews({
      store: { networking: { ofHost: async (hostId) => rowsOf[hostId] ?? none } },
      tell: (hostId) => {
        told.push(hostId);
        const answer = Promise.withResolvers<undefined>();
        answers.push(answer);
        return answer.promise;
      },
      clock,
    });
    for (const hostId of ["h1", "h2", "h3"]) await news.answer({ hostId, have: [] });
  });

  const toldAfter = async (...ids: readonly string[]) => {
    told = [];
    news.touched(ids);
    await clock.advance(networkingLimits.newsCollectedMs);
    for (const answer of answers.splice(0)) answer.resolve(undefined);
    await clock.advance(0);
    return told;
  };

  it("is news of what their pictures were made of: ports, networks, groups, rules, and the groups they name", async () => {
    for (const id of ["p1", "n1", "g", "m1", "r1", "far"])
      expect(await toldAfter(id), id).to.deep.equal(["h1"]);
    expect(await toldAfter("n2", "n1")).to.deep.equal(["h1", "h2"]);
    expect(await toldAfter("n3", "elsewhere")).to.deep.equal([]);
    expect(await toldAfter()).to.deep.equal([]);
  });

  it("comes once for what happens at a time, and once more for what happened since a host was told", async () => {
    for (let times = 0; times < 100; times += 1) news.touched(["n1"]);
    await clock.advance(networkingLimits.newsCollectedMs);
    for (let times = 0; times < 3; times += 1) {
      news.touched(["n1"]);
      await clock.advance(networkingLimits.newsCollectedMs);
    }
    expect(told).to.deep.equal(["h1"]);
    answers.shift()?.resolve(undefined);
    await clock.advance(0);
    expect(told).to.deep.equal(["h1", "h1"]);
    answers.shift()?.resolve(undefined);
    await clock.advance(0);
    expect(told).to.deep.equal(["h1", "h1"]);
    expect(await toldAfter("n1")).to.deep.equal(["h1"]);
  });

  it("goes on when a host cannot be told", async () => {
    news.touched(["n1"]);
    await clock.advance(networkingLimits.newsCollectedMs);
    for (const answer of answers.splice(0)) answer.reject(new Error("away"));
    await clock.advance(0);
    expect(await toldAfter("n1")).to.deep.equal(["h1"]);
  });

  it("is of the last answer only, and ends with the controller", async () => {
    Object.assign(rowsOf, { h4: rowsOf.h2 });
    await news.answer({ hostId: "h4", have: [] });
    expect(await toldAfter("n2")).to.deep.equal(["h2", "h4"]);
    Object.assign(rowsOf, { h4: none });
    await news.answer({ hostId: "h4", have: [] });
    expect(await toldAfter("n2")).to.deep.equal(["h2"]);
    news.touched(["n2"]);
    news.close();
    expect(clock.pending).to.equal(0);
  });
});
