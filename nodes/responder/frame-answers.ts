/**
 * The responder's end of the hatches: takes guests' frames, and gives those that answer them, or that guests
 * are told without having asked. Whose frame it is is said by the kernel, and by nothing that a guest sends.
 */
import { createSocket, type Socket } from "node:dgram";
import { readVxlan, writeVxlan } from "../switch/frames/vxlan.ts";
import { Announcements } from "./announcements.ts";
import { answerToFrame, told } from "./frames.ts";
import { hatchPorts } from "./hatch.ts";
import { responderLimits } from "./limits.ts";
import type { AnsweredGuest6 } from "./state.ts";

/** In a frame that comes by a hatch, the sender says which port has asked. */
const askerOf = (frame: Buffer): string => frame.toString("hex", 6, 12);

export interface FrameAnswersParts {
  /** The service address. */
  readonly address: string;
  readonly nowMs: () => number;
  /** Undefined: it listens. */
  readonly heard: (error: unknown) => void;
  /** A fault of ours. */
  readonly fault: (what: string, error: unknown) => void;
}

export class FrameAnswers {
  readonly #parts: FrameAnswersParts;
  readonly #announcements = new Announcements();
  #guests: ReadonlyMap<string, AnsweredGuest6> = new Map();
  #socket: Socket | undefined;

  constructor(parts: FrameAnswersParts) {
    this.#parts = parts;
  }

  /** From now on; guests are soon told what is new to them. */
  answer(guests: readonly AnsweredGuest6[]): void {
    this.#guests = new Map(guests.map((guest) => [guest.asker, guest]));
    const texts = guests.map((guest) => [guest.asker, JSON.stringify(guest)] as const);
    this.#announcements.update(new Map(texts), this.#parts.nowMs());
  }

  listen(): void {
    const socket = createSocket({ type: "udp4", recvBufferSize: responderLimits.questionBytesMax });
    const { heard, address } = this.#parts;
    socket.on("message", (bytes, { port }) => this.#take(bytes, port));
    socket.on("listening", () => {
      this.#socket = socket;
      heard(undefined);
    });
    socket.on("error", (error) => {
      this.#socket = undefined;
      heard(error);
      socket.close();
      setTimeout(() => this.listen(), responderLimits.bindRetryMs);
    });
    socket.bind(hatchPorts.responder, address);
  }

  /** Called again and again. */
  announce(): void {
    if (this.#socket === undefined) return;
    for (const asker of this.#announcements.due(this.#parts.nowMs())) {
      const guest = this.#guests.get(asker);
      if (guest !== undefined) this.#send(guest, told(guest));
    }
  }

  #take(bytes: Buffer, port: number): void {
    try {
      const frame = readVxlan(bytes)?.frame;
      const guest = frame && this.#guests.get(askerOf(frame));
      const answer = guest && answerToFrame(guest, frame);
      if (guest !== undefined && answer !== undefined) this.#send(guest, answer);
    } catch (error) {
      this.#parts.fault(`a frame from port ${port}`, error);
    }
  }

  /** What cannot be sent is asked for, or told, again. */
  #send({ hatch }: AnsweredGuest6, frame: Buffer): void {
    this.#socket?.send(writeVxlan(hatch, frame), hatchPorts.device, this.#parts.address, () => undefined);
  }
}
