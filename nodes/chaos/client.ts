/**
 * One client of the load: makes one call after the other through the SDK with its retries, remembers the
 * answers, and records every call. It chooses calls at random, from its seed and from what it knows, as a
 * user would. This file must never look at anything but the client's own answers.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Novact } from "../sdk/sdk.ts";
import { type Asked, callOnce } from "./caller.ts";
import type { Random } from "./random.ts";
import type { Recorder } from "./recorder.ts";
import { Routing } from "./routing.ts";
import { type RoutingCommand, routingCommands } from "./routing-commands.ts";
import type { LoadCommand } from "./scenario.ts";
import { type VolumeCommand, volumeCommands } from "./volume-commands.ts";
import { Volumes } from "./volumes.ts";
import { Wiring } from "./wiring.ts";
import { type WiringCommand, wiringCommands } from "./wiring-commands.ts";
import { groupsOf, wishOf } from "./wishes.ts";

export interface ClientOptions {
  readonly name: string;
  readonly novact: Novact;
  readonly recorder: Recorder;
  readonly random: Random;
  readonly instancesMax: number;
  readonly pauseMs: number;
  readonly weights: Readonly<Partial<Record<LoadCommand, number>>>;
  /** Server groups of its own; and instances that it asks for at once, at most. */
  readonly groups: number;
  readonly atOnce: number;
  readonly network: string | undefined;
  /** Volumes of its own, at most. */
  readonly volumes: number;
  /** Id of the external network to which a router of its own leads; undefined: it has no router. */
  readonly outside: string | undefined;
  readonly flavor: string;
  readonly image: string;
  /** Metadata of the instances that the client makes. */
  readonly metadata: Readonly<Record<string, string>>;
  /** The number of the next call, over all clients; undefined when no more calls are to be made. */
  readonly nextCall: () => number | undefined;
  readonly requestIdOf: (call: number) => string;
  /** Aborted when no further call is to be made; calls under way are waited for. */
  readonly ending: AbortSignal;
}

export const weightsDefault: Readonly<Record<LoadCommand, number>> = {
  create: 3,
  start: 3,
  stop: 2,
  reboot: 1,
  pause: 1,
  unpause: 2,
  delete: 1,
  set: 1,
  get: 2,
  list: 1,
  attach: 1,
  detach: 1,
  publish: 1,
  unpublish: 1,
  route: 2,
  unroute: 1,
  lead: 1,
  float: 1,
  refloat: 2,
  unfloat: 1,
  volumeCreate: 2,
  volumeAttach: 3,
  volumeDetach: 2,
  volumeExtend: 1,
  volumeDelete: 1,
};

const isRouting = (command: LoadCommand): command is RoutingCommand =>
  routingCommands.some((one) => one === command);
const none = (commands: readonly LoadCommand[]) =>
  Object.fromEntries(commands.map((command) => [command, 0]));
const unrouted = none(routingCommands);
const volumeless = none(volumeCommands);

const isOfVolumes = (command: LoadCommand): command is VolumeCommand =>
  volumeCommands.some((one) => one === command);

const isWiring = (command: LoadCommand): command is WiringCommand =>
  wiringCommands.some((one) => one === command);

/** One in this many calls is sent twice with one request id, as by a client that lost the answer. */
const repeatedOnceIn = 12;
/** Keys of metadata that a client sets in its instances. */
const keysMax = 20;
/** Share of the calls that wait for the operation's end. */
const waitingShare = 0.6;

type Known = "running" | "stopped" | "paused" | "unclear";
type OfOthers = WiringCommand | RoutingCommand | VolumeCommand;
type Changing = Exclude<LoadCommand, "create" | "set" | "get" | "list" | OfOthers>;

const after: Readonly<Record<Exclude<Changing, "delete">, Known>> = {
  start: "running",
  stop: "stopped",
  reboot: "running",
  pause: "paused",
  unpause: "running",
};
/** The commands that make sense in a state; all others are sent now and then as well, and refused. */
const sensible: Readonly<Record<Known, readonly Changing[]>> = {
  running: ["stop", "reboot", "pause", "delete"],
  stopped: ["start", "delete"],
  paused: ["unpause", "stop", "delete"],
  unclear: ["start", "stop", "delete"],
};

export class Client {
  readonly #options: ClientOptions;
  readonly #instances = new Map<string, Known>();
  #made = 0;
  /** What is still to be made before the first create, the last one first: a network, server groups. */
  readonly #before: Asked[];
  /** Undefined: there is no network. */
  readonly #wiring: Wiring | undefined;
  readonly #routing: Routing | undefined;
  readonly #volumes: Volumes;

  constructor(options: ClientOptions) {
    this.#options = options;
    const { network, outside } = options;
    this.#wiring = network === undefined ? undefined : new Wiring({ ...options, network });
    this.#routing = outside === undefined ? undefined : new Routing({ ...options, outside });
    this.#volumes = new Volumes(options);
    this.#before = [...(this.#routing?.first() ?? []), ...groupsOf(options)].reverse();
  }

  /** Makes calls until told to end; resolves when the last call is answered. */
  async run(): Promise<void> {
    const { ending, random, pauseMs } = this.#options;
    while (!ending.aborted) {
      await sleep(pauseMs * random.between(0.3, 1.7), undefined, { signal: ending }).catch(() => undefined);
      if (ending.aborted) return;
      const call = this.#options.nextCall();
      if (call === undefined) return;
      await this.#step(call);
    }
  }

  async #step(call: number): Promise<void> {
    const command = this.#choose();
    if (command === "create") return this.#create(call);
    if (command === "list") return void (await this.#ask(call, this.#list()));
    const routed = isRouting(command) ? this.#routing?.asked(command) : undefined;
    if (routed !== undefined) return void (await this.#ask(call, routed));
    const { random, novact } = this.#options;
    const [id, known] = random.pick([...this.#instances]);
    if (command === "get") {
      const send: Asked["send"] = (options) => novact.instance.get(id, {}, options);
      return void (await this.#ask(call, { method: "instance.get", id, request: {}, send }));
    }
    if (command === "set") return void (await this.#ask(call, this.#set(call, id)));
    const wired = isWiring(command) ? this.#wiring?.asked(command, id) : undefined;
    const ofVolume = isOfVolumes(command) ? this.#volumes.asked(command, id) : undefined;
    const other = wired ?? ofVolume;
    if (other !== undefined) return void (await this.#ask(call, other));
    const wanted = sensible[known].filter((one) => (this.#options.weights[one] ?? 0) > 0);
    const choices = wanted.length > 0 ? wanted : sensible[known];
    const isOther = isWiring(command) || isRouting(command) || isOfVolumes(command);
    const isMeant = !isOther && (choices.includes(command) || random.next() < 0.1);
    await this.#change(call, isMeant ? command : random.pick(choices), id);
  }

  #choose(): LoadCommand {
    const { random, instancesMax, volumes } = this.#options;
    const weights = {
      ...this.#options.weights,
      ...(this.#routing === undefined ? unrouted : {}),
      ...(volumes === 0 ? volumeless : {}),
    };
    if (this.#instances.size === 0) return "create";
    // With few instances: make more; with enough: stop making them.
    if (this.#instances.size < instancesMax && random.next() < 0.5) return "create";
    const full = this.#instances.size >= instancesMax;
    return random.weighted(full ? { ...weights, create: 0 } : weights);
  }

  async #create(call: number): Promise<void> {
    const { name, novact, flavor, image, metadata, random } = this.#options;
    const first = this.#before.pop();
    if (first !== undefined) return void (await this.#ask(call, first));
    this.#made += 1;
    const wait = random.next() < waitingShare;
    const wished = wishOf(this.#options);
    const request = {
      name: `${name}-${this.#made}`,
      flavor,
      image,
      metadata: { ...metadata },
      wait,
      ...wished,
    };
    const send: Asked["send"] = (options) => novact.instance.create(request, options);
    const answer = await this.#ask(call, { method: "instance.create", id: "", request, send });
    for (const id of idsOf(answer)) this.#instances.set(id, "running");
  }

  async #change(call: number, command: Changing, id: string): Promise<void> {
    const { novact, random } = this.#options;
    const request = { wait: random.next() < waitingShare, ...detailOf(command, random) };
    const send: Asked["send"] = (options) => novact.instance[command](id, request, options);
    const answer = await this.#ask(call, { method: `instance.${command}`, id, request, send });
    if (answer === "refused") return;
    if (command !== "delete") this.#instances.set(id, answer === undefined ? "unclear" : after[command]);
    else if (answer !== undefined) this.#instances.delete(id);
    else this.#instances.set(id, "unclear");
  }

  /** Pairs of a few keys, again and again: an instance may have only so many. */
  #set(call: number, id: string): Asked {
    const { novact } = this.#options;
    const request = { metadata: { [`call-${call % keysMax}`]: String(call) }, description: `as of ${call}` };
    const send: Asked["send"] = (options) => novact.instance.set(id, request, options);
    return { method: "instance.set", id, request, send };
  }

  #list(): Asked {
    const { novact, metadata } = this.#options;
    const request = { limit: 50, metadata: { ...metadata } };
    return {
      method: "instance.list",
      id: "",
      request,
      // The answer is a page of everybody's instances: only its arrival matters.
      send: async (options) => ({ count: (await novact.instance.list(request, options)).instances.length }),
    };
  }

  /** The answer of a call; undefined: perhaps it was executed. */
  async #ask(call: number, asked: Asked): Promise<object | "refused" | undefined> {
    const requestId = this.#options.requestIdOf(call);
    const first = await callOnce(this.#options, { call, requestId }, asked);
    const mutates = asked.method !== "instance.get" && asked.method !== "instance.list";
    const repeats = mutates && (first === undefined || this.#options.random.next() * repeatedOnceIn < 1);
    const again = repeats ? this.#options.nextCall() : undefined;
    const answer =
      again === undefined ? first : await callOnce(this.#options, { call: again, requestId }, asked);
    this.#wiring?.learn(answer);
    this.#routing?.learn(asked, answer);
    this.#volumes.learn(asked, answer);
    return answer;
  }
}

function detailOf(command: Changing, random: Random): Readonly<Record<string, unknown>> {
  if (command === "stop") {
    return random.next() < 0.5 ? { mode: "hard" } : { mode: "graceful", timeoutMs: 1_000 };
  }
  return command === "reboot" ? { mode: "hard" } : {};
}

function idsOf(answer: object | "refused" | undefined): readonly string[] {
  if (typeof answer !== "object" || !("instance" in answer)) return [];
  const all = "all" in answer && Array.isArray(answer.all) ? answer.all : [answer];
  return all.map((one) => (one as { readonly instance: { readonly id: string } }).instance.id);
}
