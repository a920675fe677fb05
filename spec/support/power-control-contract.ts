/**
 * The contract of every power controller of a host: what it says of the power is so, an order is not taken
 * for its effect, and nothing secret is said. When a host counts as off is not its business, but that of
 * nodes/fence/prove-off.ts, which is tried with it.
 */
import { inspect } from "node:util";
import { expect } from "chai";
import type { PowerReading } from "../../nodes/fence/control.ts";
import type { DriverControl } from "../../nodes/fence/kinds.ts";
import { proveOff } from "../../nodes/fence/prove-off.ts";
import { systemClock } from "../../nodes/process/clock.ts";
import { failureOf, fastTiming } from "./power-fence-contract.ts";

export interface PowerControlBench {
  /** Opens the power controller of the same host, as each attempt to switch it off does. */
  open(): DriverControl;
  /** Seen from the other side. */
  isOn(): boolean;
  switchOn(): void;
  /** From now on it accepts orders and does nothing. */
  ignoreOrders(): void;
  /** Makes the power controller unreachable. */
  cutOff(): void;
  /** A text that neither an answer nor an error may contain. */
  readonly secret: string;
  close(): Promise<void>;
}

const patienceMs = 5_000;

export function powerControlContract(name: string, makeBench: () => Promise<PowerControlBench>): void {
  describe(`power control contract: ${name}`, function () {
    this.timeout(2 * patienceMs);
    let bench: PowerControlBench;
    let control: DriverControl;
    const never = new AbortController().signal;
    beforeEach(async () => {
      bench = await makeBench();
      control = bench.open();
    });
    afterEach(async () => {
      await control.close();
      await bench.close();
    });

    const until = async (isSo: (reading: PowerReading) => boolean): Promise<PowerReading> => {
      for (const fromMs = performance.now(); ; ) {
        const reading = await control.read(never);
        if (isSo(reading) || performance.now() - fromMs > patienceMs) return reading;
        await new Promise((resolve) => setTimeout(resolve, fastTiming.pollMs));
      }
    };
    const failed = (work: Promise<unknown>): Promise<unknown> =>
      work.then(
        (value) => `it resolved: ${JSON.stringify(value)}`,
        (thrown: unknown) => thrown,
      );
    const proved = () =>
      proveOff(
        { ...methodsOf(control), kind: "contract" },
        { hostName: "node-1", clock: systemClock, timing: { ...fastTiming, offTimeoutMs: 1_000 } },
        never,
      );

    it("says in its own words that a host is on, and changes nothing", async () => {
      const { off, said } = await control.read(never);
      expect(off).to.equal(false);
      expect(said.trim()).to.not.equal("");
      expect(bench.isOn()).to.equal(true);
    });

    it("switches a host off, and says so once it is", async () => {
      await control.read(never);
      await control.switchOff(never);
      const { off, said } = await until((reading) => reading.off);
      expect(off, said).to.equal(true);
      expect(bench.isOn()).to.equal(false);
    });

    it("takes the same order for a host that is off", async () => {
      await control.read(never);
      await control.switchOff(never);
      await until((reading) => reading.off);
      await control.switchOff(never);
      expect((await control.read(never)).off).to.equal(true);
    });

    it("says that a host is on again", async () => {
      await control.read(never);
      await control.switchOff(never);
      await until((reading) => reading.off);
      bench.switchOn();
      const { off, said } = await until((reading) => !reading.off);
      expect(off, said).to.equal(false);
    });

    it("never says off because an order was accepted", async () => {
      bench.ignoreOrders();
      const failure = await failureOf(proved(), "powerNotOff");
      expect(inspect(failure, { depth: 9 }), "a secret").to.not.include(bench.secret);
      expect(bench.isOn()).to.equal(true);
    });

    it("rejects while nobody reaches it, with words and without secrets, and never says off", async () => {
      bench.cutOff();
      const thrown = await failed(control.read(AbortSignal.timeout(patienceMs)));
      expect(thrown, String(thrown)).to.be.instanceOf(Error);
      expect((thrown as Error).message.trim()).to.not.equal("");
      expect(inspect(thrown, { depth: 9 }), "a secret").to.not.include(bench.secret);
    });

    it("ends soon when it is called off", async () => {
      bench.cutOff();
      const abort = new AbortController();
      const reading = failed(control.read(abort.signal));
      setTimeout(() => abort.abort(), 20);
      const late = new Promise((resolve) => setTimeout(() => resolve("it goes on"), patienceMs));
      expect(await Promise.race([reading, late])).to.be.instanceOf(Error);
    });

    it("proves nothing but what it is: address and words are there, and hold no secret", async () => {
      const proof = await proved();
      expect(proof.said.trim()).to.not.equal("");
      expect(proof.at.trim()).to.not.equal("");
      expect(JSON.stringify(proof)).to.not.include(bench.secret);
      expect(bench.isOn()).to.equal(false);
    });

    it("closes at any time, and twice", async () => {
      await control.close();
      await control.close();
      await bench.open().close();
    });
  });
}

/** Its methods may be those of a class, and its address may be known only after a reading. */
const methodsOf = (control: DriverControl): DriverControl => ({
  get at() {
    return control.at;
  },
  read: (signal) => control.read(signal),
  switchOff: (signal) => control.switchOff(signal),
  close: () => control.close(),
});
