/** Copies of root disks in directories of guests: which are whole, which are left, and how they are sent. */
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { FileCopies } from "../../../../nodes/drivers/copies/copies.ts";
import { makeStateDirectories, type StateDirectories } from "../../../../nodes/drivers/guest-directory.ts";
import { systemIds } from "../../../../nodes/process/clock.ts";

const signal = new AbortController().signal;
const bytes = Buffer.alloc(20_000_000, "novact");
const sha256 = createHash("sha256").update(bytes).digest("hex");

describe("copies of root disks in directories of guests", () => {
  let directories: StateDirectories;
  let copies: FileCopies;
  let own: string;
  let of: { readonly imageId: string; readonly instanceId: string; readonly ownerEpoch: number };
  beforeEach(() => {
    directories = makeStateDirectories(mkdtempSync(join(tmpdir(), "novact-copies-")));
    const instanceId = systemIds(1).next();
    of = { imageId: "image-1", instanceId, ownerEpoch: 3 };
    own = join(directories.guests, instanceId);
    mkdirSync(own);
    copies = new FileCopies(directories, async () => join(own, "disk.qcow2"), [directories.images]);
  });
  afterEach(() => rmSync(directories.root, { recursive: true, force: true }));

  const filled = () => writeFileSync(join(own, "copy.part"), bytes);

  it("are whole when they have a record, and go when nobody needs them", async () => {
    filled();
    expect(await copies.keep(of, signal)).to.deep.equal({ ...of, sizeBytes: bytes.length, sha256 });
    expect(await copies.kept()).to.deep.equal([{ ...of, sizeBytes: bytes.length, sha256 }]);
    expect(await copies.leftovers()).to.deep.equal([]);
    await copies.clear(of.instanceId);
    expect(readdirSync(own).sort()).to.deep.equal(["copy-image-1.json", "copy-image-1.qcow2"]);
    await copies.remove("another");
    await copies.remove(of.imageId);
    expect(readdirSync(own)).to.deep.equal([]);
  });

  it("are left over without a writer, or without a record", async () => {
    filled();
    expect(await copies.leftovers()).to.deep.equal([of.instanceId]);
    await copies.clear(of.instanceId);
    writeFileSync(join(own, "copy-image-1.qcow2"), "half");
    writeFileSync(join(own, "disk.qcow2"), "the guest's");
    expect([await copies.leftovers(), await copies.kept()]).to.deep.equal([[of.instanceId], []]);
    await copies.clear(of.instanceId);
    expect(readdirSync(own)).to.deep.equal(["disk.qcow2"]);
  });

  it("count as none with a record that says something else", async () => {
    for (const text of ["", "{", "null", JSON.stringify({ ...of, imageId: "image-2" })]) {
      writeFileSync(join(own, "copy-image-1.json"), text);
      expect(await copies.kept(), text).to.deep.equal([]);
    }
  });

  it("cannot be named out of their directory", async () => {
    await copies.remove("../disk");
    filled();
    const thrown = await copies.keep({ ...of, imageId: "../x" }, signal).catch((error: Error) => error);
    expect(thrown).to.be.instanceOf(Error);
    expect(readdirSync(own)).to.deep.equal(["copy.part"]);
  });

  describe("on their way", () => {
    let server: Server;
    let url: string;
    const taken: { readonly offset: number; readonly length: number; readonly ticket: string }[] = [];
    let refuse: object | undefined;
    before((done) => {
      server = createServer((request, response) => {
        const pieces: Buffer[] = [];
        request.on("data", (piece: Buffer) => pieces.push(piece));
        request.on("end", () => {
          const offset = Number(request.headers["upload-offset"]);
          const body = Buffer.concat(pieces);
          if (!body.equals(bytes.subarray(offset, offset + body.length))) throw new Error("Other bytes.");
          taken.push({ offset, length: body.length, ticket: String(request.headers.authorization) });
          response.end(JSON.stringify(refuse ?? { nextOffset: offset + body.length }));
        });
      });
      server.listen(0, "127.0.0.1", done);
    });
    after(() => server.close());
    beforeEach(async () => {
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/uploads/x`;
      taken.length = 0;
      refuse = undefined;
      filled();
      await copies.keep(of, signal);
    });
    const reasonOf = (work: Promise<unknown>) =>
      work.then(
        () => "none",
        (error: { readonly reason?: string }) => error.reason,
      );

    it("go on where they are told to, in pieces, with their ticket", async () => {
      await copies.send(of.imageId, { url, ticket: "t", nextOffset: 5 }, signal);
      expect(taken[0]).to.include({ offset: 5, ticket: "Bearer t" });
      expect(taken.reduce((sum, { length }) => sum + length, 5)).to.equal(bytes.length);
      expect(taken.length).to.be.greaterThan(1);
    });

    it("end with what their receiver refuses, or that there is none", async () => {
      const way = { url, ticket: "t", nextOffset: 0 };
      refuse = { error: { code: "UNAUTHENTICATED", reason: "ticketInvalid", message: "Old.", next: "" } };
      expect(await reasonOf(copies.send(of.imageId, way, signal))).to.equal("ticketInvalid");
      refuse = { nextOffset: 0 };
      expect(await reasonOf(copies.send(of.imageId, way, signal))).to.equal("uploadOffset");
      refuse = {};
      expect(await reasonOf(copies.send(of.imageId, way, signal))).to.equal("imageElsewhere");
      const nowhere = { ...way, url: "http://127.0.0.1:1/v1/uploads/x" };
      expect(await reasonOf(copies.send(of.imageId, nowhere, signal))).to.equal("imageElsewhere");
      expect(await reasonOf(copies.send("another", way, signal))).to.equal("copyLost");
    });
  });
});
