/**
 * Documents that cannot lie: what they list exists, and what exists is listed. The protocol's tables are
 * checked in both directions, because somebody writes a client from them without reading the code.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";

import { allCheckers } from "../actors/promises/judge.ts";
import { projectFiles, root } from "./tidy/source-tree.ts";

const read = (path: string): string => readFileSync(join(root, path), "utf8");

/** Sections of a document by their heading, to the next heading of the same depth. */
function sections(text: string, depth: number): ReadonlyMap<string, string> {
  const marks = "#".repeat(depth);
  const parts = text.split(new RegExp(`^${marks} `, "m")).slice(1);
  return new Map(parts.map((part) => [part.split("\n")[0] ?? "", part.slice(part.indexOf("\n"))]));
}

const specsIn = (text: string): readonly string[] =>
  [...text.matchAll(/`(spec\/[\w./-]+\.ts)`/g)].map(([, path = ""]) => path);

describe("spec/INVARIANTS.md", () => {
  const invariants = sections(read("spec/INVARIANTS.md"), 2);

  it("has a promise for each checker, with how it is kept and with specs that check it", () => {
    const numbers = [...invariants.keys()].map((title) => title.split(" ")[0]);
    expect(numbers).to.deep.equal(allCheckers().map(({ promise }) => promise));
    for (const [title, text] of invariants) {
      expect(text, title).to.include("**Kept by**").and.include("**Checked by**");
      expect(specsIn(text), title).to.not.be.empty;
    }
  });

  it("names specs that exist", () => {
    const lost = [...invariants.values()].flatMap(specsIn).filter((path) => !existsSync(join(root, path)));
    expect(lost).to.deep.equal([]);
  });
});

describe("spec/decisions", () => {
  const names = readdirSync(join(root, "spec/decisions"));
  const numbers = names.map((name) => name.slice(0, 4));

  it("have a number of their own, which their title repeats", () => {
    expect(numbers.filter((number, index) => numbers.indexOf(number) !== index)).to.deep.equal([]);
    const wrong = names.filter(
      (name) => !new RegExp(`^# ${name.slice(0, 4)}:? `).test(read(`spec/decisions/${name}`)),
    );
    expect(wrong).to.deep.equal([]);
  });

  it("say how somebody would notice that they were wrong", () => {
    const part = "## How we would notice that it was wrong";
    expect(names.filter((name) => !read(`spec/decisions/${name}`).includes(part))).to.deep.equal([]);
  });

  it("are there wherever one is named", () => {
    const texts = projectFiles().filter((path) => /\.(?:ts|mjs|md|sql|yaml)$/.test(path));
    const lost = texts.flatMap((path) =>
      [...read(path).matchAll(/\bdecisions? (\d{4})\b/g)]
        .filter(([, number = ""]) => !numbers.includes(number))
        .map(([named]) => `${path}: ${named}`),
    );
    expect(lost).to.deep.equal([]);
  });
});
