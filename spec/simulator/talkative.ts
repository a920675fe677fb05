/**
 * Somebody with a host's credentials who reports far too much, each of it sound: registrations that say
 * something new each time, and deeds of a guard about the guests of other hosts. The judge is told how many
 * events came of it.
 */
import { fleetLimits } from "../../actors/control/fleet/limits.ts";
import type { MachineKey } from "../../actors/records/instance.ts";
import { leaseLimits } from "../../protocol/limits/lease.ts";
import { HostInventory } from "../../protocol/machine.ts";
import { reportSubject } from "../../protocol/wire/subjects.ts";
import type { Bus } from "../../protocol/wire/transport.ts";
import { encodeUtf8 } from "../../protocol/wire/utf8.ts";
import { cell } from "./cluster.ts";
import type { HostileWorld } from "./hostile.ts";

/** Registrations at once: with those of the other moments, more than a host may make at once. */
const registrationsAtOnce = 12;
/** Agents of a run begin anew some times, and say something new of themselves after a power loss. */
const honestRegistrations = 10;

export class Talkative {
  readonly #world: HostileWorld;
  readonly #hostId: string;
  readonly #bus: Pick<Bus, "publish">;
  #spoken = 0;
  /** The newest event of before the first word. */
  #after: number | undefined;

  constructor(world: HostileWorld, hostId: string, bus: Pick<Bus, "publish">) {
    this.#world = world;
    this.#hostId = hostId;
    this.#bus = bus;
  }

  async speak(): Promise<void> {
    const { inner } = this.#world.cluster.store;
    this.#after ??= await inner.events.lastSequence();
    const host = await inner.hosts.get(this.#hostId);
    if (host === undefined) return;
    const fields = Object.keys(HostInventory.properties).map((field) => [field, Object(host)[field]]);
    const { drivers, ...rest } = Object.fromEntries(fields);
    // Drivers that were not said are null in the store, and absent in a report.
    const inventory = { ...rest, ...(drivers ? { drivers } : {}), hostId: this.#hostId };
    for (let count = 0; count < registrationsAtOnce; count += 1) {
      this.#spoken += 1;
      const said = { ...inventory, hypervisorVersion: `talkative ${this.#spoken}` };
      this.#say("register", { inventory: said, machines: [], knows: [] });
    }
    this.#say("guarded", { bootId: "boot", deeds: await this.#foreignDeeds() });
  }

  /** Tells the judge what has come of it. */
  async measure(): Promise<void> {
    const { kernel, tell, cluster } = this.#world;
    const told = { kind: "measured", atMs: kernel.nowMs } as const;
    const { events } = await cluster.store.inner.events.list({ after: this.#after ?? 0, limit: 100_000 });
    const registered = events.filter(({ event, id }) => event === "registered" && id === this.#hostId);
    const max = cluster.controllers.length * fleetLimits.registrationsBurstMax + honestRegistrations;
    tell({ ...told, what: `events of registrations of ${this.#hostId}`, amount: registered.length, max });
    const deeds = events.filter(({ event, body }) => event === "guarded" && this.#isInvented(body));
    tell({ ...told, what: `events of guests that ${this.#hostId} has not`, amount: deeds.length, max: 0 });
  }

  /** No honest deed is of the year 1970. */
  #isInvented({ hostId, because }: Readonly<Record<string, unknown>>): boolean {
    return hostId === this.#hostId && String(because).includes(new Date(0).toISOString());
  }

  async #foreignDeeds(): Promise<readonly unknown[]> {
    const { rows } = await this.#world.cluster.store.inner.instances.list({
      limit: leaseLimits.guardDeedsPageMax,
    });
    const foreign = [];
    for (const row of rows) {
      const { id: instanceId, ownerEpoch } = row.instance;
      if (!(await this.#hasHad({ instanceId, ownerEpoch }))) foreign.push(row);
    }
    return foreign.map(({ instance: { id: instanceId, ownerEpoch } }, index) => {
      const number = this.#spoken * leaseLimits.guardDeedsPageMax + index;
      return { number, instanceId, ownerEpoch, what: "killed", why: "diskTaken", atMs: 0 };
    });
  }

  /** A host is believed about guests that it had as well: they may be another's by now. */
  async #hasHad(key: MachineKey): Promise<boolean> {
    const { inner } = this.#world.cluster.store;
    const [row] = await inner.instances.reported([key]);
    const { events } = await inner.events.list({
      after: 0,
      id: key.instanceId,
      nouns: ["instance"],
      limit: 100_000,
    });
    const hosts = [row?.claimedBy, row?.seen?.hostId, ...events.map(({ body }) => body.hostId)];
    return hosts.includes(this.#hostId);
  }

  #say(method: string, request: object): void {
    const body = encodeUtf8(JSON.stringify(request));
    this.#bus.publish(reportSubject(cell, this.#hostId, method), { headers: {}, body });
  }
}
