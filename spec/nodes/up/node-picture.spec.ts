/** What the screen tells of nodes: by value, and for a cluster that is asked again and again. */
import { expect } from "chai";
import { upLimits } from "../../../nodes/up/limits.ts";
import {
  movedLine,
  newsOf,
  pictureOf,
  reasonsToEmulate,
  type Seen,
  strangersLine,
} from "../../../nodes/up/node-picture.ts";
import { NodeWatch, type WatchedCluster } from "../../../nodes/up/node-watch.ts";

const node = (name: string, changes: Partial<Seen> = {}): Seen => ({
  ...{ id: `id-${name}`, name, state: "up", instances: 2, proof: "", lastSeenAtMs: 1_000, emulates: "" },
  ...changes,
});
const many = (count: number, changes: Partial<Seen> = {}) =>
  Array.from({ length: count }, (_, n) => node(`node-${n + 1}`, changes));

describe("the picture of the nodes", () => {
  const toldOf = (looks: readonly (readonly Seen[])[]): readonly string[] => {
    const [first = [], ...others] = looks;
    let picture = pictureOf(first);
    return others.flatMap((look) => {
      const news = newsOf(picture, look);
      picture = news.picture;
      return news.lines;
    });
  };
  const at = (lastSeenAtMs: number) => ({ lastSeenAtMs });

  it("tells a loss in a line for each step, and the return", () => {
    const looks = [
      node("a"),
      node("a", at(2_000)),
      node("a", { state: "silent", ...at(2_000) }),
      node("a", { state: "silent", ...at(2_000) }),
      node("a", { state: "fenced", proof: "its lease ended", instances: 0, ...at(2_000) }),
      node("a", { state: "fenced", instances: 0, ...at(2_000) }),
      node("a", { instances: 0, ...at(30_000) }),
      node("a", { instances: 0, ...at(32_000) }),
    ];
    expect(toldOf(looks.map((a) => [a, node("b")]))).to.deep.equal([
      "a is silent: nothing moves yet, 2 instances may still run there",
      "a is fenced (its lease ended): 2 instances may start elsewhere now",
      "a is back",
    ]);
  });

  it("tells nothing of what was so before, of first registrations, and of nodes that were not lost", () => {
    const before = [node("a", { state: "silent" }), node("b", { state: "fenced" })];
    expect(toldOf([before, [node("a"), node("b"), node("c"), node("d", { state: "silent" })]])).to.deep.equal(
      [],
    );
  });

  it("tells once though controllers answer differently: one has just started and takes all for alive", () => {
    const silent = node("a", { state: "silent", ...at(2_000) });
    const alive = node("a", at(2_000));
    expect(toldOf([[node("a")], [alive], [silent], [alive], [silent], [alive], [silent]])).to.deep.equal([
      "a is silent: nothing moves yet, 2 instances may still run there",
    ]);
  });

  it("does not call a node silent that was never heard, but tells that it is fenced, and later back", () => {
    const looks = [
      node("a"),
      node("a", { state: "silent" }),
      node("a", { state: "fenced", proof: "proved" }),
      node("a", { state: "silent" }),
      node("a", at(9_000)),
    ];
    expect(toldOf(looks.map((a) => [a]))).to.deep.equal([
      "a is fenced (proved): 2 instances may start elsewhere now",
      "a is back",
    ]);
  });

  it("tells many at once in one line with their number", () => {
    const [alive, silent] = [many(30, at(2_000)), many(30, { state: "silent", ...at(2_000) })];
    expect(toldOf([many(30), alive, silent, many(30, at(9_000))])).to.deep.equal([
      "30 nodes (node-1, node-2, node-3, …) are silent: nothing moves yet, 60 instances may still run there",
      "30 nodes (node-1, node-2, node-3, …) are back",
    ]);
    const few = upLimits.nodesToldApartMax;
    expect(toldOf([many(few), alive.slice(0, few), silent.slice(0, few)])).to.have.length(few);
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

describe("why nodes emulate their guests", () => {
  it("is each reason once, without those that are told to and those that do not", () => {
    const heard = (name: string, emulates: string) => node(name, { emulates, lastSeenAtMs: 2_000 });
    const looked = [heard("a", "x"), heard("b", "x"), heard("c", "y"), heard("d", "z"), heard("e", "")];
    const first = pictureOf(looked.map(({ name }) => node(name)));
    expect(reasonsToEmulate(looked, first, new Set(["d"]))).to.deep.equal(["x", "y"]);
    expect(reasonsToEmulate(looked, pictureOf(looked), new Set())).to.deep.equal([]);
  });
});

describe("the watch on the nodes", () => {
  const lostHost = (state: "held" | "fenced", alive: boolean, instances: number) => ({
    ...{ id: "id-a", name: "a", alive, instances, lastSeenAtMs: looks > 0 ? 2_000 : 1_000 },
    ...{ accelerator: "kvm", acceleratorReason: "A guest booted." },
    lease: { state, sentence: "proved" },
  });

  let looks = 0;

  const watching = (told: string[]) =>
    new NodeWatch({
      ...{ say: (text) => told.push(text), configured: new Set(["a"]), emulating: new Set(["b"]) },
      command: "n",
    });

  it("tells once why KVM is not used, of nodes that have registered in this run", async () => {
    const told: string[] = [];
    const watch = watching(told);
    const look = (lastSeenAtMs: number, acceleratorReason: string) => {
      const how = { accelerator: "tcg", acceleratorReason, lastSeenAtMs };
      const hosts = ["a", "b"].map((name) => ({
        ...{ ...lostHost("held", true, 0), ...how },
        ...{ id: name, name },
      }));
      return watch.look({
        host: { list: async () => ({ hosts }) },
        instance: { list: async () => ({ instances: [] }) },
      });
    };
    await look(1_000, "Of the last start.");
    await look(1_000, "Of the last start.");
    expect(told).to.deep.equal([]);
    await look(2_000, "There is no /dev/kvm.");
    await look(3_000, "There is no /dev/kvm.");
    expect(told).to.deep.equal([
      "KVM is not used, and guests are emulated, which is slow: There is no /dev/kvm.",
    ]);
  });

  it("tells where the instances of a lost node went, once they rest", async () => {
    looks = 0;
    const told: string[] = [];
    let hosts = [lostHost("held", true, 2)];
    let left = 2;
    const cluster: WatchedCluster = {
      host: { list: async () => ({ hosts }) },
      instance: { list: async () => ({ instances: Array.from({ length: left }, () => ({})) }) },
    };
    const watch = watching(told);
    const look = () => watch.look(cluster);
    await look();
    looks += 1;
    hosts = [lostHost("held", true, 2)];
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
