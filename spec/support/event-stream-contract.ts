/** The contract of every event stream, in memory or on JetStream. */
import { expect } from "chai";
import type { EventStream } from "../../actors/ports/event-stream.ts";
import type { Event } from "../../protocol/event.ts";

export interface EventStreamUnderTest {
  /** Connects to the same stream, as a further controller would. */
  connect(): EventStream;
  /** All events in the stream, in its order. */
  read(): Promise<readonly Event[]>;
  wipe(): Promise<void>;
}

export const eventOf = (sequence: number, facts: Partial<Event> = {}): Event => ({
  sequence,
  atMs: 1_900_000_000_000 + sequence,
  project: "demo",
  noun: "instance",
  id: `i${sequence % 7}`,
  event: "stateChanged",
  body: { state: "running" },
  ...facts,
});

export const eventsBetween = (first: number, last: number): readonly Event[] =>
  Array.from({ length: last - first + 1 }, (_, at) => eventOf(first + at));

export function eventStreamContract(
  name: string,
  world: (this: Mocha.Context) => Promise<EventStreamUnderTest>,
): void {
  describe(`event stream contract: ${name}`, () => {
    let under: EventStreamUnderTest;
    beforeEach(async function () {
      under = await world.call(this);
    });
    const numbers = async () => (await under.read()).map(({ sequence }) => sequence);
    const upTo = (last: number) => Array.from({ length: last }, (_, at) => at + 1);

    it("is empty at first, and has what was published, whole and in order", async () => {
      const stream = under.connect();
      expect(await stream.lastSequence()).to.equal(0);
      await stream.publish(eventsBetween(1, 150));
      expect(await stream.lastSequence()).to.equal(150);
      expect(await under.read()).to.deep.equal(eventsBetween(1, 150));
    });

    it("goes on where it is, without being asked in between", async () => {
      const stream = under.connect();
      await stream.publish(eventsBetween(1, 3));
      await stream.publish(eventsBetween(4, 5));
      expect(await numbers()).to.deep.equal(upTo(5));
    });

    it("takes nothing twice", async () => {
      const stream = under.connect();
      await stream.publish(eventsBetween(1, 5));
      await stream.publish(eventsBetween(1, 5));
      await under.connect().publish(eventsBetween(3, 8));
      expect(await numbers()).to.deep.equal(upTo(8));
    });

    it("may begin later than with 1, when the first ones are no longer kept", async () => {
      await under.connect().publish(eventsBetween(41, 43));
      expect(await numbers()).to.deep.equal([41, 42, 43]);
    });

    it("keeps the order, without gap or double, when several publish at once", async () => {
      const controllers = [under.connect(), under.connect(), under.connect()];
      const publishAll = async (stream: EventStream, last: number) => {
        for (let after = 0; after < last; ) {
          after = await stream.lastSequence();
          await stream.publish(eventsBetween(after + 1, Math.min(after + 90, last)));
        }
      };
      await Promise.all(controllers.map((stream) => publishAll(stream, 400)));
      expect(await numbers()).to.deep.equal(upTo(400));
    });

    it("refuses one who knows an older end, and lets nothing out of order in", async () => {
      const slow = under.connect();
      expect(await slow.lastSequence()).to.equal(0);
      await under.connect().publish(eventsBetween(11, 20));
      await slow.publish(eventsBetween(1, 5));
      expect(await numbers()).to.deep.equal(eventsBetween(11, 20).map(({ sequence }) => sequence));
    });

    it("is made anew when it was lost, and can be filled again", async () => {
      const stream = under.connect();
      await stream.publish(eventsBetween(1, 20));
      await under.wipe();
      expect(await stream.lastSequence()).to.equal(0);
      await stream.publish(eventsBetween(1, 21));
      expect(await numbers()).to.deep.equal(upTo(21));
    });
  });
}
