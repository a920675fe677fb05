/**
 * Reports of hosts while the controller's actors answer late, or never: a renewal and a sign of life wait for
 * nobody, and what a stuck half keeps is bounded.
 */
import { expect } from "chai";
import { fleetLimits } from "../../../../actors/control/fleet/limits.ts";
import type { MachineReport } from "../../../../actors/control/fleet/link.ts";
import { Patience, type ReportAudience } from "../../../../actors/control/fleet/patience.ts";
import { ReportBudgets } from "../../../../actors/control/fleet/report-budgets.ts";
import { type ReportOptions, reportHandlers } from "../../../../actors/control/fleet/reports.ts";
import { wireLimits } from "../../../../protocol/limits/wire.ts";
import type { CallContext } from "../../../../protocol/wire/service.ts";
import { refused } from "../../../support/asking.ts";
import { inventoryOf } from "../../../support/scripted-host.ts";
import { silentLog } from "../../../support/silent-log.ts";
import { SimulatedClock } from "../../../support/simulated-clock.ts";
import { machine } from "../../../support/store-rows.ts";

const never = new Promise<never>(() => undefined);

describe("hosts: reports", () => {
  let clock: SimulatedClock;
  let heard: string[];
  let asked: MachineReport[];
  let audience: ReportAudience;
  const context = (): CallContext =>
    ({
      id: "h1",
      deadlineMs: clock.monotonicMs() + 3_000,
      signal: new AbortController().signal,
    }) as CallContext;
  const options = (): ReportOptions => ({
    store: { hosts: { get: async () => undefined, called: async () => [] } },
    commit: async () => ({ kind: "committed", lastSequence: 1 }),
    clock,
    directory: {
      ...{ known: () => true, alive: () => true, refresh: async () => undefined },
      heard: (id) => heard.push(id),
    },
    leases: { renew: async () => ({ leaseEpoch: 1, held: true }) },
    audience: new Patience(audience, { clock, log: silentLog }),
    budgets: new ReportBudgets({ clock, log: silentLog }),
    log: silentLog,
  });
  const handlers = () => reportHandlers(options());
  const beat = (change: object = {}) => ({
    ...{ complete: false, machines: [machine("one")], stopping: false, leaseEpoch: 1 },
    ...change,
  });

  beforeEach(() => {
    clock = new SimulatedClock();
    heard = [];
    asked = [];
    audience = {
      networking: () => Promise.reject(new Error("unexpected")),
      imageTicket: () => Promise.reject(new Error("unexpected")),
      guarded: () => never,
      heard: () => undefined,
      hostsChanged: () => never,
      observed: (report) => {
        asked.push(report);
        return never;
      },
    };
  });

  it("answers a heartbeat without what the actors do not answer in time", async () => {
    const answer = handlers().heartbeat(beat(), context());
    await clock.advance(3_000 - wireLimits.waitMarginMs);
    expect(await answer).to.deep.equal({ known: true, stored: [] });
    expect(heard).to.deep.equal(["h1"]);
    expect(clock.pending).to.equal(0);
  });

  it("says what is stored, and nothing when the actors fail", async () => {
    audience = { ...audience, observed: async () => ["one"] };
    expect(await handlers().heartbeat(beat(), context())).to.deep.equal({ known: true, stored: ["one"] });
    audience = { ...audience, observed: () => Promise.reject(new Error("broken")) };
    expect(await handlers().heartbeat(beat(), context())).to.deep.equal({ known: true, stored: [] });
  });

  it("keeps a bounded number of reports of a host while the actors are stuck", async () => {
    const { heartbeat } = handlers();
    const answers = Array.from({ length: 20 }, () => heartbeat(beat(), context()));
    await clock.advance(0);
    expect(asked).to.have.length(fleetLimits.reportsAtOncePerHostMax);
    await clock.advance(3_000);
    expect(await Promise.all(answers)).to.deep.equal(answers.map(() => ({ known: true, stored: [] })));
    // The actors still have the first ones: nothing more goes to them.
    await heartbeat(beat(), context());
    expect(asked).to.have.length(fleetLimits.reportsAtOncePerHostMax);
  });

  it("tells the actors what was left out of a heartbeat, though nothing else is in it", async () => {
    const leftOut = { entries: 2, sentences: ["Entry 0: odd."] };
    void handlers().heartbeat(beat({ machines: [] }), { ...context(), leftOut });
    await clock.advance(3_000);
    expect(asked.map((report) => report.leftOut)).to.deep.equal([leftOut]);
  });

  it("asks the actors nothing for a heartbeat that says only that the host lives", async () => {
    expect(await handlers().heartbeat(beat({ machines: [] }), context())).to.deep.equal({
      ...{ known: true, stored: [] },
    });
    expect(asked).to.deep.equal([]);
    expect(heard).to.deep.equal(["h1"]);
  });

  it("answers for what a guard did when it is told, and asks for it again while the actors are stuck", async () => {
    const { guarded } = handlers();
    const late = guarded({ bootId: "boot-1", deeds: [] }, context()).catch((error: unknown) => error);
    await clock.advance(3_000);
    expect(await late).to.have.property("reason", "storeUnavailable");
    audience = { ...audience, guarded: async () => true };
    expect(await handlers().guarded({ bootId: "boot-1", deeds: [] }, context())).to.deep.equal({});
  });

  it("answers what a host asks about networks, not while the actors are stuck, and not without end", async () => {
    const nothing = { version: 7, networks: [], groups: [] };
    audience = { ...audience, networking: () => never };
    const pull = () => handlers().networkPull({ have: [] }, context());
    const late = pull().catch((error: unknown) => error);
    await clock.advance(3_000);
    expect(await late).to.have.property("reason", "storeUnavailable");
    audience = { ...audience, networking: async () => nothing };
    const once = handlers();
    for (let asked = 0; asked < fleetLimits.networkQuestionsBurstMax; asked += 1)
      expect(await once.networkPull({ have: [] }, context())).to.deep.equal(nothing);
    const refused = await once.networkPull({ have: [] }, context()).catch((error: unknown) => error);
    expect(refused).to.have.property("reason", "tooManyRequests");
  });

  it("answers where an image is, says no more than no to a host that is to run none of it, and not without end", async () => {
    const question = { instanceId: "one", sha256: "a".repeat(64) };
    const reasonOf = (asked: Promise<unknown>) => asked.catch((error: { reason?: string }) => error.reason);
    const asked: object[] = [];
    audience = { ...audience, imageTicket: () => never };
    const late = reasonOf(handlers().imageTicket(question, context()));
    await clock.advance(3_000);
    expect(await late).to.equal("storeUnavailable");
    audience = { ...audience, imageTicket: async () => null };
    expect(await reasonOf(handlers().imageTicket(question, context()))).to.equal("imageNotFound");
    const origins = [{ url: "http://127.0.0.1:1", ticket: "v1.a.b" }];
    audience = {
      ...audience,
      imageTicket: async ({ timeoutMs: _, ...said }) => {
        asked.push(said);
        return { origins };
      },
    };
    const once = handlers();
    for (let count = 0; count < fleetLimits.imageQuestionsBurstMax; count += 1)
      expect(await once.imageTicket(question, context())).to.deep.equal({ origins });
    expect(asked[0]).to.deep.equal({ hostId: "h1", ...question });
    expect(await reasonOf(once.imageTicket(question, context()))).to.equal("tooManyRequests");
  });

  it("registers a host, and renews its lease, while the actors are stuck", async () => {
    const { register, lease } = handlers();
    const request = { inventory: inventoryOf("h1"), machines: [], knows: [] };
    const registered = register(request, context());
    await clock.advance(fleetLimits.hostsChangedMsMax);
    await clock.advance(3_000);
    expect(await registered).to.deep.equal({ accepted: true });
    const asks = { leaseEpoch: 1, cleaned: false, storageId: null };
    expect(await lease(asks, context())).to.deep.equal({ leaseEpoch: 1, held: true });
    expect(heard).to.deep.equal(["h1", "h1"]);
  });

  describe("of a thousand agents that begin at once", () => {
    it("read the store a few at a time, and not at all for a caller that has gone", async () => {
      const reads: PromiseWithResolvers<undefined>[] = [];
      const get = (): Promise<undefined> => {
        const read = Promise.withResolvers<undefined>();
        reads.push(read);
        return read.promise;
      };
      const { register } = reportHandlers({
        ...options(),
        store: { hosts: { get, called: async () => [] } },
      });
      audience = { ...audience, hostsChanged: async () => undefined };
      const callers = Array.from({ length: 1_000 }, () => new AbortController());
      const answers = callers.map(({ signal }) =>
        register({ inventory: inventoryOf("h1"), machines: [], knows: [] }, { ...context(), signal }),
      );
      await clock.advance(0);
      expect(reads).to.have.length(fleetLimits.registrationsAtOnceMax);
      for (const caller of callers.slice(fleetLimits.registrationsAtOnceMax, -1)) caller.abort();
      for (const read of reads) read.resolve(undefined);
      await clock.advance(0);
      // The last one still waits: its turn has come, and those before it were not begun.
      expect(reads).to.have.length(fleetLimits.registrationsAtOnceMax + 1);
      reads.at(-1)?.resolve(undefined);
      await clock.advance(3_000);
      const accepted = (await Promise.all(answers)).filter((answer) => answer.accepted);
      expect(accepted).to.have.length(fleetLimits.registrationsAtOnceMax + 1);
    });

    it("are refused a lease before they are registered by a read that they share", async () => {
      let refreshed = 0;
      const renew = () => Promise.reject(new Error("asked"));
      const directory = {
        ...options().directory,
        known: () => false,
        refresh: async () => {
          refreshed += 1;
        },
      };
      const { lease } = reportHandlers({ ...options(), directory, leases: { renew } });
      const asks = { leaseEpoch: 0, cleaned: false, storageId: null };
      expect((await refused(lease(asks, context()))).reason).to.equal("hostNotFound");
      expect(refreshed).to.equal(1);
    });
  });
});
