/** Templates of `-o jsonpath`: lookups as kubectl writes them, and refusals of all other syntax. */
import { expect } from "chai";
import fc from "fast-check";
import { fillTemplate, parseTemplate, TemplateError } from "../../../nodes/cli/output/json-path.ts";

const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);

const answer = {
  items: [
    { id: "1", name: "web", flavor: { vcpus: 2 }, metadata: { "app.role": "front" }, host: null },
    { id: "2", name: "db", flavor: { vcpus: 4 }, metadata: {}, host: "a" },
    { id: "3", name: 'q"{}', flavor: { vcpus: 1 }, metadata: {}, host: "b" },
  ],
  nextMarker: "3",
};

const filled = (template: string): string => fillTemplate(parseTemplate(template), answer);

describe(`cli: jsonpath (seed ${seed})`, () => {
  const cases: readonly [template: string, text: string][] = [
    ["{.items[*].name}", 'web db q"{}'],
    [".items[*].id", "1 2 3"],
    ["$.items[0].name", "web"],
    ["{$.items[0]['name']}", "web"],
    ["{.items[-1].id}", "3"],
    ["{.items[3].id}", ""],
    ["{.items[-4].id}", ""],
    ["{.items[0:2].id}", "1 2"],
    ["{.items[1:].id}", "2 3"],
    ["{.items[:-2].id}", "1"],
    ["{.items[0].metadata['app.role']}", "front"],
    ["{.items[0].metadata.app\\.role}", "front"],
    ["{.items[0].flavor}", '{"vcpus":2}'],
    ["{.items[0].flavor.*}", "2"],
    ["{.items[*].host}", "null a b"],
    ["{.items[*].nothing}", ""],
    ["{.items.name}", ""],
    ["next: {.nextMarker}!", "next: 3!"],
    ['{range .items[*]}{.id}{"\\t"}{.flavor.vcpus}{"\\n"}{end}', "1\t2\n2\t4\n3\t1\n"],
    ["{range .items[0:2]}{.name}={$.nextMarker};{end}", "web=3;db=3;"],
    ["{range .items[0:1]}{range .metadata}{@['app.role']}{end}{end}", "front"],
    ["{'{'}{.nextMarker}{\"}\"}", "{3}"],
    ["no braces", "no braces"],
  ];
  for (const [template, text] of cases)
    it(`${template} is ${JSON.stringify(text)}`, () => expect(filled(template)).to.equal(text));

  const wrong: readonly [template: string, message: RegExp][] = [
    ["{.items[*].name", /A brace is not closed: \{\.items/],
    ["{}", /empty pair of braces/],
    ["{.items[?(@.id==1)].name}", /not understood: \[\?\(@\.id/],
    ["{..name}", /not understood: \.\.name/],
    ["{name}", /not understood: name/],
    ["{end}", /an \{end\} without/],
    ["{range .items[*]}{.id}", /without its \{end\}/],
    ['{.items["a]}', /A brace is not closed/],
  ];
  for (const [template, message] of wrong)
    it(`${template} is refused, and it says where`, () =>
      expect(() => parseTemplate(template)).to.throw(TemplateError, message));

  it("what is inherited is nobody's field", () => {
    for (const name of ["constructor", "__proto__", "toString", "length"])
      expect(filled(`{.items[0].${name}}{.nextMarker.${name}}`), name).to.equal("");
  });

  it("any text is a template or is refused, in the time of a template", () => {
    const parts = fc.constantFrom(
      ..."{ } [ ] * . @ $ ' \" \\ : - 0 1 a items range end ( ) ?".split(" "),
      " ",
    );
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 40 }), (words) => {
        try {
          expect(filled(words.join(""))).to.be.a("string");
        } catch (thrown) {
          expect(thrown).to.be.instanceOf(TemplateError);
        }
      }),
      { seed, numRuns: 2_000 },
    );
  });
});
