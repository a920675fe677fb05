/**
 * What a controller does with the reports of hosts: which actors it wakes, and which observations it confirms
 * as durable.
 */
import { expect } from "chai";
import { reportHandlers } from "../../../../actors/control/fleet/reports.ts";
import type { AskOptions, Reply } from "../../../../actors/runtime/system.ts";
import type { Observation } from "../../../../protocol/machine.ts";
import type { CallContext } from "../../../../protocol/wire/service.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import { silentLog } from "../../../support/silent-log.ts";
import { SimulatedClock } from "../../../support/simulated-clock.ts";
import { machine } from "../../../support/store-rows.ts";

const context = {
  id: "h1",
  deadlineMs: 1_000,
  signal: new AbortController().signal,
} as CallContext;

describe("hosts: reports", () => {
  let asked: string[];
  let here: string[];
  let stored: readonly Observation[] | Error;

  const ask = async <A>(id: string, _message: (reply: Reply<A>) => unknown, _options: AskOptions) => {
    asked.push(id);
    return true as A;
  };
  const heartbeat = (machines: readonly Observation[]) => {
    const handlers = reportHandlers({
      store: {
        listOnHost: async () => [],
        getHost: async () => undefined,
        getInstance: async () => undefined,
        listStored: async (_hostId, observations) => {
          if (stored instanceof Error) throw stored;
          return observations.filter((one) => !(stored instanceof Error) && stored.includes(one));
        },
      },
      commit: async () => ({ kind: "conflict" }),
      clock: new SimulatedClock(),
      registry: { has: (id) => here.includes(id), ask, tell: async () => undefined },
      directory: { known: () => true, heard: () => undefined, refresh: async () => undefined },
      placer: { heard: () => undefined, hostsChanged: () => undefined },
      leases: { renew: async () => ({ leaseEpoch: 1, held: true }) },
      log: silentLog,
    });
    const beat = { complete: false, machines: [...machines], stopping: false, leaseEpoch: 0 };
    return handlers.heartbeat(beat, context);
  };

  beforeEach(() => {
    asked = [];
    here = [];
    stored = [];
  });

  it("wakes nobody for what is stored already, and says that it is durable", async () => {
    const [old, news] = [machine("old"), machine("news")];
    stored = [old];
    expect(await heartbeat([old, news])).to.deep.equal({ known: true, stored: ["old", "news"] });
    expect(asked).to.deep.equal(["news"]);
  });

  it("asks who is here anyhow, without a look into the store", async () => {
    here = ["here"];
    stored = new StatusError("storeUnavailable", "No database.");
    expect(await heartbeat([machine("here")])).to.deep.equal({ known: true, stored: ["here"] });
    expect(asked).to.deep.equal(["here"]);
  });

  it("asks everybody when the store cannot say", async () => {
    stored = new StatusError("storeUnavailable", "No database.");
    await heartbeat([machine("one"), machine("two")]);
    expect(asked).to.deep.equal(["one", "two"]);
  });
});
