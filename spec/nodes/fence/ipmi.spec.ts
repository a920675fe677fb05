/**
 * The arguments that ipmitool gets, and the meaning given to its output; tested with a script in its place.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { createPowerFence } from "../../../nodes/fence/index.ts";
import { IpmiControl } from "../../../nodes/fence/ipmi.ts";
import { systemClock } from "../../../nodes/process/clock.ts";
import { powerControlContract } from "../../support/power-control-contract.ts";
import { failureOf, fastTiming, never, powerFenceContract } from "../../support/power-fence-contract.ts";
import { silentLog } from "../../support/silent-log.ts";

const password = "pass'w\"ord $(id)";

describe("power by IPMI", () => {
  let directory: string;
  const at = (name: string): string => join(directory, name);

  /** Makes the script. `cases`: the text between `case` and `esac`, by ipmitool's last argument. */
  const pretend = (cases: string): void => {
    const text = `#!/bin/sh
echo "$@" >> ${at("arguments")}
printenv IPMI_PASSWORD > ${at("environment")}
for last in "$@"; do :; done
case "$last" in
${cases}
esac
`;
    writeFileSync(at("ipmitool"), text, { mode: 0o755 });
  };
  const working = (): string => `status) echo "Chassis Power is $(cat ${at("power")})" ;;
off) echo "Chassis Power Control: Down/Off"; [ -e ${at("deaf")} ] || echo off > ${at("power")} ;;`;
  const fails = (words: string): string => `*) echo "${words}" >&2; exit 1 ;;`;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "novact-ipmi-"));
    writeFileSync(at("password"), `${password}\n`, { mode: 0o600 });
    writeFileSync(at("power"), "on\n");
    pretend(working());
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const fenceOf = (command = at("ipmitool"), address = "10.0.0.7") => {
    const passwordFile = at("password");
    const rest = { port: 623, user: "fencer", passwordFile, interface: "lanplus", cipherSuite: 17 } as const;
    return createPowerFence({
      nodes: [{ name: "node-1", power: { kind: "ipmi", address, ...rest } }],
      clock: systemClock,
      log: silentLog,
      ipmitool: command,
      timing: { ...fastTiming, requestTimeoutMs: 2_000, offTimeoutMs: 1_000 },
    });
  };
  const off = (command?: string) => fenceOf(command).off("node-1", never);
  const calls = (): readonly string[] => readFileSync(at("arguments"), "utf8").trim().split("\n");

  powerFenceContract(() => ({
    fence: fenceOf(),
    hostName: "node-1",
    kind: "ipmi",
    secret: password,
    isOn: () => readFileSync(at("power"), "utf8").trim() === "on",
    ignoreOrders: () => {
      writeFileSync(at("deaf"), "");
      writeFileSync(at("power"), "on\n");
    },
  }));

  it("gives the password by the environment, and never by an argument", async () => {
    const proof = await off();
    expect(proof).to.include({ at: "10.0.0.7:623", said: "Chassis Power is off" });
    expect(readFileSync(at("environment"), "utf8")).to.equal(`${password}\n`);
    expect(calls().join()).to.not.include("ord");
    const reach = "-I lanplus -H 10.0.0.7 -p 623 -U fencer -C 17 -N 1 -R 2 -L OPERATOR -E chassis power";
    expect(calls().slice(0, 3)).to.deep.equal([`${reach} status`, `${reach} off`, `${reach} status`]);
  });

  it("says where a controller of an IPv6 address is", async () => {
    expect((await fenceOf(at("ipmitool"), "fd00::7").off("node-1", never)).at).to.equal("[fd00::7]:623");
  });

  const refusals = [
    "Set Chassis Power Control to Down/Off failed: Insufficient privilege level",
    "Error in open session response message : unauthorized name",
    "RAKP 2 HMAC is invalid",
    "Set Chassis Power Control to Down/Off failed: Invalid data field in request",
  ];
  for (const words of refusals) {
    it(`does not try again after: ${words}`, async () => {
      pretend(fails(words));
      const failure = await failureOf(off(), "powerControlRefused");
      expect(failure.detail).to.include(words);
      expect(calls()).to.have.length(1);
    });
  }

  it("tries again when there was no session, and then says what it may be", async () => {
    pretend(fails("Error: Unable to establish IPMI v2 / RMCP+ session"));
    const failure = await failureOf(off(), "powerControlFailed");
    expect(failure.message).to.include("cannot be reached, or does not take this user");
    expect(calls()).to.have.length(fastTiming.attemptsMax);
  });

  const unclear = ["", "Chassis Power is", "Chassis Power is offline", "System Power : off"];
  for (const words of unclear) {
    it(`does not take "${words}" for off`, async () => {
      pretend(`*) echo "${words}" ;;`);
      expect((await failureOf(off(), "powerControlFailed")).message).to.include("nothing about the power");
    });
  }

  it("does not take off for proved when the command failed", async () => {
    pretend('*) echo "Chassis Power is off"; exit 1 ;;');
    await failureOf(off(), "powerControlFailed");
  });

  it("gives up on a command that hangs", async () => {
    pretend("*) exec sleep 60 ;;");
    await failureOf(off(), "powerControlFailed");
  });

  it("says what to install when there is no ipmitool", async () => {
    const failure = await failureOf(off(at("nothing")), "powerControlMissing");
    expect(failure.message).to.include("node-1").and.include("apt-get install ipmitool");
  });
});

powerControlContract("ipmi", async () => {
  const directory = mkdtempSync(join(tmpdir(), "novact-ipmi-"));
  const [power, deaf, tool] = ["power", "deaf", "ipmitool"].map((name) => join(directory, name));
  if (power === undefined || deaf === undefined || tool === undefined) throw new Error("No paths.");
  const cases = `status) echo "Chassis Power is $(cat ${power})" ;; off) [ -e ${deaf} ] || echo off > ${power} ;;`;
  const script = (text: string) => writeFileSync(tool, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  writeFileSync(power, "on\n");
  script(`for last in "$@"; do :; done\ncase "$last" in\n${cases}\nesac`);
  const rest = {
    port: 623,
    user: "fencer",
    passwordFile: "",
    interface: "lanplus",
    cipherSuite: 17,
  } as const;
  return {
    open: () =>
      new IpmiControl({
        ...{ hostName: "node-1", password, clock: systemClock, log: silentLog, command: tool },
        ...{ power: { kind: "ipmi", address: "10.0.0.7", ...rest } },
        timing: { ...fastTiming, requestTimeoutMs: 2_000 },
      }),
    isOn: () => readFileSync(power, "utf8").trim() === "on",
    switchOn: () => writeFileSync(power, "on\n"),
    ignoreOrders: () => writeFileSync(deaf, ""),
    cutOff: () => script("echo 'Error: Unable to establish IPMI v2 / RMCP+ session' >&2; exit 1"),
    secret: password,
    close: async () => rmSync(directory, { recursive: true }),
  };
});
