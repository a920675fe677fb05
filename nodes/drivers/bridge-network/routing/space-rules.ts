/**
 * Brings rules into the namespaces of routers and ways outside, and ends the connections that stand for what
 * is not planned any more, after the new rules are in. A connection that has to go is looked for whenever
 * rules have changed, and at the agent's first look.
 */
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock, Log } from "../../../../protocol/wire/transport.ts";
import { temporaryName } from "../../durable-file.ts";
import { bridgeNetworkLimits } from "../limits.ts";
import { type Brought, bring, makeScratch } from "../rules/kernel-rules.ts";
import { refused } from "../rules/nft.ts";
import type { Space } from "./spaces.ts";
import { readKept, strayLines } from "./stray-connections.ts";
import type { Target } from "./targets.ts";

const { toolTimeoutMs: timeoutMs, toolOutputBytesMax: outputBytesMax } = bridgeNetworkLimits;

export class SpaceRules {
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #log: Log;
  /** By space. */
  readonly #brought = new Map<string, Brought & { readonly space: Space }>();

  /** @param directory which only root may enter */
  constructor(directory: string, clock: Clock, log: Log) {
    this.#directory = directory;
    this.#clock = clock;
    this.#log = log;
  }

  /** @throws StatusError hypervisorRefused */
  async bring(
    { name, rules, strays }: Pick<Target, "name" | "rules" | "strays">,
    space: Space,
  ): Promise<void> {
    const known = this.#brought.get(name);
    const before = known?.space === space ? known : undefined;
    this.#brought.delete(name);
    const { seen, isChanged } = await bring(rules, before, {
      ...{ entrance: space, trusts: false, kept: () => "", log: this.#log },
      scratch: () => makeScratch(this.#clock),
    });
    if (isChanged || before === undefined) await this.#end(space, strays);
    this.#brought.set(name, { ruleset: rules, seen, space });
  }

  forget(name: string): void {
    this.#brought.delete(name);
  }

  async #end(space: Space, strays: Target["strays"]): Promise<void> {
    const said = await space.run("conntrack", ["-L", "-f", "ipv4"], { timeoutMs, outputBytesMax });
    if (said.exitCode !== 0) throw refused("A router's connections cannot be read.", said.errors.trim());
    const lines = strayLines(strays(readKept(said.output)));
    if (lines.length === 0) return;
    // The tool opens its input by name, which the socket that Node gives it cannot be.
    const path = temporaryName(join(this.#directory, "ending"));
    try {
      await writeFile(path, `${lines.join("\n")}\n`, { mode: 0o600, flag: "wx" });
      await space.run("conntrack", ["-R", path], { timeoutMs, outputBytesMax });
    } finally {
      await rm(path, { force: true });
    }
  }
}
