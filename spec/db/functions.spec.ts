/** The files of SQL: each has one function, carries its name, and opens with its purpose. */
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { expect } from "chai";
import { sqlFunctions } from "../../db/postgres/functions.ts";
import { sqlTokens } from "../../db/postgres/sql-tokens.ts";
import { columnNameOf } from "../../db/rows/row-changes.ts";
import { instance } from "../support/store-rows.ts";

const root = join(import.meta.dirname, "../../db");
const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter(
  (path) => path.endsWith(".sql") && path !== "schema.sql",
);
const textOf = (path: string): string => readFileSync(join(root, path), "utf8");

describe("the rules of a commit", () => {
  const rules = readdirSync(join(root, "rules"), { withFileTypes: true }).filter((one) => one.isDirectory());

  it("stand in a folder each: their SQL, the same in memory, and what they are in three lines", () => {
    expect(rules.length).to.be.greaterThan(5);
    for (const { name } of rules) {
      const inside = readdirSync(join(root, "rules", name));
      expect(inside, name).to.include.members([`${name}.sql`, "memory.ts", "README.md"]);
      const lines = textOf(`rules/${name}/README.md`)
        .split("\n")
        .filter((line) => line !== "");
      expect(lines, name).to.have.length(3);
      for (const file of inside.filter((one) => one.endsWith(".sql")))
        expect(lines[2], name).to.contain(`\`${file}\``);
    }
  });
});

describe("the functions of the database", () => {
  it("are each in a file named for it", () => {
    const names = files.map((path) => `novact_${basename(path, ".sql").replaceAll("-", "_")}`);
    expect(sqlFunctions().map(({ name }) => name)).to.deep.equal(names.sort());
    for (const path of files)
      expect(textOf(path), path).to.contain(
        `create or replace function novact_${basename(path, ".sql").replaceAll("-", "_")}(`,
      );
  });

  it("open by saying what they are for, in lines that can be read", () => {
    for (const path of files) {
      expect(textOf(path), path).to.match(/^-- \S.+\S.*\n/);
      const wide = textOf(path)
        .split("\n")
        .filter((line) => line.length > 110);
      expect(wide, path).to.deep.equal([]);
    }
  });

  it("write every field of an instance, when it is made and when it changes", () => {
    const [made = "", changed = ""] = textOf("sql/commit-instances.sql").split("update instance t set");
    const words = (text: string) => sqlTokens(text.replace(/\$\$;|as \$\$/g, "")).join(" ");
    const fields = Object.keys(instance("any"));
    const of = (field: string) => `r . ${/[A-Z]/.test(field) ? `"${field}"` : field}`;
    const has = (text: string, part: string) => ` ${text} `.includes(` ${part} `);
    const unmade = fields.filter((field) => !has(words(made), of(field)));
    expect(unmade).to.deep.equal([]);
    const unchanged = fields
      .filter((field) => field !== "id")
      .filter((field) => !has(words(changed), `${columnNameOf(field)} = ${of(field)}`));
    expect(unchanged).to.deep.equal([]);
  });

  it("are all called: by a trigger, by another one, or by the store", () => {
    const called = files.flatMap((path) => sqlTokens(textOf(path).replace(/as \$\$|^\$\$;/gm, "")).slice());
    const entries = ["novact_commit", "novact_recover", "novact_rehearse"];
    for (const { name } of sqlFunctions())
      expect(entries.includes(name) || called.filter((token) => token === name).length > 1, name).to.equal(
        true,
      );
  });
});
