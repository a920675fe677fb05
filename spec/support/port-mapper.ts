/**
 * A port mapper for a server that a spec starts: it tells where the programs listen, and lets the server
 * register with it. It stands where the computer's own would, but on another loopback address and in another
 * directory, so that neither is touched.
 */
import { createServer, type Server, type Socket } from "node:net";
import { Records, record } from "../examples/nfs/src/rpc.ts";
import { XdrReader, XdrWriter } from "../examples/nfs/src/xdr.ts";

const programs = { mount: 100_005, nfs: 100_003 };

export interface PortMapper {
  close(): Promise<void>;
}

/** `socket`: of the server that registers; `host`: of the clients that ask. */
export async function beginPortMapper(
  { socket, host }: { readonly socket: string; readonly host: string },
  ports: { readonly mount: number; readonly nfs: number },
): Promise<PortMapper> {
  const sockets = new Set<Socket>();
  const serve = (connection: Socket) => {
    sockets.add(connection);
    const records = new Records();
    connection.on("data", (bytes) => {
      for (const each of records.add(bytes)) connection.write(record(answerTo(new XdrReader(each), ports)));
    });
    connection.on("error", () => connection.destroy());
    connection.on("close", () => sockets.delete(connection));
  };
  const servers = [createServer(serve), createServer(serve)] as const;
  await listening(servers[0], { path: socket });
  await listening(servers[1], { host, port: 111 });
  return {
    close: async () => {
      for (const one of sockets) one.destroy();
      await Promise.all(servers.map((one) => new Promise((resolve) => one.close(resolve))));
    },
  };
}

const listening = (server: Server, on: { path: string } | { host: string; port: number }): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(on, resolve);
  });

function answerTo(reader: XdrReader, ports: { readonly mount: number; readonly nfs: number }): Buffer {
  const id = reader.uint32();
  for (const _ of ["call", "version", "program"]) reader.uint32();
  const version = reader.uint32();
  const procedure = reader.uint32();
  for (const _ of ["credentials", "verifier"]) {
    reader.uint32();
    reader.opaque(400);
  }
  const answer = new XdrWriter().uint32(id).uint32(1).uint32(0).uint32(0).uint32(0).uint32(0);
  // NULL has no result; SET and UNSET are done; of version 2 alone ports are asked for.
  if (procedure === 0) return answer.bytes();
  if (procedure < 3 || version !== 2) return answer.uint32(1).bytes();
  const program = reader.uint32();
  const port = program === programs.mount ? ports.mount : program === programs.nfs ? ports.nfs : 0;
  return answer.uint32(port).bytes();
}
