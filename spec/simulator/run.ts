/**
 * One run: the cluster comes up, clients and faults do what the plan says, then the faults stop and
 * everything must come to rest as it was asked for. Judged at every step. The same plan gives the same bytes.
 */
import type { Fact, Quiet, Violation } from "../../actors/promises/facts.ts";
import { createJudge } from "../../actors/promises/judge.ts";
import type { Commit, CommitResult } from "../../actors/records/commit.ts";
import { boundFlavor, SimulatedClient } from "./client.ts";
import { isOfImages } from "./client-images.ts";
import { Cluster } from "./cluster.ts";
import { appliedFact, portFact, roomFacts, volumeFact } from "./cluster-told.ts";
import type { SimulatedHypervisor } from "./computer.ts";
import { Coverage } from "./coverage.ts";
import { applyFault } from "./faults.ts";
import type { ForeignRules } from "./foreign.ts";
import { writesOf } from "./guest-writes.ts";
import type { Aim, CountedStep } from "./interposer.ts";
import { Kernel, nobody, type Owner } from "./kernel.ts";
import { firstStandingStill } from "./loops.ts";
import { noteSystems } from "./nact-systems.ts";
import { placesOf } from "./packet-computers.ts";
import { hangEndsMs, patience } from "./patience.ts";
import { liveMsMax, type Plan, type PlannedCommand, setUpMs } from "./plan.ts";
import { extensionCommands } from "./plan-extensions.ts";
import { operatorCommands } from "./plan-surroundings.ts";
import { quietFact } from "./quiet.ts";
import { Random } from "./random.ts";
import { whyNobodyChooses } from "./room-probe.ts";
import { shapeIn, toldBy } from "./shapes.ts";
import { timersMaxOf } from "./timers.ts";
import { Trace } from "./trace.ts";
import { sendersAt, Traffic } from "./traffic.ts";
import type { Versions } from "./versions.ts";

const dedicated = { "hw:cpu_policy": "dedicated" };

export interface RunOptions {
  /** Absent: nobody reads, and the run is faster. */
  readonly write?: (line: string) => void;
  /** Every fact, as the judge sees it. */
  readonly watch?: (fact: Fact) => void;
  readonly aim?: Aim;
  /** Where chance comes from; absent: from the seed. */
  readonly random?: Random;
  /** Called once everything is up: what happens beside the plan's commands and faults. */
  readonly script?: (world: ScriptWorld) => void;
  readonly countSteps?: boolean;
  /** Of a plug-in: rules at every controller, a fake hypervisor on every host. Absent: none. */
  readonly foreign?: ForeignRules;
  readonly hypervisor?: SimulatedHypervisor | undefined;
  /** Messages of the previous version; absent: as in the snapshot of that version. */
  readonly versions?: Versions;
}

export interface ScriptWorld {
  readonly kernel: Kernel;
  readonly cluster: Cluster;
  readonly admin: SimulatedClient;
  readonly clients: readonly SimulatedClient[];
  readonly tell: (fact: Fact) => void;
}

export interface Outcome {
  readonly plan: Plan;
  readonly violations: readonly Violation[];
  /** What led to the first violation; only when somebody reads the trace. */
  readonly causes: readonly string[];
  readonly digest: string;
  readonly steps: number;
  readonly simulatedMs: number;
  readonly coverage: Coverage;
  readonly counted: readonly CountedStep[];
  readonly hit: CountedStep | undefined;
}

export async function runPlan(plan: Plan, options: RunOptions = {}): Promise<Outcome> {
  return new Run(plan, options).perform();
}

/** How often guests write to their disks, and one of them sends a packet. */
const lookPeriodMs = 500;

class Run {
  readonly #plan: Plan;
  readonly #options: RunOptions;
  readonly #kernel: Kernel;
  readonly #cluster: Cluster;
  readonly #admin: SimulatedClient;
  readonly #clients: readonly SimulatedClient[];
  readonly #judge = createJudge();
  readonly #traffic: Traffic;
  readonly #violations: Violation[] = [];
  readonly #causes: string[] = [];
  readonly #coverage = new Coverage();
  #calls = 0;
  #lastCrashMs = -1;
  /** When each call that has not ended was begun. */
  readonly #begun = new Map<number, number>();

  constructor(plan: Plan, options: RunOptions) {
    this.#plan = plan;
    this.#options = options;
    this.#kernel = new Kernel(new Trace(options.write), new Random(plan.seed).fork("kernel"));
    const random = (options.random ?? new Random(plan.seed)).fork("world");
    const kernel = this.#kernel;
    this.#cluster = new Cluster({
      kernel,
      random,
      parameters: plan.parameters,
      imaged: plan.commands.some(({ command }) => isOfImages(command)),
      extended: plan.commands.some(({ command }) => extensionCommands.some((one) => one === command)),
      ...(options.versions === undefined ? {} : { versions: options.versions }),
      ...(options.foreign === undefined ? {} : { foreign: options.foreign }),
      hypervisor: options.hypervisor,
      told: {
        committed: (by, commit, result) => this.#committed(by, commit, result),
        guest: (kind, hostId, { instanceId, ownerEpoch, pid }) =>
          this.#see({
            ...{ kind, atMs: kernel.nowMs, hostId, instanceId, ownerEpoch, pid },
            held: kind === "guestStarted",
            ...(kind === "guestStarted" ? toldBy(this.#cluster.hosts, hostId, instanceId) : {}),
            // Of a plug-in's fake nobody knows it.
            ...(options.hypervisor ? {} : { shape: shapeIn(this.#cluster.hosts, hostId, instanceId) }),
          }),
        image: (hostId, what) => this.#see({ ...what, atMs: kernel.nowMs, hostId }),
        port: (...told) => this.#see(portFact(kernel.nowMs, ...told)),
        volume: (...told) => this.#see(volumeFact(kernel.nowMs, ...told)),
        applied: (...told) => this.#see(appliedFact(kernel.nowMs, ...told)),
        // The first lives begin before anybody can send anything.
        turned: () => kernel.soon(nobody, "", () => this.#traffic.turned()),
        renewed: (hostId, ownerEpoch) =>
          this.#see({ kind: "leaseRenewed", atMs: kernel.nowMs, hostId, leaseEpoch: ownerEpoch }),
        roomHeard: (...told) => {
          for (const fact of roomFacts(kernel.nowMs, ...told)) this.#see(fact);
        },
        roomForgotten: (by) => this.#see({ kind: "roomForgotten", atMs: kernel.nowMs, by }),
        sent: (from, subject, bytes) => this.#see({ kind: "sent", atMs: kernel.nowMs, from, subject, bytes }),
        bytes: (what) => this.#see({ ...what, atMs: kernel.nowMs }),
        delivered: (sink, sequences) => this.#see({ kind: "delivered", atMs: kernel.nowMs, sink, sequences }),
        crashed: (by, message) => this.#crashed(by, message),
        silent: ({ name }, actor) => this.#violated(`The full mailbox of ${actor} at ${name} said nothing.`),
      },
    });
    const bytes = { stores: this.#cluster.imageStores, wanted: new Map() };
    const client = (name: string, project: string) =>
      new SimulatedClient({
        ...{ kernel, name, project, network: this.#cluster.network, random: random.fork(name) },
        ...{ told: (fact) => this.#see(fact), bytes },
        bound: this.#plan.parameters.numaNodes !== undefined,
        numbered: () => {
          this.#calls += 1;
          return this.#calls;
        },
      });
    const places = () => placesOf(this.#cluster.hosts, plan.parameters.oneVersion === true);
    const tell = (fact: Fact) => this.#see(fact);
    this.#traffic = new Traffic({ kernel, tell, ...sendersAt(places, new Random(plan.seed)) });
    this.#admin = client("admin", "admin");
    this.#clients = Array.from({ length: plan.parameters.clients }, (_, index) =>
      client(`u${index + 1}`, index % 2 === 0 ? "demo" : "other"),
    );
  }

  async perform(): Promise<Outcome> {
    const stray = (thrown: unknown) =>
      this.#violated(`A promise was rejected and nobody heard it: ${textOf(thrown)}`);
    process.on("unhandledRejection", stray);
    const forgetSystems = noteSystems();
    const leaveActors = this.#cluster.actors.install();
    try {
      await this.#bringUp();
      this.#schedule();
      await this.#kernel.run(this.#plan.faultyMs);
      if (!this.#kernel.halted) await this.#comeToRest();
      if (!this.#kernel.halted)
        for (const one of this.#cluster.miscounts) this.#violated(`Miscounted: ${one}.`);
    } finally {
      process.off("unhandledRejection", stray);
      forgetSystems();
      leaveActors();
    }
    const { trace, steps, nowMs } = this.#kernel;
    const { interposer } = this.#cluster;
    return {
      plan: this.#plan,
      violations: this.#violations,
      causes: this.#causes,
      digest: trace.digest,
      steps,
      simulatedMs: nowMs,
      coverage: this.#coverage,
      counted: interposer.counted,
      hit: interposer.hit,
    };
  }

  /** A flavor and an image are there before anything goes wrong. */
  async #bringUp(): Promise<void> {
    const { network, store } = this.#cluster;
    const rates = [{ ...network.rates }, { ...store.rates }];
    Object.assign(network.rates, { lost: 0, doubled: 0, late: 0 });
    Object.assign(store.rates, { rolledBack: 0, answerLost: 0, slow: 0 });
    const { flavor, image } = this.#admin.clients;
    this.#kernel.after(this.#admin.process, 500, "sets up", () => {
      const local = this.#plan.parameters.localDisks === true ? { ephemeralGib: 1, swapMib: 300 } : {};
      const small = { name: "tiny", vcpus: 1, memoryMib: 128, diskGib: 1, ...local };
      void flavor.create(small, { timeoutMs: 60_000 });
      const own = { name: boundFlavor, vcpus: 1, memoryMib: 128, diskGib: 1, extraSpecs: dedicated };
      if (this.#plan.parameters.numaNodes !== undefined) void flavor.create(own, { timeoutMs: 60_000 });
      const { sharedDisks, ownDisks } = this.#plan.parameters;
      const disk =
        sharedDisks !== undefined || ownDisks === true
          ? { disk: { path: "/disk", format: "qcow2" as const } }
          : {};
      const tiny = { name: "tiny", kernel: { path: "/kernel" }, ...disk };
      void image.register(tiny, { timeoutMs: 60_000 });
    });
    await this.#kernel.run(setUpMs);
    Object.assign(network.rates, rates[0]);
    Object.assign(store.rates, rates[1]);
  }

  /** Guests write to their disks all the time, and nothing held in memory grows without end. */
  #look(): void {
    const atMs = this.#kernel.nowMs;
    for (const write of writesOf(this.#cluster.hosts, atMs)) this.#see(write);
    this.#traffic.some();
    const [amount, max] = [this.#kernel.waiting, timersMaxOf(this.#plan)];
    this.#see({ kind: "measured", atMs, what: "timers", amount, max });
    this.#kernel.after(nobody, lookPeriodMs, "", () => this.#look());
  }

  #schedule(): void {
    const { commands, faults } = this.#plan;
    const [kernel, cluster] = [this.#kernel, this.#cluster];
    const tell = (fact: Fact) => this.#see(fact);
    this.#look();
    for (const planned of commands)
      this.#kernel.after(nobody, planned.atMs - setUpMs, "", () => {
        this.#coverage.command(planned.command);
        this.#perform(planned);
      });
    for (const fault of faults)
      this.#kernel.after(nobody, fault.atMs - setUpMs, "", () => {
        this.#coverage.fault(fault.fault);
        applyFault(fault, { kernel, cluster, tell, admin: this.#admin.clients });
      });
    const { script } = this.#options;
    script?.({ kernel, cluster, tell, admin: this.#admin, clients: this.#clients });
    if (this.#options.countSteps === true || this.#options.aim !== undefined)
      this.#cluster.interposer.begin(this.#options.aim);
  }

  #perform(planned: PlannedCommand): void {
    const all = this.#clients.flatMap(({ instances }) => instances);
    const images = [this.#admin, ...this.#clients].flatMap((one) => [...one.images]);
    if (operatorCommands.some((one) => one === planned.command)) {
      this.#admin.perform(planned, all, images);
      return;
    }
    const client = this.#clients[planned.client % this.#clients.length];
    if (client === undefined) return;
    const others = this.#clients.filter(({ project }) => project !== client.project);
    client.perform(
      planned,
      others.flatMap(({ instances }) => instances),
      images,
    );
  }

  async #comeToRest(): Promise<void> {
    this.#kernel.trace.note(this.#kernel.nowMs, "world", "every fault is over");
    this.#cluster.heal();
    this.#see({ kind: "faultsOver", atMs: this.#kernel.nowMs });
    const untilMs = this.#kernel.nowMs + liveMsMax;
    while (!this.#kernel.halted && this.#kernel.nowMs < untilMs) {
      await this.#kernel.run(this.#kernel.nowMs + 1_000);
      if (!(await this.#isAtRest())) continue;
      // Reports and events under way have arrived, and the last heartbeat has said everything.
      await this.#kernel.run(this.#kernel.nowMs + 5_000);
      if (await this.#isAtRest()) break;
    }
    // What a loop that hangs has last seen, such as lost hosts or a full disk, holds until it is given up.
    const hangsEndMs = this.#cluster.actors.hangsUntilMs + hangEndsMs;
    if (this.#kernel.nowMs < hangsEndMs) await this.#kernel.run(hangsEndMs);
    if (this.#kernel.halted) return;
    let fact = await this.#quietAtRest(untilMs);
    for (const wait of patience) {
      const waitMs = fact && wait(fact, this.#kernel.nowMs);
      if (waitMs === undefined) continue;
      await this.#kernel.run(waitMs);
      fact = await this.#quietAtRest(untilMs);
    }
    if (fact !== undefined) this.#see(fact);
    this.#traffic.last();
    if (this.#plan.faults.some(({ fault }) => fault === "loopBreaks" || fault === "loopHangs"))
      await this.#loopsGoOn();
  }

  /**
   * The doctor takes its time. A host that an operator enabled meanwhile is an event of its own, and room for
   * a guest that leaves another: such a move lasts as long as the guest's shutdown.
   */
  async #quietAtRest(untilMs: number): Promise<Quiet | undefined> {
    let fact = await this.#quiet();
    for (let again = 0; again < 3 && !(await this.#isAtRest()) && !this.#kernel.halted; again += 1) {
      do await this.#kernel.run(this.#kernel.nowMs + 5_000);
      while (!this.#kernel.halted && this.#kernel.nowMs < untilMs && !(await this.#isAtRest()));
      fact = await this.#quiet();
    }
    return fact;
  }

  async #loopsGoOn(): Promise<void> {
    const [kernel, names] = [this.#kernel, this.#cluster.controllers.map((one) => one.machine.name)];
    const still = await firstStandingStill(kernel, this.#admin, names);
    if (still !== undefined && !kernel.halted) this.#violated(still);
  }

  async #isAtRest(): Promise<boolean> {
    const { inner } = this.#cluster.store;
    if ([...this.#clients, this.#admin].some(({ underWay }) => underWay > 0)) return false;
    if (this.#cluster.store.committing > 0) return false;
    if ((await inner.instances.unsettled({ limit: 1 })).length > 0) return false;
    if ((await inner.operations.list({ limit: 1, states: ["running"] })).rows.length > 0) return false;
    // A host that is fenced cleans up, and comes back: perhaps not at once, when its storage lease was taken.
    if ((await inner.hosts.all()).some(({ lease }) => (lease?.fencedBy ?? null) !== null)) return false;
    const last = await inner.events.lastSequence();
    if (this.#cluster.sink !== undefined && this.#cluster.sink.sequence !== last) return false;
    return this.#admin.watchedUntil === last && (this.#cluster.stream.events.at(-1)?.sequence ?? 0) === last;
  }

  /** With the doctor's findings, which take simulated time. */
  async #quiet(): Promise<Quiet | undefined> {
    let findings: Quiet["findings"] | undefined;
    this.#kernel.soon(this.#admin.process, "asks the doctor", () => {
      void this.#admin.clients.doctor.examine({}, { timeoutMs: 60_000 }).then(
        (found) => {
          findings = found.findings;
        },
        (thrown: unknown) => {
          findings = [notLooked(`It could not look: ${textOf(thrown)}`)];
        },
      );
    });
    await this.#kernel.run(this.#kernel.nowMs + 120_000, () => findings !== undefined);
    if (this.#lastCrashMs >= 0) await this.#probe();
    return quietFact(this.#cluster, this.#kernel.nowMs, findings ?? [notLooked("It did not answer.")]);
  }

  async #probe(): Promise<void> {
    const failed = await whyNobodyChooses(this.#kernel, this.#admin);
    if (failed !== undefined) this.#violated(`Nobody chooses a host any more: ${failed}`);
  }

  #committed(by: string, commit: Commit, result: CommitResult): void {
    this.#see({ kind: "committed", atMs: this.#kernel.nowMs, by, commit, result });
  }

  #crashed({ name }: Owner, message: string): void {
    const { trace, nowMs } = this.#kernel;
    this.#lastCrashMs = nowMs;
    this.#coverage.crash(message);
    trace.note(nowMs, name, `an actor breaks in the turn of ${message}`);
    this.#see({ kind: "roomForgotten", atMs: nowMs, by: name });
  }

  #see(fact: Fact): void {
    this.#options.watch?.(fact);
    this.#coverage.see(fact);
    if (fact.kind === "invoked") this.#begun.set(fact.call, fact.atMs);
    // Only whose actor was made to crash may be told so.
    const isSpared = fact.kind === "completed" && this.#lastCrashMs >= (this.#begun.get(fact.call) ?? 0);
    if (fact.kind === "completed" && fact.code === "INTERNAL" && !isSpared)
      this.#violated(`A client was answered INTERNAL: ${fact.reason}.`);
    if (fact.kind === "completed") this.#begun.delete(fact.call);
    for (const violation of this.#judge.see(fact)) this.#note(violation);
    this.#traffic.see(fact);
  }

  #violated(message: string): void {
    this.#note({ promise: "I6", atMs: this.#kernel.nowMs, message });
  }

  #note(violation: Violation): void {
    const { trace } = this.#kernel;
    trace.note(this.#kernel.nowMs, "judge", `${violation.promise} is broken: ${violation.message}`);
    if (this.#violations.length === 0)
      for (const { atMs, owner, label } of this.#kernel.causes())
        this.#causes.push(`${(atMs / 1_000).toFixed(6)}  ${owner.name}  ${trace.short(label)}`);
    this.#violations.push(violation);
    this.#kernel.halted = true;
  }
}

const notLooked = (message: string) => ({ kind: "stuck" as const, subject: "the doctor", message });
const textOf = (thrown: unknown) => (thrown instanceof Error && thrown.stack) || String(thrown);
