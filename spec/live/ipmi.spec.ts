/** Switching a host off over IPMI: the distribution's ipmitool against a simulated power controller. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { createPowerFence } from "../../nodes/fence/index.ts";
import { systemClock } from "../../nodes/process/clock.ts";
import {
  type IpmiSimulator,
  ipmiUser,
  missingForIpmi,
  startIpmiSimulator,
} from "../support/ipmi-simulator.ts";
import { failureOf, fastTiming, never, powerFenceContract } from "../support/power-fence-contract.ts";
import { skip } from "../support/services.ts";
import { silentLog } from "../support/silent-log.ts";

describe("power by IPMI, by ipmitool and a simulated controller", () => {
  let directory: string;
  let simulator: IpmiSimulator;

  before(function () {
    const missing = missingForIpmi();
    if (missing.length > 0) skip(this, `these are not installed: ${missing.join(", ")}`);
  });
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), "novact-ipmi-"));
    simulator = await startIpmiSimulator(directory);
  });
  afterEach(async () => {
    await simulator.stop();
    rmSync(directory, { recursive: true });
  });

  const fenceOf = ({ user, password }: { readonly user: string; readonly password: string }) => {
    const passwordFile = join(directory, "password");
    writeFileSync(passwordFile, password, { mode: 0o600 });
    const reach = {
      address: "127.0.0.1",
      port: simulator.port,
      interface: "lanplus",
      cipherSuite: 3,
    } as const;
    const ipmi = { kind: "ipmi", user, passwordFile, ...reach } as const;
    return createPowerFence({
      nodes: [{ name: "node-1", power: ipmi }],
      clock: systemClock,
      log: silentLog,
      timing: { ...fastTiming, requestTimeoutMs: 8_000, attemptsMax: 2, offTimeoutMs: 2_000, settleMs: 200 },
    });
  };

  powerFenceContract(() => ({
    fence: fenceOf(ipmiUser),
    hostName: "node-1",
    kind: "ipmi",
    secret: ipmiUser.password,
    isOn: () => simulator.isOn(),
    ignoreOrders: () => simulator.ignoreOrders(),
  }));

  it("is not for a wrong password", async () => {
    const wrong = { user: ipmiUser.user, password: "wrong" };
    const failure = await failureOf(fenceOf(wrong).off("node-1", never), "powerControlFailed");
    expect(failure.message).to.include("user and password");
    expect(simulator.isOn()).to.equal(true);
  });
});
