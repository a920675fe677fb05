/** What a program prints when it ends with an error, and that its exit code is the one of README's table. */
import { expect } from "chai";
import { CredentialsError } from "../../../nodes/bus/credentials.ts";
import { FaultRefused } from "../../../nodes/chaos/injected.ts";
import { NotAllowed } from "../../../nodes/chaos/permission.ts";
import { ScenarioError } from "../../../nodes/chaos/scenario-file.ts";
import { ConfigError } from "../../../nodes/config/errors.ts";
import { exitCodes } from "../../../nodes/package/exit-codes.ts";
import { failureOf } from "../../../nodes/package/failure.ts";
import { StateFileError } from "../../../nodes/process/state-file.ts";
import { LockedError } from "../../../nodes/up/lock.ts";
import { ServerStartError } from "../../../nodes/up/server-process.ts";
import { StatusError } from "../../../protocol/wire/status.ts";

const ofSystem = (code: string): Error => Object.assign(new Error(`${code}: said the kernel`), { code });

describe("the failure of a program", () => {
  const cases: readonly (readonly [Error, keyof typeof exitCodes])[] = [
    [new ConfigError("/tmp/cluster.yaml", [{ line: 3, message: "wrong" }]), "usage"],
    [new ScenarioError("wrong"), "usage"],
    [new FaultRefused("wrong"), "usage"],
    [new StatusError("hostNotFound", "no node"), "notFound"],
    [new LockedError("up already"), "conflict"],
    [new ServerStartError("taken", "FAILED_PRECONDITION"), "conflict"],
    [new StateFileError("damaged"), "conflict"],
    [new CredentialsError("/tmp/demo.json"), "conflict"],
    [new StatusError("diskFull", "full"), "exhausted"],
    [ofSystem("ENOSPC"), "exhausted"],
    [ofSystem("EDQUOT"), "exhausted"],
    [new StateFileError("full", "RESOURCE_EXHAUSTED"), "exhausted"],
    [new ServerStartError("initdb: could not write: No space left on device"), "exhausted"],
    [new ServerStartError("NATS ended while it was starting"), "unavailable"],
    [new NotAllowed("no"), "denied"],
    [ofSystem("EACCES"), "denied"],
    [new Error("apt-get failed"), "internal"],
    [ofSystem("ENOENT"), "internal"],
  ];
  for (const [error, name] of cases) {
    it(`${error.name} (${error.message.slice(0, 24)}) ends with ${exitCodes[name].exit}, without a stack`, () => {
      const { text, exit } = failureOf(error);
      expect(exit).to.equal(exitCodes[name].exit);
      expect(text)
        .to.contain(error.message)
        .and.not.to.match(/\n\s+at /);
    });
  }

  it("shows the next step of an error of the protocol", () => {
    expect(failureOf(new StatusError("hostNotFound", "no node")).text).to.contain("novact host list");
  });

  it("shows where a bug comes from", () => {
    const { text, exit } = failureOf(new TypeError("x is not a function"));
    expect(exit).to.equal(1);
    expect(text).to.contain("failure.spec.ts");
    expect(failureOf("a text")).to.deep.equal({ text: "a text", exit: 1 });
  });
});
