/** Reports of a hostile host at the server's door: what is left out, what is refused, and what it costs. */
import { expect } from "chai";
import { reportLimits } from "../../../protocol/limits/report.ts";
import { wireLimits } from "../../../protocol/limits/wire.ts";
import { type Observation, reportService } from "../../../protocol/machine.ts";
import type { Space } from "../../../protocol/space.ts";
import { reportBinding } from "../../../protocol/wire/binding.ts";
import { createServer, implement } from "../../../protocol/wire/server.ts";
import type { CallContext } from "../../../protocol/wire/service.ts";
import { hostileInventories, hostileObservations } from "../../support/hostile-reports.ts";
import { createMemoryBus } from "../../support/memory-bus.ts";
import { inventoryOf } from "../../support/scripted-host.ts";
import { SimulatedClock } from "../../support/simulated-clock.ts";
import { machine } from "../../support/store-rows.ts";
import { countingIds, type Noted, rememberingLog } from "../../support/wire-world.ts";

const { hostId: _, ...sound } = machine("sound");
const beat = { complete: false, stopping: false, leaseEpoch: 0 };

describe("wire: reports of hosts", () => {
  const clock = new SimulatedClock();
  const bus = createMemoryBus({ clock });
  const noted: Noted[] = [];
  type Said = { readonly machines: readonly Observation[]; readonly space?: readonly Space[] };
  const heard: (Said & { readonly leftOut: CallContext["leftOut"] })[] = [];
  const hear = async ({ machines, space }: Said, { leftOut }: CallContext) => {
    heard.push({ machines, leftOut, ...(space && { space }) });
    return { accepted: true, known: true, stored: [] };
  };
  createServer({
    ...{ bus, clock, ids: countingIds(), log: rememberingLog(noted), binding: reportBinding("test") },
    services: [
      implement(reportService, {
        register: hear,
        heartbeat: hear,
        lease: async ({ leaseEpoch }) => ({ leaseEpoch, held: true }),
        guarded: async () => ({}),
        networkPull: async () => ({ version: 0, networks: [], groups: [] }),
        imageTicket: async () => ({ origins: [] }),
      }),
    ],
  });
  const say = async (method: string, request: object, host = "h1") => {
    const body = Buffer.from(JSON.stringify(request));
    const subject = `novact.v1.test.report.${host}.${method}`;
    const { headers } = await bus.request(subject, { body, headers: {} }, 5_000);
    return headers;
  };
  beforeEach(() => {
    noted.splice(0);
    heard.splice(0);
  });

  for (const { name, body, field } of hostileObservations(sound)) {
    it(`leaves out an entry with ${name}, and takes the others`, async () => {
      const headers = await say("heartbeat", { ...beat, machines: [sound, body, sound] });
      expect(headers).to.not.have.property("Novact-Reason");
      expect(heard[0]?.machines).to.deep.equal([sound, sound]);
      expect(heard[0]?.leftOut?.entries).to.equal(1);
      expect(heard[0]?.leftOut?.sentences[0]).to.include("Entry 1: ").and.include(field);
    });
  }

  const full: Space = { of: "shared directory", freeMib: 1, totalMib: 100, full: true };
  for (const odd of [
    { ...full, freeMib: 2 ** 60 },
    { ...full, of: "\u001b[2J" },
    { ...full, full: undefined },
    { ...full, totalMib: "many" },
    null,
  ])
    it(`leaves out a file system that is ${JSON.stringify(odd)}, and hears of the others`, async () => {
      const headers = await say("heartbeat", { ...beat, machines: [sound], space: [odd, full] });
      expect(headers).to.not.have.property("Novact-Reason");
      expect(heard[0]).to.deep.include({ machines: [sound], space: [full] });
      expect(heard[0]?.leftOut?.entries).to.equal(1);
    });

  it("counts all that it left out, and says why of a few", async () => {
    const machines = Array.from({ length: reportLimits.reportEntriesMax }, () => ({ ...sound, atMs: -1 }));
    await say("heartbeat", { ...beat, machines });
    expect(heard[0]?.machines).to.deep.equal([]);
    expect(heard[0]?.leftOut).to.include({ entries: machines.length });
    expect(heard[0]?.leftOut?.sentences).to.have.length(3);
  });

  it("refuses a report with more entries than a host has guests, before it looks at one", async () => {
    const machines = Array.from({ length: reportLimits.reportEntriesMax + 1 }, () => ({ odd: true }));
    const headers = await say("heartbeat", { ...beat, machines });
    expect(headers["Novact-Reason"]).to.equal("schemaMismatch");
    expect(headers["Nats-Service-Error"]).to.include("machines may have at most 2000 entries");
    expect(heard).to.deep.equal([]);
  });

  it("refuses a report with too many bytes before it is decoded", async () => {
    const machines = [{ ...sound, message: "x".repeat(reportLimits.reportBytesMax) }];
    expect((await say("heartbeat", { ...beat, machines }))["Novact-Reason"]).to.equal("bodyTooLarge");
    expect(heard).to.deep.equal([]);
  });

  for (const { name, body, field } of hostileInventories(inventoryOf("h1"))) {
    it(`refuses a registration with ${name}`, async () => {
      const headers = await say("register", { inventory: body, machines: [], knows: [] }, `h-${name.length}`);
      expect(headers["Novact-Reason"]).to.equal("schemaMismatch");
      expect(headers["Nats-Service-Error"]).to.include(`inventory.${field}`);
      expect(heard).to.deep.equal([]);
    });
  }

  it("logs few lines however many reports of a host are refused", async () => {
    // A new period: of lines of one kind only so many are written in one, whoever causes them.
    await clock.advance(wireLimits.sameLinePeriodMs);
    for (let count = 0; count < 500; count += 1) await say("heartbeat", { ...beat, machines: 7 }, "noisy");
    await say("heartbeat", { ...beat, machines: 7 }, "other");
    expect(noted.map(({ fields }) => fields.untold)).to.deep.equal([0, 0]);
    await clock.advance(wireLimits.sameLinePeriodMs);
    await say("heartbeat", { ...beat, machines: 7 }, "noisy");
    expect(noted.at(-1)?.fields).to.deep.include({ reason: "schemaMismatch", untold: 499 });
  });
});
