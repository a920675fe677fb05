/** What a catalogue's source may say, as values: lists of checksums, simplestreams, and nonsense. */
import { expect } from "chai";
import {
  byVersion,
  checksumOf,
  type Entry,
  entriesCalled,
  urlBelow,
} from "../../../nodes/catalogue/entry.ts";
import { nextUrl } from "../../../nodes/catalogue/http.ts";
import { catalogueLimits } from "../../../nodes/catalogue/limits.ts";
import { productEntries, productFilesIn } from "../../../nodes/catalogue/simplestreams.ts";
import { directoryEntries, sumsIn } from "../../../nodes/catalogue/sums.ts";
import { StatusError } from "../../../protocol/wire/status.ts";

const base = "https://mirror.example/images/";
const sum = "ab".repeat(32);
const nested = (depth: number): unknown => JSON.parse(`${"[".repeat(depth)}${"]".repeat(depth)}`);
const nonsense: readonly unknown[] = [
  ...[undefined, null, true, 0, -1, 1.5, Number.MAX_VALUE, "", "x", "../x", [], [[]], {}, nested(1_000)],
  JSON.parse('{"__proto__":{"products":{}},"constructor":1,"toString":null}'),
];

describe("the URL of a source's file", () => {
  it("lies at the source's place or below it", () => {
    expect(urlBelow(base, "a.qcow2")).to.equal(`${base}a.qcow2`);
    expect(urlBelow(base, "12/latest/a.qcow2")).to.equal(`${base}12/latest/a.qcow2`);
    expect(urlBelow(base, "streams/v1/com.ubuntu.cloud:released:download.json")).to.equal(
      `${base}streams/v1/com.ubuntu.cloud:released:download.json`,
    );
    expect(urlBelow("https://mirror.example/images", "a")).to.equal(`${base}a`);
  });

  it("leads nowhere else, however its path is spelled", () => {
    const elsewhere = [
      ...[
        "../a",
        "a/../../b",
        "/a",
        "//other.example/a",
        "https://other.example/a",
        "file:///etc/passwd",
        ".",
      ],
      ...[
        "..",
        "a/..",
        "a//b",
        "a/./b",
        "%2e%2e/a",
        "..%2fa",
        "\\\\other\\a",
        "a\\..\\b",
        "a b",
        "a\nb",
        "a\0b",
      ],
      ...["a?b", "a#b", "", "x".repeat(catalogueLimits.sourcePathLengthMax + 1), "\t../a"],
    ];
    for (const path of elsewhere) {
      const url = urlBelow(base, path);
      if (url !== undefined) expect(url, path).to.match(/^https:\/\/mirror\.example\/images\/[^/]/);
    }
    for (const path of elsewhere.filter(
      (one) => one !== "https://other.example/a" && one !== "file:///etc/passwd",
    ))
      expect(urlBelow(base, path), path).to.equal(undefined);
    for (const path of nonsense.filter((one) => one !== "x"))
      expect(urlBelow(base, path)).to.equal(undefined);
  });

  it("may redirect, but not from what is believed to what anybody may answer", () => {
    const from = new URL(base);
    expect(nextUrl(from, "b", true).href).to.equal(`${base}b`);
    expect(nextUrl(from, "https://other.example/b", true).href).to.equal("https://other.example/b");
    expect(nextUrl(from, "http://other.example/b", false).href).to.equal("http://other.example/b");
    const refused = [
      ["http://mirror.example/b", true],
      [undefined, false],
      ["file:///etc/passwd", false],
    ] as const;
    for (const [location, isBelieved] of [
      ...refused,
      ["ftp://a/b", false],
      ["http://u:p@a/b", false],
    ] as const)
      expect(() => nextUrl(from, location, isBelieved), location)
        .to.throw(StatusError)
        .with.property("reason", "catalogueRefused");
  });
});

describe("a list of checksums", () => {
  it("is read in the forms of sha256sum and sha512sum", () => {
    const long = "cd".repeat(64);
    const sums = sumsIn(`${sum}  a.qcow2\n${sum.toUpperCase()} *./b/c.raw\r\n${long}  d e.qcow2\n`);
    expect([...sums]).to.deep.equal([
      ["a.qcow2", { algorithm: "sha256", digest: sum }],
      ["b/c.raw", { algorithm: "sha256", digest: sum }],
      ["d e.qcow2", { algorithm: "sha512", digest: long }],
    ]);
  });

  it("is bounded, and wrong lines in it are passed over", () => {
    const wrong = [
      "",
      "x",
      `${sum}a  x.qcow2`,
      `${sum} x.qcow2`,
      `${"g".repeat(64)}  x.qcow2`,
      `${sum}  `,
      "\0".repeat(99),
    ];
    expect(sumsIn(`${wrong.join("\n")}\n${sum}  ${"x".repeat(513)}`).size).to.equal(0);
    const many = Array.from({ length: catalogueLimits.sumLinesMax + 10 }, (_, at) => `${sum}  ${at}.qcow2`);
    expect(sumsIn(many.join("\n")).size).to.equal(catalogueLimits.sumLinesMax);
  });

  it("is a directory's images: by the names of their files, or those that the configuration names", () => {
    const text = [
      `${sum}  debian-12-amd64.qcow2`,
      `${sum}  b-arm64.raw`,
      `${sum}  c.tar.xz`,
      `${sum}  ../d.qcow2`,
    ].join("\n");
    const all = directoryEntries({ source: "s", url: base, named: [] }, text);
    expect(all.map(({ name, format, architecture, url }) => [name, format, architecture, url])).to.deep.equal(
      [
        ["debian-12-amd64", "qcow2", "x86_64", `${base}debian-12-amd64.qcow2`],
        ["b-arm64", "raw", "aarch64", `${base}b-arm64.raw`],
      ],
    );
    const pinned = checksumOf("ef".repeat(64));
    const named = [
      { name: "debian", file: "debian-12-amd64.qcow2", version: "12", login: "debian", checksum: undefined },
      { name: "own", file: "own.raw", version: "-", login: null, checksum: pinned },
      { name: "lost", file: "lost.raw", version: "-", login: null, checksum: undefined },
    ];
    const some = directoryEntries({ source: "s", url: base, named }, text);
    expect(some.map(({ name, login, checksum }) => [name, login, checksum])).to.deep.equal([
      ["debian", "debian", { algorithm: "sha256", digest: sum }],
      ["own", null, pinned],
    ]);
  });
});

describe("simplestreams", () => {
  const item = (ftype: string, more: object = {}) => ({
    ftype,
    sha256: sum,
    size: 1_000,
    path: `server/${ftype}`,
    ...more,
  });
  const product = (more: object = {}) => ({
    ...{ os: "ubuntu", arch: "amd64", version: "24.04", release: "noble", aliases: "24.04,n,noble" },
    versions: {
      "20240401": { items: { old: item("disk1.img", { path: "old.img" }) } },
      "20240501": { items: { a: item("tar.gz"), b: item("disk1.img") } },
      "20240601": { items: { a: item("tar.gz") } },
    },
    ...more,
  });
  const read = (one: unknown) => productEntries({ format: "products:1.0", products: { one } }, "s", base);

  it("names its product files", () => {
    const index = {
      format: "index:1.0",
      index: {
        a: { format: "products:1.0", datatype: "image-downloads", path: "streams/v1/a.json" },
        b: { format: "products:1.0", datatype: "image-ids", path: "streams/v1/b.json" },
        c: { format: "products:1.0", datatype: "image-downloads", path: "../c.json" },
      },
    };
    expect(productFilesIn(index, base)).to.deep.equal([`${base}streams/v1/a.json`]);
    for (const wrong of nonsense) expect(productFilesIn(wrong, base)).to.deep.equal([]);
    for (const wrong of nonsense) expect(productFilesIn({ ...index, index: wrong }, base)).to.deep.equal([]);
    for (const wrong of nonsense)
      expect(productFilesIn({ ...index, index: { a: wrong } }, base)).to.deep.equal([]);
  });

  it("gives of each product the newest version that has a disk", () => {
    expect(read(product())).to.deep.equal([
      {
        ...{ source: "s", name: "ubuntu-24.04", aliases: ["ubuntu-noble", "ubuntu-n"], family: "ubuntu" },
        ...{ version: "24.04", architecture: "x86_64", format: "qcow2", url: `${base}server/disk1.img` },
        ...{ checksum: { algorithm: "sha256", digest: sum }, sizeBytes: 1_000, login: "ubuntu" },
      },
    ]);
  });

  it("passes over what is not as it should be, field by field, and reads the rest", () => {
    for (const wrong of nonsense) {
      expect(productEntries(wrong, "s", base)).to.deep.equal([]);
      expect(productEntries({ format: "products:1.0", products: wrong }, "s", base)).to.deep.equal([]);
      expect(read(wrong)).to.deep.equal([]);
      expect(read(product({ versions: wrong })), JSON.stringify(wrong)).to.deep.equal([]);
      expect(read(product({ versions: { a: { items: { b: wrong } } } }))).to.deep.equal([]);
      expect(read(product({ arch: wrong })), JSON.stringify(wrong)).to.deep.equal([]);
      expect(read(product({ aliases: wrong }))).to.have.length(1);
      if (wrong !== "x") expect(read(product({ os: wrong })), JSON.stringify(wrong)).to.deep.equal([]);
    }
    const only = (more: object) =>
      read(product({ versions: { a: { items: { b: item("disk1.img", more) } } } }));
    expect(only({})).to.have.length(1);
    const sizes = [
      0,
      -1,
      1.5,
      "1000",
      Number.NaN,
      Number.MAX_VALUE,
      catalogueLimits.fetchedBytesMax + 1,
      null,
    ];
    for (const size of sizes) expect(only({ size }), String(size)).to.deep.equal([]);
    for (const sha256 of [undefined, "", "x", sum.slice(1), `${sum}ab`, "ab".repeat(64), 5, [sum]])
      expect(only({ sha256 }), String(sha256)).to.deep.equal([]);
    for (const path of ["../../etc/passwd", "/a", "http://other.example/a\n", 5, null])
      expect(only({ path }), String(path)).to.deep.equal([]);
  });

  it("is bounded: products, aliases, words", () => {
    const products = Object.fromEntries(
      Array.from({ length: catalogueLimits.entriesPerSourceMax + 5 }, (_, at) => [`p${at}`, product()]),
    );
    expect(productEntries({ format: "products:1.0", products }, "s", base)).to.have.length(
      catalogueLimits.entriesPerSourceMax,
    );
    const aliases = Array.from({ length: 100 }, (_, at) => `a${at}`).join(",");
    expect(read(product({ aliases }))[0]?.aliases).to.have.length(catalogueLimits.entryAliasesMax);
    expect(read(product({ aliases: "x".repeat(1_000_000) }))[0]?.aliases).to.deep.equal(["ubuntu-noble"]);
    expect(read(product({ version: "x".repeat(101), release: "\u001b[31m" }))).to.deep.equal([]);
  });
});

describe("an image's name", () => {
  const entry = (name: string, version: string, more: Partial<Entry> = {}): Entry => ({
    ...{ source: "s", name, aliases: [], family: "ubuntu", version, architecture: "x86_64", format: "qcow2" },
    ...{ url: null, checksum: null, sizeBytes: null, login: null, ...more },
  });
  const entries = [
    entry("ubuntu-9.10", "9.10"),
    entry("ubuntu-24.04", "24.04", { aliases: ["ubuntu-noble"] }),
    entry("ubuntu-24.04", "24.04", { architecture: "aarch64" }),
    entry("ubuntu-22.04", "22.04"),
  ];
  const called = (word: string) => entriesCalled(entries, word, "x86_64").map(({ name }) => name);

  it("is its own, else an alias, else the family's newest", () => {
    expect(called("ubuntu-22.04")).to.deep.equal(["ubuntu-22.04"]);
    expect(called("ubuntu-noble")).to.deep.equal(["ubuntu-24.04"]);
    expect(called("ubuntu")).to.deep.equal(["ubuntu-24.04"]);
    expect(called("debian")).to.deep.equal([]);
    expect(called("constructor")).to.deep.equal([]);
  });

  it("compares versions as people do", () => {
    const sorted = ["10", "9", "9.10", "9.9", "12a", "12"].toSorted(byVersion);
    expect(sorted).to.deep.equal(["9", "9.9", "9.10", "10", "12", "12a"]);
    expect(byVersion("1".repeat(50), "2")).to.equal(1);
  });
});
