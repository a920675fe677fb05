/**
 * What a flood does to a server: nothing of it is decoded, answered or logged beyond its sender's share, and
 * others notice nothing.
 */
import { decode, encode } from "@msgpack/msgpack";
import { expect } from "chai";
import { admissionLimits as limits } from "../../../protocol/limits/admission.ts";
import { wireLimits } from "../../../protocol/limits/wire.ts";
import { commandBinding, hostBinding, reportBinding } from "../../../protocol/wire/binding.ts";
import { headerNames } from "../../../protocol/wire/headers.ts";
import type { BusDoor, BusHandler } from "../../../protocol/wire/transport.ts";
import { SimulatedClock } from "../../support/simulated-clock.ts";
import {
  type Noted,
  rememberingLog,
  thingHandlers,
  thingServer,
  untilAborted,
} from "../../support/wire-world.ts";

const subjectOf = (project: string, method = "t1.get") => `novact.v1.test.cmd.${project}.thing.${method}`;
const get = (project: string) => subjectOf(project);

/** A server and its door, without a network between. */
function world(make = thingHandlers()) {
  const clock = new SimulatedClock();
  const noted: Noted[] = [];
  const served: { readonly pattern: string; readonly handler: BusHandler; readonly door?: BusDoor }[] = [];
  const bus = {
    request: () => Promise.reject(new Error("A server asks nobody.")),
    publish: () => undefined,
    serve: (pattern: string, _queue: string | undefined, handler: BusHandler, door?: BusDoor) => {
      served.push({ pattern, handler, ...(door === undefined ? {} : { door }) });
      return { drain: async () => undefined };
    },
  };
  const server = thingServer({ bus, clock }, { log: rememberingLog(noted), handlers: make });
  const [commands, ...discovery] = served;
  if (commands?.door === undefined) throw new Error("The server has no door.");
  const { handler, door } = commands;
  /** How many of these are let in, refused and dropped. */
  const sent = (subject: string, count: number, bytes = 0) => {
    const sums = { take: 0, refuse: 0, drop: 0 };
    for (let at = 0; at < count; at += 1) sums[door.admit(subject, bytes)] += 1;
    return sums;
  };
  const ask = async (subject: string, body: Uint8Array = new Uint8Array(), headers = {}) => {
    const answer = await handler(subject, { body, headers });
    if (answer === undefined || Array.isArray(answer) || !("body" in answer)) return undefined;
    return answer.headers[headerNames.reason] ?? "answered";
  };
  return { clock, noted, server, door, sent, ask, discovery };
}

describe("admission", () => {
  it("takes a project's burst, refuses some dozens, and drops the rest", () => {
    const { sent } = world();
    expect(sent(get("demo"), 20_000)).to.deep.equal({
      take: limits.projectMessagesBurstMax,
      refuse: limits.refusalsPerSecondMax,
      drop: 20_000 - limits.projectMessagesBurstMax - limits.refusalsPerSecondMax,
    });
  });

  it("takes a project's rate ever after, however much is sent", async () => {
    const { clock, sent } = world();
    let taken = 0;
    for (let second = 0; second < 10; second += 1) {
      taken += sent(get("demo"), 20_000).take;
      await clock.advance(1_000);
    }
    expect(taken).to.equal(limits.projectMessagesBurstMax + 9 * limits.projectMessagesPerSecondMax);
  });

  it("counts bytes: large bodies are refused long before their number is", () => {
    const { sent } = world();
    expect(sent(get("demo"), 100, 8 * 1024 * 1024)).to.deep.equal({ take: 2, refuse: 50, drop: 48 });
  });

  it("never lets a flood of one take from another's budget", async () => {
    const { clock, sent } = world();
    for (let second = 0; second < 5; second += 1) {
      sent(get("greedy"), 50_000, 1_000);
      expect(sent(get("quiet"), 1_000)).to.include({ take: 1_000 });
      await clock.advance(1_000);
    }
  });

  it("counts subjects that name no project apart, and small", () => {
    const { sent } = world();
    const stray = ["novact.v1.test.cmd", "novact.v1.test.cmd.a b.thing.x", "novact.v1.other.cmd.demo.x.y"];
    const taken = stray.map((subject) => sent(subject, 1_000).take);
    expect(taken).to.deep.equal([limits.strayMessagesBurstMax, 0, 0]);
    expect(sent(get("demo"), 10)).to.include({ take: 10 });
  });

  it("counts a subject that is malformed behind its project on that project", () => {
    const { sent } = world();
    sent(`${get("demo")}.a.b.c.d`, 20_000);
    expect(sent(get("demo"), 10)).to.include({ take: 0 });
  });

  it("decodes, answers and logs nothing of what is dropped, but one line a period", async () => {
    const { clock, noted, server, sent } = world();
    for (let second = 0; second < 20; second += 1) {
      sent(get("demo"), 20_000, 200);
      await clock.advance(1_000);
    }
    expect(server.inWork).to.equal(0);
    expect(noted.map(({ level, message }) => [level, message])).to.deep.equal([
      ["warn", "requests beyond a sender's share"],
      ["warn", "requests beyond a sender's share"],
    ]);
    expect(noted[0]?.fields.senders).to.deep.equal([
      { name: "demo", refused: 500, dropped: 177_500, bytes: 200 * 178_000, muted: 0 },
    ]);
  });

  it("refuses in the form of the question, and says when to ask again", () => {
    const { door } = world();
    const json = door.refusal(new TextEncoder().encode("{}"));
    const packed = door.refusal(encode({ name: "a" }));
    for (const { headers } of [json, packed])
      expect(headers).to.include({
        [headerNames.code]: "RESOURCE_EXHAUSTED",
        [headerNames.reason]: "tooManyRequests",
        [headerNames.errorNumber]: "429",
      });
    const [first, second] = [JSON.parse(Buffer.from(json.body).toString()), decode(packed.body)];
    expect(first).to.deep.equal(second);
    expect(first.error.retryAfterMs).to.equal(limits.refusedRetryAfterMs);
  });

  it("bounds the refusals of all senders together", () => {
    const { sent } = world();
    let refused = 0;
    for (let at = 0; at < 40; at += 1) refused += sent(get(`p${at}`), 5_000).refuse;
    expect(refused).to.equal(limits.refusalsOfAllPerSecondMax);
  });

  it("answers others while a project's handlers all hang", async () => {
    const { clock, sent, ask } = world(
      thingHandlers([], {
        get: (_, { project }) =>
          project === "quiet"
            ? Promise.resolve({ thing: { id: "t1", name: "n", project } })
            : new Promise(() => undefined),
      }),
    );
    const asked = Array.from({ length: 1_064 }, () => ask(get("greedy")));
    expect(sent(get("greedy"), 100).take).to.equal(0);
    expect(await ask(get("quiet"))).to.equal("answered");
    await clock.advance(wireLimits.timeoutMsDefault);
    const reasons = await Promise.all(asked);
    expect(new Set(reasons)).to.deep.equal(new Set(["timeout", "deadlinePast"]));
  });

  it("begins no more of a project's work than its places, however short the deadlines are", async () => {
    const ends: (() => void)[] = [];
    let atWork = 0;
    const { clock, ask, server } = world(
      thingHandlers([], {
        get: async (_, { project, id }) => {
          atWork += 1;
          await new Promise<void>((resolve) => ends.push(resolve));
          atWork -= 1;
          return { thing: { id, name: "n", project } };
        },
      }),
    );
    const reasons: (string | undefined)[] = [];
    for (let round = 0; round < 20; round += 1) {
      const asked = Array.from({ length: 100 }, () =>
        ask(get("demo"), undefined, { [headerNames.timeoutMs]: "5" }),
      );
      await clock.advance(5);
      reasons.push(...(await Promise.all(asked)));
    }
    expect(atWork).to.equal(limits.requestsAtWorkPerProjectMax);
    expect(ends).to.have.length(limits.requestsAtWorkPerProjectMax);
    expect(reasons.filter((reason) => reason === "timeout")).to.have.length(
      limits.requestsAtWorkPerProjectMax,
    );
    expect(new Set(reasons)).to.deep.equal(new Set(["timeout", "deadlinePast"]));
    for (const end of ends) end();
    await clock.settle();
    expect(server.inWork).to.equal(0);
  });

  it("keeps the place of a wait until its handler has ended", async () => {
    const { clock, ask, server } = world(
      thingHandlers([], {
        get: (_, { onlyWaits }) => {
          onlyWaits();
          return new Promise(() => undefined);
        },
      }),
    );
    const asked = ask(get("demo"), encode({ waitMs: 1_000 }), { [headerNames.timeoutMs]: "5" });
    await clock.advance(5);
    expect(await asked).to.equal("timeout");
    expect(server.inWork).to.equal(1);
  });

  it("refuses a wait beyond the project's share before it does anything", async () => {
    const seen: unknown[] = [];
    const { clock, ask, server } = world(
      thingHandlers([], {
        make: (_, context) => {
          seen.push(context.onlyWaits());
          return untilAborted(context);
        },
      }),
    );
    const body = encode({ name: "a", wait: true });
    const ask1 = () => ask(subjectOf("demo", "make"), body);
    const waiting = Array.from({ length: limits.waitsPerProjectMax }, ask1);
    await clock.settle();
    expect(await ask1()).to.equal("tooManyWaits");
    expect(seen).to.have.length(limits.waitsPerProjectMax);
    expect(server.inWork).to.equal(limits.waitsPerProjectMax);
    expect(await ask(get("demo"))).to.equal("answered");
    await clock.advance(wireLimits.timeoutMsDefault);
    await Promise.all(waiting);
    expect(server.inWork).to.equal(0);
  });

  it("writes each kind of line that a sender causes some times a period, and counts the others", async () => {
    const broken = { thing: { id: "not a token", name: "a", project: "demo" } };
    const { clock, noted, ask } = world(thingHandlers([], { make: async () => broken }));
    const many = () =>
      Promise.all(Array.from({ length: 60 }, () => ask(subjectOf("demo", "make"), encode({ name: "a" }))));
    await many();
    expect(noted.filter(({ level }) => level === "error")).to.have.length(limits.linesOfOneKindMax);
    await clock.advance(wireLimits.sameLinePeriodMs);
    await many();
    const errors = noted.filter(({ level }) => level === "error");
    expect(errors).to.have.length(2 * limits.linesOfOneKindMax);
    expect(errors[limits.linesOfOneKindMax]?.fields).to.include({ moreLines: 60 - limits.linesOfOneKindMax });
  });
});

describe("whose share a subject counts on", () => {
  it("is the project's of a command", () => {
    const { shareOf } = commandBinding("main");
    expect(shareOf("novact.v1.main.cmd.demo.instance.list")).to.equal("demo");
    expect(shareOf("novact.v1.main.cmd.demo")).to.equal("demo");
    expect(shareOf("novact.v1.other.cmd.demo.instance.list")).to.equal(undefined);
    expect(shareOf("novact.v1.main.cmd.")).to.equal(undefined);
  });

  it("is the host's of a report, and the renewals of its lease have one of their own", () => {
    const { shareOf } = reportBinding("main");
    const names = ["heartbeat", "register", "invented", "lease"].map((method) =>
      shareOf(`novact.v1.main.report.h1.${method}`),
    );
    expect(names).to.deep.equal(["h1", "h1", "h1", "h1.lease"]);
  });

  it("is one for all controllers at a host, and another for the consoles that clients wait for", () => {
    const names = ["ensure", "storageLease", "console"].map((method) =>
      hostBinding("main", "h1").shareOf(`novact.v1.main.host.h1.${method}`),
    );
    expect(names).to.deep.equal(["novact", "novact", "novact.console"]);
  });
});

describe("discovery", () => {
  it("answers from ready-made bytes, some questions a second, and drops the rest", async () => {
    const { clock, discovery } = world();
    const [all] = discovery;
    const taken = (subject: string) =>
      Array.from({ length: 3_000 }, () => all?.door?.admit(subject, 0)).filter((one) => one === "take")
        .length;
    expect(discovery.map(({ pattern }) => pattern)).to.deep.equal(["$SRV.*", "$SRV.*.*", "$SRV.*.*.*"]);
    expect(taken("$SRV.INFO")).to.equal(limits.discoveryAnswersBurstMax);
    expect(taken("$SRV.PING")).to.equal(limits.discoveryAnswersBurstMax);
    expect(taken("$SRV.NONE")).to.equal(0);
    await clock.advance(1_000);
    expect(taken("$SRV.INFO")).to.equal(limits.discoveryAnswersPerSecondMax);
    const bodies = async () => {
      const answer = await all?.handler("$SRV.INFO", { body: new Uint8Array(), headers: {} });
      return Array.isArray(answer) ? answer.map(({ body }) => body) : [];
    };
    expect((await bodies())[0]).to.equal((await bodies())[0]);
    expect(await bodies()).to.have.length(1);
  });

  it("counts anew at most once a second", async () => {
    const { clock, discovery, ask } = world();
    const requests = async () => {
      const answer = await discovery[0]?.handler("$SRV.STATS", { body: new Uint8Array(), headers: {} });
      const [first] = Array.isArray(answer) ? answer : [];
      const { endpoints } = JSON.parse(Buffer.from(first?.body ?? "{}").toString());
      return endpoints[1].num_requests;
    };
    expect(await requests()).to.equal(0);
    await ask(get("demo"));
    expect(await requests()).to.equal(0);
    await clock.advance(limits.discoveryStatsKeptMs);
    expect(await requests()).to.equal(1);
  });
});
