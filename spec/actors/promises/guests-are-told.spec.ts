/** The part of I4 about what guests are told, by value. */
import { expect } from "chai";
import type { GuestProcess } from "../../../actors/promises/facts.ts";
import { guestsAreTold } from "../../../actors/promises/guests-are-told.ts";
import type { InstanceChange } from "../../../actors/records/commit.ts";
import type { GuestRecord } from "../../../actors/records/instance.ts";
import { instance, request } from "../../support/store-rows.ts";
import { committed, invoked } from "./worlds.ts";

const guest: GuestRecord = {
  ...{ hostname: "web-1", launchIndex: 0, keyName: null, configDrive: true, userDataBytes: 4 },
};
const userData = "dGVzdA==";
const asked = invoked(1, { method: "instance.create", id: "", request: { userData } });
const made = (change: Partial<InstanceChange> = {}) => {
  const row = instance("i", { guest });
  const guestData = { publicKeys: [], userData };
  const instances = [{ expectedVersion: 0, row, guestData, ...change }];
  return committed({ request: request(asked.requestId), instances });
};
const started = (told?: GuestProcess["told"]): GuestProcess => ({
  kind: "guestStarted",
  atMs: 2_000,
  hostId: "h1",
  instanceId: "i",
  ownerEpoch: 1,
  pid: 1,
  ...(told && { told }),
});
const whole = { hostname: "web-1", userData };
const judged = (...facts: readonly Parameters<ReturnType<typeof guestsAreTold>["see"]>[0][]) => {
  const checker = guestsAreTold();
  return facts.flatMap((fact) => checker.see(fact));
};

describe("I4: what was asked for a guest reaches it", () => {
  it("holds when row and drive have what was asked for, at every start", () => {
    expect(judged(asked, made(), started(whole), started(whole))).to.deep.equal([]);
  });

  it("is broken by a commit without the user data", () => {
    expect(judged(asked, made({ guestData: undefined }))).to.deep.equal([
      "Instance i was made without the user data that was asked for.",
    ]);
  });

  it("is broken by a start without a drive, or with another's", () => {
    const broken = ["A guest of i started, and was not told what was asked for it."];
    expect(judged(asked, made(), started(whole), started())).to.deep.equal(broken);
    expect(judged(asked, made(), started({ ...whole, userData: "" }))).to.deep.equal(broken);
    expect(judged(asked, made(), started({ ...whole, hostname: "other" }))).to.deep.equal(broken);
  });

  it("asks for no drive where none was to be", () => {
    const row = instance("i", { guest: { ...guest, configDrive: false } });
    expect(judged(asked, made({ row }), started())).to.deep.equal([]);
    expect(judged(asked, made({ row }), started(whole))).to.have.length(1);
  });
});
