/**
 * Makes the interfaces of a running guest those that it is to have, by QMP. It asks QEMU what is there, and
 * remembers nothing: so it may be called off anywhere, by the end of the agent too, and begun again.
 *
 * A guest is asked for a device and may keep it. What is on the host's side of the device is taken away all
 * the same, so that nothing passes any more: a dead device is left, in its place, until the process ends.
 */
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Clock } from "../../../protocol/wire/transport.ts";
import { delay } from "../waiting.ts";
import { netdevOf, type PlacedPlug } from "./arguments.ts";
import { qemuLimits } from "./limits.ts";
import { backends, type Device } from "./line/seen.ts";
import { asObject, type QmpConnection, QmpRefusal } from "./qmp.ts";

/** The MAC tells which interface a place holds: the next one there has another MAC. */
export interface Placed {
  readonly place: number;
  readonly mac: string;
}

/** An interface in its place, with what it is plugged into. */
export interface Card extends PlacedPlug, Placed {
  readonly device: Device;
}

export interface Rewiring {
  readonly qmp: Pick<QmpConnection, "execute">;
  readonly instanceId: string;
  readonly places: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** @throws hypervisorRefused for a place in which a dead interface is; QmpRefusal, QmpSilence, AbortError */
export async function rewireGuest(cards: readonly Card[], rewiring: Rewiring): Promise<void> {
  const kept = await unplugOthers(cards, rewiring);
  for (const card of cards) {
    if (!kept.has(card.place)) await plug(card, rewiring);
    else if (!(await isConnected(card, rewiring))) await replace(card, rewiring);
  }
}

/** Keeps the wanted interfaces that are there, and answers their places. @throws as `rewireGuest` */
export async function unplugOthers(
  wanted: readonly Placed[],
  rewiring: Rewiring,
): Promise<ReadonlySet<number>> {
  const present = await cardsIn(rewiring);
  const kept = new Set(
    wanted.flatMap(({ place, mac }) => (present.get(place) === mac.toLowerCase() ? place : [])),
  );
  await takeBack(
    [...present.keys()].filter((place) => !kept.has(place)),
    rewiring,
  );
  for (let place = 0; place < rewiring.places; place += 1)
    if (!kept.has(place)) await unlessRefused(rewiring, "netdev_del", netdevId(place));
  return kept;
}

const cardId = (place: number): string => `nic${place}`;
const netdevId = (place: number) => ({ id: backends.network(place) });
const devicesPath = "/machine/peripheral";

/** The MAC of each interface that the guest has, by its place. */
async function cardsIn({ qmp, places, signal }: Rewiring): Promise<ReadonlyMap<number, string>> {
  const names = await namesIn({ qmp, signal });
  const found = new Map<number, string>();
  for (let place = 0; place < places; place += 1) {
    if (!names.has(cardId(place))) continue;
    const about = { path: `${devicesPath}/${cardId(place)}`, property: "mac" };
    found.set(place, String(await qmp.execute("qom-get", about, signal)).toLowerCase());
  }
  return found;
}

async function namesIn({ qmp, signal }: Pick<Rewiring, "qmp" | "signal">): Promise<ReadonlySet<string>> {
  const answer = await qmp.execute("qom-list", { path: devicesPath }, signal);
  return new Set((Array.isArray(answer) ? answer : []).map((one) => String(asObject(one)?.name)));
}

/** Asks for all of them at once, and waits until the guest has given them back, or for so long. */
async function takeBack(places: readonly number[], rewiring: Rewiring): Promise<readonly number[]> {
  const { clock, signal } = rewiring;
  // Refused is a device that was asked for before: the guest still may give it back.
  for (const place of places) await unlessRefused(rewiring, "device_del", { id: cardId(place) });
  const deadlineMs = clock.monotonicMs() + qemuLimits.unplugPatienceMs;
  for (let left = places; ; ) {
    if (left.length > 0) {
      const names = await namesIn(rewiring);
      left = left.filter((place) => names.has(cardId(place)));
    }
    if (left.length === 0 || clock.monotonicMs() >= deadlineMs) return left;
    await delay(clock, qemuLimits.unplugProbeMs, signal);
  }
}

async function plug(card: Card, rewiring: Rewiring): Promise<void> {
  const { qmp, signal, instanceId } = rewiring;
  if ((await namesIn(rewiring)).has(cardId(card.place))) throw clung(instanceId);
  if (card.plug.kind === "macvtap") throw late(instanceId);
  await qmp.execute("netdev_add", netdevOf(card), signal);
  try {
    await qmp.execute("device_add", card.device, signal);
  } catch (error) {
    await unlessRefused(rewiring, "netdev_del", netdevId(card.place));
    throw error;
  }
}

/** Whether the device has its other side: QEMU refuses to make a second one of its name, of whatever kind. */
async function isConnected(card: Card, rewiring: Rewiring): Promise<boolean> {
  const second = card.plug.kind === "macvtap" ? unpluggedPort(card.place) : netdevOf(card);
  if (!(await unlessRefused(rewiring, "netdev_add", second))) return true;
  await unlessRefused(rewiring, "netdev_del", netdevId(card.place));
  return false;
}

/** The guest kept it when it was asked for, and would not hear of another side. */
async function replace(card: Card, rewiring: Rewiring): Promise<void> {
  const left = await takeBack([card.place], rewiring);
  if (left.length > 0) throw clung(rewiring.instanceId);
  await plug(card, rewiring);
}

const clung = (instanceId: string): StatusError =>
  new StatusError(
    "hypervisorRefused",
    `The guest of instance ${instanceId} has not given back an interface in that place: stop it and start it again.`,
  );

/** A running QEMU is handed no open file: Node cannot send one. */
const late = (instanceId: string): StatusError =>
  new StatusError(
    "hypervisorRefused",
    `A network of instance ${instanceId} is plugged in only when the guest starts: stop it and start it again.`,
  );

/** A plug of QEMU's that leads nowhere, and that QEMU can make at any time. */
const unpluggedPort = (place: number) => ({ type: "hubport", ...netdevId(place), hubid: 0 });

/** False: QEMU refused, and nothing was done. */
async function unlessRefused(
  { qmp, signal }: Pick<Rewiring, "qmp" | "signal">,
  command: string,
  data: Readonly<Record<string, unknown>>,
): Promise<boolean> {
  try {
    await qmp.execute(command, data, signal);
    return true;
  } catch (error) {
    if (error instanceof QmpRefusal) return false;
    throw error;
  }
}
