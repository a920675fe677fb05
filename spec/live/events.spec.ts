/** The stream of events on a real JetStream. */
import { setTimeout as elapse } from "node:timers/promises";
import { expect } from "chai";
import { connectNats, type NatsBus } from "../../nodes/bus/nats.ts";
import { createEventStream } from "../../nodes/events/stream.ts";
import type { Event } from "../../protocol/event.ts";
import { allEventsPattern, eventLogPattern, eventStreamName } from "../../protocol/wire/subjects.ts";
import { eventOf, eventStreamContract, eventsBetween } from "../support/event-stream-contract.ts";
import { natsUrl } from "../support/services.ts";
import { rememberingLog } from "../support/wire-world.ts";

let bus: NatsBus | undefined;
let cells = 0;

const connection = async (context: Mocha.Context): Promise<NatsBus> => {
  bus ??= await connectNats({ servers: [await natsUrl(context)], name: "spec", log: rememberingLog() });
  return bus;
};
const nextCell = () => {
  cells += 1;
  return `events${process.pid}x${cells}`;
};

async function read(nats: NatsBus, cell: string): Promise<readonly Event[]> {
  const manager = await nats.connection.jetstreamManager();
  const { state } = await manager.streams.info(eventStreamName(cell));
  const events: Event[] = [];
  for (let seq = state.first_seq; seq <= state.last_seq; seq += 1) {
    const message = await manager.streams.getMessage(eventStreamName(cell), { seq });
    events.push(message.json<Event>());
  }
  return events;
}

after(() => bus?.close());

eventStreamContract("JetStream", async function () {
  this.timeout(30_000);
  const nats = await connection(this);
  const cell = nextCell();
  await createEventStream({ bus: nats, cell }).lastSequence();
  return {
    connect: () => createEventStream({ bus: nats, cell }),
    read: () => read(nats, cell),
    wipe: async () => {
      await (await nats.connection.jetstreamManager()).streams.delete(eventStreamName(cell));
    },
  };
});

describe("the event stream on JetStream", function () {
  this.timeout(30_000);

  it("repeats each event once, in order, on its own subject, however many offer it", async function () {
    const nats = await connection(this);
    const cell = nextCell();
    const heard: { subject: string; sequence: string | undefined }[] = [];
    nats.serve(allEventsPattern(cell), undefined, async (subject, { headers }) => {
      heard.push({ subject, sequence: headers["Novact-Sequence"] });
      return undefined;
    });
    const controllers = [1, 2, 3].map(() => createEventStream({ bus: nats, cell }));
    await Promise.all(controllers.map((stream) => stream.lastSequence()));
    await Promise.all(controllers.map((stream) => stream.publish(eventsBetween(1, 100))));
    await elapse(200);
    expect(heard.map(({ sequence }) => Number(sequence))).to.deep.equal(
      Array.from({ length: 100 }, (_, at) => at + 1),
    );
    expect(heard[0]?.subject).to.equal(`novact.v1.${cell}.evt.demo.instance.i1.stateChanged`);
  });

  it("is filled again after a purge", async function () {
    const nats = await connection(this);
    const cell = nextCell();
    const stream = createEventStream({ bus: nats, cell });
    await stream.publish(eventsBetween(1, 10));
    const manager = await nats.connection.jetstreamManager();
    await manager.streams.purge(eventStreamName(cell), { filter: eventLogPattern(cell) });
    const deadlineMs = performance.now() + 15_000;
    while ((await stream.lastSequence()) < 12 && performance.now() < deadlineMs) {
      await stream.publish(eventsBetween((await stream.lastSequence()) + 1, 12));
      await elapse(200);
    }
    expect((await read(nats, cell)).map(({ sequence }) => sequence)).to.deep.equal(
      eventsBetween(1, 12).map(({ sequence }) => sequence),
    );
  });

  it("takes the events of every noun and project, with what is in their bodies", async function () {
    const nats = await connection(this);
    const cell = nextCell();
    const stream = createEventStream({ bus: nats, cell });
    const odd = eventOf(1, { project: "sys", noun: "actor", event: "failed", body: { reason: "ünïcode ✓" } });
    await stream.publish([odd]);
    expect(await read(nats, cell)).to.deep.equal([odd]);
  });

  it("survives a publisher that is cut off in the middle", async function () {
    const nats = await connection(this);
    const cell = nextCell();
    const other = await connectNats({ servers: [await natsUrl(this)], name: "cut", log: rememberingLog() });
    const cut = createEventStream({ bus: other, cell });
    await cut.lastSequence();
    const publishing = cut.publish(eventsBetween(1, 500)).catch((error: unknown) => error);
    await elapse(5);
    await other.connection.close();
    await publishing;
    const stream = createEventStream({ bus: nats, cell });
    const after = await stream.lastSequence();
    await stream.publish(eventsBetween(after + 1, 500));
    expect((await read(nats, cell)).map(({ sequence }) => sequence)).to.deep.equal(
      eventsBetween(1, 500).map(({ sequence }) => sequence),
    );
  });
});
