/** Which hosts a controller names to a host in need of an image: those with the image that give it now. */
import { expect } from "chai";
import { ImagePeers } from "../../../../actors/control/catalog/image-peers.ts";
import { catalogLimits } from "../../../../actors/control/catalog/limits.ts";
import { toldOf } from "../../../../protocol/image-peer.ts";
import { leaseLimits } from "../../../../protocol/limits/lease.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";

const sha256 = "a".repeat(64);
const [has, hasNot] = [[toldOf(sha256)], [toldOf("b".repeat(64))]];

describe("hosts that give an image to another one", () => {
  let nowMs: number;
  let asked: string[];
  /** Hosts that refuse. */
  let refuse: Set<string>;
  let peers: ImagePeers;
  beforeEach(() => {
    nowMs = 1_000_000;
    asked = [];
    refuse = new Set();
    peers = new ImagePeers({
      clock: { monotonicMs: () => nowMs },
      ask: async (hostId, question, timeoutMs) => {
        expect(question.sha256).to.equal(sha256);
        expect(timeoutMs).to.equal(catalogLimits.peerAnswerMsMax);
        asked.push(hostId);
        if (refuse.has(hostId)) throw new StatusError("tooManyRequests", "Busy.");
        return { url: `http://${hostId}`, ticket: `t-${hostId}` };
      },
    });
  });
  const hear = (hostId: string, said: { readonly has?: string[]; readonly sending?: number } = {}) =>
    peers.heard(hostId, {
      ...{ has, sending: 0, sentBytes: 0, fromPeersBytes: 0, fromControllersBytes: 0, lies: 0 },
      ...said,
    });
  const offers = async (...notFrom: string[]) =>
    (await peers.offers({ sha256, hostId: "h0", notFrom })).map(({ hostId }) => hostId);

  it("are those that say they have it, but the host itself and those that it wants nothing from", async () => {
    hear("h0");
    hear("h1");
    hear("h2", { has: hasNot });
    hear("h3");
    expect((await offers("h3")).sort()).to.deep.equal(["h1"]);
    expect(await peers.offers({ sha256, hostId: "h0", notFrom: ["h3"] })).to.deep.equal([
      { hostId: "h1", url: "http://h1", ticket: "t-h1" },
    ]);
    expect(asked).to.not.include("h2");
  });

  it("are the least busy first, and of those that are as busy another one each time", async () => {
    hear("h1", { sending: 2 });
    hear("h2", { sending: 0 });
    hear("h3", { sending: 0 });
    const firsts = [await offers(), await offers(), await offers(), await offers()].map(([first]) => first);
    // Hosts to which a peer was named come to that peer before its next heartbeat.
    expect(firsts.filter((one) => one === "h2")).to.have.length(2);
    expect(firsts.filter((one) => one === "h3")).to.have.length(2);
    expect(await offers()).to.have.length(3);
  });

  it("are asked, so many at once, and left out when they refuse", async () => {
    for (let index = 1; index <= 20; index += 1) hear(`h${index}`);
    refuse = new Set(["h1", "h2"]);
    const given = await offers();
    expect(asked).to.have.length(catalogLimits.peersAskedMax);
    expect(given.length).to.be.at.most(catalogLimits.peersNamedMax);
    refuse = new Set(Array.from({ length: 20 }, (_, index) => `h${index + 1}`));
    expect(await offers()).to.deep.equal([]);
  });

  it("are asked as well, though they have not said it yet, when they needed it before, the first before others", async () => {
    for (const index of [1, 2, 3]) hear(`h${index}`, { has: [] });
    const ask = async (hostId: string) =>
      (await peers.offers({ sha256, hostId, notFrom: [] })).map((one) => one.hostId);
    refuse = new Set(["h1"]);
    expect(await ask("h1")).to.deep.equal([]);
    nowMs += 10;
    expect(await ask("h2")).to.deep.equal([]);
    nowMs += 10;
    // The host h1 has not got the image yet.
    expect(await ask("h3")).to.deep.equal(["h2"]);
    refuse = new Set();
    expect(await ask("h3")).to.deep.equal(["h1", "h2"]);
    hear("h2", { has });
    expect(await ask("h3")).to.deep.equal(["h2", "h1"]);
    nowMs += catalogLimits.imageAskedKeptMs;
    for (const index of [1, 2, 3]) hear(`h${index}`, { has: [] });
    expect(await ask("h1")).to.not.include("h2");
  });

  it("are forgotten when they are silent", async () => {
    hear("h1");
    expect([peers.areThere("h0"), peers.areThere("h1")]).to.deep.equal([true, false]);
    nowMs += leaseLimits.hostSilentMs + 1;
    expect(await offers()).to.deep.equal([]);
    expect([peers.areThere("h0"), peers.of("h1")]).to.deep.equal([false, undefined]);
  });
});
