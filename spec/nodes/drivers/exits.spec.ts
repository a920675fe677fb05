/** What ways outside a host of the driver `user` wants, and how its processes are started, by value. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { ExitKeeper } from "../../../nodes/drivers/user-network/exit-keeper.ts";
import { exitBounds, exitOptions, exitsOf } from "../../../nodes/drivers/user-network/exits.ts";
import { slirpArguments } from "../../../nodes/drivers/user-network/gateway-process.ts";
import { UserNetwork } from "../../../nodes/drivers/user-network/network.ts";
import { PortFiles } from "../../../nodes/drivers/user-network/port-files.ts";
import { SwitchKeeper } from "../../../nodes/drivers/user-network/switch-keeper.ts";
import { switchPlace } from "../../../nodes/drivers/user-network/switch-process.ts";
import { systemClock } from "../../../nodes/process/clock.ts";
import { addressDigits } from "../../../nodes/switch/filter/address-set.ts";
import { isRoutable } from "../../../nodes/switch/routing/exit.ts";
import { addressOf, cidrOf, contains } from "../../../protocol/address.ts";
import type { RouterPicture } from "../../../protocol/networking.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { silentLog, type TemporaryDirectory, temporaryDirectory } from "../../support/driver-world.ts";
import { outsideOf, routerOf } from "../../support/routed-world.ts";

const picture = (routers: readonly RouterPicture[]) => ({ version: 1, networks: [], groups: [], routers });

describe("ways outside of a host", () => {
  const idsOf = (routers: readonly RouterPicture[], outside = ["public"], hostId = "host") =>
    exitsOf(picture(routers), { hostId, outside });
  const led = routerOf([1], { outside: outsideOf() });

  it("are one for each router that leads to a network of the operator's which the node names", () => {
    const [exit, ...more] = idsOf([led]);
    expect(more).to.have.length(0);
    expect(exit).to.include({ node: "host", routerId: "router-1" });
    expect(exit?.id).to.match(/^[0-9a-f]{32}$/);
    expect(idsOf([led]), "again the same").to.deep.equal([exit]);
    expect(idsOf([led], ["public"], "another")[0]?.id).not.to.equal(exit?.id);
    const other = { ...led, id: "router-2" };
    expect(new Set(idsOf([led, other]).map(({ id }) => id))).to.have.property("size", 2);
  });

  it("are none for a router that leads nowhere, elsewhere, or without SNAT, nor without a picture", () => {
    const elsewhere = routerOf([1], { outside: outsideOf({ physicalNetwork: "dmz" }) });
    const plain = routerOf([1], { outside: outsideOf({ snat: false }) });
    expect(idsOf([routerOf([1]), elsewhere, plain])).to.deep.equal([]);
    expect(idsOf([led], [])).to.deep.equal([]);
    expect(exitsOf(null, { hostId: "host", outside: ["public"] })).to.deep.equal([]);
  });

  it("have slirp's own addresses where nothing is routed to, and few files", () => {
    const options = Object.fromEntries(exitOptions.split(",").map((option) => option.split("=")));
    expect(Object.keys(options).sort()).to.deep.equal(["dhcpstart", "dns", "host", "ipv6", "net"]);
    expect(options.ipv6).to.equal("off");
    const net = cidrOf(options.net);
    for (const text of [options.host, options.dns, options.dhcpstart]) {
      const address = addressOf(text);
      expect(net !== undefined && address !== undefined && contains(net, address), text).to.equal(true);
    }
    for (const value of [net?.first ?? 0n, net?.last ?? 0n])
      expect(isRoutable(value.toString(16).padStart(8, "0"))).to.equal(false);
    expect(isRoutable(addressDigits("198.51.100.1") ?? "")).to.equal(true);
    expect(exitBounds).to.deep.equal(["prlimit", "--nofile=512:512"]);
    const argv = slirpArguments({ name: "exit.1", options: exitOptions });
    expect(argv).to.include(`user,id=guests,${exitOptions}`);
    expect(argv.join(" "))
      .to.contain("spawn=deny")
      .and.not.match(/hostfwd|guestfwd|tftp|smb|bootfile/);
  });
});

describe("the driver user, which leads outside", () => {
  let place: TemporaryDirectory;
  beforeEach(async () => {
    place = await temporaryDirectory();
  });
  afterEach(() => place.remove());

  const open = (outside: readonly string[], isAllowed: boolean) => {
    const program = join(import.meta.dirname, "../../support/stand-in-switch.ts");
    const keeper = new SwitchKeeper(
      { ...switchPlace(place.path, "host"), program, clock: systemClock },
      silentLog,
    );
    const directory = join(place.path, "exits");
    const exits = isAllowed
      ? new ExitKeeper({ directory, emulator: "false", clock: systemClock }, silentLog)
      : undefined;
    const files = new PortFiles(place.path, silentLog);
    return new UserNetwork({ files, keeper, exits, hostId: "host", log: silentLog, outside });
  };

  it("says where, and that no floating address answers there", async () => {
    expect(await open(["public", "dmz"], true).facts()).to.deep.include({
      outside: [
        { physicalNetwork: "public", floating: false },
        { physicalNetwork: "dmz", floating: false },
      ],
    });
    expect(await open([], false).facts(), "it routes all the same").to.deep.include({ outside: [] });
  });

  it("refuses to where its processes would be root", async () => {
    const error = await open(["public"], false)
      .facts()
      .catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(StatusError).with.property("reason", "hypervisorRefused");
  });

  it("removes what an earlier life has left of exits that nobody wants", async () => {
    const left = join(place.path, "exits", "left");
    await mkdir(left, { recursive: true });
    const network = open(["public"], true);
    await network.detach(true);
    const again = await mkdir(left).then(
      () => "was gone",
      () => "was there",
    );
    expect(again).to.equal("was gone");
  });
});
