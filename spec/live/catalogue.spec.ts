/**
 * A catalogue against a server of our own: what is read of its sources, and how an image's file is fetched
 * when the server breaks off, redirects, lies or never ends.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { Entry } from "../../nodes/catalogue/entry.ts";
import { fetchImage } from "../../nodes/catalogue/fetch.ts";
import { catalogueLimits } from "../../nodes/catalogue/limits.ts";
import { readCatalogue } from "../../nodes/catalogue/read.ts";
import type { CatalogueSource } from "../../nodes/config/catalogue.ts";
import { commandOn, nowhere } from "../nodes/cli/cli-world.ts";
import { CatalogueServer, digestOf, ownCertificate } from "../support/catalogue-server.ts";
import { skip } from "../support/services.ts";

const never = new AbortController().signal;

async function reasonOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    return error instanceof Error && "reason" in error ? String(error.reason) : String(error);
  }
  throw new Error("it was accepted");
}

describe("a catalogue's server", () => {
  const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 7 + (at >> 8)) % 256));
  let place: string;
  let server: CatalogueServer;

  beforeEach(async () => {
    place = mkdtempSync(join(tmpdir(), "novact-catalogue-"));
    server = await CatalogueServer.start();
    server.put("a.qcow2", bytes);
  });
  afterEach(async () => {
    await server.close();
    rmSync(place, { recursive: true });
  });

  const entryOf = (more: Partial<Entry> = {}): Entry => ({
    ...{ source: "own", name: "a", aliases: [], family: "a", version: "1", architecture: "x86_64" },
    ...{ format: "qcow2", url: `${server.url}a.qcow2`, sizeBytes: bytes.length, login: null },
    ...{ checksum: { algorithm: "sha256", digest: digestOf(bytes) }, ...more },
  });
  const fetched = (entry = entryOf(), signal = never) => {
    const seen: number[] = [];
    const progress = (at: number) => seen.push(at);
    return fetchImage({ entry, directory: place, signal, progress }).then((file) => ({ file, seen }));
  };

  describe("gives a file", () => {
    it("which is there as a whole under its checksum, or not at all", async () => {
      const { file, seen } = await fetched();
      expect(readFileSync(file).equals(bytes)).to.equal(true);
      expect(file).to.equal(join(place, `${digestOf(bytes)}.qcow2`));
      expect(readdirSync(place)).to.have.length(1);
      expect(seen.at(-1)).to.equal(bytes.length);
    });

    it("by its sha512, of a size that nobody said", async () => {
      const checksum = { algorithm: "sha512", digest: digestOf(bytes, "sha512") } as const;
      const { file } = await fetched(entryOf({ checksum, sizeBytes: null }));
      expect(readFileSync(file).equals(bytes)).to.equal(true);
    });

    it("on from where the connection ended, as often as it brings bytes", async () => {
      server.cuts.push(100_000, 50_000);
      const { file } = await fetched();
      expect(readFileSync(file).equals(bytes)).to.equal(true);
      expect(server.asked).to.have.length(3);
      expect(server.asked[2]).to.match(/^a\.qcow2 bytes=[1-9]\d*-$/);
    });

    it("on from where an earlier fetch was ended", async () => {
      const stop = new AbortController();
      server.put("a.qcow2", (_request, response) => {
        response.writeHead(200, { "content-length": bytes.length });
        response.write(bytes.subarray(0, 1_000));
      });
      const progress = () => stop.abort(new Error("Interrupted."));
      const first = fetchImage({ entry: entryOf(), directory: place, signal: stop.signal, progress });
      expect(await reasonOf(first)).to.include("Interrupted");
      expect(readdirSync(place)).to.deep.equal([`${digestOf(bytes)}.part`]);
      server.put("a.qcow2", bytes);
      const { file } = await fetched();
      expect(readFileSync(file).equals(bytes)).to.equal(true);
      expect(server.asked.at(-1)).to.equal("a.qcow2 bytes=1000-");
    });

    it("anew when what is there of it is of another file, or when the server keeps no ranges", async () => {
      const part = join(place, `${digestOf(bytes)}.part`);
      writeFileSync(part, "something else");
      expect(readFileSync((await fetched()).file).equals(bytes)).to.equal(true);
      expect(server.asked).to.deep.equal(["a.qcow2 bytes=14-", "a.qcow2"]);
      writeFileSync(part, bytes.subarray(0, 1_000));
      server.put("a.qcow2", (_request, response) => response.end(bytes));
      expect(readFileSync((await fetched()).file).equals(bytes)).to.equal(true);
      writeFileSync(part, Buffer.concat([bytes, bytes]));
      expect(readFileSync((await fetched()).file).equals(bytes)).to.equal(true);
    });

    it("by way of redirections, which are few", async () => {
      server.put("b", (_request, response) => response.writeHead(302, { location: "/a.qcow2" }).end());
      expect(readFileSync((await fetched(entryOf({ url: `${server.url}b` }))).file).equals(bytes)).to.equal(
        true,
      );
      server.put("c", (_request, response) => response.writeHead(302, { location: "/c" }).end());
      expect(await reasonOf(fetched(entryOf({ url: `${server.url}c` })))).to.equal("catalogueRefused");
      expect(server.asked.filter((path) => path === "c")).to.have.length(catalogueLimits.redirectsMax + 1);
    });
  });

  describe("is not believed", () => {
    const leavesNothing = () => expect(readdirSync(place)).to.deep.equal([]);

    it("when its bytes are others", async () => {
      server.put("a.qcow2", Buffer.concat([bytes.subarray(1), Buffer.from("x")]));
      expect(await reasonOf(fetched())).to.equal("checksumMismatch");
      leavesNothing();
    });

    it("when it sends more than there is, also without an end", async () => {
      server.put("a.qcow2", (_request, response) => {
        const more = (): void => {
          if (response.write(bytes)) setImmediate(more);
          else response.once("drain", more);
        };
        response.on("error", () => undefined);
        more();
      });
      expect(await reasonOf(fetched())).to.equal("catalogueRefused");
      leavesNothing();
    });

    it("when it answers with another range, or with a status that says no", async () => {
      writeFileSync(join(place, `${digestOf(bytes)}.part`), bytes.subarray(0, 1_000));
      server.put("a.qcow2", (_request, response) =>
        response.writeHead(206, { "content-range": `bytes 0-9/${bytes.length}` }).end("0123456789"),
      );
      expect(await reasonOf(fetched())).to.equal("catalogueUnreadable");
      server.put("a.qcow2", (_request, response) => response.writeHead(500).end());
      expect(await reasonOf(fetched())).to.equal("catalogueUnreadable");
      expect(existsSync(join(place, `${digestOf(bytes)}.part`))).to.equal(true);
    });

    it("when nobody listens", async () => {
      const entry = entryOf();
      await server.close();
      expect(await reasonOf(fetched(entry))).to.equal("catalogueUnreadable");
      server = await CatalogueServer.start();
    });
  });

  describe("tells of its images", () => {
    const source = (more: Partial<CatalogueSource> = {}): CatalogueSource => ({
      ...{
        name: "own",
        kind: "directory",
        url: server.url,
        list: "SHA256SUMS",
        caFile: undefined,
        images: [],
      },
      ...more,
    });
    const read = (...sources: readonly CatalogueSource[]) => readCatalogue(sources, never);
    const reasons = async (...sources: readonly CatalogueSource[]) =>
      (await read(...sources)).faults.map(({ source: name, error }) => `${name}: ${error.reason}`);

    it("as a directory, and as simplestreams", async () => {
      server.put("SHA256SUMS", `${digestOf(bytes)} *a.qcow2\n`);
      const items = {
        a: { ftype: "disk1.img", sha256: digestOf(bytes), size: bytes.length, path: "a.qcow2" },
      };
      const product = { os: "ubuntu", arch: "amd64", version: "24.04", versions: { "1": { items } } };
      const listed = { format: "products:1.0", datatype: "image-downloads", path: "streams/v1/p.json" };
      server.put("streams/v1/index.json", JSON.stringify({ format: "index:1.0", index: { p: listed } }));
      server.put("streams/v1/p.json", JSON.stringify({ format: "products:1.0", products: { p: product } }));
      const streams = source({ name: "streams", kind: "simplestreams", list: undefined });
      const { entries, faults } = await read(source(), streams);
      expect(faults).to.deep.equal([]);
      expect(entries.map(({ source: from, name }) => `${from} ${name}`)).to.deep.equal([
        "own a",
        "streams ubuntu-24.04",
      ]);
      for (const entry of entries) {
        const { file } = await fetched(entry);
        expect(readFileSync(file).equals(bytes)).to.equal(true);
      }
    });

    it("each source by itself: one that fails hides no other", async () => {
      server.put("SHA256SUMS", `${digestOf(bytes)} *a.qcow2\n`);
      const { entries, faults } = await read(source({ name: "lost", list: "NONE" }), source());
      expect(entries.map(({ name }) => name)).to.deep.equal(["a"]);
      expect(faults.map(({ source: name }) => name)).to.deep.equal(["lost"]);
    });

    it("in vain, when its index has no end, is no JSON, or is of other certificates than the file says", async () => {
      const streams = source({ kind: "simplestreams", list: undefined });
      server.put("streams/v1/index.json", "{");
      expect(await reasons(streams)).to.deep.equal(["own: catalogueRefused"]);
      server.put("streams/v1/index.json", (_request, response) => {
        const zeros = Buffer.alloc(1024 * 1024);
        const more = (): void => {
          if (response.write(zeros)) setImmediate(more);
          else response.once("drain", more);
        };
        response.on("error", () => undefined);
        more();
      });
      expect(await reasons(streams)).to.deep.equal(["own: catalogueRefused"]);
      expect(await reasons(source({ caFile: "/nowhere" }))).to.deep.equal(["own: catalogueRefused"]);
    });

    it("by https to who trusts its certificate, and never on by http", async function () {
      const own = ownCertificate();
      if (own === undefined) return skip(this, "openssl is not installed");
      const caFile = join(place, "ca.pem");
      writeFileSync(caFile, own.cert);
      const secure = await CatalogueServer.start(own);
      try {
        secure.put("SHA256SUMS", `${digestOf(bytes)} *a.qcow2\n`);
        const trusting = source({ url: secure.url, caFile });
        expect((await read(trusting)).entries.map(({ name }) => name)).to.deep.equal(["a"]);
        expect(await reasons(source({ url: secure.url }))).to.deep.equal(["own: catalogueUnreadable"]);
        server.put("SHA256SUMS", `${"0".repeat(64)} *a.qcow2\n`);
        secure.put("SHA256SUMS", (_request, response) =>
          response.writeHead(302, { location: `${server.url}SHA256SUMS` }).end(),
        );
        expect(await reasons(trusting)).to.deep.equal(["own: catalogueRefused"]);
        expect(server.asked).to.deep.equal([]);
      } finally {
        await secure.close();
      }
    });
  });

  it("is listed by novact image catalogue, in 100 columns and as values, with what is left out", async () => {
    const config = join(place, "cluster.yaml");
    const name = "a-name-as-long-as-people-and-their-programs-make-them-for-images";
    const images = [{ name, file: "a.qcow2", version: "1", login: "root", checksum: digestOf(bytes) }];
    const own = { name: "own", kind: "directory", url: server.url, images };
    const lost = { name: "lost", kind: "simplestreams", url: "https://127.0.0.1:1/" };
    writeFileSync(config, JSON.stringify({ catalogue: [own, lost] }));
    const novact = commandOn(nowhere);
    const table = await novact(`image catalogue --config ${config}`, { tty: true, env: { NO_COLOR: "1" } });
    expect(table.exit, table.err).to.equal(0);
    expect(table.err).to.include("The source lost is left out: https://127.0.0.1:1/streams/v1/index.json");
    const lines = table.out.trimEnd().split("\n");
    const [, debian = "", long = ""] = lines;
    expect(debian).to.match(/^debian .* built here/);
    expect(long).to.match(/^a-name-as-.*….* own/);
    expect(Math.max(...lines.map(({ length }) => length))).to.be.at.most(100);
    const { out } = await novact(`image catalogue a-name --json --config ${config}`);
    expect(JSON.parse(out)).to.deep.equal([
      {
        ...{ source: "own", name, aliases: [], family: name, version: "1", architecture: "x86_64" },
        ...{ format: "qcow2", url: `${server.url}a.qcow2`, sizeBytes: null, login: "root" },
        checksum: { algorithm: "sha256", digest: digestOf(bytes) },
      },
    ]);
    expect(server.asked, "an image is fetched when it is wanted").to.deep.equal([]);
  });
});
