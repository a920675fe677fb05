/** A server tells its meter of every answer, by method and code, and of what its door keeps out. */
import { expect } from "chai";
import { admissionLimits as limits } from "../../../protocol/limits/admission.ts";
import type { BusDoor, BusHandler, CallMeter } from "../../../protocol/wire/transport.ts";
import { SimulatedClock } from "../../support/simulated-clock.ts";
import { thingHandlers, thingServer } from "../../support/wire-world.ts";

function world(changes: Parameters<typeof thingHandlers>[1] = {}) {
  const clock = new SimulatedClock();
  const calls: (readonly [method: string | undefined, code: string, tookMs: number])[] = [];
  const keptOut = { refused: 0, dropped: 0 };
  const meter: CallMeter = {
    answered: (...call) => calls.push(call),
    keptOut: (how) => {
      keptOut[how] += 1;
    },
  };
  let served: { readonly handler: BusHandler; readonly door: BusDoor | undefined } | undefined;
  const bus = {
    request: () => Promise.reject(new Error("A server asks nobody.")),
    publish: () => undefined,
    serve: (_pattern: string, _queue: string | undefined, handler: BusHandler, door?: BusDoor) => {
      served ??= { handler, door };
      return { drain: async () => undefined };
    },
  };
  thingServer({ bus, clock }, { handlers: thingHandlers([], changes), meter });
  if (served?.door === undefined) throw new Error("The server has no door.");
  const { handler, door } = served;
  const ask = (tail: string, body = "") =>
    handler(`novact.v1.test.cmd.demo.thing.${tail}`, { body: new TextEncoder().encode(body), headers: {} });
  return { clock, calls, keptOut, ask, door };
}

describe("a server with a meter", () => {
  it("counts answers and errors by their method, and what names no method there is without one", async () => {
    const { calls, ask } = world();
    await ask("t1.get");
    await ask("missing.get");
    await ask("t1.fly");
    await ask("make");
    expect(calls.map(([method, code]) => [method, code])).to.deep.equal([
      ["thing.get", "OK"],
      ["thing.get", "NOT_FOUND"],
      [undefined, "UNIMPLEMENTED"],
      ["thing.make", "INVALID_ARGUMENT"],
    ]);
  });

  it("counts an answer that breaks its schema, and a handler that throws, as INTERNAL", async () => {
    const { calls, ask } = world({
      make: async ({ name }) => {
        if (name === "thrown") throw new Error("no");
        return { thing: { id: "not an id", name, project: "demo" } };
      },
    });
    await ask("make", '{"name":"thrown"}');
    await ask("make", '{"name":"broken"}');
    expect(calls.map(([method, code]) => [method, code])).to.deep.equal([
      ["thing.make", "INTERNAL"],
      ["thing.make", "INTERNAL"],
    ]);
  });

  it("counts the time from the arrival of a request to its answer", async () => {
    const { clock, calls, ask } = world({
      get: async (_request, context) => {
        await new Promise<void>((resolve) => clock.after(250, resolve));
        return { thing: { id: context.id, name: "n", project: context.project } };
      },
    });
    const asked = ask("t1.get");
    await clock.advance(250);
    await asked;
    expect(calls).to.deep.equal([["thing.get", "OK", 250]]);
  });

  it("counts what its door refuses and drops, and no call for it", () => {
    const { calls, keptOut, door } = world();
    const sent = 20_000;
    for (let at = 0; at < sent; at += 1) door.admit("novact.v1.test.cmd.demo.thing.t1.get", 0);
    expect(keptOut).to.deep.equal({
      refused: limits.refusalsPerSecondMax,
      dropped: sent - limits.projectMessagesBurstMax - limits.refusalsPerSecondMax,
    });
    expect(calls).to.deep.equal([]);
  });
});
