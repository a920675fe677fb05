/**
 * A guest's network card as a switch sees it: a Unix socket at which it listens as QEMU does, one client at a
 * time, with the length before each frame. What it receives is kept.
 */
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";

const nothing = Buffer.alloc(0);

export class FakeNic {
  readonly received: Buffer[] = [];
  readonly #server: Server;
  readonly #watching = new Set<() => void>();
  /** All that are open; frames go to the newest. */
  readonly #sockets = new Set<Socket>();
  #socket: Socket | undefined;
  #kept: Buffer = nothing;

  private constructor(server: Server) {
    this.#server = server;
    server.on("connection", (socket) => this.#take(socket));
  }

  static async listen(path: string): Promise<FakeNic> {
    const server = createServer();
    server.listen(path);
    await once(server, "listening");
    return new FakeNic(server);
  }

  get isConnected(): boolean {
    return this.#socket !== undefined;
  }

  send(...frames: readonly Buffer[]): void {
    const parts = frames.flatMap((frame) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(frame.length);
      return [length, frame];
    });
    this.sendBytes(Buffer.concat(parts));
  }

  sendBytes(bytes: Buffer): void {
    this.#socket?.write(bytes, () => this.#look());
  }

  /** Bytes that the switch has not read. */
  get unsentBytes(): number {
    return this.#socket?.writableLength ?? 0;
  }

  /** Reads nothing any more, as a guest that hangs. */
  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    this.#socket?.resume();
  }

  hangUp(): void {
    this.#socket?.destroy();
  }

  /** Resolves when the condition is true; every frame, connection and end of one asks again. */
  until(isTrue: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!isTrue()) return;
        this.#watching.delete(look);
        resolve();
      };
      this.#watching.add(look);
      look();
    });
  }

  /** The first frame received that fits, now or later. */
  async frame(fits: (frame: Buffer) => boolean): Promise<Buffer> {
    let found: Buffer | undefined;
    let seen = 0;
    await this.until(() => {
      for (; found === undefined && seen < this.received.length; seen += 1)
        if (fits(this.received[seen] ?? nothing)) found = this.received[seen];
      return found !== undefined;
    });
    return found ?? nothing;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  #take(socket: Socket): void {
    this.#socket = socket;
    this.#sockets.add(socket);
    this.#kept = nothing;
    socket.on("data", (bytes: Buffer) => this.#read(bytes));
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.#sockets.delete(socket);
      if (this.#socket === socket) this.#socket = undefined;
      this.#look();
    });
    this.#look();
  }

  #read(bytes: Buffer): void {
    let kept = Buffer.concat([this.#kept, bytes]);
    while (kept.length >= 4 && kept.length >= 4 + kept.readUInt32BE(0)) {
      const end = 4 + kept.readUInt32BE(0);
      this.received.push(kept.subarray(4, end));
      kept = kept.subarray(end);
    }
    this.#kept = kept;
    this.#look();
  }

  #look(): void {
    for (const look of [...this.#watching]) look();
  }
}
