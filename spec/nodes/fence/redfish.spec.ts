/** Switching a host off over Redfish: against a service that is slow, refuses, hangs and lies. */
import { spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { expect } from "chai";
import type { RedfishPower } from "../../../nodes/config/power.ts";
import type { PowerTiming } from "../../../nodes/fence/control.ts";
import { createPowerFence } from "../../../nodes/fence/index.ts";
import { RedfishControl } from "../../../nodes/fence/redfish.ts";
import { systemClock } from "../../../nodes/process/clock.ts";
import { powerControlContract } from "../../support/power-control-contract.ts";
import { failureOf, fastTiming, never, powerFenceContract } from "../../support/power-fence-contract.ts";
import { credentials, RedfishMock } from "../../support/redfish-mock.ts";
import { skip } from "../../support/services.ts";
import { silentLog } from "../../support/silent-log.ts";

describe("power by Redfish", () => {
  let directory: string;
  let mock: RedfishMock;

  const power = (): RedfishPower => ({
    kind: "redfish",
    url: mock.url,
    user: credentials.user,
    passwordFile: join(directory, "password"),
    system: undefined,
    caFile: undefined,
    fingerprint: undefined,
  });
  const fenceOf = (more: Partial<RedfishPower> = {}, timing: Partial<PowerTiming> = {}) =>
    createPowerFence({
      nodes: [{ name: "node-1", power: { ...power(), ...more } }],
      clock: systemClock,
      log: silentLog,
      timing: { ...fastTiming, ...timing },
    });
  const off = (more: Partial<RedfishPower> = {}, timing: Partial<PowerTiming> = {}) =>
    fenceOf(more, timing).off("node-1", never);
  const writePassword = (text: string) => {
    writeFileSync(join(directory, "password"), text, { mode: 0o600 });
  };

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), "novact-redfish-"));
    writePassword(`${credentials.password}\n`);
    mock = new RedfishMock();
    await mock.listen();
  });
  afterEach(async () => {
    await mock.close();
    rmSync(directory, { recursive: true });
  });

  powerFenceContract(() => ({
    fence: fenceOf({}, { offTimeoutMs: 400 }),
    hostName: "node-1",
    kind: "redfish",
    secret: credentials.password,
    isOn: () => mock.state === "On",
    ignoreOrders: () => {
      mock.behaviour.offAfterMs = Number.POSITIVE_INFINITY;
      mock.set("On");
    },
  }));

  describe("who it is", () => {
    it("is told by a session, which is ended afterwards", async () => {
      const proof = await off();
      expect(proof).to.include({ at: `${mock.url}/redfish/v1/Systems/1`, said: 'PowerState "Off"' });
      expect(mock.heard[0]).to.equal("POST /redfish/v1/SessionService/Sessions");
      expect(mock.heard.at(-1)).to.equal("DELETE /redfish/v1/SessionService/Sessions/token-1");
      expect(mock.sessions.size).to.equal(0);
    });

    it("is told by basic authentication where there are no sessions", async () => {
      mock.behaviour.sessions = false;
      await off();
      expect(mock.state).to.equal("Off");
    });

    it("is told again when the session has ended meanwhile", async () => {
      mock.behaviour.sessionQuestionsMax = 3;
      await off();
      expect(mock.state).to.equal("Off");
    });

    for (const sessions of [true, false]) {
      it(`is refused once and not asked again, with sessions: ${sessions}`, async () => {
        mock.behaviour.sessions = sessions;
        writePassword("wrong");
        const failure = await failureOf(off(), "powerControlRefused");
        expect(failure.message).to.include("user and password");
        expect(inspect(failure, { depth: 9 }), "the password").to.not.include("wrong");
        expect(mock.heard).to.have.length(sessions ? 1 : 2);
        expect(mock.state).to.equal("On");
      });
    }

    it("is told by a password that was changed since", async () => {
      const fence = fenceOf();
      writePassword("wrong");
      await failureOf(fence.off("node-1", never), "powerControlRefused");
      writePassword(credentials.password);
      await fence.off("node-1", never);
    });
  });

  describe("which system it is", () => {
    it("is the one that is configured", async () => {
      mock.behaviour.systems = ["1", "437 B"].map(encodeURIComponent);
      expect((await off({ system: "437 B" })).at).to.match(/Systems\/437%20B$/);
    });

    it("must be configured when there are several, and is not guessed", async () => {
      mock.behaviour.systems = ["1", "2"];
      const failure = await failureOf(off(), "powerControlRefused");
      expect(failure.message).to.include("2 systems").and.include("power.redfish.system");
      expect(mock.heard).to.not.include("ForceOff");
    });

    it("is none that the service does not have (404)", async () => {
      expect((await failureOf(off({ system: "9" }), "powerControlRefused")).message).to.include(
        "this system",
      );
    });

    it("is not looked for elsewhere: a link to another server is not followed", async () => {
      mock.behaviour.resetTarget = "https://127.0.0.1:9/redfish/v1/Systems/1/Actions/ComputerSystem.Reset";
      expect((await failureOf(off(), "powerControlRefused")).message).to.include("link");
    });

    it("is not looked for elsewhere: a redirection is not followed", async () => {
      mock.behaviour.redirects = true;
      expect((await failureOf(off(), "powerControlRefused")).message).to.include("308");
    });
  });

  describe("what is no proof", () => {
    it("is a refused order (409): the system is still on", async () => {
      mock.behaviour.resetStatus = 409;
      expect((await failureOf(off(), "powerControlRefused")).message).to.include("409");
    });

    it("is a system that cannot be forced off; it is not even asked", async () => {
      mock.behaviour.allowedResets = ["On", "GracefulShutdown"];
      expect((await failureOf(off(), "powerControlRefused")).detail).to.include("GracefulShutdown");
      expect(mock.heard.filter((line) => line.startsWith("POST"))).to.have.length(1);
    });

    it("is off that becomes on again, as in a reset", async () => {
      mock.behaviour.onAgainAfterMs = 30;
      expect((await failureOf(off(), "powerNotOff")).message).to.include("something else");
    });

    it("is an order after which the service falls silent", async () => {
      mock.behaviour.offAfterMs = Number.POSITIVE_INFINITY;
      const failure = failureOf(off({}, { offTimeoutMs: 250 }), "powerNotOff");
      setTimeout(() => {
        mock.behaviour.hangs = true;
      }, 100);
      await failure;
    });
  });

  describe("what may pass", () => {
    it("is a dropped connection", async () => {
      mock.behaviour.drops = 2;
      await off();
      expect(mock.state).to.equal("Off");
    });

    it("is a service that is busy (503)", async () => {
      mock.behaviour.busy = 2;
      await off();
      expect(mock.state).to.equal("Off");
    });

    it("is a lost answer to an order that was heard: off is off, though the second one is refused", async () => {
      mock.behaviour.resetAnswerLost = true;
      mock.behaviour.offAfterMs = 0;
      await off();
      expect(mock.heard.filter((line) => line === "ForceOff")).to.have.length(1);
    });

    it("is not tried for ever", async () => {
      mock.behaviour.drops = Number.POSITIVE_INFINITY;
      expect((await failureOf(off(), "powerControlFailed")).message).to.include("cannot be reached");
      expect(mock.heard).to.have.length(fastTiming.attemptsMax);
    });

    it("is a service that hangs: each question has its deadline, and all of them one", async () => {
      mock.behaviour.hangs = true;
      const one = await failureOf(off({}, { requestTimeoutMs: 40 }), "powerControlFailed");
      expect(one.message).to.include("in time");
      const all = await failureOf(off({}, { offTimeoutMs: 60 }), "powerControlFailed");
      expect(all.message).to.include("does not answer");
    });

    it("is nobody there", async () => {
      const fence = fenceOf();
      await mock.close();
      const failure = await failureOf(fence.off("node-1", never), "powerControlFailed");
      expect(failure.message).to.include("cannot be reached");
      await mock.listen();
    });
  });

  describe("whom it trusts", () => {
    let certificate: { readonly key: string; readonly cert: string };
    let fingerprint: string;

    before(function () {
      const made = selfSigned();
      if (made === undefined) skip(this, "no openssl is installed, to make a certificate with");
      certificate = made;
      fingerprint = new X509Certificate(made.cert).fingerprint256.replaceAll(":", "").toLowerCase();
    });
    beforeEach(async () => {
      await mock.close();
      mock = new RedfishMock(certificate);
      await mock.listen();
    });

    it("is not everybody: nothing is said to an unknown certificate", async () => {
      await failureOf(off(), "powerControlUntrusted");
      expect(mock.heard).to.deep.equal([]);
    });

    it("is a certificate of the configured file", async () => {
      writeFileSync(join(directory, "ca.pem"), certificate.cert);
      await off({ caFile: join(directory, "ca.pem") });
      expect(mock.state).to.equal("Off");
    });

    it("is the one certificate of the configured fingerprint", async () => {
      await off({ fingerprint });
      expect(mock.state).to.equal("Off");
    });

    it("is no certificate of another fingerprint, and nothing is said to it", async () => {
      // One in 256 fingerprints begins with 00 already.
      const another = fingerprint.replace(/^../, (first) => (first === "00" ? "ff" : "00"));
      await failureOf(off({ fingerprint: another }), "powerControlUntrusted");
      expect(mock.heard).to.deep.equal([]);
    });

    it("may drop connections and hang as well", async () => {
      mock.behaviour.drops = 1;
      await off({ fingerprint });
      mock.behaviour.hangs = true;
      await failureOf(off({ fingerprint }, { requestTimeoutMs: 40 }), "powerControlFailed");
    });
  });
});

/** A key and a certificate for 127.0.0.1; undefined without openssl. */
function selfSigned(): { readonly key: string; readonly cert: string } | undefined {
  const name = ["-subj", "/CN=bmc", "-addext", "subjectAltName=IP:127.0.0.1"];
  const argv = [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-days",
    "2",
  ];
  const { stdout, status } = spawnSync("openssl", [...argv, ...name, "-keyout", "-", "-out", "-"], {
    encoding: "utf8",
  });
  if (status !== 0) return undefined;
  const [key = ""] = /-----BEGIN PRIVATE KEY[\s\S]*?END PRIVATE KEY-----/.exec(stdout) ?? [];
  const [cert = ""] = /-----BEGIN CERTIFICATE[\s\S]*?END CERTIFICATE-----/.exec(stdout) ?? [];
  return { key, cert };
}

powerControlContract("redfish", async () => {
  const mock = new RedfishMock();
  await mock.listen();
  const { user, password } = credentials;
  const closed = { done: false };
  const close = async () => {
    if (!closed.done) await mock.close();
    closed.done = true;
  };
  return {
    open: () =>
      new RedfishControl({
        ...{ hostName: "node-1", password, ca: undefined, clock: systemClock, log: silentLog },
        power: {
          ...{ kind: "redfish", url: mock.url, user, passwordFile: "" },
          ...{ system: undefined, caFile: undefined, fingerprint: undefined },
        },
        timing: fastTiming,
      }),
    isOn: () => mock.state === "On",
    switchOn: () => mock.set("On"),
    ignoreOrders: () => {
      mock.behaviour.offAfterMs = Number.POSITIVE_INFINITY;
    },
    cutOff: () => {
      mock.behaviour.hangs = true;
    },
    ...{ secret: password, close },
  };
});
