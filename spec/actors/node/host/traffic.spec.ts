/** Readings of what has passed a host's ports: shared by all who ask, with their age, and never made up. */
import { expect } from "chai";
import { hostLimits } from "../../../../actors/node/host/limits.ts";
import { HostTraffic } from "../../../../actors/node/host/traffic.ts";
import type { Network } from "../../../../actors/ports/network.ts";
import type { PortTraffic } from "../../../../protocol/traffic.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import { refused } from "../../../support/asking.ts";

const portOf = (packets: number): PortTraffic => ({
  ...{ portId: "p1", agoMs: 40 },
  ingress: { packets, bytes: 0, dropped: { rule: null, limit: null, other: 0 } },
  egress: { packets: 0, bytes: 0, dropped: { rule: null, limit: null, forged: null, other: null } },
});

describe("readings of a host's ports", () => {
  let nowMs = 0;
  let readings = 0;
  let fault: Error | undefined;
  const due: (() => void)[] = [];
  const after = (_ms: number, run: () => void) => {
    due.push(run);
    return { cancel: () => due.splice(due.indexOf(run), 1) };
  };
  const clock = { monotonicMs: () => nowMs, after } as never;
  const traffic = async () => {
    readings += 1;
    if (fault !== undefined) throw fault;
    return [portOf(readings)];
  };
  const host = (network: Partial<Pick<Network, "traffic">>) =>
    new HostTraffic({ network, clock, system: undefined as never });
  beforeEach(() => {
    [nowMs, readings, fault] = [5_000, 0, undefined];
    due.length = 0;
  });

  it("are shared by all who ask within a second, who are told how old they are", async () => {
    const one = host({ traffic });
    await Promise.all([one.of(["p1"]), one.of(["p1"]), one.of(["p2"])]);
    expect(readings).to.equal(1);
    nowMs += hostLimits.trafficAgeMsMax - 1;
    const { ports: young } = await one.of(["p1"]);
    expect(young).to.deep.equal([{ ...portOf(1), agoMs: 40 + hostLimits.trafficAgeMsMax - 1 }]);
    nowMs += 1;
    expect((await one.of(["p1"])).ports).to.deep.equal([portOf(2)]);
  });

  it("are one at a time, however long one takes", async () => {
    const slow = Promise.withResolvers<readonly PortTraffic[]>();
    const one = host({
      traffic: () => {
        readings += 1;
        return slow.promise;
      },
    });
    const first = one.of(["p1"]);
    nowMs += 5 * hostLimits.trafficAgeMsMax;
    const second = one.of(["p1"]);
    expect(readings).to.equal(1);
    slow.resolve([portOf(1)]);
    expect((await first).ports).to.deep.equal((await second).ports);
    expect(due).to.have.length(0);
    await one.of(["p1"]);
    expect(readings).to.equal(2);
  });

  it("are given up after their time, and asked for again when the one that was given up has ended", async () => {
    const hung = Promise.withResolvers<readonly PortTraffic[]>();
    const signals: AbortSignal[] = [];
    const one = host({
      traffic: (signal) => {
        signals.push(signal);
        return signals.length === 1 ? hung.promise : Promise.resolve([portOf(2)]);
      },
    });
    const first = refused(one.of(["p1"]));
    for (const run of due) run();
    expect([(await first).reason, signals[0]?.aborted]).to.deep.equal(["timeout", true]);
    nowMs += hostLimits.trafficAgeMsMax;
    expect((await refused(one.of(["p1"]))).reason).to.equal("timeout");
    expect(signals).to.have.length(1);
    hung.reject(new Error("It was aborted."));
    await hung.promise.catch(() => undefined);
    await new Promise((resolve) => setImmediate(resolve));
    expect((await one.of(["p1"])).ports).to.deep.equal([portOf(2)]);
  });

  it("are null where the driver counts nothing, and no number where they fail", async () => {
    expect(await host({}).of(["p1"])).to.deep.equal({ ports: null });
    fault = new StatusError("hypervisorRefused", "Nothing can be read.");
    const one = host({ traffic });
    expect((await refused(one.of(["p1"]))).reason).to.equal("hypervisorRefused");
    fault = undefined;
    nowMs += hostLimits.trafficAgeMsMax;
    expect((await one.of(["p1"])).ports).to.deep.equal([portOf(2)]);
  });
});
