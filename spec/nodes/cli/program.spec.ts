/** The tree of commands: complete, documented, completable; and the answers to wrong command lines. */
import { expect } from "chai";
import type { Command } from "commander";
import { buildProgram } from "../../../nodes/cli/program.ts";
import { exitCodeOf, exitCodes } from "../../../nodes/package/exit-codes.ts";
import { services } from "../../../nodes/sdk/clients.ts";
import { type Code, codes } from "../../../protocol/wire/reasons.ts";
import type { Service } from "../../../protocol/wire/service.ts";
import { commandOn, nowhere } from "./cli-world.ts";

const novact = commandOn(nowhere);
const pathsOf = (command: Command, before = ""): string[] => {
  const path = `${before} ${command.name()}`.trim();
  return [path, ...command.commands.flatMap((child) => pathsOf(child, path))];
};

describe("cli: program", () => {
  it("has a command for every method of every service", () => {
    const paths = new Set(pathsOf(buildProgram()));
    const otherwise: Readonly<Record<string, string>> = {
      ...{ get: "show", examine: "", getDefault: "show", setDefault: "set", "server-group": "group" },
    };
    const elsewhere: Readonly<Record<string, string>> = {
      "novact host rebalance": "novact rebalance",
      "novact controller debug": "novact debug",
      "novact doctor releases": "novact version",
      "novact instance interface-attach": "novact instance interface attach",
      "novact instance interface-detach": "novact instance interface detach",
      // create --file, and save
      ...{ "novact image upload": "novact image create", "novact image write": "novact image create" },
      ...{ "novact image complete": "novact image create", "novact image ticket": "novact image save" },
      "novact instance volume-attach": "novact volume attach",
      "novact instance volume-detach": "novact volume detach",
      "novact instance volume-extend": "novact volume extend",
      // create --instance
      "novact instance create-image": "novact image create",
      // create --dry-run
      "novact instance explain-create": "novact instance create",
    };
    const word = (name: string): string =>
      otherwise[name] ?? name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    for (const service of Object.values<Service>(services)) {
      for (const method of Object.keys(service.methods)) {
        const named = `novact ${word(service.noun)} ${word(method)}`.trim();
        const path = elsewhere[named] ?? named;
        expect(paths.has(path), path).to.equal(true);
      }
    }
  });

  it("every command, argument and option says what it is for", () => {
    const check = (command: Command): void => {
      expect(command.description(), command.name()).to.match(/^[A-Z].*[a-z)`]$|\.$/);
      for (const argument of command.registeredArguments)
        expect(argument.description, argument.name()).not.to.equal("");
      for (const option of command.options) expect(option.description, option.flags).not.to.equal("");
      command.commands.forEach(check);
    };
    check(buildProgram());
  });

  it("help fits 100 columns and goes to stdout, on every level", async () => {
    for (const path of pathsOf(buildProgram())) {
      const { exit, out, err } = await novact(`${path.replace(/^novact ?/, "")} --help`);
      expect([exit, err], path).to.deep.equal([0, ""]);
      for (const line of out.split("\n")) expect(line.length, `${path}: ${line}`).to.be.at.most(100);
    }
  });

  it("the help names every exit code, and every gRPC code has one", async () => {
    const { out } = await novact("--help");
    for (const { exit, meaning } of Object.values(exitCodes))
      expect(out).to.contain(`${exit}`).and.to.contain(meaning);
    const known = new Set<number>(Object.values(exitCodes).map(({ exit }) => exit));
    for (const code of Object.keys(codes)) {
      expect(known.has(exitCodeOf(code as Code)), code).to.equal(true);
      expect(exitCodeOf(code)).not.to.equal(exitCodes.ok.exit);
    }
    expect(exitCodeOf("SOMETHING_NEW")).to.equal(exitCodes.internal.exit);
  });

  const wrong: readonly [string, RegExp][] = [
    ["instance lst", /Unknown command 'lst'.*\n.*Did you mean list\?/],
    ["instance create web", /'--flavor <flavor>' not specified/],
    ["instance list --state nice", /Allowed choices are building/],
    ["instance list --limit many", /Give a whole number/],
    ["instance stop", /[Mm]issing required argument 'instance'/],
    ["instance list --state running,nice", /Allowed choices are building/],
    ["instance stop a --all", /Names and filters contradict each other/],
    ["flavor list -o csv", /Give one of table, wide/],
    ["flavor delete", /[Mm]issing required argument 'flavor'/],
    ["flavor create x --vcpus 1 --memory lots", /Give a size in whole MiB: 512M, 1\.5G or 1GB/],
    ["--timeout soon instance list", /Give a time such as 30s/],
    ["image register x", /needs a disk or a kernel/],
    ["image register x --disk y.img", /does not say its format/],
    ["instance console x --tail 1 --offset 2", /contradict each other/],
    ["completion tcsh", /Allowed choices are bash, zsh, fish/],
  ];
  for (const [line, message] of wrong) {
    it(`"${line}" is refused with what to do, before anything is connected`, async () => {
      const { exit, out, err } = await novact(line);
      expect(exit).to.equal(exitCodes.usage.exit);
      expect(err)
        .to.match(message)
        .and.to.match(/^error: [A-Z]/)
        .and.to.match(/\nnext: .+\n$/);
      expect(out).to.equal("");
    });
  }

  it("a noun without a verb prints its help to stderr and is an error", async () => {
    const { exit, out, err } = await novact("instance");
    expect(exit).to.equal(exitCodes.usage.exit);
    expect(out).to.equal("");
    expect(err).to.match(/^Usage: novact instance/);
  });

  it("an error beyond our own words is told as a bug, with its stack on request only", async () => {
    const plain = await novact("instance list");
    expect(plain.exit).to.equal(exitCodes.internal.exit);
    expect(plain.err).to.match(/^error: This command connects to nothing\.\nreason: internal/);
    expect(plain.err).not.to.contain("cli-world.ts");
    expect((await novact("instance list", { env: { NOVACT_DEBUG: "1" } })).err).to.contain("cli-world.ts");
  });

  describe("completion", () => {
    const candidates = async (words: string) =>
      (await novact(`__complete ${words}`)).out.trimEnd().split("\n");

    it("completes nouns, verbs, options and values without a cluster", async () => {
      expect(await candidates("in")).to.deep.equal(["instance"]);
      expect(await candidates("instance unp")).to.deep.equal(["unpause"]);
      expect(await candidates("instance stop --h")).to.deep.equal(["--hard", "--help", "--host"]);
      expect(await candidates("instance stop --pro")).to.deep.equal(["--project"]);
      expect(await candidates("instance list --state r")).to.deep.equal(["rebooting", "running"]);
      expect(await candidates("instance delete --state running,st")).to.deep.equal([
        "running,starting",
        "running,stopped",
        "running,stopping",
      ]);
      expect(await candidates("instance list --state running,run")).to.deep.equal([""]);
      expect(await candidates("flavor list --columns name,v")).to.deep.equal(["name,vcpus"]);
      expect(await candidates("flavor list --sort m")).to.deep.equal(["memory"]);
      expect(await candidates("host show x -o j")).to.deep.equal(["json", "jsonpath="]);
      expect(await candidates("event list --noun ho")).to.deep.equal(["host"]);
      expect(await candidates("instance stop --al")).to.deep.equal(["--all"]);
      expect(await candidates('completion ""')).to.deep.equal(["bash", "fish", "zsh"]);
    });

    it("never offers itself, and is silent when the cluster is away", async () => {
      expect(await candidates('""')).not.to.include("__complete");
      expect(await novact('__complete instance stop ""')).to.include({ out: "", err: "" });
    });

    it("prints a script for every shell", async () => {
      for (const shell of ["bash", "zsh", "fish"])
        expect((await novact(`completion ${shell}`)).out, shell).to.contain("novact __complete");
    });
  });
});
