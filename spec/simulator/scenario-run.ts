/**
 * Performs a scenario: every latency is what it is on average, nothing happens by chance, so that the log
 * depends on nothing but the scenario and the code. Its end is that of any run: faults stop, everything comes
 * to rest, and the judge has seen it all.
 */
import type { Violation } from "../../actors/promises/facts.ts";
import type { SimulatedClient } from "./client.ts";
import { applyFault } from "./faults.ts";
import type { StepFault } from "./interposer.ts";
import { nobody } from "./kernel.ts";
import { type CommandKind, type Plan, type PlannedFault, setUpMs } from "./plan.ts";
import { floodKinds, lieKinds } from "./plan-hostile.ts";
import type { Parameters } from "./plan-parameters.ts";
import { Random } from "./random.ts";
import { runPlan, type ScriptWorld } from "./run.ts";
import type {
  Action,
  AimAction,
  AskAction,
  FateName,
  FaultAction,
  OwnFault,
  UserAction,
} from "./scenario-actions.ts";
import { ownFaults } from "./scenario-actions.ts";
import type { Scenario } from "./scenario-format.ts";
import { ScenarioLog } from "./scenario-log.ts";

export interface Performed {
  readonly log: readonly string[];
  readonly violations: readonly Violation[];
}

/** Nothing by chance: neither long nor short, and the one in the middle. */
class Steady extends Random {
  override fork(): Random {
    return this;
  }

  override next(): number {
    return 0.5;
  }

  override latencyMs(meanMs: number): number {
    return meanMs;
  }
}

export async function performScenario(
  scenario: Scenario,
  write?: (line: string) => void,
): Promise<Performed> {
  const log = new ScenarioLog();
  const { violations } = await runPlan(planOf(scenario), {
    random: new Steady("scenario"),
    watch: (fact) => log.see(fact),
    script: (world) => new Stage(scenario, world, log).begin(),
    ...(write === undefined ? {} : { write }),
  });
  for (const { atMs, promise, message } of violations)
    log.note(atMs, "judge", `${promise} is broken: ${message}`);
  return { log: log.lines, violations };
}

function planOf(scenario: Scenario): Plan {
  const { hosts, controllers, capacity, disks, startSeconds, shutdownSeconds, untilSeconds } = scenario;
  const users = scenario.happenings.flatMap(({ action }) => (action.kind === "user" ? [action.user] : []));
  const parameters: Parameters = {
    ...{ hosts, controllers, hostVcpus: capacity },
    clients: Math.max(1, ...users.map((user) => Number(user.slice(1)))),
    ...{ latencyMs: 10, lost: 0, doubled: 0, late: 0 },
    ...{ storeLatencyMs: 10, rolledBack: 0, answerLost: 0, slow: 0 },
    ...{ driverLatencyMs: 50, startMs: startSeconds * 1_000, refused: 0, hang: 0 },
    ...(disks === undefined ? {} : { sharedDisks: disks }),
    ...(shutdownSeconds === undefined ? {} : { shutdownMs: shutdownSeconds * 1_000 }),
  };
  const faultyMs = setUpMs + untilSeconds * 1_000;
  return { seed: "scenario", parameters, commands: [], faults: [], faultyMs };
}

const faultOfFate = {
  lose: "loseReply",
  "lose-answer": "loseReply",
  double: "double",
  delay: "delay",
  "crash-before": "crashBefore",
  "crash-after": "crashAfter",
} as const satisfies Record<FateName, StepFault>;

/** Of one rule: what happens all the time is not news. */
const hitsNotedMax = 3;

/** In a report of a host that lies. */
const lyingObservations = 200;

/** A flood says first what it is made of, a host that lies after its name. */
function hostileWhat({ fault, target, other }: FaultAction): Pick<PlannedFault, "what"> {
  if (fault !== "flood" && fault !== "hostLies") return {};
  const word = fault === "flood" ? target : other;
  const what = [...floodKinds, ...lieKinds, "mixed" as const].find((kind) => kind === word);
  if (what === undefined) throw new Error(`There is no ${fault} of ${word}.`);
  return { what };
}

const isOwn = (fault: FaultAction["fault"]): fault is OwnFault => ownFaults.some((own) => own === fault);

const methodOf: Partial<Record<CommandKind, string>> = { stopHard: "stop", rebootHard: "reboot" };

class Stage {
  readonly #scenario: Scenario;
  readonly #world: ScriptWorld;
  readonly #log: ScenarioLog;
  readonly #last = new Map<string, { method: string; id: string; request: object; requestId: string }>();

  constructor(scenario: Scenario, world: ScriptWorld, log: ScenarioLog) {
    this.#scenario = scenario;
    this.#world = world;
    this.#log = log;
  }

  begin(): void {
    for (const { atSeconds, action, text } of this.#scenario.happenings)
      this.#world.kernel.after(nobody, atSeconds * 1_000, "", () => this.#do(action, text));
  }

  #note(what: string): void {
    this.#log.note(this.#world.kernel.nowMs, "world", what);
  }

  #do(action: Action, text: string): void {
    if (action.kind === "user") this.#user(action);
    else if (action.kind === "ask") this.#askAny(action);
    else if (action.kind === "fault") this.#fault(action);
    else this.#aim(action, text);
  }

  #user(action: UserAction): void {
    const client = this.#world.clients[Number(action.user.slice(1)) - 1];
    if (client === undefined) return;
    if (action.command === "again") {
      const last = this.#last.get(action.user);
      if (last !== undefined) client.ask(last.method, last.id, { ...last.request }, last.requestId);
      return;
    }
    const { command, name, count, withinSeconds, wait, fields } = action;
    const many = {
      ...fields,
      ...(wait ? { wait } : {}),
      ...(count === undefined ? {} : { count }),
      ...(withinSeconds === undefined ? {} : { timeoutMs: withinSeconds * 1_000 }),
      ...(command === "stopHard" || command === "rebootHard" ? { mode: "hard" } : {}),
    };
    if (command === "create")
      this.#ask(client, "instance.create", "", { name, flavor: "tiny", image: "tiny", ...many });
    else if (command === "list") this.#ask(client, "instance.list", "", {});
    else {
      const id = this.#log.idOf(name);
      if (id === undefined) this.#note(`${action.user} knows of no ${name}`);
      else this.#ask(client, `instance.${methodOf[command] ?? command}`, id, many);
    }
  }

  #askAny({ user, method, about, fields }: AskAction): void {
    const { clients, admin } = this.#world;
    const client = user === "" ? admin : clients[Number(user.slice(1)) - 1];
    if (client !== undefined) this.#ask(client, method, this.#log.idOf(about) ?? about, { ...fields });
  }

  #ask(client: SimulatedClient, method: string, id: string, request: object): void {
    const requestId = client.process.ids.next();
    this.#last.set(client.process.name, { method, id, request, requestId });
    client.ask(method, id, { ...request }, requestId);
  }

  #fault(action: FaultAction): void {
    const { fault, target, other, times, forSeconds } = action;
    const { kernel, cluster, admin, tell } = this.#world;
    const lasts = forSeconds === 0 ? "" : ` for ${forSeconds} s`;
    this.#note(`fault: ${[fault, target, other].filter((part) => part !== undefined).join(" ")}${lasts}`);
    if (isOwn(fault)) {
      kernel.after(nobody, forSeconds * 1_000, "", this.#own(fault, target));
      return;
    }
    const planned: PlannedFault = {
      atMs: kernel.nowMs,
      fault,
      target: this.#targetOf(action),
      forMs: forSeconds === 0 ? 1e9 : forSeconds * 1_000,
      ...(other === undefined || fault === "actorCrash" ? {} : { other: this.#otherOf(action) }),
      ...hostileWhat(action),
      ...(fault === "actorCrash" && other !== undefined && other !== "any" ? { message: other } : {}),
      ...(times === undefined ? {} : { times }),
    };
    applyFault(planned, { kernel, cluster, tell, admin: admin.clients });
  }

  /** Begins a fault that only scenarios have; returns the function that ends it. */
  #own(fault: OwnFault, target: string): () => void {
    const { store, hosts } = this.#world.cluster;
    if (fault === "storeCut") {
      store.cutOff.add(target);
      return () => store.cutOff.delete(target);
    }
    const rates = hosts[this.#placeOf(target)]?.machine.rates;
    if (rates === undefined) throw new Error(`There is no host ${target}.`);
    const rate = fault === "hypervisorHangs" ? "hang" : "refused";
    rates[rate] = 1;
    return () => {
      rates[rate] = 0;
    };
  }

  #targetOf({ fault, target, other }: FaultAction): number {
    if (fault === "flood") return 0;
    if (fault === "busDown") return target === "wiped" ? 0 : 1;
    if (fault.startsWith("guest")) return this.#guestCalled(target);
    if (fault.endsWith("Controller") || fault === "answersLate") return Number(target.slice(1)) - 1;
    // Whose message it is says already whether it is a controller or a host.
    if (fault === "actorCrash" && other !== "any") return Number(target.slice(1)) - 1;
    return target === "" ? 0 : this.#placeOf(target);
  }

  #otherOf({ fault, other = "" }: FaultAction): number {
    if (fault === "flood") return Number(other);
    if (fault === "hostLies") return lyingObservations;
    const isTime = fault === "clockJump" || fault === "answersLate";
    return isTime ? Number(other) * 1_000 : this.#placeOf(other);
  }

  /** Hosts come before controllers, as faults count them. */
  #placeOf(name: string): number {
    const index = Number(name.slice(1)) - 1;
    return name.startsWith("c") ? this.#world.cluster.hosts.length + index : index;
  }

  #guestCalled(name: string): number {
    const guests = this.#world.cluster.hosts.flatMap(({ machine }) => machine.world.list());
    const index = guests.findIndex(({ instanceId }) => instanceId === this.#log.idOf(name));
    if (index < 0) throw new Error(`There is no process of ${name}.`);
    return index;
  }

  #aim(action: AimAction, text: string): void {
    const { fate, step, what, process, nth, times, bySeconds, forSeconds, next } = action;
    const { kernel, cluster } = this.#world;
    const isMessage = step === "request" || step === "answer";
    const pattern = what.replaceAll("~", " ");
    let hits = 0;
    cluster.interposer.rules.push({
      kind: isMessage ? "message" : "durable",
      process,
      what: new RegExp(isMessage ? `^${step} .*${pattern}` : pattern),
      passing: nth - 1,
      times,
      fault: fate === undefined ? undefined : faultOfFate[fate],
      ...(bySeconds === undefined ? {} : { delayMs: bySeconds * 1_000 }),
      hit: (_what, by) => {
        hits += 1;
        if (hits <= hitsNotedMax) this.#note(`${by}: ${text}`);
        if (fate?.startsWith("crash") === true && forSeconds > 0)
          kernel.after(nobody, forSeconds * 1_000, "", () => this.#startAgain(by));
        if (next !== undefined) kernel.soon(nobody, "", () => this.#do(next, ""));
      },
    });
  }

  #startAgain(name: string): void {
    const { cluster } = this.#world;
    const index = Number(name.slice(1)) - 1;
    if (name.startsWith("c") && cluster.controllers[index]?.process.alive === false)
      cluster.startController(index);
    if (name.startsWith("h") && cluster.hosts[index]?.agent.alive === false) cluster.startAgent(index);
  }
}
