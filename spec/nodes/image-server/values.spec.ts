/** Tickets, ranges and patience of the server for the bytes of images, by value. */
import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import type { TicketFacts } from "../../../actors/ports/image-bytes.ts";
import { Bandwidth } from "../../../nodes/image-server/bandwidth.ts";
import { openTicketKey } from "../../../nodes/image-server/key-file.ts";
import { patienceLeft } from "../../../nodes/image-server/patience.ts";
import { placeOf, rangeOf } from "../../../nodes/image-server/ranges.ts";
import { checkTicket, createTickets, readTicket, serverKey } from "../../../nodes/image-server/ticket.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { temporaryDirectory } from "../../support/driver-world.ts";

function reasonOf(work: () => unknown): string {
  try {
    work();
    return "none";
  } catch (error) {
    return error instanceof StatusError ? error.reason : "odd";
  }
}

describe("a ticket for the bytes of an image", () => {
  const cluster = Buffer.alloc(32, 7);
  const facts: TicketFacts = {
    ...{ server: "controller-1", verb: "fetch", of: "a".repeat(64), who: "demo" },
    expiresAtMs: 1_000,
  };
  const check = { key: serverKey(cluster, "controller-1"), server: "controller-1", nowMs: 999 };
  const ticket = createTickets(cluster).issue(facts);

  it("says what was put into it, for the server that it is for", () => {
    expect(readTicket(ticket, check)).to.deep.equal(facts);
  });

  it("is none when it is too old, of another key, or for another server", () => {
    expect(reasonOf(() => readTicket(ticket, { ...check, nowMs: 1_000 }))).to.equal("ticketInvalid");
    const foreign = [createTickets(Buffer.alloc(32, 8)).issue(facts)];
    foreign.push(createTickets(cluster).issue({ ...facts, server: "controller-2" }));
    for (const text of foreign) expect(reasonOf(() => readTicket(text, check))).to.equal("ticketInvalid");
    const other = { ...check, server: "host-1" };
    expect(reasonOf(() => readTicket(ticket, other))).to.equal("ticketInvalid");
  });

  it("is none with any character changed, and none of any other text", () => {
    for (let at = 0; at < ticket.length; at += 1) {
      const changed = `${ticket.slice(0, at)}${ticket[at] === "A" ? "B" : "A"}${ticket.slice(at + 1)}`;
      // The last character of a code of 32 bytes has two bits that say nothing.
      if (at < ticket.length - 1)
        expect(reasonOf(() => readTicket(changed, check))).to.equal("ticketInvalid");
    }
    const texts = ["", "v1", "v1..", "v2.a.b", `${ticket}A`, `${ticket} `, `v1.e30.${"A".repeat(43)}`];
    for (const text of [...texts, "x".repeat(100_000)])
      expect(reasonOf(() => readTicket(text, check))).to.equal("ticketInvalid");
  });

  it("opens one image, for one purpose", () => {
    expect(reasonOf(() => checkTicket(facts, { verb: "fetch", of: facts.of }))).to.equal("none");
    for (const asked of [
      { verb: "send", of: facts.of },
      { verb: "fetch", of: "b".repeat(64) },
    ] as const)
      expect(reasonOf(() => checkTicket(facts, asked))).to.equal("ticketMismatch");
  });

  it("has a key that is made once, for its owner alone", async () => {
    const place = await temporaryDirectory();
    try {
      const path = join(place.path, "key");
      const keys = await Promise.all([1, 2, 3, 4].map(() => openTicketKey(path)));
      for (const key of keys) expect(key.equals(keys[0] as Buffer)).to.equal(true);
      expect((await stat(path)).mode & 0o777).to.equal(0o600);
      await writeFile(join(place.path, "open"), Buffer.alloc(32), { mode: 0o644 });
      const error = await openTicketKey(join(place.path, "open")).catch((thrown: Error) => thrown.message);
      expect(error).to.match(/only its owner/);
    } finally {
      await place.remove();
    }
  });
});

describe("ranges of bytes", () => {
  it("are those of HTTP, within the file", () => {
    expect(rangeOf(undefined, 10)).to.equal(undefined);
    expect(rangeOf("bytes=0-", 10)).to.deep.equal({ from: 0, to: 9 });
    expect(rangeOf("bytes=3-5", 10)).to.deep.equal({ from: 3, to: 5 });
    expect(rangeOf("bytes=3-99", 10)).to.deep.equal({ from: 3, to: 9 });
    expect(rangeOf("bytes=-4", 10)).to.deep.equal({ from: 6, to: 9 });
    expect(rangeOf("bytes=-99", 10)).to.deep.equal({ from: 0, to: 9 });
  });

  for (const header of [
    ...["bytes=10-", "bytes=5-3", "bytes=-0", "bytes=-", "bytes=", "bytes=a-b", "bytes=0-1,3-4"],
    ...["bytes=--1", "bytes=-1-2", "octets=0-1", "bytes=1e3-", "bytes=0x1-", " bytes=0-1", "bytes=0-1 "],
    ...[`bytes=${"9".repeat(400)}-`, "bytes=0-18446744073709551616", "bytes=1.5-2", ""],
  ])
    it(`are not ${header.slice(0, 40) || "nothing"}`, () => {
      expect(reasonOf(() => rangeOf(header, 10))).to.equal("rangeInvalid");
    });

  it("of an empty file are none", () => {
    expect(reasonOf(() => rangeOf("bytes=0-0", 0))).to.equal("rangeInvalid");
  });

  it("say where a body belongs", () => {
    const place = (contentRange?: string, uploadOffset?: string) => placeOf({ contentRange, uploadOffset });
    expect(place()).to.deep.equal({ offset: 0, sizeBytes: undefined });
    expect(place("bytes 5-9/10")).to.deep.equal({ offset: 5, sizeBytes: 5 });
    expect(place("bytes 5-9/*")).to.deep.equal({ offset: 5, sizeBytes: 5 });
    expect(place(undefined, "7")).to.deep.equal({ offset: 7, sizeBytes: undefined });
    for (const wrong of [
      "bytes 9-5/10",
      "bytes 5-10/10",
      "bytes */10",
      "bytes=5-9",
      `bytes ${"1".repeat(20)}-2/*`,
    ])
      expect(reasonOf(() => place(wrong))).to.equal("rangeInvalid");
    for (const wrong of ["-1", "1e3", "0x1", "1,2", "", "9".repeat(16)])
      expect(reasonOf(() => place(undefined, wrong))).to.equal("rangeInvalid");
    expect(reasonOf(() => place("bytes 5-9/10", "5"))).to.equal("rangeInvalid");
  });
});

describe("patience with a client", () => {
  const pace = { quietMsMax: 1_000, bytesPerMsMin: 4 };

  it("ends with a silence, and with bytes that drip", () => {
    expect(patienceLeft(1_000, { waitedMs: 1_000, bytes: 1_000_000 }, pace)).to.equal(0);
    let left = 1_000;
    for (let drops = 0; drops < 3; drops += 1) left = patienceLeft(left, { waitedMs: 300, bytes: 1 }, pace);
    expect(left).to.be.within(100, 101);
    expect(patienceLeft(left, { waitedMs: 300, bytes: 1 }, pace)).to.equal(0);
  });

  it("is earned by bytes, and never more than at first", () => {
    expect(patienceLeft(1_000, { waitedMs: 100, bytes: 400 }, pace)).to.equal(1_000);
    expect(patienceLeft(500, { waitedMs: 100, bytes: 4_000_000 }, pace)).to.equal(1_000);
    expect(patienceLeft(500, { waitedMs: 100, bytes: 40 }, pace)).to.equal(410);
  });
});

describe("a bandwidth that transfers share", () => {
  it("lets each wait for the bytes before its own, and none for a time in which nothing left", () => {
    let nowMs = 5_000;
    const bandwidth = new Bandwidth(1_000_000, () => nowMs);
    expect([bandwidth.take(500_000), bandwidth.take(250_000), bandwidth.take(1)]).to.deep.equal([
      0, 500, 750,
    ]);
    nowMs += 600;
    expect(Math.round(bandwidth.take(1))).to.equal(150);
    nowMs += 60_000;
    expect([bandwidth.take(1_000), bandwidth.take(1)]).to.deep.equal([0, 1]);
  });
});
