/**
 * The rules of the code that a program can check, checked: who imports whom, what may stand where, how long
 * things are, and that nothing is exported or documented in vain. Every rule also proves that it can fail.
 * What a reviewer would have to remember belongs here instead.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { aboveCeiling, judgeComments, unclearCommentsMax } from "./tidy/comments.ts";
import { deadExports } from "./tidy/exports.ts";
import { importCycles, importFaults, importTable, pureFiles, upwards } from "./tidy/import-rules.ts";
import { arrowsUpwards, drawRooms, roomOf } from "./tidy/rooms.ts";
import { projectFiles, readSourceTree, root, sourceFile } from "./tidy/source-tree.ts";
import { forbiddenWords, pureRule, type TextRule, textRules, wordHash } from "./tidy/text-rules.ts";

/** Files whose exports are for somebody outside this project, or found by a tool. */
const entryPoints = [
  /^protocol\/index\.ts$/,
  /^nodes\/(?:sdk\/(?:sdk|browser)|package\/plugin)\.ts$/,
  /^db\/migrations\//,
  /^spec\//,
];

/**
 * Words of no business of this project, by their hash: naming them here would put them into the repository.
 * `node -e` with wordHash of spec/tidy/text-rules.ts adds one.
 */
const forbidden = new Set<string>([
  "c857d09db23e",
  "c70eca6b0f88",
  "7d3194f79e64",
  "60965168ce76",
  "053ea4804ef1",
  "3ea125d0bff3",
  "57de4cf40144",
  "5d72436256ad",
  "487b91042c7c",
  "94a168d2da57",
  "29447fab346b",
  "746d1113c358",
  "7b8af088deda",
  "be587c6fc5d4",
  "7b1bca67f132",
  "2b3f6a7e9d6c",
  "e8b9a5cedd38",
  "dbaef2e5a80d",
  "576ded55d7bb",
  "b7024370a390",
  "2c0c9faa4c82",
  "ba20768a02ee",
  "f943752d3f52",
  "2da59699d819",
]);

describe("tidy", () => {
  const files = readSourceTree();
  const named = (path: string, lines: readonly number[]): string[] => lines.map((line) => `${path}:${line}`);

  describe("imports", () => {
    it("go down only: protocol <- actors <- db <- nodes, and spec above all", () => {
      expect(files.flatMap(importFaults)).to.deep.equal([]);
    });

    it("of rooms go down only, and the two wings of the actors do not know each other", () => {
      expect(upwards()).to.deep.equal([]);
      const storey = [
        { room: "a", knows: ["b"] },
        { room: "b", knows: [] },
      ];
      expect(upwards(storey)).to.deep.equal(["a -> b"]);
    });

    it("are drawn without an arrow upwards, and with every file in a room", () => {
      expect(arrowsUpwards(drawRooms(files))).to.deep.equal([]);
      const homeless = files.filter(({ path }) => !path.startsWith("spec/") && roomOf(path) === undefined);
      expect(homeless.map(({ path }) => path)).to.deep.equal([]);
      const upward = sourceFile("actors/records/a.ts", 'import type { X } from "../ports/b.ts";');
      expect(arrowsUpwards(drawRooms([upward]))).to.deep.equal(["actors/records -> actors/ports"]);
    });

    it("go nowhere in circles", () => {
      expect(importCycles(files)).to.deep.equal([]);
    });

    it("name files that exist", () => {
      const paths = new Set(projectFiles());
      const lost = files.flatMap((file) =>
        file.imports
          .filter((one) => one.isFile && !paths.has(one.target))
          .map((one) => `${file.path}: ${one.target}`),
      );
      expect(lost).to.deep.equal([]);
    });

    it("the table has no row that fits no file", () => {
      const idle = importTable.filter((row) => !files.some(({ path }) => row.files.test(path)));
      expect(idle.map((row) => row.files.source)).to.deep.equal([]);
    });

    const offences: readonly (readonly [path: string, text: string])[] = [
      ["protocol/a.ts", 'import { x } from "../actors/runtime/system.ts";'],
      ["protocol/a.ts", 'import type { X } from "../actors/runtime/system.ts";'],
      ["actors/control/scheduler/actor.ts", 'import { PostgresStore } from "../../../db/postgres/store.ts";'],
      ["actors/control/scheduler/actor.ts", 'import { createActorSystem } from "../../runtime/actor.ts";'],
      ["actors/control/scheduler/actor.ts", 'import { spawn } from "nact";'],
      ["actors/control/scheduler/actor.ts", 'import { decide } from "../instance/decide.ts";'],
      ["actors/control/scheduler/actor.ts", 'import { readFile } from "node:fs/promises";'],
      ["actors/control/scheduler/decide.ts", 'import type { X } from "../instance/state.ts";'],
      ["actors/control/scheduler/decide.ts", 'import { createHash } from "node:crypto";'],
      ["actors/control/fleet/a.ts", 'import { x } from "../../node/host/host.ts";'],
      ["actors/control/fleet/a.ts", 'import type { X } from "../../node/host/host.ts";'],
      ["actors/control/fleet/a.ts", 'import { x } from "../../shared-storage/host-storage.ts";'],
      ["actors/control/instance/a.ts", 'import { x } from "../fleet/fencer.ts";'],
      ["actors/node/host/a.ts", 'import { x } from "../../control/instance/state.ts";'],
      ["actors/node/host/a.ts", 'import { x } from "../../shared-storage/sweeper.ts";'],
      ["actors/shared-storage/a.ts", 'import type { X } from "../node/host/ledger.ts";'],
      ["actors/ports/store.ts", 'import { start } from "nact";'],
      ["actors/ports/store.ts", 'import { x } from "../records/commit.ts";'],
      ["protocol/wire/a.ts", 'import { x } from "../instance.ts";'],
      ["db/postgres/store.ts", 'import { connect } from "nats";'],
      ["db/postgres/store.ts", 'import { read } from "../nodes/config.ts";'],
      ["db/postgres/store.ts", 'export { Cell } from "../../actors/runtime/cell.ts";'],
      ["protocol/wire/a.ts", 'import { isUtf8 } from "node:buffer";'],
      ["nodes/sdk/browser.ts", 'import { readFile } from "node:fs/promises";'],
      ["nodes/sdk/browser.ts", 'import { connect } from "./sdk.ts";'],
      ["nodes/bus/nats.ts", 'import { readCredentials } from "./credentials.ts";'],
      ["nodes/compute/main.ts", 'import { MikroORM } from "@mikro-orm/postgresql";'],
      ["nodes/compute/main.ts", 'const { start } = await import("nact");'],
      ["nodes/fence/a.ts", 'import { x } from "../up/up.ts";'],
      ["nodes/cli/run.ts", 'import { decide } from "../../actors/control/instance/decide.ts";'],
      ["nodes/bus/a.ts", 'import { counter } from "../../spec/support/counter-actor.ts";'],
      ["elsewhere/a.ts", ""],
    ];
    for (const [path, text] of offences) {
      it(`would see ${text === "" ? "a file of no folder" : text} in ${path}`, () => {
        expect(importFaults(sourceFile(path, text))).to.have.length(1);
      });
    }

    it("would see a circle, also one of types and one through several files", () => {
      const circle = [
        sourceFile("a/one.ts", 'import type { X } from "./two.ts";'),
        sourceFile("a/two.ts", 'import { y } from "../b/three.ts";'),
        sourceFile("b/three.ts", 'export * from "../a/one.ts";'),
      ];
      expect(importCycles(circle)).to.deep.equal(["a/one.ts -> a/two.ts -> b/three.ts -> a/one.ts"]);
    });
  });

  describe("text", () => {
    for (const rule of textRules) {
      it(rule.name, () => {
        const checked = files.filter(({ path }) => rule.appliesTo(path));
        expect(checked.flatMap((file) => named(file.path, rule.find(file)))).to.deep.equal([]);
      });
    }

    it(`${pureRule.name}, and in everything that it uses`, () => {
      const pure = pureFiles(files);
      expect(pure.size).to.be.greaterThan(10);
      const checked = files.filter(({ path }) => pure.has(path));
      expect(checked.flatMap((file) => named(file.path, pureRule.find(file)))).to.deep.equal([]);
    });

    for (const rule of [...textRules, pureRule]) {
      it(`would see an offence against "${rule.name}", and nothing where there is none`, () => prove(rule));
    }
  });

  describe("words", () => {
    it("that are of no business of this project are nowhere in it", () => {
      const texts = projectFiles().filter((path) =>
        /\.(?:ts|mjs|md|json|ya?ml|sh|html|css)$|(?:^|\/)[^.]+$/.test(path),
      );
      const found = texts
        .filter((path) => path !== "package-lock.json")
        .flatMap((path) =>
          forbiddenWords(readFileSync(join(root, path), "utf8"), forbidden).map((word) => `${path}:${word}`),
        );
      expect(found).to.deep.equal([]);
    });

    it("would be seen, inside longer ones too", () => {
      const list = new Set([wordHash("zebra"), wordHash("quagga.md")]);
      const text = "a Zebra\nnone here\nsee ../quagga.md and zebra-crossing";
      expect(forbiddenWords(text, list)).to.deep.equal(["1: Zebra", "3: quagga.md", "3: zebra"]);
    });
  });

  describe("comments", () => {
    it("are not made of pronouns and fillers more often than they were", () => {
      const { judged, unclear } = judgeComments(files);
      const count = `${unclear.length} of ${judged} comments need a second reading, ${unclearCommentsMax} may`;
      if (unclear.length > 0) console.warn(`      ${count}: node spec/tidy/comments.ts lists them`);
      expect(aboveCeiling(unclear.length)).to.equal("");
    });

    const unclearIn = (text: string): readonly string[] =>
      judgeComments([sourceFile("nodes/a.ts", text)]).unclear.map((one) => `${one.line}: ${one.text}`);

    it("would be seen, also over several lines, inside code and with words in backquotes", () => {
      const text = [
        "/**\n * Of the one that nobody knows it\n * cannot be said that this is so.\n */",
        "const a = 1; // Those of them that it has, and others.",
        "  // The one that begins when\n  // it has ended: `x`.",
      ];
      expect(unclearIn(text.join("\n"))).to.deep.equal([
        "5: Those of them that it has, and others.",
        "1: Of the one that nobody knows it cannot be said that this is so.",
        "6: The one that begins when it has ended: `x`.",
      ]);
    });

    it("would not be seen where nouns are, in a few words, or in what is no comment", () => {
      const text = [
        "/** An unknown guest counts as fenced: another host may take it over. */",
        "// That is all of it.",
        'const a = "it that one of them which nobody here has";',
        "/** `it` `that` `one` are the names of all three hosts. */",
      ];
      expect(unclearIn(text.join("\n"))).to.deep.equal([]);
    });

    it("would fail above the ceiling, and not at it", () => {
      expect(aboveCeiling(7, 7)).to.equal("");
      expect(aboveCeiling(8, 7)).to.include("8 comments");
    });
  });

  describe("exports", () => {
    it("are imported by somebody", () => {
      expect(deadExports(files, entryPoints)).to.deep.equal([]);
    });

    it("would be seen when nobody does", () => {
      const made = [
        sourceFile("a.ts", "export const used = 1;\nexport function dead() {}\nexport interface Alone {}\n"),
        sourceFile(
          "b.ts",
          'import { used } from "./a.ts";\nexport type Shape = 1;\nconst x: Shape = used;\n',
        ),
      ];
      expect(deadExports(made, [])).to.deep.equal(["a.ts: dead", "a.ts: Alone"]);
    });
  });

  describe("the linter and the formatter", () => {
    const biome = async (args: readonly string[]): Promise<string> => {
      const options = { cwd: root, maxBuffer: 16 * 1024 * 1024 };
      return promisify(execFile)(
        join(root, "node_modules/.bin/biome"),
        [...args, "--reporter=github"],
        options,
      ).then(
        () => "",
        (error: { readonly stdout: string; readonly stderr: string }) => error.stdout + error.stderr,
      );
    };

    it("find nothing", async function () {
      this.timeout(60_000);
      expect(await biome(["check", "--error-on-warnings", "--max-diagnostics=50", "."])).to.equal("");
    });

    it("would see a function, parameters or an assertion of a kind that we do not want", async () => {
      const directory = mkdtempSync(join(tmpdir(), "novact-tidy-"));
      const path = join(directory, "made-up.ts");
      const offences = [
        `export function long() {\n${"  console.log();\n".repeat(71)}}`,
        "export const many = (a: 1, b: 1, c: 1, d: 1, e: 1) => [a, b, c, d, e];",
        "export const first = (list: string[]) => list[0]!.length;",
        "export function nothing() {}",
      ];
      writeFileSync(path, offences.join("\n"));
      const seen = await biome(["lint", `--config-path=${join(root, "biome.json")}`, path]);
      rmSync(directory, { recursive: true });
      const rules = [
        "noExcessiveLinesPerFunction",
        "useMaxParams",
        "noNonNullAssertion",
        "noEmptyBlockStatements",
      ];
      for (const rule of rules) expect(seen).to.include(rule);
    });
  });
});

function prove(rule: TextRule): void {
  const [guilty, clean] = [rule.offence, rule.innocent].map(({ path, text }) => sourceFile(path, text));
  if (guilty === undefined || clean === undefined) throw new Error("A rule without its proof.");
  expect(rule.appliesTo(guilty.path), "the rule must apply to its own offence").to.equal(true);
  expect(rule.find(guilty), "the offence").to.not.be.empty;
  expect(rule.find(clean), "what is allowed").to.be.empty;
}
