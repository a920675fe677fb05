/** The client of NFS 3, on a server that begins anew, or sends what nobody may. */
import { createServer, type Socket } from "node:net";
import { expect } from "chai";
import { NfsError } from "../src/nfs.ts";
import { RpcClient } from "../src/rpc.ts";
import { XdrWriter } from "../src/xdr.ts";
import { ScriptedNfs } from "./scripted-nfs.ts";

interface Page {
  readonly names: readonly string[];
  readonly cookies: readonly bigint[];
  readonly isLast: boolean;
}

const nowhere: Page = { names: [], cookies: [], isLast: false };

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

describe("a listing", () => {
  const page = ({ names, cookies, isLast }: Page): XdrWriter => {
    const writer = new XdrWriter().uint32(0).uint32(0).fixed(Buffer.alloc(8));
    names.forEach((name, index) => {
      writer
        .uint32(1)
        .uint64(9n)
        .text(name)
        .uint64(cookies[index] ?? 0n);
      writer.uint32(1).uint32(2).fixed(Buffer.alloc(80)).uint32(1).opaque(Buffer.from("cc", "hex"));
    });
    return writer.uint32(0).uint32(isLast ? 1 : 0);
  };
  /** The names that are listed, or the failure; and how many pages were asked for. */
  const listed = async (pages: (count: number) => Page) => {
    const server = new ScriptedNfs();
    let count = 0;
    server.answer = () => {
      count += 1;
      return page(pages(count));
    };
    const client = server.client();
    const names = client.list("aa").then((entries) => entries.map(({ name }) => name).join(" "));
    return [await names.catch((error: unknown) => String(error)), count];
  };

  it("is read to its end, page after page, without the names of directories themselves", async () => {
    const pages: readonly Page[] = [
      { names: [".", ".."], cookies: [1n, 2n], isLast: false },
      { names: ["a", "b"], cookies: [3n, 4n], isLast: false },
      { names: [], cookies: [], isLast: true },
    ];
    expect(await listed((count) => pages[count - 1] ?? nowhere)).to.deep.equal(["a b", 3]);
  });

  it("without an end ends in an error, whatever the pages bring", async () => {
    const stays: Page = { names: ["a"], cookies: [7n], isLast: false };
    const dots = (count: number): Page => ({ names: ["."], cookies: [BigInt(count)], isLast: false });
    const names = Array.from({ length: 100 }, (_, index) => `n${index}`);
    const many = (count: number): Page => ({ names, cookies: names.map(() => BigInt(count)), isLast: false });
    const leadsNowhere = "WireError: The server sends a page that leads nowhere.";
    expect(await listed(() => nowhere)).to.deep.equal([leadsNowhere, 1]);
    expect(await listed((count) => (count === 1 ? stays : nowhere))).to.deep.equal([leadsNowhere, 2]);
    expect(await listed(() => stays)).to.deep.equal([leadsNowhere, 2]);
    expect(await listed(dots)).to.deep.equal(["WireError: The directory has too many pages.", 2_000]);
    expect(await listed(many)).to.deep.equal(["WireError: The directory has too many entries.", 201]);
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
