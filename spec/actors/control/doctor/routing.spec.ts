/** Guests behind routers, on hosts that do not do all of it: advice of the doctor. By value. */
import { expect } from "chai";
import { compare } from "../../../../actors/control/doctor/compare.ts";
import type { BehindRouter } from "../../../../actors/control/doctor/input.ts";
import { host } from "../scheduler/worlds.ts";
import { healthy } from "./worlds.ts";

const behind = (more: Partial<BehindRouter> = {}): BehindRouter => ({
  ...{ instanceIds: ["i1"], physicalNetwork: null, floating: 0 },
  ...more,
});
const driver = {
  ...{ hypervisor: "qemu", disks: "files", network: "user", volumes: null },
  abilities: {
    ...{ networks: ["stream"], volumes: [], hotPlug: false, liveMigration: false, console: true },
    save: false,
  },
};
type Outside = readonly { readonly physicalNetwork: string; readonly floating: boolean }[] | undefined;
const networking = (outside: Outside) => ({
  ...{ mtuBytesMax: 1_500, spansHosts: true, underlay: null },
  ...(outside === undefined ? {} : { outside: [...outside] }),
});

/** Advice about a host whose driver says this of the outside. */
function advice(outside: Outside, behindRouters: readonly BehindRouter[], isSaid = true): readonly string[] {
  const { input, audit } = healthy();
  const drivers = isSaid ? { ...driver, networking: networking(outside) } : driver;
  const hosts = [host("h1", { ...input.hosts[0], drivers })];
  const applied = { version: 20, parts: ["a"], lookedAgoMs: 1_000, failure: null };
  const answers = [{ hostId: "h1", audit: { ...audit, networking: applied } }];
  const wanted = { hostId: "h1", ports: 2, version: 20, parts: ["a"], networkIds: ["n"], behindRouters };
  return compare({ ...input, hosts, answers, networks: [wanted] }).findings.map(
    ({ kind, subject, message }) => `${kind} ${subject}: ${message}`,
  );
}

describe("doctor: guests behind routers", () => {
  it("finds a host that does not route, and counts each guest once", () => {
    const routers = [behind({ instanceIds: ["i1", "i2"], physicalNetwork: "public", floating: 1 }), behind()];
    expect(advice(undefined, routers)).to.deep.equal([
      "advice host one: Its network driver does not route, and has guests behind routers: 2 instances.",
    ]);
  });

  it("finds nothing where nobody is behind a router, or the host routes, or says nothing of itself", () => {
    expect(advice(undefined, [])).to.deep.equal([]);
    expect(advice([], [behind()])).to.deep.equal([]);
    expect(advice(undefined, [behind()], false)).to.deep.equal([]);
  });

  it("finds a host whose routers do not lead to where guests are to come", () => {
    const cut =
      "advice host one: Its routers do not lead to public, and its guests are to reach it: 1 instance.";
    expect(advice([], [behind({ physicalNetwork: "public" })])).to.deep.equal([cut]);
    expect(
      advice([{ physicalNetwork: "other", floating: true }], [behind({ physicalNetwork: "public" })]),
    ).to.deep.equal([cut]);
  });

  it("finds floating addresses at which nobody is answered", () => {
    const routers = [
      behind({ physicalNetwork: "public", floating: 2 }),
      behind({ physicalNetwork: "public" }),
    ];
    expect(advice([{ physicalNetwork: "public", floating: false }], routers)).to.deep.equal([
      "advice host one: Nobody is answered there at 2 floating addresses of public.",
    ]);
    expect(advice([{ physicalNetwork: "public", floating: true }], routers)).to.deep.equal([]);
    expect(
      advice([{ physicalNetwork: "public", floating: false }], [behind({ physicalNetwork: "public" })]),
    ).to.deep.equal([]);
  });
});
