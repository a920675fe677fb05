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
import { TableWatch, type WatchParts } from "./table-watch.ts";
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
  /** Absent: by nft's own words. */
  readonly hear?: (parts: WatchParts) => Pick<TableWatch, "watch" | "stop">;
}

export interface Repair {
  /** One after another, and after what is under way. */
  readonly inTurn: (act: () => Promise<void>) => Promise<void>;
  readonly compare: () => void;
}

export class TableKeeper {
  readonly #parts: KeeperParts;
  readonly #fabric: Pick<TableWatch, "watch" | "stop">;
  readonly #underlay: Pick<TableWatch, "watch" | "stop">;
  #repair: Repair | undefined;

  constructor(parts: KeeperParts) {
    const { guard, log, hear = (of: WatchParts) => new TableWatch(of) } = parts;
    this.#parts = parts;
    const lost = (table: string) => void this.#lost(table);
    this.#fabric = hear({ tables: [ofGuests, ofConnections], lost, log });
    this.#underlay = hear({ tables: [`inet ${guard.table}`], lost, log });
  }

  /** Again and again: what has ended begins anew. @throws as `Fabric.underlayPath` */
  async watch(repair: Repair, hasTunnels: boolean): Promise<void> {
    this.#repair = repair;
    const { fabric } = this.#parts;
    const path = await fabric.path();
    // Stopped meanwhile: a monitor that started now would be ended by nobody.
    if (this.#repair !== repair) return;
    this.#fabric.watch(path);
    // Where the host has no tunnel it looks at nobody's tables.
    if (!hasTunnels) return this.#underlay.stop();
    const underlayPath = await fabric.underlayPath();
    if (this.#repair === repair) this.#underlay.watch(underlayPath);
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
