/**
 * Lives of another version: an older one neither says nor sees what the version before this one does not
 * know, shown with made-up fields, for there may be none yet; a newer one says things that nobody knows.
 * What the cell makes of both is judged by every seed.
 */
import { type TSchema, Type } from "@sinclair/typebox";
import { expect } from "chai";
import { HostInventory, hostAgentService, MachineSpec, reportService } from "../../protocol/machine.ts";
import { headerNames } from "../../protocol/wire/headers.ts";
import { answer, Count, lenient, request } from "../../protocol/wire/schema.ts";
import type { Method, Service } from "../../protocol/wire/service.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { BusMessage } from "../../protocol/wire/transport.ts";
import { allServices } from "../support/all-services.ts";
import { type Snapshot, snapshotOf } from "../versions/snapshot.ts";
import { Interposer } from "./interposer.ts";
import { Kernel, nobody } from "./kernel.ts";
import { Network } from "./network.ts";
import { type Plan, planOf } from "./plan.ts";
import { SimulatedProcess } from "./process.ts";
import { Random } from "./random.ts";
import { runPlan } from "./run.ts";
import { Trace } from "./trace.ts";
import { type LifeVersion, lifeVersions, type Part, Versions, versionsOf } from "./versions.ts";

const today = snapshotOf(allServices);
const { heartbeat, register } = reportService.methods;
const { ensure } = hostAgentService.methods;

/** The messages of tomorrow: fields that came at every depth, and a method. */
const tomorrow: Snapshot = {
  ...today,
  ...snapshotOf([
    changedService(reportService, {
      heartbeat: {
        ...heartbeat,
        request: withField(heartbeat.request, { lease: answer({ untilMs: Count }) }),
        answer: withField(heartbeat.answer, { lease: answer({ untilMs: Count }) }),
      },
      register: {
        ...register,
        request: request({
          inventory: withField(HostInventory, { rack: Type.String() }),
          machines: lenient(withField(register.request.properties.machines.items, { fence: Count })),
        }),
      },
      farewell: { ...heartbeat },
    }),
    changedService(hostAgentService, {
      ensure: {
        ...ensure,
        request: request({ ...ensure.request.properties, spec: withField(MachineSpec, { fence: Count }) }),
      },
    }),
  ]),
};

function changedService(service: Service, methods: Readonly<Record<string, Method>>): Service {
  return { ...service, methods: { ...service.methods, ...methods } };
}

function withField(schema: TSchema, fields: Readonly<Record<string, TSchema>>): TSchema {
  const added = Object.entries(fields).map(([name, field]) => [name, Type.Optional(field)] as const);
  return { ...schema, properties: { ...schema.properties, ...Object.fromEntries(added) } };
}

const versions = new Versions("sim", tomorrow, today);
const json = (value: unknown): BusMessage => ({ body: Buffer.from(JSON.stringify(value)), headers: {} });
const read = ({ body }: BusMessage): unknown => JSON.parse(Buffer.from(body).toString("utf8"));
const subject = (rest: string): string => `novact.v1.sim.${rest}`;

const observation = {
  ...{ instanceId: "i1", ownerEpoch: 1, generation: 1, intentGeneration: 1, resetCount: 0 },
  ...{ state: "running", reason: "requested", message: "", address: null, startedAtMs: null, atMs: 0 },
};
const beat = { complete: true, machines: [observation], stopping: false };

function heard(version: LifeVersion, where: string, part: Part, value: unknown): unknown {
  const message = versions.heard(version, subject(where), part, json(value));
  return message instanceof StatusError ? message.reason : read(message);
}

describe("a life of the version before", () => {
  const cases: readonly (readonly [where: string, part: Part, known: object, newer: object])[] = [
    ["report.h1.heartbeat", "request", beat, { ...beat, lease: { untilMs: 5 } }],
    ["report.h1.heartbeat", "answer", { known: true, stored: [] }, { known: true, stored: [], lease: {} }],
    [
      "report.h1.register",
      "request",
      { inventory: { hostId: "h1" }, machines: [observation] },
      { inventory: { hostId: "h1", rack: "r" }, machines: [{ ...observation, fence: 1 }] },
    ],
    ["host.h1.ensure", "request", { spec: { ownerEpoch: 1 } }, { spec: { ownerEpoch: 1, unheard: 5 } }],
  ];
  for (const [where, part, known, newer] of cases)
    it(`neither says nor sees what is new in the ${part} of ${where}`, () => {
      expect(read(versions.said("older", subject(where), part, json(newer)))).to.deep.equal(known);
      expect(heard("older", where, part, newer)).to.deep.equal(known);
      expect(heard("older", where, part, known)).to.deep.equal(known);
      for (const version of ["same", "newer"] as const)
        expect(heard(version, where, part, newer)).to.deep.equal(newer);
      expect(read(versions.said("same", subject(where), part, json(newer)))).to.deep.equal(newer);
    });

  it("sees nothing new in what a later life has left on the disk", () => {
    const file = { version: 1, spec: { ownerEpoch: 1, unheard: 5 }, rest: null };
    const kept = versions.kept("older", "host-agent.ensure", file);
    expect(kept).to.deep.equal({ version: 1, spec: { ownerEpoch: 1 }, rest: null });
    expect(versions.kept("newer", "host-agent.ensure", file)).to.equal(file);
  });

  it("refuses methods that came later, and fields of clients that came later", () => {
    expect(heard("older", "report.h1.farewell", "request", beat)).to.equal("unknownMethod");
    const { count: _, ...fewer } = today.instance?.methods.create?.request.properties ?? {};
    const before = new Versions("sim", today, withoutCount(fewer));
    const create = { name: "web", flavor: "tiny", image: "tiny" };
    const where = subject("cmd.demo.instance.create");
    const answered = before.heard("older", where, "request", json({ ...create, count: 2 }));
    expect(answered).to.include({ reason: "unknownField" });
    expect(before.heard("older", where, "request", json(create))).to.have.property("body");
  });

  it("is left alone with errors, and with what is no method", () => {
    const refused = { ...json({ error: { lease: 1 } }), headers: { [headerNames.code]: "INTERNAL" } };
    expect(versions.said("older", subject("report.h1.heartbeat"), "answer", refused)).to.equal(refused);
    const hint = json({ lastSequence: 1 });
    expect(versions.said("older", subject("hint.outbox"), "request", hint)).to.equal(hint);
  });

  it("on the simulated bus: its peer never sees the new field, and it never sees the peer's", async () => {
    const seen = await exchange("older", "same");
    expect(seen).to.deep.equal({ asked: beat, answered: { known: true, stored: [] } });
    expect(await exchange("same", "older")).to.deep.equal(seen);
    const all = await exchange("same", "same");
    expect(all).to.deep.equal({
      asked: { ...beat, lease: { untilMs: 5 } },
      answered: { known: true, stored: [], lease: { untilMs: 9 } },
    });
  });
});

/** One heartbeat of tomorrow and its answer, between lives of two versions. */
async function exchange(
  asking: LifeVersion,
  asked: LifeVersion,
): Promise<{ asked: unknown; answered: unknown }> {
  const rates = { latencyMs: 1, lost: 0, doubled: 0, late: 0, lateMs: 0 };
  const interposer = new Interposer();
  const random = new Random("exchange");
  const kernel = new Kernel(new Trace(), random.fork("kernel"));
  const network = new Network({ kernel, random, rates, interposer, versions, sent: () => undefined });
  const [agent, controller] = ["h1", "c1"].map(
    (name) => new SimulatedProcess(kernel, name, { name, wallShiftMs: 0, monotonicShiftMs: 0 }),
  ) as [SimulatedProcess, SimulatedProcess];
  agent.version = asking;
  controller.version = asked;
  const where = subject("report.h1.heartbeat");
  const found: { asked: unknown; answered: unknown } = { asked: undefined, answered: undefined };
  network.connect(controller).serve(where, undefined, async (_, message) => {
    found.asked = read(message);
    return json({ known: true, stored: [], lease: { untilMs: 9 } });
  });
  const bus = network.connect(agent);
  kernel.soon(nobody, "", () => {
    void bus.request(where, json({ ...beat, lease: { untilMs: 5 } }), 1_000).then((answered) => {
      found.answered = read(answered);
    });
  });
  await kernel.run(1_000);
  return found;
}

describe("a life of a version to come", () => {
  it("says something unheard of in every map that has fields, and only there", () => {
    const more = { unheardOf: [{ of: 1 }] };
    const said = read(versions.said("newer", subject("report.h1.heartbeat"), "request", json(beat)));
    expect(said).to.deep.equal({ ...beat, machines: [{ ...observation, ...more }], ...more });
    const instance = { name: "web", flavor: { id: "f" }, machine: null, metadata: { a: "b" } };
    const answered = versions.said(
      "newer",
      subject("cmd.demo.instance.i1.get"),
      "answer",
      json({ instance }),
    );
    const grown = { ...instance, flavor: { id: "f", ...more }, ...more };
    expect(read(answered)).to.deep.equal({ instance: grown, ...more });
    const hint = versions.said("newer", subject("hint.outbox"), "request", json({ lastSequence: 1 }));
    expect(read(hint)).to.deep.equal({ lastSequence: 1, ...more });
  });
});

describe("lives of one run", () => {
  it("are of every version, in an order that the seed draws", () => {
    const drawn = (seed: string) => {
      const next = versionsOf(new Random(seed)).agent;
      return Array.from({ length: 200 }, next);
    };
    expect(new Set(drawn("a"))).to.deep.equal(new Set(lifeVersions));
    expect(drawn("a")).to.deep.equal(drawn("a"));
    expect(drawn("a")).to.not.deep.equal(drawn("b"));
  });

  it("are of the version before until every fault is over: a host that comes back later has none", async () => {
    const plan = planOf("1", { controllers: 1, hosts: 1 });
    const parameters = { ...plan.parameters, oneVersion: false };
    const quiet: Plan = { ...plan, parameters, commands: [], faults: [], faultyMs: 10_000 };
    const lives = { before: new Set<LifeVersion>(), after: new Set<LifeVersion>() };
    await runPlan(quiet, {
      script: ({ kernel, cluster }) => {
        const begin = (into: Set<LifeVersion>) => () => {
          for (let life = 0; life < 50; life += 1) {
            cluster.startAgent(0);
            const version = cluster.hosts[0]?.agent.version;
            if (version !== undefined) into.add(version);
          }
        };
        kernel.after(nobody, 5_000, "", begin(lives.before));
        kernel.after(nobody, 10_500, "", begin(lives.after));
      },
    });
    expect(lives).to.deep.equal({ before: new Set(lifeVersions), after: new Set(["same"]) });
  });

  it("keep all promises where the version before lacks a field of clients", async () => {
    const { count: _, ...fewer } = today.instance?.methods.create?.request.properties ?? {};
    const before = new Versions("sim", today, withoutCount(fewer));
    let refused = 0;
    for (let seed = 1; seed <= 12; seed += 1) {
      const plan = planOf(String(seed), { controllers: 3 });
      const commands = plan.commands.map((one) => (one.command === "create" ? { ...one, count: 2 } : one));
      const { violations } = await runPlan(
        { ...plan, commands },
        {
          versions: before,
          watch: (fact) => {
            if (fact.kind === "completed" && fact.reason === "unknownField") refused += 1;
          },
        },
      );
      expect(violations, `seed ${seed}`).to.deep.equal([]);
    }
    expect(refused).to.be.greaterThan(0);
  }).timeout(120_000);
});

/** Today's messages without the number of instances to create. */
function withoutCount(properties: Readonly<Record<string, TSchema>>): Snapshot {
  const { instance } = today;
  const create = instance?.methods.create;
  if (instance === undefined || create === undefined) throw new Error("There is no instance.create.");
  const changed = { ...create, request: { ...create.request, properties } };
  return { ...today, instance: { ...instance, methods: { ...instance.methods, create: changed } } };
}
