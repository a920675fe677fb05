/**
 * Network namespaces beside the fabric, one for each router and each way outside. Each is held by a sleeping
 * process of its own, found again by the directory that it works in, and by the agent: packets pass when
 * either of them dies. The sleeper has the fabric open as well, which so outlives its own holder and the
 * agent. This file must never end a process that it has not proved.
 */

import type { FileHandle } from "node:fs/promises";
import { mkdir, readdir, readlink, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Clock, Log, Timer } from "../../../../protocol/wire/transport.ts";
import { makeNamespace, nameOf, openNamespaceOf, ownNamespace } from "../../network-namespace.ts";
import { isAlive, type ProcessIdentity } from "../../process-table.ts";
import { runTool, type ToolOptions, type ToolResult } from "../../tool.ts";
import { Turns } from "../../waiting.ts";
import { findKeepers, heldDescriptor, type Namespaces, spacesDirectory, startSleeper } from "../holder.ts";
import { bridgeNetworkLimits } from "../limits.ts";

export interface Space {
  /** Path by which root enters it, as long as this agent lives. */
  readonly path: string;
  run(command: string, argv: readonly string[], options: ToolOptions): Promise<ToolResult>;
}

interface Held extends Space {
  readonly handle: FileHandle;
  keeper: ProcessIdentity;
}

export interface SpacesParts {
  /** Of the fabric. */
  readonly directory: string;
  readonly fabric: () => Promise<Namespaces>;
  readonly clock: Clock;
  readonly log: Log;
}

export class Spaces {
  readonly #parts: SpacesParts;
  readonly #turns = new Turns();
  #held: Map<string, Held> | undefined;
  #timer: Timer | undefined;
  #detached = false;

  constructor(parts: SpacesParts) {
    this.#parts = parts;
  }

  names(): Promise<readonly string[]> {
    return this.#inTurn(async (known) => [...known.keys()]);
  }

  find(name: string): Promise<Space | undefined> {
    return this.#inTurn(async (known) => known.get(name));
  }

  /** Makes the namespace, or a new sleeper for one whose sleeper has died. @throws Error */
  open(name: string): Promise<Space> {
    return this.#inTurn(async (known) => {
      const there = known.get(name);
      if (there !== undefined) {
        await this.#keep(name, there);
        return there;
      }
      const handle = await makeNamespace(this.#parts.clock);
      try {
        const made = spaceOf(handle, await this.#start(name, handle));
        known.set(name, made);
        return made;
      } catch (error) {
        await handle.close();
        throw error;
      }
    });
  }

  /** Devices, rules and connections of the namespace go with it. */
  end(name: string): Promise<void> {
    return this.#inTurn(async (known) => {
      const held = known.get(name);
      if (held === undefined) return;
      known.delete(name);
      if (await isAlive(held.keeper)) process.kill(held.keeper.pid, "SIGKILL");
      await held.handle.close();
      await rm(this.#directoryOf(name), { recursive: true, force: true });
    });
  }

  /** The agent closes its descriptors; sleepers hold the namespaces. */
  async detach(): Promise<void> {
    this.#detached = true;
    this.#timer?.cancel();
    await this.#turns.run("spaces", async () => {
      const held = [...(this.#held?.values() ?? [])];
      this.#held = undefined;
      for (const { handle } of held) await handle.close();
    });
  }

  #inTurn<T>(act: (known: Map<string, Held>) => Promise<T>): Promise<T> {
    return this.#turns.run("spaces", async () => act(await this.#known()));
  }

  /** Whoever holds a space beside the agent may have died. */
  #lookSoon(): void {
    if (this.#detached) return;
    this.#timer = this.#parts.clock.after(bridgeNetworkLimits.holderLookPeriodMs, () => {
      void this.#inTurn(async (known) => {
        for (const [name, held] of known) await this.#keep(name, held);
      })
        .catch((error: unknown) =>
          this.#parts.log.error({ error: String(error) }, "no process holds a router beside the agent"),
        )
        .finally(() => this.#lookSoon());
    });
  }

  async #keep(name: string, held: Held): Promise<void> {
    if (await isAlive(held.keeper)) return;
    this.#parts.log.warn({ pid: held.keeper.pid }, "the process that holds a router has ended");
    held.keeper = await this.#start(name, held.handle);
  }

  async #start(name: string, handle: FileHandle): Promise<ProcessIdentity> {
    const directory = this.#directoryOf(name);
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const { fabric, plugs } = await this.#parts.fabric();
    const [wanted, also] = [await nameOf(handle), await nameOf(fabric)];
    return startSleeper(handle, [fabric, plugs], {
      ...{ directory, clock: this.#parts.clock },
      isThere: async ({ pid }) =>
        (await linkOf(`/proc/${pid}/ns/net`)) === wanted &&
        (await linkOf(`/proc/${pid}/fd/${heldDescriptor}`)) === also,
    });
  }

  #directoryOf(name: string): string {
    return join(this.#parts.directory, spacesDirectory, name);
  }

  async #known(): Promise<Map<string, Held>> {
    if (this.#detached) throw new Error("The agent lets go of its network.");
    if (this.#held === undefined) {
      this.#held = await this.#find();
      this.#lookSoon();
    }
    return this.#held;
  }

  /** Of two with one name, which only a fault can leave, the older counts. */
  async #find(): Promise<Map<string, Held>> {
    const [found, own] = [new Map<string, Held>(), await ownNamespace()];
    for (const { process: keeper, space } of await findKeepers(this.#parts.directory)) {
      const handle = await openNamespaceOf(keeper.pid, own);
      if (handle === undefined) continue;
      if (!found.has(space)) {
        found.set(space, spaceOf(handle, keeper));
        continue;
      }
      await handle.close();
      if (await isAlive(keeper)) process.kill(keeper.pid, "SIGKILL");
    }
    const directories = await readdir(join(this.#parts.directory, spacesDirectory)).catch(() => []);
    for (const name of directories)
      if (!found.has(name)) await rm(this.#directoryOf(name), { recursive: true, force: true });
    return found;
  }
}

const linkOf = (path: string): Promise<string> => readlink(path).catch(() => "");

function spaceOf(handle: FileHandle, keeper: ProcessIdentity): Held {
  const path = `/proc/${process.pid}/fd/${handle.fd}`;
  return {
    ...{ handle, keeper, path },
    run: (command, argv, options) => runTool("nsenter", [`--net=${path}`, command, ...argv], options),
  };
}
