/**
 * A client of the simulated cell: the SDK's clients and its watcher on the simulated bus. It does what the
 * plan says, and tells the judge what it asked for and what it was told, as a history that anybody can read.
 */
import type { Completed, Fact } from "../../actors/promises/facts.ts";
import { type ClientOf, type Clients, clientOf, createClients, services } from "../../nodes/sdk/clients.ts";
import { createFollowers } from "../../nodes/sdk/follow.ts";
import type { Changed } from "../../protocol/instance.ts";
import type { Service } from "../../protocol/wire/service.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { adminProject } from "../../protocol/wire/subjects.ts";
import { extensionCall, extensionMethod, extensionServices, isExtension } from "./client-extensions.ts";
import { isSurrounding, surroundingCall } from "./client-surroundings.ts";
import { SimulatedUploads, type Wanted } from "./client-uploads.ts";
import { KnownVolumes } from "./client-volumes.ts";
import { cell } from "./cluster.ts";
import type { ImageStores } from "./image-stores.ts";
import type { Kernel } from "./kernel.ts";
import type { Network } from "./network.ts";
import type { PlannedCommand } from "./plan.ts";
import { editCommands } from "./plan-edits.ts";
import { instanceImageCommands } from "./plan-instance-images.ts";
import { isUpload, type UploadCommand } from "./plan-uploads.ts";
import { SimulatedProcess } from "./process.ts";
import type { Random } from "./random.ts";

export interface ClientOptions {
  readonly kernel: Kernel;
  readonly network: Network;
  readonly random: Random;
  readonly name: string;
  readonly project: string;
  readonly told: (fact: Fact) => void;
  /** Numbers every call of the run. */
  readonly numbered: () => number;
  /** There is a flavor with CPUs of its own. */
  readonly bound: boolean;
  /** Where the bytes of images go, and what all clients of the run have begun to send. */
  readonly bytes: { readonly stores: ImageStores; readonly wanted: Wanted };
}

const image = "tiny";
const flavor = "tiny";
/** With CPUs of its own. */
export const boundFlavor = "pinned";
/** Longer than most faults: clients that give up early see nothing of how it ends. */
const patienceMs = 60_000;

interface ServiceOfSdk {
  /** Its name in the SDK. */
  readonly key: keyof Clients;
  readonly service: Service;
}

/** By the noun that the history calls it by. */
const byNoun: ReadonlyMap<string, ServiceOfSdk> = new Map(
  Object.entries<Service>(services).map(([key, service]) => [
    service.noun,
    { key: key as keyof Clients, service },
  ]),
);

/** What the SDK asks in the operators' project, whoever asks. */
function isForOperators(method: string): boolean {
  const [noun = "", name = ""] = method.split(".");
  const ours = byNoun.get(noun)?.service.methods[name];
  return (ours ?? extensionMethod(method))?.audience === "admin";
}

interface Known {
  readonly id: string;
}

type Ended = Omit<Completed, "kind" | "atMs" | "call">;

export class SimulatedClient {
  readonly project: string;
  readonly process: SimulatedProcess;
  readonly clients: Clients;
  readonly #of: ClientOf;
  readonly instances: Known[] = [];
  /** Ids of floating addresses that the client has, or had. */
  readonly #floating: string[] = [];
  /** Ids of images that this client has made. */
  readonly images = new Set<string>();
  /** Images that were made of its instances. */
  readonly #ofInstances = new Set<string>();
  readonly #volumed = new KnownVolumes();
  /** Rules of security groups that it has made. */
  readonly #rules: Known[] = [];
  /** The last event that the watcher was handed. */
  watchedUntil = 0;
  underWay = 0;
  readonly #ends = new Set<(completed: Ended) => void>();
  readonly #options: ClientOptions;
  readonly #uploads: SimulatedUploads;
  #last: { readonly method: string; readonly requestId: string; readonly id: string } | undefined;

  constructor(options: ClientOptions) {
    this.#options = options;
    const { kernel, network, random, name, project } = options;
    this.project = project;
    this.process = new SimulatedProcess(kernel, name, { name, wallShiftMs: 0, monotonicShiftMs: 0 });
    const { clock, ids } = this.process;
    const world = {
      bus: network.connect(this.process),
      clock,
      ids,
      project,
      cell,
      random: () => random.next(),
    };
    this.clients = createClients(world);
    this.#of = clientOf(world);
    const { stores, wanted } = options.bytes;
    const ask = async (...asked: Parameters<SimulatedClient["ask"]>) => (await this.#call(...asked)).answer;
    this.#uploads = new SimulatedUploads({ kernel, process: this.process, project, stores, ask }, wanted);
    this.process.onDeath(() => this.#die());
    kernel.soon(this.process, "watches", () => void this.#watch(createFollowers(this.clients, world)));
  }

  /** Nobody hears any more how these end. */
  #die(): void {
    for (const end of [...this.#ends]) end({ outcome: "unknown", code: "CANCELLED", reason: "clientDied" });
  }

  async #watch(followers: ReturnType<typeof createFollowers>): Promise<void> {
    const { project } = this;
    for await (const event of followers.watch({ after: 0 })) {
      this.watchedUntil = event.sequence;
      const atMs = this.#options.kernel.nowMs;
      this.#options.told({ kind: "watched", atMs, watcher: this.process.name, project, event });
    }
  }

  /** `others`: instances of other projects, to probe what must not be; `images`: those of everybody. */
  perform(planned: PlannedCommand, others: readonly Known[], images: readonly string[] = []): void {
    const { command, target } = planned;
    const known = command === "securityRuleDelete" ? this.#rules : this.instances;
    const own = known[target % Math.max(1, known.length)]?.id;
    if (command === "create") {
      this.#create(planned);
      return;
    }
    if (command === "list") {
      this.ask("instance.list", "", {});
      return;
    }
    if (command === "foreign") {
      const foreign = others[target % Math.max(1, others.length)]?.id;
      if (foreign !== undefined) this.ask(target % 2 === 0 ? "instance.get" : "instance.delete", foreign, {});
      return;
    }
    if (command === "repeat") {
      const last = this.#last;
      if (last !== undefined)
        this.ask(last.method, last.id, this.#requests.get(last.requestId) ?? {}, last.requestId);
      return;
    }
    if (isUpload(command)) {
      this.upload(command, target, images);
      return;
    }
    if (isExtension(command)) {
      const foreign = others[target % Math.max(1, others.length)]?.id;
      const { method, id, request } = extensionCall(command, target, { own, foreign });
      if (id !== undefined) this.ask(method, id, request);
      return;
    }
    if (isSurrounding(command)) {
      const volumed = this.#volumed.among(this.instances);
      const things = { instance: own, floating: this.#floating, images, volumed };
      const { method, id, request } = surroundingCall(planned, others, things);
      if (id !== undefined) this.ask(method, id, request);
      return;
    }
    if (instanceImageCommands.some((one) => one === command)) {
      this.#askOfImage(planned, own);
      return;
    }
    if (own !== undefined) this.ask(`instance.${methodOf(planned)}`, own, requestOf(planned));
  }

  #askOfImage({ command, target }: PlannedCommand, instance: string | undefined): void {
    const newest = [...this.#ofInstances].slice(-2);
    const image = newest[target % Math.max(1, newest.length)];
    if (command === "instanceImageDelete" && image !== undefined) this.ask("image.delete", image, {});
    if (command === "instanceImage" && instance !== undefined)
      this.ask("instance.createImage", instance, { name: `of-${target}` });
  }

  /** Asks for exactly this; `again`: with the id of an earlier request. */
  ask(method: string, id: string, request: Readonly<Record<string, unknown>>, again?: string): void {
    void this.#call(method, id, request, again);
  }

  /** Many calls, one after the other: it is under way until the last has ended. */
  upload(command: UploadCommand, target: number, images: readonly string[]): void {
    this.underWay += 1;
    this.#options.kernel.soon(this.process, command, () => {
      void this.#uploads.perform(command, target, images).then(() => {
        this.underWay -= 1;
      });
    });
  }

  readonly #requests = new Map<string, Readonly<Record<string, unknown>>>();

  /** The id of an instance of its own, as hints of a create name it. */
  #hinted(hint: "sameHost" | "differentHost", at: number | undefined): Readonly<Record<string, unknown>> {
    const id = at === undefined ? undefined : this.instances[at % Math.max(1, this.instances.length)]?.id;
    return id === undefined ? {} : { [hint]: [id] };
  }

  #create({ count, wait, target, request: more, near, apart }: PlannedCommand): void {
    const hints = { ...this.#hinted("sameHost", near), ...this.#hinted("differentHost", apart) };
    const request = {
      ...more,
      ...(Object.keys(hints).length === 0 ? {} : { hints }),
      name: `vm-${target}`,
      flavor: this.#options.bound && target % 2 === 1 ? boundFlavor : flavor,
      image,
      ...(count === undefined ? {} : { count }),
      ...(wait === true ? { wait } : {}),
    };
    this.ask("instance.create", "", request);
  }

  /** Resolves when it has ended; never where the process is dead, which asks nothing. */
  #call(
    method: string,
    id: string,
    request: Readonly<Record<string, unknown>>,
    again?: string,
  ): Promise<Ended> {
    if (!this.process.alive) return new Promise(() => undefined);
    const { kernel, told, numbered } = this.#options;
    const requestId = again ?? this.process.ids.next();
    const call = numbered();
    this.#requests.set(requestId, request);
    const mutates = extensionMethod(method)?.mutates;
    const reads = mutates === false || method === "instance.list" || method === "instance.get";
    if (!reads && !isOfUploads(method)) this.#last = { method, requestId, id };
    this.underWay += 1;
    const project = isForOperators(method) ? adminProject : this.project;
    told({
      kind: "invoked",
      atMs: kernel.nowMs,
      call,
      client: this.process.name,
      project,
      method,
      id,
      requestId,
      request,
      ...(mutates === undefined ? {} : { mutates }),
    });
    const { promise, resolve } = Promise.withResolvers<Ended>();
    const end = (completed: Ended) => {
      if (!this.#ends.delete(end)) return;
      this.underWay -= 1;
      told({ kind: "completed", atMs: kernel.nowMs, call, ...completed });
      resolve(completed);
    };
    this.#ends.add(end);
    kernel.soon(this.process, `asks ${method} ${id} ${requestId}`, () => {
      this.#send(method, id, request, requestId).then(
        (answer) => {
          this.#learn(method, answer);
          this.#volumed.learn(method, { id, request, answer });
          end({ outcome: "ok", answer });
        },
        (thrown: unknown) => end(failure(thrown)),
      );
    });
    return promise;
  }

  async #send(method: string, id: string, request: Readonly<Record<string, unknown>>, requestId: string) {
    const [noun = "", name = ""] = method.split(".");
    const key = byNoun.get(noun)?.key;
    const theirs = extensionServices.get(noun);
    const service: object =
      key !== undefined ? this.clients[key] : theirs === undefined ? {} : this.#of(theirs);
    const call = (service as Partial<Record<string, Call>>)[name];
    if (call === undefined) throw new Error(`There is no method ${method}.`);
    const options = { requestId, timeoutMs: patienceMs };
    return id === "" ? call(request, options) : call(id, request, options);
  }

  #learn(method: string, answer: Readonly<Record<string, unknown>>): void {
    if (method === "floating-ip.create") this.#floating.push((answer as FloatingAnswer).floatingIp.id);
    const { image: made } = answer as { readonly image?: Known };
    if (method === "image.register" || method === "image.create") this.images.add(made?.id ?? "");
    if (method === "instance.createImage" && made !== undefined)
      for (const list of [this.images, this.#ofInstances]) list.add(made.id);
    const { securityGroupRule: rule } = answer as { readonly securityGroupRule?: Known };
    if (method === "security-group-rule.create" && rule !== undefined) this.#rules.push({ id: rule.id });
    if (method !== "instance.create") return;
    const { all, ...one } = answer as CreateAnswer;
    for (const { instance } of all ?? [one])
      if (instance !== undefined && !this.instances.some(({ id }) => id === instance.id))
        this.instances.push({ id: instance.id });
  }
}

/** Known by their place in the upload: their answers tell how far it has come. */
const isOfUploads = (method: string): boolean => /^image\.(upload|write|complete)$/.test(method);

type FloatingAnswer = { readonly floatingIp: Known };
type CreateAnswer = Partial<Changed> & { readonly all?: readonly Changed[] };
type Call = (...given: readonly unknown[]) => Promise<Readonly<Record<string, unknown>>>;

function methodOf({ command }: PlannedCommand): string {
  if (command === "stopHard") return "stop";
  return command === "rebootHard" ? "reboot" : command;
}

function requestOf({
  command,
  wait,
  timeoutMs,
  request = {},
}: PlannedCommand): Readonly<Record<string, unknown>> {
  if (command === "get") return {};
  if (editCommands.some((edit) => edit === command)) return request;
  return {
    ...(wait === true ? { wait } : {}),
    ...(command === "stopHard" || command === "rebootHard" ? { mode: "hard" } : {}),
    ...(command === "stop" && timeoutMs !== undefined ? { timeoutMs } : {}),
  };
}

/** With retries inside, UNAVAILABLE at the end says nothing about the attempts before it. */
function failure(thrown: unknown): Ended {
  if (!(thrown instanceof StatusError)) throw thrown;
  const { code, reason } = thrown;
  const open =
    code === "DEADLINE_EXCEEDED" ||
    code === "UNAVAILABLE" ||
    code === "ABORTED" ||
    code === "RESOURCE_EXHAUSTED" ||
    // The actor crashed in the middle of it.
    code === "INTERNAL";
  return { outcome: open ? "unknown" : "failed", code, reason };
}
