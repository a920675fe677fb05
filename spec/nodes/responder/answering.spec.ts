/** What the responder answers, and to which of a port's service addresses. */
import { expect } from "chai";
import { maskOf } from "../../../nodes/dhcp/answer.ts";
import { readMessage } from "../../../nodes/dhcp/message.ts";
import { answerFor } from "../../../nodes/responder/answering.ts";
import type { AnsweredGuest } from "../../../nodes/responder/state.ts";
import { type DhcpGiven, dhcp } from "../../support/frames.ts";

const mac = "52:54:00:00:01:07";
const guest: AnsweredGuest = {
  ...{ own: "100.64.0.2", all: "100.64.0.3" },
  lease: {
    ...{ address: 0x0a00_0107, prefix: 24, router: 0x0a00_0101, dnsServers: [], routes: [], mtuBytes: 1_400 },
    ...{ hostName: "seven", mac: "525400000107" },
  },
};
const asked = (given: Omit<DhcpGiven, "mac">, from = mac) => answerFor(guest, dhcp({ ...given, mac: from }));

describe("the responder", () => {
  it("offers a port its address, at the port's service address", () => {
    const answer = asked({ type: 1 });
    expect(answer?.to).to.equal("100.64.0.2");
    const message = readMessage(answer?.payload ?? Buffer.alloc(0));
    expect(message?.yourAddress).to.equal(0x0a00_0107);
    expect(message?.options.get(1)?.readUInt32BE()).to.equal(maskOf(24));
  });

  it("answers everybody's address when the guest wants that, or is refused", () => {
    expect(asked({ type: 1, broadcast: true })?.to).to.equal("100.64.0.3");
    expect(asked({ type: 3, requested: "10.0.1.99" })?.to).to.equal("100.64.0.3");
    expect(asked({ type: 3, client: "10.0.1.7", broadcast: true })?.to).to.equal("100.64.0.2");
  });

  it("answers nobody else's MAC address, no answer, and nothing that is no message", () => {
    expect(asked({ type: 1 }, "52:54:00:00:01:08")).to.equal(undefined);
    expect(asked({ type: 1, operation: 2 })).to.equal(undefined);
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.alloc(300),
      Buffer.alloc(300, 0xff),
      Buffer.alloc(70_000, 1),
    ])
      expect(answerFor(guest, bytes)).to.equal(undefined);
  });
});
