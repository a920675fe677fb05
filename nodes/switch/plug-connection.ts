/**
 * The connection to one guest: made as soon as QEMU listens, and again whenever it has ended. It must never
 * follow a link that a guest has put in the place of its socket.
 *
 * Tried with QEMU 7.2.22 (`-netdev stream,server=on`): it serves one client, listens again as soon as that
 * one has left, any number of times, and lets the next one wait in between; the socket's file stays. Frames
 * that the guest sends while nobody is connected are lost. A length of more than 69,632 bytes ends the
 * connection, and QEMU listens again.
 */
import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { FrameReader } from "./frames/stream.ts";
import { switchLimits } from "./limits.ts";
import { OutQueue } from "./out-queue.ts";
import { Allowance, type Turn, type Turns } from "./turns.ts";

/** Linux's O_PATH, which Node does not name: the file itself, whatever it is, without opening it. */
const pathOnly = 0o10000000;

/** Read into by one socket after the other: what is read is dealt with, or copied, before the next read. */
const readBuffer = Buffer.allocUnsafeSlow(switchLimits.readBytes);
const nothing = Buffer.alloc(0);

export interface PlugEvents {
  /** A frame of the guest, which is overwritten afterwards. */
  frame(bytes: Buffer): void;
  /** Frames of one read have been dealt with. */
  rest(): void;
  /** It is connected, or not any more. */
  changed(): void;
  /** What the guest sends is no stream of frames. */
  damaged(): void;
}

export class PlugConnection implements Turn {
  readonly #path: string;
  readonly #turns: Turns;
  readonly #allowance: Allowance;
  readonly #events: PlugEvents;
  #reader = new FrameReader();
  #socket: Socket | undefined;
  #queue: OutQueue | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(path: string, turns: Turns, events: PlugEvents) {
    this.#path = path;
    this.#turns = turns;
    this.#allowance = new Allowance(turns);
    this.#events = events;
    this.#dial();
  }

  /** Undefined: it is not connected. */
  get queue(): OutQueue | undefined {
    return this.#queue;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#turns.forget(this);
    this.#socket?.destroy();
  }

  go(): void {
    if (this.#take(nothing)) this.#socket?.resume();
  }

  #dial(): void {
    const descriptor = this.#open();
    if (descriptor === undefined) this.#again(switchLimits.connectPauseMs);
    else this.#connect(descriptor);
  }

  #connect(descriptor: number): void {
    const onread = {
      buffer: readBuffer,
      callback: (bytes: number) => this.#take(readBuffer.subarray(0, bytes)),
    };
    const socket = connect({ path: `/proc/self/fd/${descriptor}`, onread });
    this.#socket = socket;
    const opened = () => closeSync(descriptor);
    socket.once("connect", () => {
      opened();
      socket.off("close", opened);
      this.#queue = new OutQueue(socket);
      this.#reader = new FrameReader();
      this.#events.changed();
    });
    socket.once("close", opened);
    // Whatever it was, the end of the connection follows.
    socket.on("error", () => undefined);
    socket.once("close", () => this.#ended(socket));
  }

  /** The socket at the path, which nobody knows by another name: a guest can put what it likes there. */
  #open(): number | undefined {
    let descriptor: number;
    try {
      descriptor = openSync(this.#path, pathOnly | constants.O_NOFOLLOW);
    } catch {
      // QEMU does not listen yet.
      return undefined;
    }
    const found = fstatSync(descriptor);
    if (found.isSocket() && found.nlink === 1) return descriptor;
    closeSync(descriptor);
    return undefined;
  }

  #ended(socket: Socket): void {
    if (this.#socket !== socket) return;
    const wasConnected = this.#queue !== undefined;
    this.#queue = undefined;
    this.#socket = undefined;
    this.#turns.forget(this);
    if (wasConnected) this.#events.changed();
    this.#again(switchLimits.connectPauseMs);
  }

  #again(pauseMs: number): void {
    if (this.#isClosed || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#dial();
    }, pauseMs);
  }

  /** False: nothing more is read until the next turn. */
  #take(bytes: Buffer): boolean {
    let goesOn = true;
    const isWhole = this.#reader.read(bytes, (frame) => {
      this.#events.frame(frame);
      goesOn = this.#allowance.take();
      return goesOn;
    });
    this.#events.rest();
    if (!isWhole) return this.#hangUp();
    if (!goesOn) this.#turns.wait(this);
    return goesOn;
  }

  #hangUp(): false {
    this.#again(switchLimits.damagePauseMs);
    this.#socket?.destroy();
    this.#events.damaged();
    return false;
  }
}
