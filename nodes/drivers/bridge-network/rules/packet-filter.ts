/**
 * Keeps the rules in the kernel as the picture has them. What is there is read at each compare, and where it
 * is not what was put there, all of it is put there anew; nobody believes what has failed. It must never
 * leave a moment in which a packet passes that neither the picture before nor this one allows.
 */
import { chmod, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { HostNetworking } from "../../../../protocol/networking.ts";
import type { Clock, Log } from "../../../../protocol/wire/transport.ts";
import { validatorOf } from "../../../../protocol/wire/validate.ts";
import type { AnsweredGuest, AnsweredGuest6 } from "../../../responder/state.ts";
import { isDiskFull, isMissing, writeDurably } from "../../durable-file.ts";
import { throwIfAborted } from "../../waiting.ts";
import { bridgeName } from "../device-names.ts";
import type { FabricEntrance, FilterState, PacketFilter, ServiceRoute } from "../filter.ts";
import type { ResponderKeeper } from "../responder-keeper.ts";
import { answeredGuests, compile } from "./compile.ts";
import { ConnectionEnder, stillRevoked } from "./connection-ender.ts";
import { ConnectionJudge } from "./connections.ts";
import { interned } from "./kept.ts";
import { type Brought, bring, makeScratch } from "./kernel-rules.ts";
import { emptyLedger, givesNothing, Ledger, nextLedger, servicesOf } from "./ledger.ts";
import type { Ruleset } from "./model.ts";
import { RulesNotTaken } from "./nft.ts";
import { nobody, Refusals, type Refused } from "./refusals.ts";
import { only, refusedPorts, without } from "./refused-ports.ts";
import { ruledPorts } from "./ruled-ports.ts";
import { hatchRoutes, toldGuests6 } from "./told-ports.ts";

interface Made {
  /** Picture, ledger and ports behind all of this. */
  readonly of: readonly unknown[];
  readonly ruleset: Ruleset;
  readonly judge: ConnectionJudge;
  readonly guests: readonly AnsweredGuest[];
  readonly guests6: readonly AnsweredGuest6[];
  readonly routes: readonly ServiceRoute[];
}

type Applied = Brought & Pick<Made, "judge">;

interface Wanted {
  readonly state: FilterState;
  readonly ledger: Ledger;
  readonly before: Applied | undefined;
}

export interface RuleFilterParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly responder: ResponderKeeper;
}

export class RuleFilter implements PacketFilter {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #responder: ResponderKeeper;
  readonly #ender: ConnectionEnder;
  #ledger: Ledger | undefined;
  #applied: Applied | undefined;
  #made: Made | undefined;
  readonly #refusals = new Refusals();
  /** The last, whose parts are used again. */
  #picture: HostNetworking | undefined;

  constructor({ clock, log, responder }: RuleFilterParts) {
    this.#responder = responder;
    this.#clock = clock;
    this.#log = log;
    this.#ender = new ConnectionEnder(clock, log);
  }

  async apply(
    state: FilterState,
    fabric: FabricEntrance,
    signal: AbortSignal,
  ): Promise<readonly ServiceRoute[]> {
    throwIfAborted(signal);
    const ledger = await this.#advance(state, fabric);
    const before = this.#applied;
    this.#applied = undefined;
    const [made, { seen, living, isChanged }] = await this.#bring({ state, ledger, before }, fabric);
    // What has failed here is looked for again by the next: it knows of nothing that was applied.
    if (isChanged || before === undefined)
      await this.#ender.revoke(fabric, { before: before?.judge ?? null, after: made.judge }, living);
    this.#applied = { ...made, seen };
    await this.#responder.want({ guests: [...made.guests], guests6: [...made.guests6] }, fabric);
    return made.routes;
  }

  /** Ports whose rules the kernel refuses are closed; all other ports have their rules. */
  async #bring({ state, ledger, before }: Wanted, fabric: FabricEntrance) {
    const scratch = () => makeScratch(this.#clock);
    const trusts = state.trusts === true;
    const bringing = { entrance: fabric, trusts, kept: stillRevoked, log: this.#log, scratch };
    const attempt = async (refused: Refused) => {
      const made = this.#make(without(state, refused), ledger);
      return [made, await bring(made.ruleset, before, bringing)] as const;
    };
    // A refused port may be taken by now. A namespace without other rules tells, and no other port waits.
    const nowMs = this.#clock.monotonicMs();
    const { waiting, due } = this.#refusals.split(state, nowMs);
    const again = due.size === 0 ? nobody : await refusedPorts(only(state, due), ledger, scratch);
    const known = new Map([...waiting, ...again]);
    const done = await attempt(known).catch(unlessNotTaken);
    const others = done === undefined ? await refusedPorts(without(state, known), ledger, scratch) : nobody;
    const refused = new Map([...known, ...others]);
    const outcome = done ?? (await attempt(refused));
    this.#refusals.remember(refused, waiting, state, nowMs);
    return outcome;
  }

  get refused(): Refused {
    return this.#refusals.all;
  }

  /** What has not changed is not made again: a large host is compared every minute. */
  #make(state: FilterState, ledger: Ledger): Made {
    const of = [state.networking, JSON.stringify(ledger), ...state.ports];
    const before = this.#made;
    if (before?.of.length === of.length && of.every((one, at) => one === before.of[at])) return before;
    this.#picture = state.networking === null ? undefined : interned(state.networking, this.#picture);
    const like = { ...state, networking: this.#picture ?? null };
    this.#made = {
      ...{ of, ruleset: compile(like, ledger), judge: new ConnectionJudge(like, ledger) },
      ...{ guests: answeredGuests(like, ledger, state.toldPath), guests6: toldGuests6(like, ledger) },
      routes: [...routesOf(like, ledger), ...hatchRoutes(like, ledger)],
    };
    return this.#made;
  }

  unanswered(): string | undefined {
    return this.#responder.unanswered;
  }

  /** Rules and responder outlive the agent as the packets do, and go with their namespace. */
  async detach(): Promise<void> {
    this.#applied = undefined;
    await this.#ender.stop();
    this.#responder.detach();
  }

  /** Written down before anything is told of it. @throws StatusError diskFull */
  async #advance(state: FilterState, { directory }: FabricEntrance): Promise<Ledger> {
    const path = join(directory, "ledger.json");
    this.#ledger ??= await this.#readLedger(path);
    const ids = ruledPorts(state).map(({ port }) => port.id);
    const next = nextLedger(this.#ledger, state.networking, ids);
    const text = JSON.stringify(next);
    if (text !== JSON.stringify(this.#ledger)) {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await chmod(directory, 0o700);
      try {
        await writeDurably(path, text);
      } catch (error) {
        // What only goes must go on a full disk too; the next one writes it down.
        if (isDiskFull(error) && givesNothing(this.#ledger, next)) return next;
        throw error;
      }
    }
    this.#ledger = next;
    return next;
  }

  async #readLedger(path: string): Promise<Ledger> {
    try {
      const ledger: unknown = JSON.parse(await readFile(path, "utf8"));
      if (validatorOf(Ledger).accepts(ledger)) return ledger;
      this.#log.error({ path }, "the ledger of the host's network is damaged: its numbers are given anew");
    } catch (error) {
      if (!isMissing(error)) this.#log.error({ path, error: String(error) }, "the ledger cannot be read");
    }
    return emptyLedger;
  }
}

function unlessNotTaken(error: unknown): undefined {
  if (!(error instanceof RulesNotTaken)) throw error;
}

/** By which the fabric answers its ports. */
const routesOf = (state: FilterState, ledger: Ledger): readonly ServiceRoute[] =>
  ruledPorts(state).flatMap(({ port, network }) => {
    const number = ledger.services[port.id];
    if (number === undefined) return [];
    const { own, all } = servicesOf(number);
    return [own, all].map((address) => ({ bridge: bridgeName(network.id), address, mac: port.mac }));
  });
