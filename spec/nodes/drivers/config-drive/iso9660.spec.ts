/** The writer of config drives: read back by our own reader, and by the readers that the computer has. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { isoImage } from "../../../../nodes/drivers/config-drive/iso9660.ts";
import { readIso } from "../../../support/iso-reader.ts";
import { noteSkip } from "../../../support/skipped.ts";

const atMs = Date.UTC(2030, 0, 2, 3, 4, 5);
const options = { label: "config-2", atMs };
const bytes = (text: string): Uint8Array => Buffer.from(text);
const files = new Map<string, Uint8Array>([
  ["openstack/latest/meta_data.json", bytes('{"uuid":"x"}\n')],
  ["openstack/latest/user_data", Buffer.alloc(5_000, 7)],
  ["openstack/2012-08-10/meta_data.json", bytes('{"uuid":"x"}\n')],
  ["ec2/latest/meta-data.json", bytes("{}\n")],
  ["meta-data", bytes("a\n")],
  ["meta_data", bytes("b\n")],
  ["user-data", new Uint8Array()],
]);
const image = isoImage(files, options);

/** The standard output of a program; undefined: it is not on this computer. */
function output(program: string, argv: readonly string[]): string | undefined {
  const { error, stdout, stderr, status } = spawnSync(program, argv, { encoding: "latin1" });
  if (error !== undefined) return undefined;
  expect(status, `${program}: ${stderr}`).to.equal(0);
  return stdout;
}

describe("the writer of config drives", () => {
  it("writes what is read again under the same names, with the same bytes", () => {
    const { label, files: read, bytes: size } = readIso(image, "joliet");
    expect([label, size]).to.deep.equal(["config-2", image.length]);
    expect([...read.keys()].sort()).to.deep.equal([...files.keys()].map((path) => `${path};1`).sort());
    for (const [path, content] of files) expect(read.get(`${path};1`)?.equals(content), path).to.equal(true);
  });

  it("writes names in capitals for readers that know no others, each of them once", () => {
    const { label, files: read } = readIso(image, "plain");
    expect(label).to.equal("config-2");
    expect([...read].map(([path, content]) => [path, content.length])).to.have.deep.members([
      ["META_DATA.;1", 2],
      ["META_DATA2.;1", 2],
      ["USER_DATA.;1", 0],
      ["EC2/LATEST/META_DATA.JSON;1", 3],
      ["OPENSTACK/2012_08_10/META_DATA.JSON;1", 13],
      ["OPENSTACK/LATEST/META_DATA.JSON;1", 13],
      ["OPENSTACK/LATEST/USER_DATA.;1", 5_000],
    ]);
  });

  it("writes the same bytes again, whatever the order in which the files come", () => {
    const turned = new Map([...files].reverse());
    expect(isoImage(turned, options).equals(image)).to.equal(true);
    const hash = createHash("sha256").update(image).digest("hex");
    expect(hash).to.equal("f9aaa96921d3ffe772c25661f188715f795bbcb3e0258bd28b1883d2136a2138");
  });

  it("keeps files of the same bytes once", () => {
    const content = Buffer.alloc(40 * 2_048, 1);
    const same = new Map([...Array(5).keys()].map((index) => [`file-${index}`, content]));
    expect(isoImage(same, options).length).to.be.below(2 * content.length);
    expect(
      [...readIso(isoImage(same, options), "joliet").files.values()].every((one) => one.equals(content)),
    ).to.equal(true);
  });

  it("lets no record cross the end of a sector, however many files a directory has", () => {
    const many = new Map(
      [...Array(250).keys()].map((index) => [`d/${String(index).padStart(31, "n")}`, bytes(String(index))]),
    );
    for (const names of ["plain", "joliet"] as const) {
      const read = readIso(isoImage(many, options), names).files;
      expect(read.size).to.equal(250);
    }
  });

  it("orders directories by their own names, not by their paths", () => {
    const paths = ["a/x", "a-b/x", "a/b/x", "a.b/x"];
    const made = isoImage(new Map(paths.map((path) => [path, bytes(path)])), options);
    for (const names of ["plain", "joliet"] as const)
      expect([...readIso(made, names).files.values()].map(String).sort()).to.deep.equal([...paths].sort());
  });

  it("refuses what it could not write right", () => {
    const one = (path: string, label = "config-2", content: Uint8Array = bytes("")) =>
      isoImage(new Map([[path, content]]), { ...options, label });
    for (const path of ["", "a//b", "../a", "a/", "/a", "é", "x".repeat(32), "a b", "1/2/3/4/5/6/7/8"])
      expect(() => one(path), path).to.throw();
    for (const label of ["", "x".repeat(17), "é", "a b"]) expect(() => one("a", label), label).to.throw();
    expect(() => one("a", "config-2", Buffer.alloc(5 * 1024 * 1024))).to.throw("too large");
    const many = new Map([...Array(300).keys()].map((index) => [`f${index}`, bytes("")]));
    expect(() => isoImage(many, options)).to.throw("too many");
  });

  describe("is read by", () => {
    let directory = "";
    let file = "";
    before(() => {
      directory = mkdtempSync(join(tmpdir(), "novact-iso-"));
      file = join(directory, "drive.iso");
      writeFileSync(file, image);
    });
    after(() => rmSync(directory, { recursive: true, force: true }));

    const expected = [...files.keys()].sort();
    const readers: readonly (readonly [string, readonly string[], (text: string) => readonly string[]])[] = [
      [
        "isoinfo",
        ["-J", "-f", "-i"],
        (text) =>
          text
            .split("\n")
            .map((line) => line.slice(1).replace(/;1$/, ""))
            .filter((line) => expected.includes(line)),
      ],
      ["bsdtar", ["-t", "-f"], (text) => text.split("\n").filter((line) => expected.includes(line))],
    ];
    for (const [program, argv, namesIn] of readers)
      it(`${program}`, function () {
        const listed = output(program, [...argv, file]);
        if (listed === undefined) {
          noteSkip(this.runnable(), `${program} is not installed`);
          this.skip();
        }
        expect(
          namesIn(listed)
            .map((name) => name.replace(/^\//, ""))
            .sort(),
        ).to.deep.equal(expected);
      });

    it("blkid, by its label", function () {
      const found = output("blkid", ["-p", "-o", "export", file]);
      if (found === undefined) {
        noteSkip(this.runnable(), "blkid is not installed");
        this.skip();
      }
      expect(found)
        .to.match(/^LABEL=config-2$/m)
        .and.match(/^TYPE=iso9660$/m);
    });
  });
});
