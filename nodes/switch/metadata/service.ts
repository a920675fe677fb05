/**
 * Answers guests who ask for metadata, without a kernel: a TCP of our own (connection.ts) for the one address
 * and port, in which each connection is one port's. Whose documents are told is said by the port that a frame
 * came from, and by nothing in the frame. It must never hold more than so many connections, and never keep
 * what a guest is told longer than it takes to tell it.
 */
import { randomBytes } from "node:crypto";
import type { Told } from "../../../actors/node/guest-data/documents.ts";
import { answerTo } from "../../metadata/answer.ts";
import { Places } from "../../metadata/places.ts";
import type { Frame } from "../frames/ethernet.ts";
import { tcpFlags as flags } from "../frames/flow.ts";
import type { IpPacket } from "../frames/ip.ts";
import { readSegment, type Segment, type SegmentEnds, writeSegment } from "../frames/tcp.ts";
import {
  answered,
  type Connection,
  greeted,
  heard,
  type Question,
  refusal,
  resetting,
  type Step,
  waited,
} from "./connection.ts";
import { tcpLimits } from "./limits.ts";

export interface MetadataEvents {
  /** A frame for the guest of the port. */
  send(portId: string, frame: Buffer): void;
  /** What the guest of the port is told now; undefined: nothing. */
  told(portId: string): Promise<Told | undefined>;
  /** A fault of ours. */
  fault(portId: string, error: unknown): void;
}

interface Open {
  readonly portId: string;
  readonly ends: SegmentEnds;
  connection: Connection;
}

/** What IP and TCP take of a packet. */
const headersBytes = 40;

export class MetadataService {
  readonly #events: MetadataEvents;
  readonly #nowMs: () => number;
  readonly #places = new Places<string>();
  /** By port, and the guest's address and port. */
  readonly #open = new Map<string, Open>();
  #timer: NodeJS.Timeout | undefined;

  constructor(events: MetadataEvents, nowMs: () => number) {
    this.#events = events;
    this.#nowMs = nowMs;
  }

  get connections(): number {
    return this.#open.size;
  }

  /** A whole packet of TCP for the service, from the port. */
  take({ portId, frame, packet, mtuBytes }: Arrived): void {
    const segment = readSegment(frame.bytes, packet);
    const ends = endsOf(frame, packet);
    const key = `${portId} ${ends.destination} ${ends.destinationPort}`;
    const open = this.#open.get(key);
    if (open !== undefined) this.#step(key, open, heard(open.connection, segment, this.#nowMs()));
    else if (segment.flags === flags.syn) this.#begin(key, { portId, ends }, { segment, mtuBytes });
    else for (const one of refusal(segment)) this.#events.send(portId, writeSegment(ends, one));
  }

  /** The port is not plugged in any more. */
  forget(portId: string): void {
    for (const [key, open] of this.#open) if (open.portId === portId) this.#end(key, open);
  }

  close(): void {
    this.#open.clear();
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #begin(key: string, about: Omit<Open, "connection">, { segment, mtuBytes }: Begun): void {
    const first = randomBytes(4).readUInt32BE();
    const opening = { first, segmentBytesMax: mtuBytes - headersBytes, nowMs: this.#nowMs() };
    const step = greeted(segment, opening);
    if (step.connection === undefined) return;
    const open = { ...about, connection: step.connection };
    const late = this.#places.take(about.portId, key);
    if (late !== undefined) this.#evict(late);
    this.#open.set(key, open);
    this.#timer ??= setInterval(() => this.#look(), tcpLimits.metadataLookPeriodMs).unref();
    this.#step(key, open, step);
  }

  /** Its place is taken already. */
  #evict(key: string): void {
    const open = this.#open.get(key);
    if (open !== undefined) this.#step(key, open, resetting(open.connection));
  }

  #look(): void {
    for (const [key, open] of this.#open) this.#step(key, open, waited(open.connection, this.#nowMs()));
    if (this.#open.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #step(key: string, open: Open, { connection, out, question }: Step): void {
    if (connection === undefined) this.#end(key, open);
    else open.connection = connection;
    for (const segment of out) this.#events.send(open.portId, writeSegment(open.ends, segment));
    if (question !== undefined) void this.#answer(key, open, question);
  }

  async #answer(key: string, open: Open, question: Question): Promise<void> {
    try {
      const answer = answerTo(question, await this.#events.told(open.portId));
      // It may have been ended meanwhile, or be another one.
      if (this.#open.get(key) === open)
        this.#step(key, open, answered(open.connection, answer, this.#nowMs()));
    } catch (error) {
      this.#events.fault(open.portId, error);
      if (this.#open.get(key) === open) this.#end(key, open);
    }
  }

  #end(key: string, { portId }: Open): void {
    this.#open.delete(key);
    this.#places.leave(portId, key);
  }
}

export interface Arrived {
  readonly portId: string;
  readonly frame: Frame;
  readonly packet: IpPacket;
  readonly mtuBytes: number;
}

interface Begun {
  readonly segment: Segment;
  readonly mtuBytes: number;
}

/** The answer comes from where the question went to, whatever device it was sent to. */
const endsOf = ({ bytes, source: destinationMac, destination }: Frame, packet: IpPacket): SegmentEnds => ({
  ...{ destinationMac, sourceMac: destination },
  ...{ source: packet.destination, destination: packet.source },
  sourcePort: bytes.readUInt16BE(packet.at + 2),
  destinationPort: bytes.readUInt16BE(packet.at),
});
