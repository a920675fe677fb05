/**
 * What guests are told of their routers unasked (RFC 4861, 6.2.4 and 6.2.5): whatever has changed, at once,
 * and everything again long before it ends. A guest asks by itself when it starts. One entry is held for each
 * port of the plan, and nothing that guests send changes it.
 */
import type { Lease6 } from "../dhcp6/lease.ts";
import { advertised, everybody, type Speaker, speakerOf } from "./dhcp6-frames.ts";
import type { Plan, PlannedPort } from "./planned.ts";

interface Said extends Speaker {
  readonly lease6: Lease6;
  /** Two advertisements with one key say the same. */
  readonly key: string;
}

export interface Advertised {
  readonly portId: string;
  readonly frame: Buffer;
}

export class Advertiser {
  /** By port; undefined: it is told nothing. */
  #said: ReadonlyMap<string, Said | undefined> = new Map();

  /** Frames that say what is not as it was, of ports that were in the plan before. */
  apply(plan: Plan): readonly Advertised[] {
    const before = this.#said;
    const ports = [...plan.values()].filter(({ host }) => host === undefined);
    this.#said = new Map(ports.map((port) => [port.portId, saidTo(port)]));
    return [...this.#said].flatMap(([portId, now]) =>
      before.has(portId) ? changes(before.get(portId), now).map((frame) => ({ portId, frame })) : [],
    );
  }

  all(): readonly Advertised[] {
    return [...this.#said].flatMap(([portId, said]) =>
      said === undefined ? [] : [{ portId, frame: advertised(said, said.lease6, everybody) }],
    );
  }
}

function saidTo({ lease6, network }: PlannedPort): Said | undefined {
  if (lease6 === undefined) return undefined;
  const speaker = speakerOf(lease6, network);
  const { range, prefix, dnsServers, mtuBytes } = lease6;
  const key = [speaker.mac, speaker.isRouter, range, prefix, mtuBytes, ...dnsServers].join(" ");
  return { ...speaker, lease6, key };
}

/** A router that leads on no more says so itself, before anybody else speaks. */
function changes(before: Said | undefined, now: Said | undefined): readonly Buffer[] {
  if (before?.key === now?.key) return [];
  const isGone = before?.isRouter === true && before.mac !== now?.mac;
  return [
    ...(isGone ? [advertised({ mac: before.mac, isRouter: false }, before.lease6, everybody)] : []),
    ...(now === undefined ? [] : [advertised(now, now.lease6, everybody)]),
  ];
}
