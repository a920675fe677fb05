/**
 * A neighbour on an operator's network, whose frames the spec writes and reads: it asks again and again who
 * has an address, and whether the address lives, and keeps who has answered when. It believes the last word,
 * as neighbours do, and sends to one MAC address only. Needs root and qemu-system-x86_64 for its tap.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FakeNic } from "./fake-nic.ts";
import { sealed, summed } from "./forged-frames.ts";
import * as frames from "./frames.ts";

const everyMs = 20;
const own = { mac: "52:54:00:0e:00:01", address: "203.0.113.1" } as const;

export interface ArpWord {
  /** Wall clock, as that of events. */
  readonly atMs: number;
  readonly mac: string;
  /** Nobody had to ask. */
  readonly announced: boolean;
}

interface Called {
  readonly words: ArpWord[];
  readonly echoesAtMs: number[];
}

const textOf = (bytes: Buffer): string => bytes.toString("hex").match(/../g)?.join(":") ?? "";
const addressAt = (frame: Buffer, at: number): string => [...frame.subarray(at, at + 4)].join(".");

export class OutsideCaller {
  readonly #directory = mkdtempSync(join(tmpdir(), "novact-caller-"));
  readonly #called = new Map<string, Called>();
  #card: FakeNic | undefined;
  #child: ChildProcess | undefined;
  #timer: NodeJS.Timeout | undefined;
  #read = 0;
  #asked = 0;

  /** `office`: path of the namespace with the bridge of that name. */
  static async open(office: string): Promise<OutsideCaller> {
    const caller = new OutsideCaller();
    const path = join(caller.#directory, "card");
    const card = await FakeNic.listen(path);
    caller.#card = card;
    const lines = ["tuntap add dev caller mode tap", "link set dev caller master office up"];
    for (const line of lines) spawnSync("nsenter", [`--net=${office}`, "ip", ...line.split(" ")]);
    const argv = [
      ...["-machine", "none", "-nodefaults", "-display", "none"],
      ...["-netdev", "tap,id=t,ifname=caller,script=no,downscript=no,vnet_hdr=off"],
      ...["-netdev", `stream,id=s,server=off,addr.type=unix,addr.path=${path}`],
      ...["-netdev", "hubport,id=a,hubid=0,netdev=t", "-netdev", "hubport,id=b,hubid=0,netdev=s"],
    ];
    const entrance = `--net=${office}`;
    caller.#child = spawn("nsenter", [entrance, "qemu-system-x86_64", ...argv], { stdio: "ignore" });
    await card.until(() => card.isConnected);
    // Each frame asks again, so each is read when it comes.
    void card.until(() => caller.#hear(card));
    caller.#timer = setInterval(() => caller.#ask(card), everyMs);
    return caller;
  }

  /** Calls the address from now on, as one of which nothing is known. What it says is added all the time. */
  call(address: string): Called {
    const called = { words: [], echoesAtMs: [] };
    this.#called.set(address, called);
    return called;
  }

  #ask(card: FakeNic): void {
    this.#asked = (this.#asked + 1) & 0xffff;
    for (const [address, { words }] of this.#called) {
      card.send(frames.arpFrame({ operation: 1, senderMac: own.mac, sender: own.address, target: address }));
      const mac = words.at(-1)?.mac;
      if (mac === undefined) continue;
      const ends = { sourceMac: own.mac, destinationMac: mac, source: own.address, destination: address };
      const rest = Buffer.from([0, 9, this.#asked >>> 8, this.#asked & 255]);
      card.send(sealed(frames.ip4Frame(ends, 1, summed(8, rest))));
    }
  }

  /** False: it goes on. */
  #hear(card: FakeNic): boolean {
    for (; this.#read < card.received.length; this.#read += 1) this.#take(card, card.received[this.#read]);
    return false;
  }

  #take(card: FakeNic, frame: Buffer | undefined): void {
    if (frame === undefined || frame.length < 34) return;
    const atMs = Date.now();
    const type = frame.readUInt16BE(12);
    if (type === 0x800 && frame[23] === 1 && frame[34] === 0 && addressAt(frame, 30) === own.address)
      this.#called.get(addressAt(frame, 26))?.echoesAtMs.push(atMs);
    if (type !== 0x806 || frame.length < 42) return;
    const [sender, target] = [addressAt(frame, 28), addressAt(frame, 38)];
    const announced = sender === target || frame.readUInt16BE(20) === 1;
    this.#called.get(sender)?.words.push({ atMs, mac: textOf(frame.subarray(22, 28)), announced });
    if (frame.readUInt16BE(20) !== 1 || target !== own.address) return;
    card.send(frames.arpFrame({ operation: 2, senderMac: own.mac, sender: own.address, target: sender }));
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#child?.kill("SIGKILL");
    await this.#card?.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
