/** Refused values in the words of the command line; no error speaks of patterns, fields or schemas. */
import { expect } from "chai";
import type { Command } from "commander";
import { inWordsOf } from "../../../nodes/cli/fields.ts";
import { buildProgram } from "../../../nodes/cli/program.ts";
import { controllerWorld } from "../../support/controller-world.ts";
import { commandOn, connectOn } from "./cli-world.ts";

const found = (...path: readonly string[]): Command =>
  path.reduce((command, name) => {
    const next = command.commands.find((one) => one.name() === name);
    if (next === undefined) throw new Error(`There is no ${name}.`);
    return next;
  }, buildProgram());

const faults = (field: string) => ({ faults: [{ field, problem: "must be less" }] });

describe("fields in the words of a command", () => {
  const words: readonly [path: string, field: string, word: string][] = [
    ["instance create", "name", "<name>"],
    ["instance create", "availabilityZone", "--zone"],
    ["instance create", "atLeast", "--at-least"],
    ["instance create", "hints.sameHost.0", "--same-host"],
    ["instance create", "metadata.a.b", "--metadata"],
    ["instance create", "recovery.priority", "--recovery-priority"],
    ["instance stop", "timeoutMs", "--grace"],
    ["flavor create", "memoryMib", "--memory"],
    ["flavor create", "diskGib", "--disk"],
    ["image register", "disk.sha256", "--disk-sha256"],
    ["image register", "properties.memoryMibMin", "--memory-min"],
    ["image register", "commandLine", "--command-line"],
    ["group create", "maxPerHost", "--max-per-host"],
    ["quota set", "memoryMib", "--memory"],
    ["host drain", "parallelism", "--parallel"],
    ["host disable", "reason", "--reason"],
  ];
  for (const [path, field, word] of words)
    it(`${field} of ${path} is ${word}`, () => {
      expect(inWordsOf(found(...path.split(" ")), faults(field))).to.equal(`${word} must be less.`);
    });

  it("keeps the message where the command has no word for the field, or nothing is said of fields", () => {
    const create = found("instance", "create");
    for (const details of [faults("colour"), { faults: [] }, { faults: [{ field: 5 }] }, null, [], "x"])
      expect(inWordsOf(create, details)).to.equal(undefined);
    expect(inWordsOf(undefined, faults("name"))).to.equal(undefined);
  });

  describe("on a cluster", () => {
    let world: Awaited<ReturnType<typeof controllerWorld>>;
    let novact: ReturnType<typeof commandOn>;
    before(async () => {
      world = await controllerWorld();
      novact = commandOn(connectOn(world.bus, "test").connect);
    });
    after(() => world.stop());

    const refused: readonly [line: string, message: string][] = [
      [
        'instance create "" --flavor tiny --image tiny',
        "<name> must be a name of 1 to 255 characters, none of them a control character.",
      ],
      [
        "instance create a --flavor not/a/name --image tiny",
        "--flavor must be a name of 1 to 64 letters, digits, ., - and _, a letter or digit first.",
      ],
      ["instance create a --flavor tiny --image tiny --count 100000", "--count must be at most 1000."],
      [
        "instance create a --flavor tiny --image tiny --at-least 2",
        "--at-least needs a count, and may not be more than it.",
      ],
      [
        "instance create a --flavor tiny --image tiny --request-id ü",
        "--request-id must be 1 to 128 printable ASCII characters without spaces.",
      ],
      ["flavor create f --vcpus 257 --memory 1G", "--vcpus must be at most 256."],
      ["flavor create f --vcpus 1 --memory 1", "--memory must be at least 16 MiB."],
      [
        'flavor create f --vcpus 1 --memory 1G --spec "ä=1"',
        "--spec cannot have the key ä: it must be pairs, each with a key of 1 to 255 " +
          "letters, digits, ., :, - and _, a letter or digit first.",
      ],
      [
        "group create g --policy affinity --max-per-host 2",
        "--max-per-host goes with the policy anti-affinity only.",
      ],
    ];
    for (const [line, message] of refused)
      it(`says: ${message}`, async () => {
        const { err, exit } = await novact(line);
        expect(err).to.contain(`error: ${message}\n`).and.to.contain("next: The same command with --help");
        expect(exit).to.equal(2);
        const { error } = JSON.parse((await novact(`${line} --json`)).err);
        expect(error).to.include({ message });
      });
  });
});
