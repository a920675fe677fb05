/**
 * What a controller does with the observations in a host's report: which actors it wakes, and which it
 * confirms as durable.
 */
import { expect } from "chai";
import { take } from "../../../../actors/control/fleet/observations.ts";
import type { AskOptions, Reply } from "../../../../actors/runtime/system.ts";
import type { Observation } from "../../../../protocol/machine.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import { silentLog } from "../../../support/silent-log.ts";
import { machine } from "../../../support/store-rows.ts";

const report = { id: "h1", deadlineMs: 1_000, leaseEpoch: 0 };

describe("hosts: observations", () => {
  let asked: string[];
  let here: string[];
  let stored: readonly Observation[] | Error;

  const ask = async <A>(id: string, _message: (reply: Reply<A>) => unknown, _options: AskOptions) => {
    asked.push(id);
    return true as A;
  };
  const taken = (machines: readonly Observation[]) =>
    take(machines, report, {
      store: {
        listOnHost: async () => [],
        listStored: async (_hostId, observations) => {
          if (stored instanceof Error) throw stored;
          return observations.filter((one) => !(stored instanceof Error) && stored.includes(one));
        },
      },
      registry: { has: (id) => here.includes(id), ask, tell: async () => undefined },
      log: silentLog,
    });

  beforeEach(() => {
    asked = [];
    here = [];
    stored = [];
  });

  it("wakes nobody for what is stored already, and says that it is durable", async () => {
    const [old, news] = [machine("old"), machine("news")];
    stored = [old];
    expect(await taken([old, news])).to.deep.equal(["old", "news"]);
    expect(asked).to.deep.equal(["news"]);
  });

  it("asks who is here anyhow, without a look into the store", async () => {
    here = ["here"];
    stored = new StatusError("storeUnavailable", "No database.");
    expect(await taken([machine("here")])).to.deep.equal(["here"]);
    expect(asked).to.deep.equal(["here"]);
  });

  it("asks everybody when the store cannot say", async () => {
    stored = new StatusError("storeUnavailable", "No database.");
    await taken([machine("one"), machine("two")]);
    expect(asked).to.deep.equal(["one", "two"]);
  });
});
