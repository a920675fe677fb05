/** The judge: all promises at once, over sound lives of an instance as its own decisions make them. */
import { expect } from "chai";
import { decide } from "../../../actors/control/instance/decide.ts";
import type { InstanceEvent } from "../../../actors/control/instance/messages.ts";
import type { Fact } from "../../../actors/promises/facts.ts";
import { allCheckers, createJudge } from "../../../actors/promises/judge.ts";
import type { Commit } from "../../../actors/records/commit.ts";
import type { LoadedInstance } from "../../../actors/records/instance.ts";
import { command, newborn, observed, tinyImage } from "../../support/instances.ts";
import { rowsOf } from "../../support/store-resources.ts";
import { event, inventory, request } from "../../support/store-rows.ts";
import { completed, guest, history, invoked } from "./worlds.ts";

/** The facts of a life: the host, the create on it, and the commits that the events lead to. */
function life(...events: readonly ((loaded: LoadedInstance) => InstanceEvent)[]): readonly Fact[] {
  let loaded = newborn();
  const { instance, claims, operation } = loaded;
  const born: Commit = {
    request: request("create"),
    instances: [{ expectedVersion: 0, row: instance }],
    claims,
    ...(operation === undefined ? {} : { operations: [operation] }),
    events: [event("i", "accepted", { requestId: "create" })],
  };
  const commits: Commit[] = [{ hosts: [inventory("a")], ...rowsOf({ images: [tinyImage] }) }, born];
  for (const next of events) {
    const decision = decide(loaded, next(loaded));
    loaded = decision.next;
    if (decision.commit !== undefined) commits.push(decision.commit);
  }
  return history(...commits);
}

const broken = (facts: readonly Fact[]) => {
  const judge = createJudge();
  return facts.flatMap((fact) => judge.see(fact));
};

describe("the judge of the promises", () => {
  it("has one checker for each promise", () => {
    const promises = allCheckers().map(({ promise }) => promise);
    expect(promises).to.deep.equal([
      ...Array.from({ length: 12 }, (_, index) => `I${index + 1}`),
      ...Array.from({ length: 10 }, (_, index) => `N${index + 1}`),
      ...["V1", "V2", "V3", "V7", "V9", "V10", "V12", "V13", "V14", "V15"],
    ]);
  });

  it("finds nothing in a sound life, from the create to the delete", () => {
    const facts = life(
      (it) => observed(it, { state: "starting" }),
      (it) => observed(it),
      () => command("start"),
      () => command("reboot"),
      () => command("stop"),
      (it) => observed(it, { reason: "requested" }),
      () => command("start", { id: "again" }),
      (it) => observed(it),
      (it) => observed(it, { state: "stopped", reason: "guestShutdown" }),
      (it) => observed(it),
      () => command("delete"),
      (it) => observed(it),
    );
    expect(facts.length).to.be.at.least(12);
    expect(broken(facts)).to.deep.equal([]);
  });

  it("finds nothing where a build failed and went elsewhere with its host's word", () => {
    const facts = life(
      (it) => observed(it, { state: "failed", reason: "diskFull" }),
      ({ instance: { ownerEpoch } }) => ({
        kind: "placed",
        placement: {
          kind: "host",
          hostId: "b",
          hostName: "host-b",
          leaseEpoch: 0,
          storageId: null,
          numa: null,
        },
        ownerEpoch,
        nowMs: 4_000,
      }),
      (it) => observed(it, { ownerEpoch: 1, state: "gone" }),
      (it) => observed(it),
    );
    expect(broken(facts)).to.deep.equal([]);
  });

  it("says which promise is broken, when, and by what", () => {
    const facts = [guest("guestStarted"), guest("guestStarted", { pid: 101, atMs: 7 })];
    const message = "Instance i has 2 processes that can write: h1/100, h1/101.";
    expect(broken(facts)).to.deep.equal([{ promise: "I2", atMs: 7, message }]);
  });

  it("judges by the checkers it is given, and each judge by itself", () => {
    const ended = [invoked(1), completed(1)];
    expect(ended.flatMap((fact) => createJudge([]).see(fact))).to.deep.equal([]);
    expect(broken([guest("guestStarted")])).to.deep.equal([]);
    expect(broken([guest("guestStarted", { pid: 101 })])).to.deep.equal([]);
  });
});
