/**
 * The switch's own TCP, against a guest that keeps to the protocol over a wire that loses, doubles and mixes
 * up, and against one that sends whatever it likes.
 */
import { expect } from "chai";
import fc from "fast-check";
import { metadataLimits } from "../../../nodes/metadata/limits.ts";
import { tcpFlags as flags } from "../../../nodes/switch/frames/flow.ts";
import type { Segment } from "../../../nodes/switch/frames/tcp.ts";
import {
  answered,
  type Connection,
  greeted,
  heard,
  refusal,
  type Step,
  waited,
} from "../../../nodes/switch/metadata/connection.ts";
import { tcpLimits } from "../../../nodes/switch/metadata/limits.ts";

const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const nothing = Buffer.alloc(0);
const request = Buffer.from("GET /latest/user-data HTTP/1.1\r\nHost: x\r\n\r\n");
const segment = (given: Partial<Segment>): Segment => ({
  ...{ sequence: 0, acknowledgment: 0, flags: flags.acknowledge, window: 8_192 },
  ...{ segmentBytesMax: undefined, payload: nothing, ...given },
});
const syn = (given: Partial<Segment> = {}) =>
  segment({ sequence: 1_000, flags: flags.syn, segmentBytesMax: 1_360, ...given });
const opening = { first: 4_294_967_000, segmentBytesMax: 1_360, nowMs: 0 };
const at = (offset: number) => (opening.first + offset) >>> 0;

const living = ({ connection }: Step): Connection => {
  if (connection === undefined) throw new Error("It is gone.");
  return connection;
};
/** One that has heard the request, and waits for its answer. */
function asking(): Connection {
  const opened = living(greeted(syn(), opening));
  const step = heard(opened, segment({ sequence: 1_001, acknowledgment: at(1), payload: request }), 1);
  expect(step.question).to.deep.equal({ kind: "asked", path: "/latest/user-data", isHead: false });
  return living(step);
}

/** A guest of RFC 9293 in its simplest form: takes bytes in order, and repeats unacknowledged ones. */
class Guest {
  readonly #text: Buffer;
  readonly #first = 1_000;
  readonly #window: number;
  #theirFirst: number | undefined;
  /** Offsets: acknowledged by the switch, and expected from the switch. */
  #acknowledged = 0;
  #expected = 0;
  #hasEnded = false;
  #spoken = 0;
  readonly parts: Buffer[] = [];

  constructor(text: Buffer, window: number) {
    this.#text = text;
    this.#window = window;
  }

  get answer(): Buffer {
    return Buffer.concat(this.parts);
  }

  get isDone(): boolean {
    return this.#hasEnded && this.#acknowledged > this.#text.length + 1;
  }

  hear({ sequence, acknowledgment, flags: bits, payload }: Segment): void {
    if ((bits & flags.reset) !== 0) throw new Error("The connection was reset.");
    if ((bits & flags.syn) !== 0) {
      this.#theirFirst ??= sequence;
      this.#expected = Math.max(1, this.#expected);
    }
    if (this.#theirFirst === undefined) return;
    this.#acknowledged = Math.max(this.#acknowledged, (acknowledgment - this.#first) | 0);
    if (((sequence - this.#theirFirst) | 0) !== this.#expected) return;
    this.parts.push(Buffer.from(payload.subarray(0, this.#window)));
    const isWhole = payload.length <= this.#window;
    const isEnd = isWhole && (bits & flags.fin) !== 0;
    this.#expected += Math.min(payload.length, this.#window) + Number(isEnd);
    this.#hasEnded ||= isEnd;
  }

  /** What it has to say at this moment, again and again. */
  speak(): readonly Segment[] {
    if (this.#theirFirst === undefined) return [syn({ window: this.#window })];
    const own = { window: this.#window, acknowledgment: (this.#theirFirst + this.#expected) >>> 0 };
    const said = Math.max(0, this.#acknowledged - 1);
    const sequence = (this.#first + 1 + said) >>> 0;
    this.#spoken += 1;
    // Each repetition is cut at another place.
    const cut = said + 5 + ((this.#spoken * 7) % 19);
    const [one, two] = [this.#text.subarray(said, cut), this.#text.subarray(cut, cut + 30)];
    const acknowledge = segment({ ...own, sequence });
    if (one.length > 0)
      return [
        segment({ ...own, sequence, payload: one }),
        segment({ ...own, sequence: (sequence + one.length) >>> 0, payload: two }),
      ];
    return this.#hasEnded && !this.isDone
      ? [segment({ ...own, sequence, flags: flags.fin | flags.acknowledge })]
      : [acknowledge];
  }
}

/** What a wire makes of segments, one number each: 0 loses it, 1 doubles it, 2 puts it behind the next. */
function wire(segments: readonly Segment[], fates: () => number): readonly Segment[] {
  const out: Segment[] = [];
  let late: Segment | undefined;
  for (const one of segments) {
    const fate = fates();
    if (fate === 0) continue;
    if (fate === 2 && late === undefined) late = one;
    else out.push(one, ...(fate === 1 ? [one] : []), ...(late === undefined ? [] : [late]));
    if (fate !== 2) late = undefined;
  }
  return late === undefined ? out : [...out, late];
}

describe(`a connection of the switch for metadata (SEED=${seed})`, () => {
  it("greets, hears one question, answers in segments, and ends with the guest", () => {
    const opened = greeted(syn(), opening);
    expect(opened.out).to.have.length(1);
    expect(opened.out[0]).to.include({ sequence: at(0), acknowledgment: 1_001, segmentBytesMax: 1_360 });
    expect(opened.out[0]?.flags).to.equal(flags.syn | flags.acknowledge);
    const answer = Buffer.alloc(3_000, "a");
    const step = answered(asking(), answer, 2);
    expect(step.out.map(({ payload }) => payload.length)).to.deep.equal([1_360, 1_360, 280]);
    expect(step.out.map(({ flags: bits }) => bits & flags.fin)).to.deep.equal([0, 0, flags.fin]);
    const last = { sequence: 1_001 + request.length, acknowledgment: at(3_002) };
    const end = heard(living(step), segment({ ...last, flags: flags.fin | flags.acknowledge }), 3);
    expect(end.connection).to.equal(undefined);
    expect(end.out.map(({ acknowledgment }) => acknowledgment)).to.deep.equal([1_002 + request.length]);
  });

  it("answers a guest that has ended its own side with the question", () => {
    const opened = living(greeted(syn(), opening));
    const bits = flags.fin | flags.acknowledge;
    const step = heard(
      opened,
      segment({ sequence: 1_001, acknowledgment: at(1), payload: request, flags: bits }),
      1,
    );
    expect(step.question).not.to.equal(undefined);
    const after = answered(living(step), Buffer.from("yes"), 2);
    expect(after.out.map(({ payload }) => String(payload))).to.deep.equal(["yes"]);
    const gone = heard(
      living(after),
      segment({ sequence: 1_002 + request.length, acknowledgment: at(5) }),
      3,
    );
    expect(gone).to.deep.equal({ connection: undefined, out: [] });
  });

  it("keeps to the guest's window, and goes on when it opens", () => {
    const known = { ...asking(), window: 1_000 };
    const step = answered(known, Buffer.alloc(5_000), 2);
    expect(step.out.reduce((sum, { payload }) => sum + payload.length, 0)).to.equal(1_000);
    const shut = { sequence: known.expected, acknowledgment: at(1_001), window: 0 };
    const closed = heard(living(step), segment(shut), 3);
    expect(closed.out).to.deep.equal([]);
    const open = heard(living(closed), segment({ ...shut, window: 20_000 }), 4);
    expect(open.out.reduce((sum, { payload }) => sum + payload.length, 0)).to.equal(4_000);
  });

  it("has no more on its way than the limit, whatever the guest says, and no tiny segments", () => {
    const opened = living(greeted(syn({ segmentBytesMax: 1, window: 65_535 }), opening));
    const known = living(
      heard(opened, segment({ sequence: 1_001, acknowledgment: at(1), payload: request, window: 65_535 }), 1),
    );
    const { out } = answered(known, Buffer.alloc(60_000), 2);
    expect(out.reduce((sum, { payload }) => sum + payload.length, 0)).to.equal(
      tcpLimits.unacknowledgedBytesMax,
    );
    expect(out[0]?.payload.length).to.equal(tcpLimits.segmentBytesMin);
  });

  it("is ended by a reset in its place, and by no other", () => {
    const known = asking();
    const reset = (sequence: number) => heard(known, segment({ sequence, flags: flags.reset }), 2);
    for (const wrong of [0, known.expected - 1, known.expected + 1])
      expect(reset(wrong).connection).to.equal(known);
    expect(reset(known.expected)).to.deep.equal({ connection: undefined, out: [] });
  });

  it("gives up who ends before the question does, who never acknowledges, and who takes too long", () => {
    const opened = living(greeted(syn(), opening));
    const half = segment({
      ...{ sequence: 1_001, acknowledgment: at(1), flags: flags.fin | flags.acknowledge },
      payload: Buffer.from("GET / HT"),
    });
    const early = heard(opened, half, 1);
    expect([early.connection, early.out.map(({ flags: bits }) => bits & flags.reset)]).to.deep.equal([
      undefined,
      [4],
    ]);
    let step: Step = { connection: opened, out: [] };
    let said = 0;
    for (let nowMs = 0; step.connection !== undefined; nowMs += 50) {
      step = waited(step.connection, nowMs);
      said += step.out.length;
    }
    expect(said).to.equal(tcpLimits.resendsMax + 1);
    const idle = waited(asking(), metadataLimits.connectionMsMax);
    expect(idle.connection).to.equal(undefined);
  });

  it("refuses what belongs to no connection, and answers no reset", () => {
    expect(refusal(segment({ flags: flags.reset }))).to.deep.equal([]);
    expect(refusal(segment({ acknowledgment: 7 }))[0]).to.include({ sequence: 7, flags: flags.reset });
    const [plain] = refusal(segment({ sequence: 5, flags: flags.fin, payload: Buffer.from("abc") }));
    expect(plain).to.include({ acknowledgment: 9, flags: flags.reset | flags.acknowledge });
  });

  it("brings every answer whole to a guest, over a wire that loses, doubles and mixes up", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 60 }),
        fc.integer({ min: 1, max: 40_000 }),
        fc.constantFrom(600, 1_500, 8_192, 65_535),
        (fates, bytes, window) => {
          const answer = Buffer.from(Array.from({ length: bytes }, (_, index) => index % 251));
          const guest = new Guest(request, window);
          let used = 0;
          const fate = () => fates[used++] ?? 9;
          let connection: Connection | undefined;
          let nowMs = 0;
          const reply = (step: Step) => {
            connection = step.connection;
            for (const one of wire(step.out, fate)) guest.hear(one);
            if (step.question === undefined || connection === undefined) return;
            expect(step.question).to.deep.equal({ kind: "asked", path: "/latest/user-data", isHead: false });
            reply(answered(connection, answer, nowMs));
          };
          for (let round = 0; round < 400 && !guest.isDone; round += 1) {
            nowMs += 20;
            for (const one of wire(guest.speak(), fate)) {
              if (connection !== undefined) reply(heard(connection, one, nowMs));
              else if (one.flags === flags.syn) reply(greeted(one, { ...opening, nowMs }));
              // The last word was lost: it is gone, and all has been said.
              else if (guest.answer.length === bytes) return;
            }
            if (connection !== undefined) reply(waited(connection, nowMs));
          }
          expect(guest.isDone).to.equal(true);
          expect(guest.answer.equals(answer)).to.equal(true);
        },
      ),
      { seed, numRuns: 200 },
    );
  });

  it("never throws, and never holds or sends more than its bounds, whatever comes", () => {
    const near = (base: number) => fc.integer({ min: -3, max: 5_000 }).map((more) => (base + more) >>> 0);
    const anything = fc.record({
      sequence: fc.oneof(near(1_000), fc.nat({ max: 0xffff_ffff })),
      acknowledgment: fc.oneof(near(opening.first), fc.nat({ max: 0xffff_ffff })),
      flags: fc.integer({ min: 0, max: 255 }),
      window: fc.integer({ min: 0, max: 65_535 }),
      segmentBytesMax: fc.option(fc.integer({ min: 0, max: 65_535 }), { nil: undefined }),
      payload: fc.oneof(
        fc.constant(request),
        fc.uint8Array({ maxLength: 3_000 }).map((one) => Buffer.from(one)),
      ),
    });
    fc.assert(
      fc.property(
        fc.array(anything, { maxLength: 60 }),
        fc.array(fc.nat({ max: 500 }), { maxLength: 60 }),
        (all, waits) => {
          let connection: Connection | undefined = living(greeted(syn(), opening));
          let nowMs = 0;
          const sees = (step: Step) => {
            connection = step.connection;
            const bytes = step.out.reduce((sum, { payload }) => sum + payload.length, 0);
            expect(bytes).to.be.at.most(tcpLimits.unacknowledgedBytesMax);
            expect(step.out.length).to.be.at.most(40);
            expect(connection?.heard.length ?? 0).to.be.below(metadataLimits.requestBytesMax);
            if (step.question !== undefined && connection !== undefined)
              sees(answered(connection, Buffer.alloc(20_000), nowMs));
          };
          for (const [index, one] of all.entries()) {
            if (connection === undefined) return;
            nowMs += waits[index] ?? 1;
            sees(heard(connection, one, nowMs));
            if (connection !== undefined) sees(waited(connection, nowMs));
          }
        },
      ),
      { seed, numRuns: 200 },
    );
  });
});
