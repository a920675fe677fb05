/** Passages between instances by value: what lets a packet pass or stops it, and who may know why. */
import { expect } from "chai";
import { passage, type Question } from "../../../../actors/control/passage/decide.ts";
import type { End } from "../../../../actors/control/passage/facts.ts";
import type { HostDrivers } from "../../../../protocol/host-drivers.ts";
import { endOf, hostOf, rowsOf, ruleRow } from "../../../support/passage-world.ts";

const [web, db] = [
  { network: 1, number: 1 },
  { network: 1, number: 2 },
];
const usual = [ruleRow("g", { direction: "egress" }), ruleRow("g", { remoteGroupId: "g" })];
const rows = rowsOf({ guests: [web, db], groups: [["g"], ["g"]], rules: usual });
const names = {
  networks: new Map([
    ["network-1", "tour"],
    ["network-2", "other"],
  ]),
  groups: new Map([["g", "default"]]),
};

const asked = (given: Partial<Question> = {}): Question => ({
  ...{ from: endOf(web, rows), to: endOf(db, rows), protocol: "icmp", port: null, names, operator: false },
  ...given,
});
/** Of the given rows, with which both hosts are. */
const withRows = (its: typeof rows, given: Partial<Question> = {}) =>
  passage(asked({ from: endOf(web, its), to: endOf(db, its), ...given }));
const stepsOf = (given: Partial<Question>, step: string) =>
  passage(asked(given)).steps.filter((one) => one.step === step);
const on = (end: End, given: Parameters<typeof hostOf>[1]): End => ({ ...end, host: hostOf(rows, given) });

describe("a passage from one instance to another", () => {
  it("is told step by step, with the rules that let it pass", () => {
    const { steps, ...rest } = passage(asked());
    expect(rest).to.deep.equal({
      passes: true,
      message: "It passes from guest-1 to guest-2.",
      from: {
        ...{ instanceId: "instance-port-1-1", name: "guest-1", hostName: "node1" },
        ...{ portId: "port-1-1", address: "10.0.1.1" },
      },
      to: {
        ...{ instanceId: "instance-port-1-2", name: "guest-2", hostName: "node1" },
        ...{ portId: "port-1-2", address: "10.0.1.2" },
      },
      ways: 2,
    });
    expect(steps.map(({ step, passes, message }) => [step, passes, message])).to.deep.equal([
      ["guest", true, "guest-1 is running on node1."],
      ["guest", true, "guest-2 is running on node1."],
      ["network", true, "Both are on the network tour."],
      ["address", true, "It goes from 10.0.1.1 to 10.0.1.2."],
      ["route", true, "guest-1 reaches 10.0.1.2 without a router: it is in its subnet 10.0.1.0/24."],
      ["egress", true, "The group default of guest-1 allows it: egress everything to everywhere, IPv4."],
      [
        "ingress",
        true,
        "The group default of guest-2 allows it: ingress everything from group default, IPv4.",
      ],
      ["host", true, "The host node1 has applied the port and its rules."],
      ["between", true, "Both are on the host node1."],
    ]);
    expect(steps.flatMap(({ ruleId }) => ruleId ?? [])).to.deep.equal(["rule of g", "rule of g"]);
  });

  const far = { network: 2, number: 3 };
  const gate = (network: number) => ({
    ...{
      routerId: "r",
      portId: `gate-${network}`,
      networkId: `network-${network}`,
      mac: `52:54:00:00:09:0${network}`,
    },
    ...{
      subnetId:
        rowsOf({ guests: [web, far], groups: [["g"], ["g"]], rules: usual }).subnets.find(
          ({ networkId, cidr }) => networkId === `network-${network}` && !cidr.includes(":"),
        )?.id ?? "",
    },
    address: `10.0.${network}.254`,
  });
  const routed = (gateway: (network: number) => string): typeof rows => {
    const plain = rowsOf({ guests: [web, far], groups: [["g"], ["g"]], rules: usual });
    const subnets = plain.subnets.map((one) =>
      one.cidr.includes(":") ? one : { ...one, gateway: gateway(one.networkId === "network-1" ? 1 : 2) },
    );
    const routers = [{ id: "r", routes: [], snat: true, outside: null }];
    return { ...plain, subnets, routers, routerInterfaces: [gate(1), gate(2)] };
  };
  const between = (its: typeof rows, outside: [] | undefined) => {
    const host = hostOf(its);
    const { drivers } = host;
    const networking = {
      mtuBytesMax: 65_535,
      spansHosts: false,
      underlay: null,
      ...(outside && { outside }),
    };
    const routing = { ...host, drivers: drivers && { ...drivers, networking } };
    return passage(
      asked({ from: endOf(web, its, { host: routing }), to: endOf(far, its, { host: routing }) }),
    );
  };

  it("goes by the router between two networks that is the gateway of both, on hosts that route", () => {
    const { passes, steps } = between(
      routed((network) => `10.0.${network}.254`),
      [],
    );
    expect(passes).to.equal(true);
    expect(
      steps.filter(({ step }) => step === "network" || step === "route").map(({ message }) => message),
    ).to.deep.equal([
      "The router r joins the networks tour and other.",
      "guest-1 reaches 10.0.2.3 by the router at 10.0.1.254.",
      "guest-3 reaches 10.0.1.1 by the router at 10.0.2.254.",
    ]);
  });

  it("is stopped where the router is not the gateway, and on hosts that do not route", () => {
    const other = between(
      routed(() => "10.0.1.1"),
      [],
    );
    expect(other.message).to.include(
      "guest-1 is told 10.0.1.1 as its gateway, and not the router at 10.0.1.254.",
    );
    const without = between(
      routed((network) => `10.0.${network}.254`),
      undefined,
    );
    expect(without.message).to.include(
      "The network driver of the host node1 does not route what guest-1 sends.",
    );
  });

  it("is stopped where no rule allows it, and says which one would", () => {
    const none = rowsOf({ guests: [web, db], groups: [["g"], ["g"]], rules: usual.slice(0, 1) });
    const tcp = withRows(none, { protocol: "tcp", port: 22 });
    expect(tcp.passes).to.equal(false);
    expect(tcp.message).to.equal(
      "Nothing passes from guest-1 to guest-2: No ingress rule of the group default of guest-2 allows tcp 22 from 10.0.1.1.",
    );
    const next = tcp.steps.find(({ step }) => step === "ingress")?.next;
    expect(next).to.equal(
      "novact security-group-rule create default ingress --protocol tcp --port 22 --from 10.0.1.1/32",
    );
  });

  it("is stopped at a port without groups, and not at one that filters nothing", () => {
    const closed = rowsOf({ guests: [web, db], groups: [["g"], []], rules: usual });
    const [step] = withRows(closed).steps.filter(({ passes }) => passes === false);
    expect(step).to.deep.equal({
      ...{ step: "ingress", passes: false, next: "novact port set port-1-2 --security-group default" },
      message: "The port of guest-2 has no security group, so nothing passes.",
    });
    const open = rowsOf({
      ...{ guests: [web, db], groups: [["g"], []], portSecurity: [true, false], rules: usual },
    });
    expect(withRows(open).passes).to.equal(true);
  });

  it("knows members of groups by their address pairs, too", () => {
    const pairs = [{ cidr: "10.0.1.0/24", mac: null }];
    const others = {
      ...{ guests: [web, db], groups: [["out"], ["g"]] },
      rules: [ruleRow("out", { direction: "egress" }), ruleRow("g", { remoteGroupId: "far" })],
    };
    expect(withRows(rowsOf(others)).passes).to.equal(false);
    const members = [{ groupId: "far", addresses: ["10.0.1.99"], pairs }];
    expect(withRows(rowsOf({ ...others, members })).passes).to.equal(true);
  });

  it("is none where both are on different networks, or one on none", () => {
    const far = { network: 2, number: 2 };
    const apart = rowsOf({ guests: [web, far], groups: [["g"], ["g"]], rules: usual });
    const found = passage(asked({ from: endOf(web, apart), to: endOf(far, apart) }));
    expect([found.passes, found.ways, found.to.portId]).to.deep.equal([false, 0, null]);
    expect(found.message).to.equal(
      "Nothing passes from guest-1 to guest-2: guest-1 is on tour, guest-2 is on other, and no router joins these networks.",
    );
    const old = passage(asked({ to: endOf(db, rows, { interfaces: null }) }));
    expect(old.message).to.match(/guest-2 is on no network, as it was made without one, and/);
  });

  it("takes the IP version that passes", () => {
    const six = rowsOf({
      ...{ guests: [web, db], groups: [["g"], ["g"]] },
      rules: usual.map((one) => ({ ...one, ipVersion: 6 as const })),
    });
    const found = withRows(six);
    expect([found.passes, found.from.address]).to.deep.equal([true, "fd00:1::1"]);
  });

  it("is none between addresses of two versions", () => {
    const only = (end: End, six: boolean): End => ({
      ...end,
      interfaces: (end.interfaces ?? []).map((one) => ({
        ...one,
        addresses: one.addresses.filter(({ address }) => address.includes(":") === six),
      })),
    });
    const found = passage(asked({ from: only(endOf(web, rows), false), to: only(endOf(db, rows), true) }));
    expect(found.message).to.match(
      /no addresses of one IP version: guest-1 has 10.0.1.1, guest-2 has fd00:1::2/,
    );
  });

  it("needs a router to another subnet, or a route that is told, both ways", () => {
    const split = {
      ...rows,
      subnets: rows.subnets.map((one) => (one.id === "subnet-1" ? { ...one, cidr: "10.0.1.0/31" } : one)),
    };
    const four = (end: End): End => ({
      ...end,
      interfaces: (end.interfaces ?? []).map((one) => ({ ...one, addresses: one.addresses.slice(0, 1) })),
    });
    const route = (its: typeof rows) =>
      passage(asked({ from: four(endOf(web, its)), to: four(endOf(db, its)) })).steps.filter(
        ({ step }) => step === "route",
      );
    expect(route(split).map(({ passes, message }) => [passes, message])).to.deep.equal([
      [false, "guest-1 is in the subnet 10.0.1.0/31, and no router leads from there to 10.0.1.2."],
    ]);
    const told = (nextHop: string) => ({
      ...split,
      subnets: split.subnets.map((one) => ({
        ...one,
        hostRoutes: [
          { destination: "10.0.0.0/16", nextHop: "10.0.1.9" },
          { destination: "10.0.1.0/24", nextHop },
        ],
      })),
    });
    expect(route(told("10.0.1.2"))[0]?.passes).to.equal(true);
    expect(route(told("10.0.1.1"))[0]?.passes).to.equal(null);
  });

  it("is stopped by a guest that does not run, and not known with one of which nobody hears", () => {
    const [stopped] = stepsOf({ to: endOf(db, rows, { state: "stopped" }) }, "guest").slice(1);
    expect(stopped?.passes).to.equal(false);
    expect(stopped?.message).to.equal("guest-2 is stopped.");
    const lost = passage(asked({ to: endOf(db, rows, { state: "unknown" }) }));
    expect([lost.passes, lost.message]).to.deep.equal([
      null,
      "Nothing is known to stop it from guest-1 to guest-2, but: Nobody knows whether guest-2 is running on node1.",
    ]);
  });

  it("asks what hosts have applied", () => {
    const said = (
      word: Partial<Extract<ReturnType<typeof hostOf>["word"], { kind: "said" }>["networking"]>,
    ) => {
      const { word: usualWord } = hostOf(rows);
      if (usualWord.kind !== "said" || usualWord.networking === null) throw new Error("It says nothing.");
      const networking = { ...usualWord.networking, ...word };
      return on(endOf(db, rows), { id: "h2", name: "node2", word: { kind: "said", networking } });
    };
    const step = (to: End, operator = false) => {
      const [, second] = stepsOf({ to, operator }, "host");
      return [second?.passes, second?.message];
    };
    expect(step(said({}))).to.deep.equal([true, "The host node2 has applied the port and its rules."]);
    expect(step(said({ version: 9 }))[0], "a later event").to.equal(true);
    expect(step(said({ version: null, parts: [] }))).to.deep.equal([
      false,
      "The host node2 has applied no picture of networks yet, so nothing passes there.",
    ]);
    expect(step(said({ version: 3, parts: [] }))[0]).to.equal(null);
    const failing = said({ version: 3, parts: [], failure: "No room at /var/secret." });
    expect(step(failing)[1]).to.match(/so now, and says that it cannot; until then/);
    expect(step(failing, true)[1]).to.match(/so now: No room at/);
  });

  it("asks whether a host knows the other end where that is on another computer", () => {
    const far = [{ networkId: "network-1", host: "192.0.2.9", id: "port-1-2", addresses: ["10.0.1.2"] }];
    const known = {
      ...rows,
      far: far.map((one) => ({ ...one, mac: "52:54:00:00:01:02", addressPairs: [] })),
    };
    const step = (host: ReturnType<typeof hostOf>) =>
      stepsOf({ from: { ...endOf(web, known), host } }, "host")[0]?.passes;
    expect(step(hostOf(known))).to.equal(true);
    expect(step(hostOf(rows))).to.equal(null);
  });

  it("asks nothing of hosts that are silent, without a network, or none at all", () => {
    const step = (to: End) => stepsOf({ to }, "host").at(-1);
    const silent = on(endOf(db, rows), { word: { kind: "unheard", why: "silent" } });
    expect(step(silent)?.message).to.equal("The host node1 is silent: nobody knows what passes there.");
    const unanswered = on(endOf(db, rows), { word: { kind: "unheard", why: "unanswered" } });
    expect(step(unanswered)?.passes).to.equal(null);
    expect(step(on(endOf(db, rows), { word: { kind: "said", networking: null } }))?.passes).to.equal(null);
    expect(step(on(endOf(db, rows), { drivers: null }))?.passes).to.equal(false);
    expect(step(endOf(db, rows, { host: null, rows: null }))?.message).to.equal("guest-2 is on no host.");
    const untold = { ...rows, ports: rows.ports.slice(0, 1) };
    const lost = passage(asked({ from: endOf(web, untold), to: endOf(db, untold) }));
    expect(lost.passes).to.equal(false);
    expect(lost.message).to.match(/told nothing of the port of guest-2/);
  });

  it("needs networks of hosts that reach each other", () => {
    const own = hostOf(rows).drivers;
    if (own === null) throw new Error("It has no drivers.");
    const driver = (network: string, spansHosts = false) => ({
      ...{ ...own, network },
      networking: { mtuBytesMax: 65_535, spansHosts, underlay: null },
    });
    const between = (here: HostDrivers, there: HostDrivers, bootId = "boot-2") =>
      stepsOf(
        {
          from: on(endOf(web, rows), { drivers: here }),
          to: on(endOf(db, rows), { id: "h2", name: "node2", bootId, drivers: there }),
        },
        "between",
      )[0]?.passes;
    expect(between(driver("user"), driver("user"), "boot-1"), "one computer").to.equal(true);
    expect(between(driver("user"), driver("user")), "two computers").to.equal(false);
    expect(between(driver("bridge", true), driver("bridge", true))).to.equal(true);
    expect(between(driver("bridge", true), driver("bridge", false))).to.equal(false);
    expect(between(driver("user"), driver("bridge", true), "boot-1")).to.equal(false);
    const { networking: _, ...before } = driver("user");
    expect(between(before, before)).to.equal(null);
  });
});
