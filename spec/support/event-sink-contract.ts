/** The contract of every sink of events: what it has said to have taken is at its place, in order. */
import { inspect } from "node:util";
import { expect } from "chai";
import type { EventSink } from "../../actors/ports/event-sink.ts";
import type { Event } from "../../protocol/event.ts";
import { eventsBetween } from "./event-stream-contract.ts";

export interface EventSinkWorld {
  /** Opens a sink to the same place, as a controller that begins anew does. */
  open(): EventSink;
  /** All events at the place, in the order in which they came. */
  received(): Promise<readonly Event[]>;
  /** Makes the place take nothing. */
  break(): Promise<void>;
  mend(): Promise<void>;
  /** Makes the place answer nothing, until it is closed. Absent: such a place cannot hang. */
  readonly hang?: () => Promise<void>;
  /** A text that no error may contain. Absent: there is nothing secret. */
  readonly secret?: string;
  close(): Promise<void>;
}

const patienceMs = 5_000;

export function eventSinkContract(name: string, world: () => Promise<EventSinkWorld>): void {
  describe(`event sink contract: ${name}`, () => {
    let under: EventSinkWorld;
    const never = new AbortController().signal;
    const numbers = async () => (await under.received()).map(({ sequence }) => sequence);
    const refused = (sink: EventSink, from: number, to: number) =>
      sink.deliver(eventsBetween(from, to), never).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
    beforeEach(async () => {
      under = await world();
    });
    afterEach(() => under.close());

    it("has every event whole and in order when a delivery has resolved", async () => {
      const sink = under.open();
      await sink.deliver(eventsBetween(1, 150), never);
      await sink.deliver(eventsBetween(151, 152), never);
      expect(await under.received()).to.deep.equal(eventsBetween(1, 152));
      await sink.close?.();
    });

    it("takes events again that it has already", async () => {
      await under.open().deliver(eventsBetween(1, 3), never);
      await under.open().deliver(eventsBetween(2, 4), never);
      expect(new Set(await numbers())).to.deep.equal(new Set([1, 2, 3, 4]));
      expect((await numbers()).at(-1)).to.equal(4);
    });

    it("rejects with an error while its place takes nothing, and takes the same events later", async () => {
      const sink = under.open();
      await sink.deliver(eventsBetween(1, 2), never);
      await under.break();
      const thrown = await refused(sink, 3, 4);
      expect(thrown).to.be.instanceOf(Error);
      expect((thrown as Error).message.trim()).to.not.equal("");
      if (under.secret !== undefined) expect(inspect(thrown, { depth: 9 })).to.not.include(under.secret);
      await under.mend();
      await sink.deliver(eventsBetween(3, 4), never);
      expect([...new Set(await numbers())]).to.deep.equal([1, 2, 3, 4]);
    });

    it("ends soon when it is called off, whatever its place does", async () => {
      await under.hang?.();
      const abort = new AbortController();
      const delivering = under
        .open()
        .deliver(eventsBetween(1, 2), abort.signal)
        .then(
          () => "ended",
          () => "ended",
        );
      abort.abort();
      const late = new Promise((resolve) => setTimeout(() => resolve("it goes on"), patienceMs));
      expect(await Promise.race([delivering, late])).to.equal("ended");
    });

    it("closes without a word, with and without a delivery", async () => {
      await under.open().close?.();
      const sink = under.open();
      await sink.deliver(eventsBetween(1, 1), never);
      await sink.close?.();
      expect(await numbers()).to.deep.equal([1]);
    });
  });
}
