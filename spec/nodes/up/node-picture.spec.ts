/** What the screen tells of nodes: by value, and for a cluster that is asked again and again. */
import { expect } from "chai";
import { upLimits } from "../../../nodes/up/limits.ts";
import { movedLine, newsOf, pictureOf, type Seen, strangersLine } from "../../../nodes/up/node-picture.ts";
import { NodeWatch, type WatchedCluster } from "../../../nodes/up/node-watch.ts";

const node = (name: string, changes: Partial<Seen> = {}): Seen => ({
  ...{ id: `id-${name}`, name, state: "up", instances: 2, proof: "" },
  ...changes,
});
const many = (count: number, changes: Partial<Seen> = {}) =>
  Array.from({ length: count }, (_, n) => node(`node-${n + 1}`, changes));

describe("the picture of the nodes", () => {
  it("tells a loss in a line for each step, and the return", () => {
    let picture = pictureOf([node("a"), node("b")]);
    const told: string[] = [];
    for (const a of [
      node("a", { state: "silent" }),
      node("a", { state: "silent" }),
      node("a", { state: "fenced", proof: "its lease ended", instances: 0 }),
      node("a", { state: "fenced", instances: 0 }),
      node("a", { instances: 0 }),
      node("a", { instances: 0 }),
    ]) {
      const news = newsOf(picture, [a, node("b")]);
      picture = news.picture;
      told.push(...news.lines);
    }
    expect(told).to.deep.equal([
      "a is silent: nothing moves yet, 2 instances may still run there",
      "a is fenced (its lease ended): 2 instances may start elsewhere now",
      "a is back",
    ]);
  });

  it("tells nothing of what was so before, of first registrations, and of nodes that were not lost", () => {
    const picture = pictureOf([node("a", { state: "silent" }), node("b", { state: "fenced" })]);
    const { lines } = newsOf(picture, [node("a"), node("b"), node("c"), node("d", { state: "silent" })]);
    expect(lines).to.deep.equal([]);
  });

  it("tells many at once in one line with their number", () => {
    const before = pictureOf(many(30));
    const { lines, picture } = newsOf(before, many(30, { state: "silent" }));
    expect(lines).to.deep.equal([
      "30 nodes (node-1, node-2, node-3, …) are silent: nothing moves yet, 60 instances may still run there",
    ]);
    expect(newsOf(picture, many(30)).lines).to.deep.equal(["30 nodes (node-1, node-2, node-3, …) are back"]);
    expect(newsOf(before, many(upLimits.nodesToldApartMax, { state: "silent" })).lines).to.have.length(3);
  });

  it("says where the instances are by now, and which wait", () => {
    expect(movedLine(node("a"), 3, 0)).to.equal("3 of 3 instances of a are on another node");
    expect(movedLine(node("a"), 1, 0)).to.equal("1 of 1 instance of a is on another node");
    expect(movedLine(node("a"), 3, 1)).to.equal(
      "2 of 3 instances of a are on another node, 1 waits for its return",
    );
  });

  it("names nodes that are configured no more, with what to do, unless nothing is on them", () => {
    const configured = new Set(["a"]);
    const hosts = [node("a"), node("old-1"), node("old-2", { instances: 0 })];
    expect(strangersLine(hosts, configured, "npx novact")).to.equal(
      "old-1 is no longer in the configuration, with 2 instances: configure it again, or see " +
        "npx novact instance list --project admin --host old-1",
    );
    expect(strangersLine([node("a")], configured, "novact")).to.equal(undefined);
    expect(strangersLine(many(9), configured, "novact")).to.contain(
      "9 nodes (node-1, node-2, node-3, …) are",
    );
  });
});

describe("the watch on the nodes", () => {
  const lostHost = (state: "held" | "fenced", alive: boolean, instances: number) => ({
    ...{ id: "id-a", name: "a", alive, instances },
    lease: { state, sentence: "proved" },
  });

  it("tells where the instances of a lost node went, once they rest", async () => {
    const told: string[] = [];
    let hosts = [lostHost("held", true, 2)];
    let left = 2;
    const cluster: WatchedCluster = {
      host: { list: async () => ({ hosts }) },
      instance: { list: async () => ({ instances: Array.from({ length: left }, () => ({})) }) },
    };
    const watch = new NodeWatch({ say: (text) => told.push(text), configured: new Set(["a"]), command: "n" });
    const look = () => watch.look(cluster);
    await look();
    hosts = [lostHost("held", false, 2)];
    await look();
    hosts = [lostHost("fenced", false, 1)];
    await look();
    left = 1;
    for (let n = 0; n <= upLimits.nodeSettledLooksMin; n += 1) await look();
    await look();
    expect(told).to.deep.equal([
      "a is silent: nothing moves yet, 2 instances may still run there",
      "a is fenced (proved): 2 instances may start elsewhere now",
      "1 of 2 instances of a is on another node, 1 waits for its return",
    ]);
  });
});
