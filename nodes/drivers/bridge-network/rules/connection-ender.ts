/**
 * Ends the kernel's connections that the rules do not allow any more, when the rules are in. Few are ended
 * before anybody goes on. Of many, the sets of revoked connections stop them at once, in one step, and they
 * are taken out of the kernel's table afterwards, a few at a time: the host's other guests must not wait
 * while one of them has opened ten thousand. What no set can remember is ended before anybody goes on.
 */
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock, Log, Timer } from "../../../../protocol/wire/transport.ts";
import { diskError, isDiskFull, temporaryName } from "../../durable-file.ts";
import type { FabricEntrance } from "../filter.ts";
import { bridgeNetworkLimits } from "../limits.ts";
import {
  type Connection,
  type Judges,
  readConnections,
  readRemembered,
  remembering,
  revokedOf,
} from "./connections.ts";
import { endingLines, linesMax, urgentLines } from "./ending.ts";
import { revokedNames, revokedSeconds } from "./fixed-chains.ts";
import { ruleLimits } from "./limits.ts";
import { tableName } from "./model.ts";
import { type Entrance, isTaken, livingNow, refused } from "./nft.ts";
import type { Listing } from "./read-back.ts";
import { elementList } from "./text.ts";

const { toolTimeoutMs: timeoutMs, toolOutputBytesMax: outputBytesMax } = bridgeNetworkLimits;

export class ConnectionEnder {
  readonly #clock: Clock;
  readonly #log: Log;
  /** Connections, by `nameOf`, that sets have stopped and the table still has. */
  #stopped = new Set<string>();
  /** The kernel may remember revoked connections, by sets that this file alone fills. */
  #remembers = true;
  #sweeping: Promise<void> = Promise.resolve();
  #timer: Timer | undefined;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * The rules are in: whatever was begun before, and they do not allow, ends now. `listed`: what the kernel
   * remembers as revoked; undefined: it was not asked. @throws StatusError
   */
  async revoke(fabric: FabricEntrance, judges: Judges, listed: Listing["living"] | undefined): Promise<void> {
    await this.#pause();
    const all = await connections(fabric);
    const [{ after }, revoked] = [judges, revokedOf(all, judges)];
    const living = listed ?? (this.#remembers ? await livingNow(fabric, revokedNames) : []);
    this.#remembers = true;
    const isStopped = await remember(fabric, revoked, { after, living });
    this.#remembers = living.length + revoked.length > 0;
    const lines = endingLines(all, revoked);
    if (lines.length <= linesMax(all.length)) {
      this.#stopped.clear();
      return end(fabric, lines);
    }
    // What the rules allow in one of its directions no later revocation would find again.
    const urgent = revoked.filter((one) => !isStopped(one) || after.standing(one) === "allowed");
    await end(fabric, urgentLines(all, urgent));
    const ended = new Set(urgent);
    this.#stopped = new Set(revoked.filter((one) => !ended.has(one)).map(nameOf));
    this.#log.info(
      { connections: this.#stopped.size },
      "revoked connections are stopped, and ended bit by bit",
    );
    this.#sweepSoon(fabric);
  }

  /** The agent ends: its next life finds what is left. */
  async stop(): Promise<void> {
    await this.#pause();
    this.#stopped.clear();
  }

  async #pause(): Promise<void> {
    this.#timer?.cancel();
    await this.#sweeping;
    this.#timer?.cancel();
  }

  #sweepSoon(fabric: FabricEntrance): void {
    if (this.#stopped.size === 0) return;
    this.#timer = this.#clock.after(ruleLimits.sweepPauseMs, () => {
      this.#sweeping = this.#sweep(fabric).catch((error: unknown) =>
        this.#log.warn(
          { error: String(error) },
          "revoked connections are stopped, and could not be ended yet",
        ),
      );
      void this.#sweeping.then(() => this.#sweepSoon(fabric));
    });
  }

  async #sweep(fabric: FabricEntrance): Promise<void> {
    const all = await connections(fabric);
    const left = all.filter((one) => this.#stopped.has(nameOf(one)));
    this.#stopped = new Set(left.map(nameOf));
    await end(fabric, endingLines(all, left).slice(0, linesMax(all.length)));
  }
}

/** Revoked connections stay revoked when the tables are made anew: lines for that. */
export const stillRevoked = (living: Listing["living"]): string =>
  readRemembered(living)
    .map(
      ({ set, key, comment, connection }) =>
        `add element bridge ${tableName} ${set} { ${key} timeout ${revokedSeconds(connection.protocol)}s ${comment} }\n`,
    )
    .join("");

interface Memory {
  readonly after: Judges["after"];
  readonly living: Listing["living"];
}

/** Answers whether a connection is stopped by it, or by nobody's being there any more. */
async function remember(
  fabric: Entrance,
  revoked: readonly Connection[],
  { after, living }: Memory,
): Promise<(one: Connection) => boolean> {
  const known = readRemembered(living);
  const again = known.filter((one) => after.isAgain(one));
  const forgotten = new Set(again);
  const { sets, left } = remembering(
    revoked,
    after,
    known.filter((one) => !forgotten.has(one)),
  );
  const forgetting = again.map(({ set, key }) => `delete element bridge ${tableName} ${set} { ${key} }\n`);
  const added = [...sets]
    .filter(([, elements]) => elements.size > 0)
    .map(([set, elements]) => `add element bridge ${tableName} ${set} { ${elementList(elements)} }\n`);
  const lines = [...forgetting, ...added].join("");
  const unheard = new Set(left);
  if (lines === "" || (await isTaken(fabric, lines))) return (one) => !unheard.has(one);
  // A set that is full refuses: the connections end all the same.
  await isTaken(fabric, forgetting.join(""));
  return (one) => after.standing(one) === "gone";
}

/** The tool opens its input by name, which the socket that Node gives it cannot be. */
async function end(fabric: FabricEntrance, lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return;
  const path = temporaryName(join(fabric.directory, "ending"));
  try {
    await writeFile(path, `${lines.join("\n")}\n`, { mode: 0o600, flag: "wx" });
    await told(fabric, ["-R", path]);
  } catch (error) {
    if (!isDiskFull(diskError(error, "Writing down which connections end"))) throw error;
    // There is no room for a file: one process for each line.
    for (const line of lines) await told(fabric, line.split(" "));
  } finally {
    await rm(path, { force: true });
  }
}

/** @throws StatusError hypervisorRefused */
async function told(fabric: Entrance, argv: readonly string[]): Promise<void> {
  const { exitCode, errors } = await fabric.run("conntrack", argv, { timeoutMs, outputBytesMax });
  // Of a line alone the tool says by 1 that there is no such connection any more.
  if (exitCode === 0 || (exitCode === 1 && argv[0] === "-D" && /0 flow entries/.test(errors))) return;
  const detail = errors.trim().slice(0, 500);
  throw refused("Connections that the rules do not allow could not be ended.", detail);
}

async function connections(fabric: Entrance): Promise<readonly Connection[]> {
  return (await Promise.all([ofFamily(fabric, "ipv4"), ofFamily(fabric, "ipv6")])).flat();
}

async function ofFamily(fabric: Entrance, family: "ipv4" | "ipv6"): Promise<readonly Connection[]> {
  const said = await fabric.run("conntrack", ["-L", "-f", family], { timeoutMs, outputBytesMax });
  if (said.exitCode === 0) return readConnections(said.output);
  throw refused("The connections of the host's guests cannot be read.", said.errors.trim().slice(0, 500));
}

const nameOf = ({ zone, protocol, source, destination, sourcePort, destinationPort }: Connection): string =>
  [zone, protocol, source, destination, sourcePort, destinationPort].join(" ");
