/** A server of NFS that answers what a spec says, in bytes, at ports that it may change. */
import { Nfs3 } from "../src/nfs3.ts";
import { silent } from "../src/refusals.ts";
import type { Call, Connection } from "../src/rpc.ts";
import { XdrReader, XdrWriter } from "../src/xdr.ts";

const mapper = { program: 100_000, port: 111 };
const mountProgram = 100_005;

export class ScriptedNfs {
  /** Where it listens for mounts and for files. */
  ports = { mounts: 10, files: 20 };
  /** Of the exported directory, in hexadecimal digits. */
  root = "aa";
  /** Handles that clients were given by mounts. */
  mounts = 0;
  /** Connections that a client has left. */
  left = 0;
  /** Answers to calls of files, by the number of the procedure; the handle comes first in a call. */
  answer: (procedure: number, handle: string) => XdrWriter = () => new XdrWriter().uint32(0);

  client(): Nfs3 {
    const server = { host: "192.0.2.1", path: "/v", owner: { uid: 1, gid: 1 }, writerUid: 2 };
    return new Nfs3(server, (port) => this.#connection(port));
  }

  #connection(port: number): Connection {
    const isThere = () => port === mapper.port || Object.values(this.ports).includes(port);
    return {
      call: async (call) => {
        if (!isThere()) throw silent();
        return new XdrReader(this.#answerTo(call).bytes());
      },
      close: () => undefined,
      leave: () => {
        this.left += 1;
      },
      get isUnreachable() {
        return !isThere();
      },
    };
  }

  #answerTo({ program, procedure, body }: Call): XdrWriter {
    const asked = new XdrReader(body?.bytes() ?? Buffer.alloc(0));
    if (program === mapper.program)
      return new XdrWriter().uint32(asked.uint32() === mountProgram ? this.ports.mounts : this.ports.files);
    if (program !== mountProgram) return this.answer(procedure, asked.opaque(64).toString("hex"));
    this.mounts += 1;
    return new XdrWriter().uint32(0).opaque(Buffer.from(this.root, "hex"));
  }
}
