/** The disk of a guest that is down: work of its machine goes before a copy. */
import { expect } from "chai";
import { CalledOff, DiskTurns } from "../../../../actors/node/machine/disk-turns.ts";

const never = new AbortController().signal;
const thrownBy = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

/** A copy that ends when it is told to, and not before. */
function copyOn(turns: DiskTurns, signal = never) {
  const end = Promise.withResolvers<void>();
  const aborted = Promise.withResolvers<void>();
  const copied = turns.copy("i1", signal, async (turn) => {
    turn.addEventListener("abort", () => aborted.resolve());
    await end.promise;
    turn.throwIfAborted();
    return "copied";
  });
  const outcome = copied.catch((error: unknown) => error);
  return { end: () => end.resolve(), aborted: aborted.promise, outcome };
}

describe("turns at the disk of a guest that is down", () => {
  it("let a copy go on while no work comes", async () => {
    const turns = new DiskTurns();
    const copy = copyOn(turns);
    copy.end();
    expect(await copy.outcome).to.equal("copied");
    expect(await copyOnce(turns)).to.equal("again");
  });

  const copyOnce = (turns: DiskTurns) => turns.copy("i1", never, async () => "again");

  it("call a copy off for work, which begins when the copy has ended", async () => {
    const turns = new DiskTurns();
    const copy = copyOn(turns);
    let entered = false;
    const entering = turns.enter("i1").then((leave) => {
      entered = true;
      return leave;
    });
    await copy.aborted;
    expect(entered).to.equal(false);
    copy.end();
    expect(await copy.outcome).to.be.instanceOf(CalledOff);
    const leave = await entering;
    expect(await thrownBy(copyOnce(turns))).to.be.instanceOf(CalledOff);
    let free = false;
    const waited = turns.whenFree("i1", never).then(() => {
      free = true;
    });
    expect(free).to.equal(false);
    leave();
    await waited;
    await turns.whenFree("i1", never);
    expect(await copyOnce(turns)).to.equal("again");
  });

  it("keep a second copy of the same disk away, and none of another", async () => {
    const turns = new DiskTurns();
    const copy = copyOn(turns);
    expect(await thrownBy(copyOnce(turns))).to.be.instanceOf(CalledOff);
    expect(await turns.copy("i2", never, async () => "other")).to.equal("other");
    copy.end();
    await copy.outcome;
  });

  it("are free again only when a copy that is called off, or whose caller has gone, has ended", async () => {
    const turns = new DiskTurns();
    const abort = new AbortController();
    const copy = copyOn(turns, abort.signal);
    abort.abort();
    await copy.aborted;
    let free = false;
    const waited = turns.whenFree("i1", never).then(() => {
      free = true;
    });
    await new Promise(setImmediate);
    expect(free).to.equal(false);
    copy.end();
    await waited;
    expect(await copyOnce(turns)).to.equal("again");
  });

  it("are waited for no longer than the caller wants to", async () => {
    const turns = new DiskTurns();
    const copy = copyOn(turns);
    const abort = new AbortController();
    const waited = turns.whenFree("i1", abort.signal);
    abort.abort();
    await waited;
    await turns.whenFree("i1", abort.signal);
    copy.end();
    expect(await copy.outcome).to.equal("copied");
  });

  it("tell an abort of the caller as such, and a failure as it is", async () => {
    const turns = new DiskTurns();
    const abort = new AbortController();
    const copy = copyOn(turns, abort.signal);
    abort.abort();
    copy.end();
    expect((await copy.outcome) as Error).to.include({ name: "AbortError" });
    const failed = turns.copy("i1", never, () => Promise.reject(new Error("No room.")));
    expect((await thrownBy(failed)) as Error).to.include({ message: "No room." });
  });
});
