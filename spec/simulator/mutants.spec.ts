/**
 * The list of mutants fits the code: each guard is there exactly once, each promise has one, and a few of
 * them are caught here and now. All of them: npm run simulate -- --mutants
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { allCheckers } from "../../actors/promises/judge.ts";
import { deathsMax, Worker } from "./many-workers.ts";
import { mutants } from "./mutants.ts";
import { tryMutants } from "./mutants-run.ts";
import { changesOf, mutantNamed, mutated, sourceOf } from "./mutate.ts";
import { planOf } from "./plan.ts";

/** Mutants that the first seeds show. */
const quick = ["halt-undone", "answer-before-commit", "duplicate-request", "any-list"];

const word = /(?<![\w$])[A-Za-z_$][\w$]*/g;
/** Words of the language and its library, and a name that a mutant itself declares. */
const languageWords = "as catch clear Map new one reverse set size slice sort true typeof".split(" ");

/** Static imports: what is imported, and from where. */
const importPattern = /^import ([^;]*?) from "([^"]+)";/gm;

describe("mutants", () => {
  for (const mutant of mutants)
    it(`${mutant.name} finds its guard once, and changes it`, () => {
      for (const change of changesOf(mutant)) {
        const source = sourceOf(change);
        expect(mutated(change, source)).to.not.equal(source);
      }
    });

  it("use only words that their file has, so that a rename leaves none of them without effect", () => {
    const strange = mutants.flatMap(changesOf).flatMap((mutant) => {
      const code = sourceOf(mutant).replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
      const words = new Set([...languageWords, ...(code.match(word) ?? [])]);
      const used = mutant.replace.replace(/"[^"]*"|`[^`]*`/g, "").match(word) ?? [];
      return used.filter((one) => !words.has(one)).map((one) => `${mutant.name}: ${one}`);
    });
    expect(strange).to.deep.equal([]);
  });

  it("have names of their own", () => {
    expect(new Set(mutants.map(({ name }) => name)).size).to.equal(mutants.length);
  });

  it("are installed before any code that they could change is loaded", () => {
    const loaded = new Set<string>();
    const load = (path: string): void => {
      if (loaded.has(path)) return;
      loaded.add(path);
      const source = readFileSync(path, "utf8");
      for (const [, names = "", from = ""] of source.matchAll(importPattern))
        if (!names.startsWith("type ") && from.startsWith(".")) load(join(dirname(path), from));
    };
    load(join(import.meta.dirname, "mutate.ts"));
    load(join(import.meta.dirname, "main.ts"));
    const code = [...loaded].filter((path) => !path.startsWith(join(import.meta.dirname, "/")));
    expect(loaded).to.include(join(import.meta.dirname, "plan-surroundings.ts"));
    expect(code).to.deep.equal([]);
  });

  it("are there for every promise", () => {
    const promises = new Set(mutants.map(({ promise }) => promise));
    const missing = allCheckers().filter(({ promise }) => !promises.has(promise));
    expect(missing.map(({ promise }) => promise)).to.deep.equal([]);
  });

  it("of unknown names, and guards that are not there, are refused loudly", () => {
    expect(() => mutantNamed("made-up")).to.throw("There is no mutant made-up");
    const [mutant] = mutants;
    if (mutant === undefined) throw new Error("There are no mutants.");
    expect(() => mutated(mutant, "")).to.throw("0 times");
    expect(() => mutated(mutant, mutant.find + mutant.find)).to.throw("2 times");
  });

  it("of processes that cannot start end the search instead of starting them for ever", async () => {
    const worker = new Worker("made-up");
    const plan = planOf("1");
    for (let death = 1; death <= deathsMax; death += 1) {
      const { violations } = await worker.run(plan);
      expect(violations[0]?.message).to.contain("The process that ran it ended");
    }
    expect(await worker.run(plan).catch((thrown: Error) => thrown.message)).to.contain("in a row ended");
    worker.end();
  });

  it(`are caught by the promise that they break: ${quick.join(", ")}`, async () => {
    const signal = new AbortController().signal;
    const trying = { seeds: 40, from: 1, jobs: 2, size: {}, signal, say: () => undefined };
    const tried = await tryMutants(quick.map(mutantNamed), trying);
    const wrong = tried.filter(({ promise, caught }) => caught?.promises.includes(promise) !== true);
    expect(wrong).to.deep.equal([]);
  }).timeout(180_000);
});
