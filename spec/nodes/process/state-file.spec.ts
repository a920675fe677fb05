/** Small state files: whole or absent, closed to others, and never believed when they are damaged. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import {
  makeStateFile,
  readStateFile,
  StateFileError,
  writeStateFile,
} from "../../../nodes/process/state-file.ts";

describe("a state file", () => {
  let directory: string;
  const file = () => join(directory, "password");
  const expected = { pattern: /^[0-9a-f]{4}$/, advice: "Restore it." };
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "novact-state-file-"));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it("is written for its owner alone, replaced as a whole, and leaves nothing beside it", () => {
    writeStateFile(file(), "abcd\n");
    expect(statSync(file()).mode & 0o777).to.equal(0o600);
    const { ino } = statSync(file());
    writeStateFile(file(), "0123\n", 0o644);
    expect(statSync(file()).ino).not.to.equal(ino);
    expect(statSync(file()).mode & 0o777).to.equal(0o644 & ~process.umask());
    expect(readFileSync(file(), "utf8")).to.equal("0123\n");
    expect(readdirSync(directory)).to.deep.equal(["password"]);
  });

  it("is made once: whoever is second finds what the first one made", () => {
    makeStateFile(file(), "abcd\n");
    makeStateFile(file(), "0123\n");
    expect(readStateFile(file(), expected)).to.equal("abcd");
    expect(readdirSync(directory)).to.deep.equal(["password"]);
  });

  it("is read when it is as expected, and undefined when it is missing", () => {
    expect(readStateFile(file(), expected)).to.equal(undefined);
    writeFileSync(file(), " abcd\n\n");
    expect(readStateFile(file(), expected)).to.equal("abcd");
  });

  for (const [what, text] of [
    ["empty", ""],
    ["empty", "\n"],
    ["damaged", "abc"],
    ["damaged", "abcd\nabcd"],
    ["damaged", "\0\0\0\0"],
  ] as const) {
    it(`that is ${what} (${JSON.stringify(text)}) is an error that names it and says what to do`, () => {
      writeFileSync(file(), text);
      const says = `${file()} is ${what}. Restore it.`;
      expect(() => readStateFile(file(), expected)).to.throw(StateFileError, says);
    });
  }
});
