/** Readings of what has passed a host's ports: shared by all who ask, with their age, and never made up. */
import { expect } from "chai";
import { hostLimits } from "../../../../actors/node/host/limits.ts";
import { HostTraffic } from "../../../../actors/node/host/traffic.ts";
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
  const clock = { monotonicMs: () => nowMs } as never;
  const traffic = async () => {
    readings += 1;
    if (fault !== undefined) throw fault;
    return [portOf(readings)];
  };
  const host = (network: { traffic?: typeof traffic }) =>
    new HostTraffic({ network, clock, system: undefined as never });
  beforeEach(() => {
    [nowMs, readings, fault] = [5_000, 0, undefined];
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
