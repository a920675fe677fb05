/** The client of NFS 3, on a server that begins anew, or sends what nobody may. */
import { createServer, type Socket } from "node:net";
import { expect } from "chai";
import { NfsError } from "../src/nfs.ts";
import { RpcClient } from "../src/rpc.ts";
import { XdrWriter } from "../src/xdr.ts";
import { ScriptedNfs } from "./scripted-nfs.ts";

const failureOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "nothing",
    (error: unknown) => (error instanceof NfsError ? error.fault : String(error)),
  );

describe("a client of a server of NFS", () => {
  it("asks once for the port and the directory, and anew when nobody listens there any more", async () => {
    const server = new ScriptedNfs();
    const client = server.client();
    for (const _ of ["first", "second"]) await client.removeFile(await client.root(), "x");
    expect(server.mounts).to.equal(1);
    server.ports = { mounts: 11, files: 21 };
    server.root = "bb";
    expect(await failureOf(client.removeFile("aa", "x"))).to.contain("does not answer");
    expect(await client.root()).to.equal("bb");
    await client.removeFile("bb", "x");
    expect([server.mounts, server.left]).to.deep.equal([2, 1]);
  });

  it("asks anew for a directory whose handle the server does not know, at the same port too", async () => {
    for (const status of [70, 10_001]) {
      const server = new ScriptedNfs();
      server.answer = (_, handle) => new XdrWriter().uint32(handle === server.root ? 0 : status);
      const client = server.client();
      await client.removeFile(await client.root(), "x");
      server.root = "bb";
      expect(await failureOf(client.removeFile(await client.root(), "x"))).to.equal("stale");
      await client.removeFile(await client.root(), "x");
      expect([server.mounts, server.left]).to.deep.equal([2, 1]);
    }
  });

  it("keeps what it knows while a server refuses", async () => {
    const server = new ScriptedNfs();
    const client = server.client();
    server.answer = () => new XdrWriter().uint32(2);
    for (const _ of ["first", "second"])
      expect(await failureOf(client.removeFile(await client.root(), "x"))).to.equal("missing");
    expect([server.mounts, server.left]).to.deep.equal([1, 0]);
  });
});

describe("a connection", () => {
  it("tells one that could not be made from one that broke", async () => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => sockets.push(socket.on("data", () => socket.destroy())));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = address !== null && typeof address === "object" ? address.port : 0;
    const client = new RpcClient("127.0.0.1", port);
    const call = { program: 1, version: 1, procedure: 1 };
    expect(await failureOf(client.call(call))).to.contain("does not answer");
    expect([client.isUnreachable, sockets.length]).to.deep.equal([false, 1]);
    await new Promise((resolve) => server.close(resolve));
    expect(await failureOf(client.call(call))).to.contain("does not answer");
    expect(client.isUnreachable).to.equal(true);
  });
});
