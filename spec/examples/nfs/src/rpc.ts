/**
 * Calls of a server's programs (ONC RPC, RFC 5531), over one TCP connection, each with a deadline. A
 * connection that breaks fails what waits on it, and the next call makes another one. Nothing is sent twice:
 * who asked repeats what may be repeated.
 */
import { createConnection, type Socket } from "node:net";
import { nfsLimits } from "./limits.ts";
import { busy, silent } from "./refusals.ts";
import { WireError, XdrReader, XdrWriter } from "./xdr.ts";

/** As whom the server is asked: AUTH_SYS, which a server believes. */
export interface Credentials {
  readonly uid: number;
  readonly gid: number;
}

export interface Call {
  readonly program: number;
  readonly version: number;
  readonly procedure: number;
  /** Absent: as nobody in particular. */
  readonly as?: Credentials;
  readonly body?: XdrWriter;
}

interface Waiting {
  readonly resolve: (reader: XdrReader) => void;
  readonly reject: (error: Error) => void;
}

const lastFragment = 0x8000_0000;
const machineName = "novact";

/** What is needed of a connection, so that a spec can answer in a server's place. */
export type Connection = Pick<RpcClient, "call" | "close" | "leave" | "isUnreachable">;

export class RpcClient {
  readonly #address: { readonly host: string; readonly port: number };
  readonly #waiting = new Map<number, Waiting>();
  #socket: Socket | undefined;
  #nextId = 1;
  #isUnreachable = false;
  #isLeft = false;

  constructor(host: string, port: number) {
    this.#address = { host, port };
  }

  /** @throws storageUnknown when it does not answer; WireError when it answers what nobody may */
  async call(call: Call): Promise<XdrReader> {
    if (this.#waiting.size >= nfsLimits.callsMax) throw busy();
    const id = this.#nextId;
    this.#nextId = (this.#nextId % 0xffff_fffe) + 1;
    const socket = this.#open();
    const { promise, resolve, reject } = Promise.withResolvers<XdrReader>();
    this.#waiting.set(id, { resolve, reject });
    const timer = setTimeout(() => this.#end(socket), nfsLimits.answerMsMax).unref();
    try {
      socket.ref();
      socket.write(record(message(id, call)));
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
      if (this.#waiting.size === 0) socket.unref();
      if (this.#waiting.size === 0 && this.#isLeft) this.close();
    }
  }

  /** Whether the last connection that was tried could not be made: nobody listens at this port any more. */
  get isUnreachable(): boolean {
    return this.#isUnreachable;
  }

  /** Closes as soon as nobody waits for an answer. */
  leave(): void {
    this.#isLeft = true;
    if (this.#waiting.size === 0) this.close();
  }

  close(): void {
    if (this.#socket !== undefined) this.#end(this.#socket);
  }

  #open(): Socket {
    if (this.#socket !== undefined) return this.#socket;
    const socket = createConnection({ ...this.#address, noDelay: true });
    this.#socket = socket;
    let isMade = false;
    socket.on("connect", () => (isMade = true));
    const fail = () => {
      if (this.#socket === socket) this.#isUnreachable = !isMade;
      this.#end(socket);
    };
    const records = new Records();
    socket.setTimeout(nfsLimits.connectMsMax, () => socket.connecting && fail());
    socket.on("data", (bytes) => {
      try {
        for (const each of records.add(bytes)) this.#hear(new XdrReader(each));
      } catch (error) {
        this.#end(socket, error instanceof Error ? error : undefined);
      }
    });
    socket.on("error", fail);
    socket.on("close", fail);
    return socket;
  }

  #hear(reader: XdrReader): void {
    const waiting = this.#waiting.get(reader.uint32());
    // An answer that nobody waits for any more came too late.
    if (waiting === undefined) return;
    try {
      takeHeader(reader);
      waiting.resolve(reader);
    } catch (error) {
      waiting.reject(error instanceof Error ? error : new WireError(String(error)));
    }
  }

  /** Calls that wait on this connection fail; calls on a later connection go on. */
  #end(socket: Socket, error: Error = silent()): void {
    socket.destroy();
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

export function message(id: number, { program, version, procedure, as, body }: Call): Buffer {
  const writer = new XdrWriter().uint32(id).uint32(0).uint32(2);
  writer.uint32(program).uint32(version).uint32(procedure);
  if (as === undefined) writer.uint32(0).uint32(0);
  else {
    const words = new XdrWriter().uint32(0).text(machineName).uint32(as.uid).uint32(as.gid).uint32(0);
    writer.uint32(1).opaque(words.bytes());
  }
  writer.uint32(0).uint32(0);
  return Buffer.concat([writer.bytes(), body?.bytes() ?? Buffer.alloc(0)]);
}

export function record(bytes: Buffer): Buffer {
  const head = new XdrWriter().uint32(lastFragment + bytes.length).bytes();
  return Buffer.concat([head, bytes]);
}

/** Reads on to the result of a call. @throws WireError */
function takeHeader(reader: XdrReader): void {
  if (reader.uint32() !== 1) throw new WireError("The server sends what is no answer.");
  if (reader.uint32() !== 0) throw new WireError("The server refuses who asks it.");
  reader.uint32();
  reader.opaque(400);
  const status = reader.uint32();
  if (status !== 0) throw new WireError(`The server does not know this call (${status}).`);
}

/** Messages out of a stream, by their marks. */
export class Records {
  #bytes = Buffer.alloc(0);
  #message = Buffer.alloc(0);

  /** @throws WireError for a message that is longer than any may be */
  add(bytes: Buffer): readonly Buffer[] {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    const whole: Buffer[] = [];
    while (this.#bytes.length >= 4) {
      const mark = this.#bytes.readUInt32BE();
      const length = mark % lastFragment;
      if (length + this.#message.length > nfsLimits.answerBytesMax)
        throw new WireError("The server sends more than it may.");
      if (this.#bytes.length < 4 + length) break;
      this.#message = Buffer.concat([this.#message, this.#bytes.subarray(4, 4 + length)]);
      this.#bytes = this.#bytes.subarray(4 + length);
      if (mark < lastFragment) continue;
      whole.push(this.#message);
      this.#message = Buffer.alloc(0);
    }
    return whole;
  }
}
