/**
 * The contract of every bus, in memory or on NATS. Each test has its own subjects, so that one server may
 * serve them all.
 */
import { expect } from "chai";
import { StatusError } from "../../protocol/wire/status.ts";
import type { Bus, BusDoor, BusMessage } from "../../protocol/wire/transport.ts";

export interface BusUnderTest {
  /** Two ends of one network; with the memory bus they may be the same. */
  readonly bus: Bus;
  readonly other: Bus;
  /** Lets time pass, so that messages arrive and time-outs strike. */
  passing(ms: number): Promise<void>;
}

const text = (body: string, headers: Record<string, string> = {}): BusMessage => ({
  body: Buffer.from(body),
  headers,
});
const read = (message: BusMessage): string => Buffer.from(message.body).toString();

export function busContract(name: string, world: (this: Mocha.Context) => Promise<BusUnderTest>): void {
  describe(`bus contract: ${name}`, () => {
    let number = 0;
    let subject = "";
    let under: BusUnderTest;

    before(async function () {
      under = await world.call(this);
    });
    beforeEach(() => {
      number += 1;
      subject = `contract.${process.pid}.t${number}`;
    });

    /** The outcome of a promise that needs time to pass. */
    const outcome = async <T>(promise: Promise<T>, ms = 200): Promise<T | StatusError> => {
      const settled = promise.catch((error: unknown) => {
        if (error instanceof StatusError) return error;
        throw error;
      });
      await under.passing(ms);
      return settled;
    };

    it("carries body and headers there and back, byte for byte", async () => {
      const body = Uint8Array.from({ length: 256 }, (_, byte) => byte);
      under.other.serve(subject, undefined, async (_, message) => ({
        body: message.body,
        headers: { Echo: message.headers.Question ?? "", Other: "b: c" },
      }));
      await under.passing(50);
      const answer = await outcome(under.bus.request(subject, { body, headers: { Question: "x y" } }, 1_000));
      expect(answer).to.deep.include({ headers: { Echo: "x y", Other: "b: c" } });
      expect(answer instanceof StatusError ? "" : [...answer.body]).to.deep.equal([...body]);
    });

    it("tells the handler the subject that a wildcard matched", async () => {
      under.other.serve(`${subject}.*.end`, undefined, async (found) => text(found));
      under.other.serve(`${subject}.rest.>`, undefined, async (found) => text(`rest ${found}`));
      await under.passing(50);
      const ask = async (at: string) => {
        const answer = await outcome(under.bus.request(at, text(""), 1_000));
        return answer instanceof StatusError ? answer.reason : read(answer);
      };
      expect(await ask(`${subject}.a.end`)).to.equal(`${subject}.a.end`);
      expect(await ask(`${subject}.rest.a.b.c`)).to.equal(`rest ${subject}.rest.a.b.c`);
      expect(await ask(`${subject}.a.b.end`)).to.equal("noResponders");
      expect(await ask(`${subject}.rest`)).to.equal("noResponders");
    });

    it("gives each message to one member of a queue, and to everybody without one", async () => {
      const heard = { first: 0, second: 0, everybody: 0 };
      const count = (who: keyof typeof heard) => async () => {
        heard[who] += 1;
        return undefined;
      };
      under.bus.serve(subject, "queue", count("first"));
      under.other.serve(subject, "queue", count("second"));
      under.other.serve(subject, undefined, count("everybody"));
      await under.passing(50);
      for (let sent = 0; sent < 200; sent += 1) under.bus.publish(subject, text("x"));
      await under.passing(500);
      expect(heard.first + heard.second).to.equal(200);
      expect(heard.everybody).to.equal(200);
      expect(Math.min(heard.first, heard.second)).to.be.greaterThan(0);
    });

    it("gives each message to one member of a queue, also when several of its patterns fit", async () => {
      let heard = 0;
      const count = async () => {
        heard += 1;
        return text("heard");
      };
      for (const pattern of [`${subject}.>`, `${subject}.a.>`, `${subject}.*.x`])
        under.other.serve(pattern, "queue", count);
      await under.passing(50);
      for (let sent = 0; sent < 100; sent += 1) under.bus.publish(`${subject}.a.x`, text("x"));
      await under.passing(500);
      expect(heard).to.equal(100);
    });

    it("loses nothing when subscriptions are exchanged, and hears nothing that none of them fits", async () => {
      const serve = (pattern: string) => under.other.serve(pattern, "queue", async (found) => text(found));
      const wide = serve(`${subject}.>`);
      await under.passing(50);
      const ask = (name: string) => under.bus.request(`${subject}.${name}.x`, text(""), 1_000);
      const asked: Promise<BusMessage>[] = [];
      const some = () => {
        for (let at = 0; at < 50; at += 1) asked.push(ask("heard"));
      };
      some();
      const narrow = serve(`${subject}.heard.>`);
      const left = wide.drain();
      some();
      await under.passing(100);
      some();
      expect(await outcome(ask("unheard"))).to.include({ reason: "noResponders" });
      serve(`${subject}.>`);
      const leftToo = narrow.drain();
      some();
      await under.passing(200);
      expect((await Promise.all(asked)).map(read)).to.deep.equal(asked.map(() => `${subject}.heard.x`));
      expect(read((await outcome(ask("unheard"))) as BusMessage)).to.equal(`${subject}.unheard.x`);
      await Promise.all([left, leftToo]);
    });

    it("says at once that nobody listens", async () => {
      expect(await outcome(under.bus.request(subject, text(""), 60_000), 100)).to.include({
        reason: "noResponders",
      });
    });

    it("says that nobody answered when the time is over", async () => {
      under.other.serve(subject, undefined, async () => undefined);
      await under.passing(50);
      const startedMs = performance.now();
      expect(await outcome(under.bus.request(subject, text(""), 150))).to.include({ reason: "timeout" });
      expect(performance.now() - startedMs).to.be.lessThan(2_000);
    });

    it("ends with the signal's reason when it is aborted, before or meanwhile", async () => {
      under.other.serve(subject, undefined, () => new Promise(() => undefined));
      await under.passing(50);
      const abort = new AbortController();
      const asked = under.bus
        .request(subject, text(""), 60_000, abort.signal)
        .catch((error: unknown) => error);
      await under.passing(20);
      abort.abort(new Error("enough"));
      expect(await asked).to.include({ message: "enough" });
      const late = under.bus
        .request(subject, text(""), 60_000, abort.signal)
        .catch((error: unknown) => error);
      expect(await late).to.include({ message: "enough" });
    });

    it("keeps answers apart when many questions are under way", async () => {
      under.other.serve(subject, undefined, async (_, message) => message);
      await under.passing(50);
      const asked = Array.from({ length: 500 }, (_, at) => under.bus.request(subject, text(`${at}`), 5_000));
      const answers = await outcome(Promise.all(asked));
      expect(answers instanceof StatusError ? [] : answers.map(read)).to.deep.equal(
        asked.map((_, at) => `${at}`),
      );
    });

    it("drains: takes nothing more, and has answered everything when it resolves", async () => {
      let finish: (() => void) | undefined;
      const gate = new Promise<void>((resolve) => {
        finish = resolve;
      });
      const serving = under.other.serve(subject, undefined, async () => {
        await gate;
        return text("done");
      });
      await under.passing(50);
      const asked = under.bus.request(subject, text(""), 5_000);
      await under.passing(50);
      let drained = false;
      const draining = serving.drain().then(() => {
        drained = true;
      });
      await under.passing(50);
      expect(drained).to.equal(false);
      expect(await outcome(under.bus.request(subject, text(""), 1_000))).to.include({
        reason: "noResponders",
      });
      finish?.();
      await under.passing(50);
      await draining;
      const answer = await asked;
      expect(read(answer)).to.equal("done");
    });

    it("asks the door about each message, with its size, before the handler", async () => {
      const asked: [string, number][] = [];
      let handled = 0;
      const door: BusDoor = {
        admit: (at, bytes) => {
          asked.push([at.slice(subject.length), bytes]);
          return at.endsWith("take") ? "take" : at.endsWith("refuse") ? "refuse" : "drop";
        },
        refusal: (body) => text(`no, ${Buffer.from(body).toString()}`, { Because: "door" }),
      };
      const handler = async () => {
        handled += 1;
        return text("yes");
      };
      under.other.serve(`${subject}.*`, undefined, handler, door);
      await under.passing(50);
      const ask = async (end: string, body = "") => {
        const answer = await outcome(under.bus.request(`${subject}.${end}`, text(body), 150));
        return answer instanceof StatusError ? answer.reason : read(answer);
      };
      expect([await ask("take", "abc"), handled]).to.deep.equal(["yes", 1]);
      expect([await ask("refuse", "ab"), handled]).to.deep.equal(["no, ab", 1]);
      expect([await ask("drop"), handled]).to.deep.equal(["timeout", 1]);
      expect(asked).to.deep.equal([
        [".take", 3],
        [".refuse", 2],
        [".drop", 0],
      ]);
    });

    it("counts headers as a message's size", async () => {
      let size = 0;
      const door: BusDoor = {
        admit: (_, bytes) => {
          size = bytes;
          return "drop";
        },
        refusal: () => text(""),
      };
      under.other.serve(subject, undefined, async () => undefined, door);
      await under.passing(50);
      under.bus.publish(subject, text("abc", { Long: "x".repeat(2_000) }));
      await under.passing(200);
      expect(size).to.be.within(2_003, 2_100);
    });

    it("does not handle what was published where requests come in, since nobody waits for its answer", async () => {
      const heard: string[] = [];
      const door: BusDoor = { admit: () => "take", refusal: () => text("") };
      const handle = async (_: string, message: BusMessage) => {
        heard.push(read(message));
        return text("done");
      };
      under.other.serve(subject, undefined, handle, door);
      await under.passing(50);
      under.bus.publish(subject, text("published"));
      expect(read((await outcome(under.bus.request(subject, text("asked"), 1_000))) as BusMessage)).to.equal(
        "done",
      );
      expect(heard).to.deep.equal(["asked"]);
    });

    it("takes several answers to one question; the asker has the first", async () => {
      under.other.serve(subject, undefined, async () => ["first", "second"].map((one) => text(one)));
      await under.passing(50);
      const answer = await outcome(under.bus.request(subject, text(""), 1_000));
      expect(answer instanceof StatusError ? "" : read(answer)).to.equal("first");
    });

    it("publishes to nobody without complaint", () => {
      under.bus.publish(subject, text("x"));
    });
  });
}
