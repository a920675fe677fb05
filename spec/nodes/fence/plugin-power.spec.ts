/** Power controllers of plug-ins: the same contract, and the same judge of whether a host is off. */
import { expect } from "chai";
import { parseConfig } from "../../../nodes/config/config.ts";
import { ConfigError } from "../../../nodes/config/errors.ts";
import { nothingBrought } from "../../../nodes/config/plugins.ts";
import type { PowerReading } from "../../../nodes/fence/control.ts";
import { createPowerFence } from "../../../nodes/fence/index.ts";
import type { DriverControl, PowerDriver } from "../../../nodes/fence/kinds.ts";
import { Type } from "../../../nodes/plugins/index.ts";
import { systemClock } from "../../../nodes/process/clock.ts";
import { powerControlContract } from "../../support/power-control-contract.ts";
import { failureOf, fastTiming, never, powerFenceContract } from "../../support/power-fence-contract.ts";
import { silentLog } from "../../support/silent-log.ts";

const options = Type.Object({ outlet: Type.Integer({ description: "the number of the outlet" }) });
type Control = Partial<DriverControl> & { readonly opened?: () => void };

/** A strip of outlets that can be looked at from the other side. */
function strip(change: Control = {}) {
  let on = true;
  let deaf = false;
  const driver: PowerDriver<typeof options> = {
    options,
    open: (_context, { outlet }) => {
      change.opened?.();
      return {
        at: `strip/${outlet}`,
        read: async () => ({ off: !on, said: on ? "outlet on" : "outlet off" }),
        switchOff: async () => {
          if (!deaf) on = false;
        },
        close: async () => undefined,
        ...change,
      };
    },
  };
  const power = { kind: "driver", driver: "strip", options: { outlet: 4 }, directory: "/tmp" } as const;
  const open = () =>
    createPowerFence({
      ...{ nodes: [{ name: "node-1", power }], clock: systemClock, log: silentLog, timing: fastTiming },
      drivers: { strip: driver },
      file: "/tmp/cluster.yaml",
    });
  return {
    open,
    isOn: () => on,
    ignoreOrders: () => {
      deaf = true;
    },
  };
}

describe("power by a plug-in", () => {
  powerFenceContract(() => {
    const { open, isOn, ignoreOrders } = strip();
    return { fence: open(), hostName: "node-1", kind: "strip", secret: "geheim", isOn, ignoreOrders };
  });

  it("proves nothing by words that are not true: off is true alone", async () => {
    const said: unknown = { off: "yes", said: "surely off" };
    const read = async () => said as PowerReading;
    const failure = await failureOf(strip({ read }).open().off("node-1", never), "powerNotOff");
    expect(failure.message).to.contain("surely off");
  });

  it("that throws what is no error of ours, or hangs when it is closed, harms no more than its fence", async () => {
    const read = () => Promise.reject(new Error("no route"));
    const thrown: unknown = await strip({ read })
      .open()
      .off("node-1", never)
      .catch((error: unknown) => error);
    expect(String(thrown)).to.contain("no route");
    const proof = await strip({ close: () => Promise.reject(new Error("late")) })
      .open()
      .off("node-1", never);
    expect(proof).to.include({ kind: "strip", at: "strip/4", said: "outlet off" });
  });

  it("that cannot be opened is told at the start", () => {
    const opened = () => {
      throw new Error("the file token is not there");
    };
    expect(() => strip({ opened }).open()).to.throw(
      ConfigError,
      /strip of the node node-1 cannot be used: the file token/,
    );
  });

  const known = { ...nothingBrought, power: { strip: { options } } };
  const parse = (power: string, brought = known) =>
    parseConfig(`nodes:\n  - name: a\n    power:\n      ${power}`, "/tmp/cluster.yaml", brought).nodes[0]
      ?.power;
  const refusal = (power: string): string => {
    try {
      return JSON.stringify(parse(power));
    } catch (error) {
      return String(error);
    }
  };

  it("is chosen by its name, with options that its schema checks", () => {
    expect(parse("strip: { outlet: 4 }")).to.deep.equal({
      ...{ kind: "driver", driver: "strip", options: { outlet: 4 }, directory: "/tmp" },
    });
    expect(refusal("stripe: { outlet: 4 }")).to.contain(
      "cluster.yaml:4: nodes.0.power.stripe is not a known key. Did you mean strip?",
    );
    expect(refusal("strip: { outlet: four }")).to.contain(
      "cluster.yaml:4: nodes.0.power.strip.outlet must be a whole number. Found: a text.",
    );
    expect(refusal("strip: 4")).to.contain("must be a map of keys");
    expect(refusal("strip: { outlet: 4 }\n      ipmi: { address: b, user: u, passwordFile: p }")).to.contain(
      "is a second way. Remove one.",
    );
  });
});

/** One host's outlet. */
async function outletBench() {
  const state = { on: true, deaf: false, away: false };
  const reach = () => {
    if (state.away) throw new Error("the strip does not answer");
  };
  return {
    open: (): DriverControl => ({
      at: "strip/4",
      read: async () => {
        reach();
        return { off: !state.on, said: state.on ? "outlet on" : "outlet off" };
      },
      switchOff: async () => {
        reach();
        if (!state.deaf) state.on = false;
      },
      close: async () => undefined,
    }),
    isOn: () => state.on,
    switchOn: () => {
      state.on = true;
    },
    ignoreOrders: () => {
      state.deaf = true;
    },
    cutOff: () => {
      state.away = true;
    },
    secret: "geheim",
    close: async () => undefined,
  };
}

powerControlContract("an outlet", outletBench);
