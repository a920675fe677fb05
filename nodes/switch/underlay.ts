/**
 * The switch's place in the underlay, the network between computers: a UDP socket for each of its addresses,
 * to which the switches of other computers send frames by VXLAN. It knows nothing of ports. Whoever can send
 * datagrams under another host's address can pass for that host: the underlay must be trusted.
 */
import { createSocket, type Socket } from "node:dgram";
import { isIPv6 } from "node:net";
import { readVxlan, vxlanPort, writeVxlan } from "./frames/vxlan.ts";
import { switchLimits } from "./limits.ts";
import { messageOf } from "./node-state.ts";

export interface UnderlayEvents {
  /** A frame of the network with this number has come from a host. */
  frame(frame: Buffer, from: { readonly number: number; readonly host: string }): void;
  /** A datagram has come that is no frame. */
  malformed(): void;
  say(text: string): void;
  /** An address is heard at, or not any more. */
  changed(): void;
}

interface Door {
  readonly socket: Socket;
  isOpen: boolean;
}

export class Underlay {
  readonly #events: UnderlayEvents;
  /** By own address. */
  readonly #doors = new Map<string, Door>();
  readonly #retries = new Map<string, NodeJS.Timeout>();
  /** By own address: why it is not heard at. */
  readonly #faults = new Map<string, string>();

  constructor(events: UnderlayEvents) {
    this.#events = events;
  }

  /** Listens at these own addresses and at no others; at one that cannot be had, again and again. */
  listen(addresses: ReadonlySet<string>): void {
    for (const address of [...this.#doors.keys(), ...this.#retries.keys()])
      if (!addresses.has(address)) this.#leave(address);
    for (const address of addresses)
      if (!this.#doors.has(address) && !this.#retries.has(address)) this.#open(address);
  }

  /** Why the frames of other hosts for this own address are not heard; undefined: they are. */
  faultOf(address: string): string | undefined {
    return this.#faults.get(address);
  }

  /** False: too much is waiting to be sent already, or nothing can be sent from there. */
  send(
    frame: Buffer,
    at: { readonly from: string; readonly host: string; readonly number: number },
  ): boolean {
    const door = this.#doors.get(at.from);
    if (door?.isOpen !== true || door.socket.getSendQueueSize() > switchLimits.underlayQueueBytesMax)
      return false;
    // A host that is not there is found out by the guests: nobody else would be told.
    door.socket.send(writeVxlan(at.number, frame), vxlanPort, at.host, () => undefined);
    return true;
  }

  close(): void {
    this.listen(new Set());
  }

  #leave(address: string): void {
    clearTimeout(this.#retries.get(address));
    this.#retries.delete(address);
    this.#faults.delete(address);
    this.#doors.get(address)?.socket.close();
    this.#doors.delete(address);
  }

  #open(address: string): void {
    const version = isIPv6(address) ? 6 : 4;
    const socket = createSocket({
      type: version === 6 ? "udp6" : "udp4",
      recvBufferSize: switchLimits.underlayQueueBytesMax,
      // Addresses are not names; the usual way would wait for a thread for each datagram.
      lookup: (host, _, done) => done(null, host, version),
    });
    const door: Door = { socket, isOpen: false };
    this.#doors.set(address, door);
    socket.on("message", (bytes, { address: host }) => this.#take(bytes, host));
    socket.on("error", (error) => this.#fail(address, error));
    socket.bind({ address, port: vxlanPort, exclusive: true }, () => {
      door.isOpen = true;
      this.#faults.delete(address);
      this.#events.say(`it takes frames of other hosts at ${address}`);
      this.#events.changed();
    });
  }

  #take(bytes: Buffer, host: string): void {
    const found = readVxlan(bytes);
    if (found === undefined) this.#events.malformed();
    else this.#events.frame(found.frame, { number: found.number, host });
  }

  #fail(address: string, error: Error): void {
    const fault = messageOf(error);
    if (this.#faults.get(address) !== fault)
      this.#events.say(`no frames of other hosts at ${address}: ${fault}`);
    this.#leave(address);
    this.#faults.set(address, fault);
    this.#events.changed();
    const again = setTimeout(() => {
      this.#retries.delete(address);
      this.#open(address);
    }, switchLimits.underlayRetryMs);
    this.#retries.set(address, again.unref());
  }
}
