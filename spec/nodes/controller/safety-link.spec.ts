/**
 * The link between the controller's two threads: what crosses it, and how much waits in it while the actors'
 * thread is stuck.
 */
import { MessageChannel, type MessagePort } from "node:worker_threads";
import { expect } from "chai";
import type { FleetAudience, FleetPicture, MachineReport } from "../../../actors/control/fleet/link.ts";
import {
  type AnswerMessage,
  answerCall,
  type CallMessage,
  LinkedAudience,
} from "../../../nodes/controller/safety-link.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { machine } from "../../support/store-rows.ts";

const report: MachineReport = {
  ...{ hostId: "h1", leaseEpoch: 3, machines: [machine("one")], complete: true, timeoutMs: 1_000 },
};
const picture: FleetPicture = {
  brake: { on: true, lost: [{ id: "h2", name: "node-2" }], of: 3 },
  silentMs: [["h2", 11_000]],
  excessive: ["h3"],
};
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("the link to the safety channel", () => {
  let ports: { readonly port1: MessagePort; readonly port2: MessagePort };
  let sent: CallMessage[];
  let told: (readonly [string, ...unknown[]])[];
  /** What the actors' thread does with a call; undefined: it is stuck. */
  let answer: ((message: CallMessage) => void) | undefined;
  let linked: LinkedAudience;
  let audience: FleetAudience;

  beforeEach(() => {
    ports = new MessageChannel();
    sent = [];
    told = [];
    audience = {
      networking: async ({ hostId }) => {
        if (hostId !== "h1") throw new StatusError("storeUnavailable", "Away.");
        return { version: 7, networks: [], groups: [] };
      },
      imageTicket: async ({ hostId }) => (hostId === "h1" ? { origins: [] } : null),
      observed: async (one) => {
        told.push(["observed", one]);
        return one.machines.map(({ instanceId }) => instanceId);
      },
      guarded: async (one) => told.push(["guarded", one]) > 0,
      hostsChanged: async () => void told.push(["hostsChanged"]),
      heard: (hostId, said = {}) => {
        const what = Object.values(said).filter((one) => one !== undefined);
        told.push(["heard", hostId, ...what]);
      },
      committed: (hint) => told.push(["committed", hint]),
      cutOff: () => told.push(["cutOff"]),
      looked: (one) => told.push(["looked", one]),
    };
    answer = (message) => void answerCall(message, audience, ports.port2);
    linked = new LinkedAudience(ports.port1);
    ports.port1.on("message", (message: AnswerMessage) => linked.answered(message));
    ports.port2.on("message", (message: CallMessage) => {
      sent.push(message);
      answer?.(message);
    });
  });

  afterEach(() => ports.port1.close());

  it("passes reports on, with what the actors answer", async () => {
    expect(await linked.observed(report)).to.deep.equal(["one"]);
    await linked.hostsChanged();
    expect(told).to.deep.equal([["observed", report], ["hostsChanged"]]);
  });

  it("passes on what a host last said of its disks, also when it was heard again without saying", async () => {
    const space = { of: "state directory", freeMib: 3, totalMib: 900, full: true };
    linked.heard("h1", { spaces: [{ ...space, freeMib: 500, full: false }] });
    const imagePeer = {
      has: [],
      sending: 1,
      sentBytes: 2,
      fromPeersBytes: 3,
      fromControllersBytes: 4,
      lies: 0,
    };
    linked.heard("h1", { imagePeer });
    linked.heard("h1", { spaces: [space] });
    linked.heard("h1");
    while (told.length === 0) await turn();
    expect(told).to.deep.equal([["heard", "h1", [space], imagePeer]]);
  });

  it("says that the actors failed", async () => {
    audience = { ...audience, observed: () => Promise.reject(new StatusError("storeUnavailable", "Away.")) };
    const thrown = await linked.observed(report).catch((error: unknown) => error);
    expect(thrown).to.be.instanceOf(StatusError).with.property("message", "Away.");
  });

  it("passes on what a host asks about networks, and what the actors answer or refuse", async () => {
    const asked = (hostId: string) => linked.networking({ hostId, have: [], timeoutMs: 1_000 });
    expect(await asked("h1")).to.deep.equal({ version: 7, networks: [], groups: [] });
    const thrown = await asked("h2").catch((error: unknown) => error);
    expect(thrown).to.be.instanceOf(StatusError).with.property("message", "Away.");
  });

  it("passes on what a host asks about an image, and what the actors answer", async () => {
    const question = { instanceId: "one", sha256: "a".repeat(64), timeoutMs: 1_000 };
    expect(await linked.imageTicket({ ...question, hostId: "h1" })).to.deep.equal({ origins: [] });
    expect(await linked.imageTicket({ ...question, hostId: "h2" })).to.equal(null);
  });

  it("tells all news, those of one moment together", async () => {
    linked.heard("h1");
    linked.heard("h2");
    linked.looked(picture);
    linked.committed({ lastSequence: 7, ended: ["o1"], projects: ["demo"] });
    linked.committed({ lastSequence: 5, ended: ["o2"], projects: ["admin", "demo"] });
    linked.cutOff();
    await linked.hostsChanged();
    await turn();
    await linked.hostsChanged();
    expect(sent.filter(({ call }) => call.name === "news")).to.have.length(1);
    expect(told.filter(([name]) => name !== "hostsChanged")).to.deep.equal([
      ["cutOff"],
      ["heard", "h1"],
      ["heard", "h2"],
      ["looked", picture],
      ["committed", { lastSequence: 7, ended: ["o1", "o2"], projects: ["demo", "admin"] }],
    ]);
  });

  it("keeps one message of news for a thread that is stuck, and loses nothing", async () => {
    const stuck: CallMessage[] = [];
    answer = (message) => stuck.push(message);
    for (let round = 0; round < 100; round += 1) {
      linked.heard(`h${round}`);
      linked.looked(picture);
      await turn();
    }
    expect(stuck).to.have.length(1);
    answer = (message) => void answerCall(message, audience, ports.port2);
    for (const message of stuck) answer(message);
    while (told.length < 102) await turn();
    expect(sent).to.have.length(2);
    expect(new Set(told.filter(([name]) => name === "heard").map(String))).to.have.property("size", 100);
  });
});
