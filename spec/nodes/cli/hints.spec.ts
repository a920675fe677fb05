/** Hints in the words that can be typed: errors, help, remarks, and what is no hint. */
import { expect } from "chai";
import { asTyped, commandWords } from "../../../nodes/cli/hints.ts";
import { buildProgram } from "../../../nodes/cli/program.ts";
import { reasons } from "../../../protocol/wire/reasons.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { commandOn, nowhere } from "./cli-world.ts";

const novact = commandOn(nowhere);

describe("hints", () => {
  it("know every first word of a command, and no other", () => {
    expect(commandWords).to.deep.equal(
      buildProgram()
        .commands.map((command) => command.name())
        .sort(),
    );
  });

  it("name commands as they can be typed, and leave prose, subjects and paths alone", () => {
    expect(asTyped("Ask: novact host list, or novact --help.", "npx novact")).to.equal(
      "Ask: npx novact host list, or npx novact --help.",
    );
    for (const text of [
      "novact removes it only with its instance.",
      "Use novact.v1.main.cmd.demo.instance.list.",
      "npx novact host list",
      "./bin/novact host list",
    ])
      expect(asTyped(text, "npx novact")).to.equal(text);
  });

  it("are seen in every reason that names a command", () => {
    const naming = Object.values(reasons).filter(({ next }) => /novact [a-z-]+ ?/.test(next));
    expect(naming).to.have.length.greaterThan(10);
    for (const { next } of naming) expect(asTyped(next, "./n")).to.match(/\.\/n [a-z]/);
  });

  it("of every reason name commands and options that there are", () => {
    const program = buildProgram();
    for (const [reason, { next }] of Object.entries(reasons)) {
      for (const [, words = ""] of next.matchAll(/novact ((?:[a-z-]+ ?)+)/g)) {
        const [noun, verb, ...options] = words.trim().split(" ");
        const command = program.commands.find((one) => one.name() === noun);
        expect(command, `${reason}: ${words}`).not.to.equal(undefined);
        const leaf = command?.commands.find((one) => one.name() === verb) ?? command;
        if (command?.commands.length) expect(leaf, `${reason}: ${words}`).not.to.equal(command);
        for (const option of options.filter((word) => word.startsWith("--")))
          expect(
            leaf?.options.map(({ long }) => long),
            `${reason}: ${words}`,
          ).to.include(option);
      }
    }
  });

  it("in errors and in --json the same", async () => {
    const refused = commandOn(async () => {
      throw new StatusError("instanceNotFound", "There is none.");
    });
    const hint = "List what there is: npx novact instance list.";
    const { err } = await refused("instance list", { command: "npx novact" });
    expect(err).to.contain(`next: ${hint}`);
    const json = await refused("instance list --json", { command: "npx novact" });
    expect(JSON.parse(json.err).error.next).to.equal(hint);
  });

  it("speak of the cluster and the project of the command that was typed", async () => {
    const refused = commandOn(async () => {
      throw new StatusError("instanceNotFound", "There is none.");
    });
    const { err } = await refused('instance list --project other --config "my file.yaml"', {
      command: "npx novact",
    });
    expect(err).to.contain(
      "next: List what there is: npx novact --config 'my file.yaml' --project other instance list.",
    );
    const first = await refused("--project other instance list", { command: "novact" });
    expect(first.err).to.contain("novact --project other instance list.");
  });

  it("in help: usage, options and examples", async () => {
    const { out } = await novact("--help", { command: "npx novact" });
    expect(out).to.match(/^Usage: npx novact \[options\]/);
    expect(out).to.contain("  npx novact instance create web");
    const { out: create } = await novact("instance create --help", { command: "/opt/novact.mjs" });
    expect(create).to.match(/^Usage: \/opt\/novact\.mjs instance create/);
    expect(create).to.contain("/opt/novact.mjs flavor list");
  });

  it("how to have completion is said where the shell would not find the command", async () => {
    const without = await novact("completion bash", { command: "npx novact" });
    expect(without.err).to.contain("export PATH=$PWD/node_modules/.bin:$PATH");
    expect(without.out).to.contain("complete -o default -F _novact novact");
    expect((await novact("completion bash")).err).to.equal("");
  });
});
