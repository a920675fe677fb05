/** The answer for the doctor fits into a message, whatever lies on the host's disk. */
import { expect } from "chai";
import { audit } from "../../../../actors/node/host/audit.ts";
import { Ledger } from "../../../../actors/node/host/ledger.ts";
import { hostLimits } from "../../../../actors/node/host/limits.ts";
import { reportLimits } from "../../../../protocol/limits/report.ts";
import { wireLimits } from "../../../../protocol/limits/wire.ts";
import { hostAgentService } from "../../../../protocol/machine.ts";
import { encodeBody } from "../../../../protocol/wire/codec.ts";
import { validatorOf } from "../../../../protocol/wire/validate.ts";
import { machine } from "../../../support/store-rows.ts";

describe("host: audit", () => {
  it("lists the directories of machines first, so many of the others, and how many it does not list", async () => {
    const ledger = new Ledger();
    ledger.put(machine("mine"), "now");
    const name = (n: number) => `${String(n).padStart(8, "0")}-ffff-4fff-8fff-ffffffffffff`;
    const files = Array.from({ length: 1_000 }, (_, n) => `file-${n}`);
    const directories = Array.from({ length: 50_000 }, (_, n) => ({ instanceId: name(n), files: ["a"] }));
    const what = "a".repeat(1_000);
    const holdings = Array.from({ length: 50_000 }, (_, n) => ({
      ...{ kind: "toy", instanceId: name(n), ownerEpoch: 1, what },
    }));
    const found = {
      ...{ processes: [], directories: [...directories, { instanceId: "mine", files }], strays: [] },
      holdings: [...holdings, { kind: "toy", instanceId: "mine", ownerEpoch: 2, what: "ball" }],
    };
    const answer = await audit({
      ...{ hostId: "h1", ledger, knows: [], look: async () => found, keepsDisks: true, spaces: () => [] },
      ...{ networking: undefined, storages: { states: [] } },
      files: { readAll: async () => [] },
    });
    expect(validatorOf(hostAgentService.methods.audit.answer).explain(answer)).to.equal("");
    expect(encodeBody(answer, "json").length).to.be.below(wireLimits.answerBytesMax);
    expect(answer.directories).to.have.length(reportLimits.auditEntriesMax);
    expect(answer.directories[0]?.instanceId).to.equal("mine");
    expect(answer.directories[0]?.files).to.have.length(hostLimits.auditFilesMax);
    expect(answer.holdings).to.have.length(reportLimits.auditEntriesMax);
    expect(answer.holdings?.[0]).to.include({ instanceId: "mine", what: "ball" });
    expect(answer.strays).to.deep.equal([
      "40001 more directories are there than an answer lists.",
      "40001 more holdings are there than an answer lists.",
    ]);
  });
});
