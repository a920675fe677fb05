/** The other end of a guest's interface that is a Unix stream: reads and writes Ethernet frames. */
import { createConnection, type Socket } from "node:net";

const headerBytes = 4;

/** Connects as soon as somebody listens. @throws Error when nobody does in time */
export async function connectStream(path: string, patienceMs = 20_000): Promise<StreamPeer> {
  const deadlineMs = performance.now() + patienceMs;
  for (;;) {
    const socket = await tryConnect(path);
    if (typeof socket !== "string") return new StreamPeer(socket);
    if (performance.now() > deadlineMs) throw new Error(`Nobody listens at ${path}: ${socket}.`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function tryConnect(path: string): Promise<Socket | string> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    socket.once("connect", () => resolve(socket));
    socket.once("error", (error) => resolve(String(error)));
  });
}

export class StreamPeer {
  readonly #socket: Socket;
  readonly #frames: Buffer[] = [];
  #rest: Buffer<ArrayBufferLike> = Buffer.alloc(0);
  #wake: (() => void) | undefined;
  #ended = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
    socket.on("error", () => this.#end());
    socket.on("close", () => this.#end());
  }

  /** The next frame. @throws Error when the other side has left */
  async next(): Promise<Buffer> {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame !== undefined) return frame;
      if (this.#ended) throw new Error("The guest's hypervisor has left.");
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  send(frame: Buffer): void {
    const header = Buffer.alloc(headerBytes);
    header.writeUInt32BE(frame.length);
    this.#socket.write(Buffer.concat([header, frame]));
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= headerBytes) {
      const end = headerBytes + this.#rest.readUInt32BE();
      if (this.#rest.length < end) break;
      this.#frames.push(Buffer.from(this.#rest.subarray(headerBytes, end)));
      this.#rest = this.#rest.subarray(end);
    }
    this.#wake?.();
  }

  #end(): void {
    this.#ended = true;
    this.#wake?.();
  }
}

/** The address that a frame says it comes from. */
export const sourceOf = (frame: Buffer): string =>
  [...frame.subarray(6, 12)].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
