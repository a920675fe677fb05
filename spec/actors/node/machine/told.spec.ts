/** What a machine remembers of what its guest is told, by value. */
import { expect } from "chai";
import { decide } from "../../../../actors/node/machine/decide.ts";
import type { MachineEvent } from "../../../../actors/node/machine/messages.ts";
import { at, blank, ensure, known } from "./worlds.ts";

describe("machine: what its guest is told", () => {
  it("comes with each newer command, is written down, and stays through a removal", () => {
    const told = (hostname: string) => ({
      ...{ hostname, availabilityZone: "nova", launchIndex: 0, metadata: {} },
      ...{ publicKeys: [], userData: "c2VjcmV0", configDrive: true },
    });
    const asked = (generation: number, guest?: ReturnType<typeof told>): MachineEvent => {
      const request = ensure({ generation });
      return {
        kind: "ensure",
        request: { ...request, spec: { ...request.spec, ...(guest && { guest }) } },
        at: at(),
      };
    };
    const first = decide(blank, asked(1, told("a")));
    expect(known(first.next).spec.guest?.hostname).to.equal("a");
    expect(first.save).to.deep.include({ needs: ["configDrive"] });
    const again = decide(first.next, asked(1, told("b")));
    expect(known(again.next).spec.guest?.hostname).to.equal("a");
    const newer = decide(first.next, asked(2, told("b")));
    expect(known(newer.next).spec.guest?.hostname).to.equal("b");
    expect(JSON.stringify(newer.save)).to.include('"hostname":"b"');
    const removed = decide(newer.next, asked(3));
    expect(known(removed.next).spec.guest?.hostname).to.equal("b");
    expect(JSON.stringify([first.answer, newer.answer])).not.to.include("c2VjcmV0");
  });
});
