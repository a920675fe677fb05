/**
 * Acts when the tables that keep packets back are taken away while the agent lives: it closes the guests'
 * bridges, and has the rules about tunnels made again, at once; the compare that follows makes all else as it
 * was. It must never open anything.
 */
import type { Log } from "../../../protocol/wire/transport.ts";
import type { Fabric } from "./fabric.ts";
import { bridgeNetworkLimits } from "./limits.ts";
import { tableName } from "./rules/model.ts";
import { load } from "./rules/nft.ts";
import { TableWatch } from "./table-watch.ts";
import type { TunnelGuard } from "./tunnel-guard.ts";

const { toolTimeoutMs: timeoutMs, toolOutputBytesMax: outputBytesMax } = bridgeNetworkLimits;

const ofGuests = `bridge ${tableName}`;
/** Without what it says of connections, the first table lets nothing pass. */
const ofConnections = `inet ${tableName}`;

/** The next whole set of rules replaces it, in one step. */
const closed =
  `table ${ofGuests} {\n  chain closed {\n` +
  "    type filter hook prerouting priority -300; policy drop;\n  }\n}\n";

export interface KeeperParts {
  readonly fabric: Pick<Fabric, "path" | "run" | "underlayPath">;
  readonly guard: Pick<TunnelGuard, "table" | "restore">;
  readonly log: Log;
}

export interface Repair {
  /** One after another, and after what is under way. */
  readonly inTurn: (act: () => Promise<void>) => Promise<void>;
  readonly compare: () => void;
}

export class TableKeeper {
  readonly #parts: KeeperParts;
  readonly #fabric: TableWatch;
  readonly #underlay: TableWatch;
  #repair: Repair | undefined;

  constructor(parts: KeeperParts) {
    const { guard, log } = parts;
    this.#parts = parts;
    const lost = (table: string) => void this.#lost(table);
    this.#fabric = new TableWatch({ tables: [ofGuests, ofConnections], lost, log });
    this.#underlay = new TableWatch({ tables: [`inet ${guard.table}`], lost, log });
  }

  /** Again and again: what has ended begins anew. @throws as `Fabric.underlayPath` */
  async watch(repair: Repair, hasTunnels: boolean): Promise<void> {
    this.#repair = repair;
    const { fabric } = this.#parts;
    this.#fabric.watch(await fabric.path());
    // Where the host has no tunnel it looks at nobody's tables.
    if (hasTunnels) this.#underlay.watch(await fabric.underlayPath());
    else this.#underlay.stop();
  }

  stop(): void {
    this.#repair = undefined;
    this.#fabric.stop();
    this.#underlay.stop();
  }

  async #lost(table: string): Promise<void> {
    const { log } = this.#parts;
    try {
      await this.#repair?.inTurn(() => this.#restore(table));
    } catch (error) {
      log.error({ table, error: String(error) }, "packet rules were removed by somebody else, and stay so");
      this.#repair?.compare();
    }
  }

  async #restore(table: string): Promise<void> {
    const { fabric, guard, log } = this.#parts;
    if (table === `inet ${guard.table}`) {
      if (await guard.restore()) log.warn({ table }, "rules of tunnels were removed by somebody else");
      return;
    }
    const { exitCode, output } = await fabric.run("nft", ["list", "tables"], { timeoutMs, outputBytesMax });
    if (exitCode === 0 && output.split("\n").includes(`table ${table}`)) return;
    if (table === ofGuests) await load(fabric, closed);
    log.warn({ table }, "packet rules were removed by somebody else: they are made anew");
    this.#repair?.compare();
  }
}
