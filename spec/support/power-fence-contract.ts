/**
 * The contract of every kind of power controller, behind the port PowerFence. Each implementation brings a
 * host that can be looked at from the other side, and specs of its own failures.
 */
import { inspect } from "node:util";
import { expect } from "chai";
import type { PowerFence, PowerProof } from "../../actors/ports/power.ts";
import type { PowerTiming } from "../../nodes/fence/control.ts";
import type { Reason } from "../../protocol/wire/reasons.ts";
import { StatusError } from "../../protocol/wire/status.ts";

/** Short times, in the same order of size as the real times. */
export const fastTiming: PowerTiming = {
  requestTimeoutMs: 300,
  attemptsMax: 3,
  retryMsMin: 5,
  retryMsMax: 10,
  pollMs: 10,
  settleMs: 60,
  offTimeoutMs: 2_000,
  closeTimeoutMs: 100,
};

export interface PowerWorld {
  readonly fence: PowerFence;
  /** A host that the fence knows; it is on. */
  readonly hostName: string;
  readonly kind: PowerProof["kind"];
  /** A text that no proof or error may contain. */
  readonly secret: string;
  isOn(): boolean;
  /** From now on accepts orders and does nothing. */
  ignoreOrders(): void;
}

export const never: AbortSignal = new AbortController().signal;

/** The failure of a fence, which must have this reason. */
export async function failureOf(promise: Promise<unknown>, reason: Reason): Promise<StatusError> {
  const failure = await promise.then(
    (value) => new Error(`it succeeded: ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );
  if (!(failure instanceof StatusError)) throw failure;
  expect(failure.reason, `${failure.message} ${failure.detail}`).to.equal(reason);
  return failure;
}

export function powerFenceContract(open: () => Promise<PowerWorld> | PowerWorld): void {
  let world: PowerWorld;
  beforeEach(async () => {
    world = await open();
  });

  it("switches a host off, and proves it by what the controller said", async () => {
    const proof = await world.fence.off(world.hostName, never);
    expect(world.isOn()).to.equal(false);
    expect(proof.kind).to.equal(world.kind);
    expect(proof.said).to.match(/\boff\b/i);
    expect(proof.tookMs).to.be.at.least(0);
  });

  it("does so again for one that is off already", async () => {
    await world.fence.off(world.hostName, never);
    const proof = await world.fence.off(world.hostName, never);
    expect(proof.said).to.match(/\boff\b/i);
    expect(world.isOn()).to.equal(false);
  });

  it("takes no accepted order for a proof", async () => {
    world.ignoreOrders();
    const failure = await failureOf(world.fence.off(world.hostName, never), "powerNotOff");
    expect(failure.message).to.match(/\bOn\b/i);
    expect(inspect(failure, { depth: 9 }), "the password").to.not.include(world.secret);
    expect(world.isOn()).to.equal(true);
  });

  it("ends early when it is called off", async () => {
    world.ignoreOrders();
    const abort = new AbortController();
    const failure = world.fence.off(world.hostName, abort.signal).catch((error: Error) => error);
    setTimeout(() => abort.abort(), 50);
    expect(await failure).to.have.property("name", "AbortError");
    expect(
      await world.fence.off(world.hostName, abort.signal).catch((error: Error) => error),
    ).to.have.property("name", "AbortError");
  });

  it("knows which hosts it can switch off, and says so of the others", async () => {
    expect(world.fence.has(world.hostName)).to.equal(true);
    expect(world.fence.has("stranger")).to.equal(false);
    const failure = await failureOf(world.fence.off("stranger", never), "powerControlMissing");
    expect(failure.message).to.include("stranger");
  });

  it("puts no password into a proof", async () => {
    expect(JSON.stringify(await world.fence.off(world.hostName, never))).to.not.include(world.secret);
  });
}
