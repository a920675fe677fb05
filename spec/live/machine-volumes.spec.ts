/**
 * The volumes of a real guest are those that its host was told of last, whatever becomes of the host's agent:
 * a real host actor and QEMU, and no ledger. The agent is killed as soon as it has taken up what it was told.
 * Needs QEMU and the tiny guest that the set-up builds.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { ImageStore } from "../../nodes/drivers/images/store.ts";
import type { Drivers } from "../../nodes/drivers/kinds.ts";
import type { MachineIntent, MachineSpec, MachineVolume, Observation } from "../../protocol/machine.ts";
import { firstShape } from "../../protocol/shape.ts";
import { intent } from "../actors/node/machine/worlds.ts";
import { until } from "../support/asking.ts";
import { machineSpec, type TemporaryDirectory, temporaryDirectory } from "../support/driver-world.ts";
import { guestOfSetup, missingForGuests } from "../support/live-guest.ts";
import { qemuHost } from "../support/qemu-host.ts";
import { skip } from "../support/services.ts";
import type { AgentQuestion, AgentWord } from "../support/volume-agent.ts";
import { writingGuest } from "../support/writing-guest.ts";

const never = new AbortController().signal;
const mib = 1024 ** 2;
const program = join(import.meta.dirname, "../support/volume-agent.ts");
/** Of 25 ms each: more than a minute. */
const triesMax = 2_900;

type Asked = AgentQuestion extends infer Q ? (Q extends AgentQuestion ? Omit<Q, "number"> : never) : never;

/** A life of the agent, seen from its controller. */
class Agent {
  readonly #process: ChildProcess;
  readonly #answers = new Map<number, unknown>();
  readonly #ready: Promise<void>;
  observed: Observation | undefined;
  #questions = 0;

  constructor(given: { readonly stateDirectory: string; readonly imageStore: string }) {
    const argv = [program, JSON.stringify(given)];
    this.#process = spawn(process.execPath, argv, { stdio: ["ignore", 2, 2, "ipc"] });
    const ready = Promise.withResolvers<void>();
    this.#ready = ready.promise;
    this.#process.on("message", (word: AgentWord) => {
      if (word.kind === "ready") ready.resolve();
      else if (word.kind === "answered") this.#answers.set(word.number, word.answer);
      else if (word.observation.generation > (this.observed?.generation ?? 0))
        this.observed = word.observation;
    });
  }

  async ask(asked: Asked): Promise<unknown> {
    await this.#ready;
    this.#questions += 1;
    const number = this.#questions;
    this.#process.send({ ...asked, number });
    return until(
      async () => this.#answers.get(number),
      (answer) => answer !== undefined,
      triesMax,
    );
  }

  async kill(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await ended;
  }
}

describe("volumes of a machine whose agent is killed", function () {
  this.timeout(120_000);
  let directory: TemporaryDirectory;
  let given: { readonly stateDirectory: string; readonly imageStore: string };
  let drivers: Drivers;
  let spec: MachineSpec;
  let agent: Agent;
  let generation = 0;

  before(async function () {
    const [missing, guest] = [missingForGuests(), guestOfSetup()];
    if (missing !== undefined || guest === undefined) return skip(this, missing ?? "no guest was built");
    directory = await temporaryDirectory();
    given = { stateDirectory: join(directory.path, "state"), imageStore: join(directory.path, "store") };
    const store = new ImageStore({ directory: given.imageStore, sources: [guest.directory] });
    const kernel = await store.registerFile({ path: guest.kernel });
    const ramdisk = await store.registerFile({ path: guest.ramdisk });
    const image = { id: "tiny", disk: null, kernel, ramdisk, commandLine: guest.commandLine };
    drivers = qemuHost(given);
    const shape = firstShape((await drivers.hypervisor.capabilities()).shapes);
    if (shape === null) throw new Error("QEMU offers no shapes.");
    spec = machineSpec({ image, shape, guest: writingGuest });
    agent = new Agent(given);
  });
  after(async () => {
    await agent?.kill();
    if (drivers === undefined) return;
    for (const { instanceId } of await drivers.hypervisor.list())
      await drivers.hypervisor.halt(instanceId, never);
    await drivers.hypervisor.detach();
    await directory.remove();
  });

  const volume = (place: number): MachineVolume => ({
    ...{ volumeId: randomUUID(), epoch: 1, place, sizeBytes: 16 * mib },
    ...{ storageId: null, made: false, source: null },
  });
  const directoryOf = ({ volumeId, epoch }: MachineVolume): string =>
    join(given.stateDirectory, "volumes/volumes", volumeId, `e${epoch}`);
  const tell = async (volumes: readonly MachineVolume[], changes: Partial<MachineIntent> = {}) => {
    generation += 1;
    const told = { spec: { ...spec, volumes: [...volumes] }, intent: intent({ ...changes, generation }) };
    await agent.ask({ ensure: told });
  };
  const nextLife = async () => {
    await agent.kill();
    agent = new Agent(given);
  };
  const observed = (so: (seen: Observation) => boolean) =>
    until(
      async () => agent.observed,
      (seen) => seen !== undefined && seen.intentGeneration === generation && so(seen),
      triesMax,
    );
  /** The host says that the guest has these, and no others. */
  const has = (...volumes: readonly MachineVolume[]) => {
    const wanted = volumes.map(({ volumeId, epoch }) => `${volumeId} ${epoch} attached`);
    return observed(({ volumes: seen }) => {
      const there = seen?.map((one) => `${one.volumeId} ${one.epoch} ${one.state}`);
      return there?.length === wanted.length && wanted.every((one) => there.includes(one));
    });
  };
  const writes = async ({ volumeId }: MachineVolume) => {
    const console = async () =>
      (await drivers.consoles.read(spec.instanceId, { tailLines: 2_000 }))?.text ?? "";
    await until(console, (text) => text.includes(`HAS ${volumeId.slice(0, 20)}`), triesMax);
  };
  /** Nobody has the file open: QEMU's own tool gets the lock, and writes. */
  const isFree = (one: MachineVolume): boolean => {
    try {
      const argv = ["-f", "raw", "-c", "write 1M 512", join(directoryOf(one), "data.raw")];
      execFileSync("qemu-io", argv, { stdio: "ignore" });
      return true;
    } catch {
      return false;
    }
  };
  const notes = (one: MachineVolume) =>
    readdirSync(directoryOf(one)).filter((name) => name.startsWith("open."));

  it("are those that it was told of last: at a start, when they come, grow and go, and after its end", async () => {
    const [cold, hot] = [volume(3), volume(0)];
    await tell([cold]);
    await has(cold);
    await writes(cold);
    expect(isFree(cold)).to.equal(false);

    await tell([cold, hot]);
    await nextLife();
    await has(cold, hot);
    await writes(hot);
    expect(isFree(hot)).to.equal(false);

    const grown = { ...hot, sizeBytes: 32 * mib };
    await tell([grown]);
    await nextLife();
    await has(grown);
    const { volumes } = (await observed(({ volumes: [one] = [] }) => one?.sizeBytes === 32 * mib)) ?? {};
    expect(volumes).to.have.length(1);
    expect([isFree(cold), notes(cold), isFree(grown)]).to.deep.equal([true, [], false]);

    await tell([grown], { power: "stopped", stop: { mode: "hard", timeoutMs: 0 } });
    await observed(({ state, volumes: seen }) => state === "stopped" && seen?.length === 0);
    expect(isFree(grown)).to.equal(true);

    await tell([grown], { power: "deleted" });
    await observed(({ state }) => state === "gone");
    expect(notes(grown)).to.deep.equal([]);
    const refs = [cold, hot].map(({ volumeId, epoch }) => ({ volumeId, epoch }));
    expect(await agent.ask({ remove: refs })).to.deep.equal({ removed: refs });
    expect([cold, hot].some((one) => existsSync(directoryOf(one)))).to.equal(false);
  });
});
