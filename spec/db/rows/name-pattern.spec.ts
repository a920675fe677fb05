/** Patterns of names: against a slow reference that tries everything, and in bounded time. */
import { expect } from "chai";
import fc from "fast-check";
import { likeOf, nameMatcher } from "../../../db/rows/name-pattern.ts";

/** The same by the definition: every way to divide the name between the signs. */
function matches(pattern: readonly string[], name: readonly string[]): boolean {
  const [sign, ...rest] = pattern;
  if (sign === undefined) return name.length === 0;
  if (sign === "*") return name.some((_, at) => matches(rest, name.slice(at))) || matches(rest, []);
  const [character, ...left] = name;
  if (sign === "\\" && rest[0] !== undefined) return character === rest[0] && matches(rest.slice(1), left);
  return character !== undefined && (sign === "?" || sign === character) && matches(rest, left);
}

const words = (signs: readonly string[], maxLength: number) =>
  fc.array(fc.constantFrom(...signs), { maxLength }).map((parts) => parts.join(""));

describe("patterns of names", () => {
  it("match what their definition says", () => {
    const pattern = words(["*", "?", "\\", "a", "b", "\u{1F600}"], 7);
    const name = words(["a", "b", "*", "\\", "\u{1F600}"], 7);
    fc.assert(
      fc.property(pattern, name, (asked, given) => {
        expect(nameMatcher(asked)(given)).to.equal(matches([...asked], [...given]));
      }),
      { numRuns: 5_000 },
    );
  });

  it("become patterns of LIKE in which only the signs have a meaning", () => {
    expect(likeOf("many-*")).to.equal("many-%");
    expect(likeOf("a?b_c%d")).to.equal("a_b\\_c\\%d");
    expect(likeOf("\\*\\?\\\\\\x")).to.equal("*?\\\\x");
    expect(likeOf("**a**")).to.equal("%a%");
    expect(likeOf("end\\")).to.equal("end\\\\");
  });

  it("end soon, however much a pattern asks to try: no way to divide a name is tried twice", () => {
    const matcher = nameMatcher(`${"*a".repeat(120)}*b`);
    for (let round = 0; round < 100; round += 1) expect(matcher("a".repeat(255))).to.equal(false);
  });
});
