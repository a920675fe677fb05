/**
 * Validation by schema: every schema compiles, and every fault is described in one sentence that does not
 * repeat its value.
 */
import { Type } from "@sinclair/typebox";
import { expect } from "chai";
import { instanceService } from "../../../protocol/instance.ts";
import { answer, literals, nullable, request } from "../../../protocol/wire/schema.ts";
import type { Method } from "../../../protocol/wire/service.ts";
import { validatorOf } from "../../../protocol/wire/validate.ts";
import { allServices } from "../../support/all-services.ts";

const create = validatorOf(instanceService.methods.create.request);
const sound = { name: "web", flavor: "small", image: "tiny" };

describe("validation", () => {
  it("compiles every request and answer of every service, in the strict mode", () => {
    const methods = allServices.flatMap((service) => Object.values<Method>(service.methods));
    expect(methods.length).to.be.greaterThan(25);
    for (const method of methods) {
      expect(validatorOf(method.request).accepts(5)).to.equal(false);
      expect(validatorOf(method.answer).accepts(5)).to.equal(false);
    }
  });

  it("compiles a schema once", () => {
    expect(validatorOf(instanceService.methods.create.request)).to.equal(create);
  });

  const wrong: readonly [object, string][] = [
    [{ name: "web", image: "tiny" }, "The field flavor is missing."],
    [{ ...sound, name: 5 }, "The field name must be of type string, not number."],
    [
      { ...sound, name: "" },
      "The field name must be a name of 1 to 255 characters, none of them a control character.",
    ],
    [{ ...sound, flavor: null }, "The field flavor must be of type string, not null."],
    [{ ...sound, count: 1.5 }, "The field count must be of type integer, not number."],
    [{ ...sound, count: 0 }, "The field count must be at least 1."],
    [{ ...sound, count: 1_001 }, "The field count must be at most 1000."],
    [{ ...sound, wait: "yes" }, "The field wait must be of type boolean, not string."],
    [{ ...sound, metadata: [] }, "The field metadata must be of type object, not array."],
    [{ ...sound, metadata: { "a/b": 5 } }, "The field metadata.a/b must be of type string, not number."],
    [
      { ...sound, colour: "red" },
      "The field colour is not known; known are name, description, flavor, image, volumes, metadata, count,",
    ],
  ];
  for (const [value, sentence] of wrong) {
    it(`says: ${sentence}`, () => expect(create.explain(value)).to.include(sentence));
  }

  it("names the allowed values of a closed list", () => {
    const stop = validatorOf(instanceService.methods.stop.request);
    expect(stop.explain({ mode: "soft" })).to.equal("The field mode must be one of graceful, hard.");
  });

  it("speaks of the value, not of null, where null would do as well", () => {
    const schema = answer({ size: nullable(Type.Integer()) });
    expect(validatorOf(schema).explain({ size: "x" })).to.equal(
      "The field size must be of type integer, not string.",
    );
  });

  it("tells of a field of several forms what is wrong with the form that was sent", () => {
    const entry = request({ name: Type.String() });
    const schema = request({ some: Type.Union([Type.Array(entry), literals(["auto", "none"])]) });
    const explain = (some: unknown) => validatorOf(schema).explain({ some });
    expect(explain("all")).to.equal("The field some must be one of auto, none.");
    expect(explain([{ name: 7 }])).to.equal("The field some.0.name must be of type string, not number.");
    expect(explain(7)).to.equal(
      "The field some must be of type array, not number. The field some must be of type string, not number. " +
        "The field some must be one of auto, none.",
    );
  });

  it("names at most three faults, and shortens what the sender chose", () => {
    const schema = request({ a: Type.String() });
    const long = "k".repeat(1_000);
    const text = validatorOf(schema).explain({ [long]: 1, b: 2, c: 3, d: 4 });
    expect(text.match(/The field/g)).to.have.length(3);
    expect(text.length).to.be.lessThan(600);
  });

  it("never repeats a value, however wrong it is", () => {
    const secret = "hunter2 and a newline\n";
    expect(create.explain({ ...sound, flavor: secret, image: secret })).to.not.include("hunter2");
  });

  it("stops at the first fault of a large body", () => {
    const metadata = Object.fromEntries(Array.from({ length: 10_000 }, (_, key) => [`k${key}`, key]));
    const startedMs = performance.now();
    expect(create.explain({ ...sound, metadata }).length).to.be.lessThan(300);
    expect(performance.now() - startedMs).to.be.lessThan(500);
  });

  it("lets unknown fields of an answer pass", () => {
    expect(validatorOf(answer({ a: Type.Integer() })).accepts({ a: 1, b: 2 })).to.equal(true);
  });
});
