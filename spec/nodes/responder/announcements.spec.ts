/** When guests are told without having asked, by value: time is a number here. */
import { expect } from "chai";
import { advertisementOf, advertisePeriodSeconds } from "../../../nodes/dhcp6/advertisement.ts";
import { Announcements } from "../../../nodes/responder/announcements.ts";
import { responderLimits } from "../../../nodes/responder/limits.ts";

const { announcePauseMsMin, announcedAtOnceMax } = responderLimits;
const periodMs = advertisePeriodSeconds * 1_000;
const told = (...pairs: readonly (readonly [string, string])[]) => new Map(pairs);

/** When the guest is told, of these times. */
function timesOf(announcements: Announcements, guest: string, times: readonly number[]): readonly number[] {
  return times.filter((nowMs) => announcements.due(nowMs).includes(guest));
}

describe("what guests are told without having asked", () => {
  it("is told some times when it is new, and then again and again", () => {
    const announcements = new Announcements();
    announcements.update(told(["a", "one"]), 0);
    const [first, second, third] = [1, 4, 16].map((times) => times * announcePauseMsMin) as [
      number,
      number,
      number,
    ];
    const expected = [0, first, first + second, first + second + third, first + second + third + periodMs];
    const looked = expected.flatMap((atMs) => [atMs - 1, atMs]).filter((atMs) => atMs >= 0);
    expect(timesOf(announcements, "a", looked)).to.deep.equal(expected);
  });

  it("is told at once when it changes, and not sooner when it is said again", () => {
    const announcements = new Announcements();
    announcements.update(told(["a", "one"], ["b", "one"]), 0);
    expect(announcements.due(0)).to.deep.equal(["a", "b"]);
    announcements.update(told(["a", "one"], ["b", "other"]), 10);
    expect(announcements.due(10)).to.deep.equal(["b"]);
    announcements.update(told(["b", "other"]), 20);
    expect(announcements.due(announcePauseMsMin)).to.deep.equal([]);
  });

  it("is told to a few guests at a time, and to all of them in their turn", () => {
    const announcements = new Announcements();
    const many = Array.from({ length: 3 * announcedAtOnceMax }, (_, at) => [`guest-${at}`, "one"] as const);
    announcements.update(told(...many), 0);
    const heard = [0, 1, 2].map((nowMs) => announcements.due(nowMs));
    expect(heard.map(({ length }) => length)).to.deep.equal(Array(3).fill(announcedAtOnceMax));
    expect(new Set(heard.flat()).size).to.equal(many.length);
  });

  it("is told many times before a guest forgets it", () => {
    const lease = { address: "", range: "", prefix: 64, gateway: null, dnsServers: [], mtuBytes: 1_400 };
    const { routerSeconds } = advertisementOf(lease, true);
    expect(routerSeconds / advertisePeriodSeconds).to.be.at.least(10);
  });
});
