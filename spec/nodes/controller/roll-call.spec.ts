/** A roll call: who answers, what is passed over, and that nothing is sent while nobody asks. */
import { expect } from "chai";
import type { ImageServing } from "../../../actors/control/catalog/image-offers.ts";
import { controllerLimits } from "../../../nodes/controller/limits.ts";
import { RollCall } from "../../../nodes/controller/roll-call.ts";
import { rollCallSubject } from "../../../protocol/wire/subjects.ts";
import { createMemoryBus } from "../../support/memory-bus.ts";
import { SimulatedClock } from "../../support/simulated-clock.ts";

describe("a roll call", () => {
  const clock = new SimulatedClock();
  const open = (bus: ReturnType<typeof createMemoryBus>, id: string, imageDoor?: ImageServing) => {
    let minted = 0;
    const ids = { next: () => `${id}-q${++minted}` };
    const self = { kind: "controller", id, name: `controller-${id}`, release: { version: "1.0.0" } } as const;
    const present = { ...self, ...(imageDoor && { imageDoor }) };
    return new RollCall({ bus, clock, ids, cell: "test", self: present });
  };
  const answersOf = async (calls: readonly RollCall[]) => {
    const asked = Promise.all(calls.map((one) => one.call()));
    await clock.advance(controllerLimits.rollCallMs);
    return (await asked).map((running) => running.map(({ id }) => id).sort());
  };

  it("names every controller once, the one that asks included, however many ask at once", async () => {
    const bus = createMemoryBus({ clock });
    const calls = ["a", "b", "c"].map((id) => open(bus, id));
    const all = ["a", "b", "c"];
    expect(await answersOf(calls)).to.deep.equal([all, all, all]);
  });

  it("says where the others give the bytes of images, and keeps that from people", async () => {
    const bus = createMemoryBus({ clock });
    const doorOf = (id: string) => ({
      server: `controller-${id}-0a`,
      url: `http://127.0.0.1:${id.charCodeAt(0)}`,
    });
    const [a] = [open(bus, "a", doorOf("a")), open(bus, "b", doorOf("b")), open(bus, "c")];
    const asked = a.imageDoors();
    await clock.advance(controllerLimits.rollCallMs);
    expect(await asked).to.deep.equal([doorOf("b")]);
    const called = a.call();
    await clock.advance(controllerLimits.rollCallMs);
    for (const running of await called) expect(running).to.have.keys("kind", "id", "name", "release");
  });

  it("leaves out who has gone, and what is no call", async () => {
    const bus = createMemoryBus({ clock });
    const [a, b] = [open(bus, "a"), open(bus, "b")];
    const say = (text: string) =>
      bus.publish(rollCallSubject("test"), { headers: {}, body: new TextEncoder().encode(text) });
    await b.drain();
    for (const text of ["", "{", "[]", '{"question":5}', '{"question":"q","here":{"kind":"king"}}'])
      say(text);
    expect(await answersOf([a])).to.deep.equal([["a"]]);
  });

  it("asks no more than so many at once", async () => {
    const bus = createMemoryBus({ clock });
    const [a] = [open(bus, "a"), open(bus, "b")];
    const found = await answersOf(Array.from({ length: controllerLimits.rollCallsMax + 1 }, () => a));
    expect(found.filter((ids) => ids.length === 2)).to.have.length(controllerLimits.rollCallsMax);
    expect(found.at(-1)).to.deep.equal(["a"]);
  });
});
