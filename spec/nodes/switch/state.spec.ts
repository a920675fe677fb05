/** The files between driver and switch: whole or damaged, and nothing in between. */
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import fc from "fast-check";
import {
  readSwitchApplied,
  readSwitchState,
  stateHash,
  stateOf,
  switchFiles,
  writeSwitchApplied,
  writeSwitchState,
} from "../../../nodes/switch/state.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../../support/driver-world.ts";
import { pictureOf, plugOf, stateOfGuests } from "../../support/switch-world.ts";

const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const guests = [1, 2].map((number) => ({ network: 1, number }));
const state = stateOfGuests(guests, pictureOf(guests));
const faultOf = (text: string): string => {
  try {
    stateOf(text);
    return "none";
  } catch (error) {
    return error instanceof Error ? error.message : "no error";
  }
};

describe(`the files of a switch (SEED=${seed})`, () => {
  let place: TemporaryDirectory;
  const path = (name: keyof typeof switchFiles) => join(place.path, switchFiles[name]);
  beforeEach(async () => {
    place = await temporaryDirectory();
  });
  afterEach(() => place.remove());

  it("are read as they were written, under a hash that both sides know", async () => {
    for (const one of [state, { networking: null, plugs: [] }]) {
      const hash = await writeSwitchState(path("state"), one);
      expect(await readSwitchState(path("state"))).to.deep.equal({ state: one, hash });
      expect(hash).to.equal(stateHash(JSON.stringify(one)));
    }
    expect(readdirSync(place.path)).to.deep.equal([switchFiles.state]);
    const applied = {
      pid: 1,
      startTicks: 2,
      release: "0.2.0",
      version: null,
      state: null,
      plugs: 0,
      fault: null,
    };
    await writeSwitchApplied(path("applied"), applied);
    expect(await readSwitchApplied(path("applied"))).to.deep.equal(applied);
  });

  it("are no state when they are missing, damaged, or say what none can say", async () => {
    expect(await readSwitchState(path("state")).catch((error: Error) => error.message)).to.contain("ENOENT");
    const plug = plugOf({ network: 1, number: 1 });
    const faults = [
      ["", "It is no JSON."],
      ["{}", "It is no state of a switch. The field networking is missing."],
      [JSON.stringify({ ...state, plugs: [{ ...plug, path: "relative" }] }), "plugs.0.path"],
      [JSON.stringify({ ...state, plugs: [{ ...plug, mac: "any" }] }), "plugs.0.mac"],
      [JSON.stringify({ ...state, plugs: [plug, plug] }), "the port port-1-1 is plugged twice"],
    ] as const;
    for (const [text, fault] of faults) expect(faultOf(text), text).to.contain(fault);
  });

  it("of which a part is lost are none, wherever it ends", () => {
    const text = JSON.stringify(state);
    const property = fc.property(fc.nat(text.length - 1), (length) => {
      expect(faultOf(text.slice(0, length))).to.equal("It is no JSON.");
    });
    fc.assert(property, { seed, numRuns: 200 });
  });

  it("say nothing of what is applied when they cannot be read", async () => {
    expect(await readSwitchApplied(path("applied"))).to.equal(undefined);
    for (const text of ["", "{", '{"pid":1}', "[]"]) {
      writeFileSync(path("applied"), text);
      expect(await readSwitchApplied(path("applied")), text).to.equal(undefined);
    }
  });
});
