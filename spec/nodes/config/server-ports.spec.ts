/** Which ports a cluster's servers listen on, as its configuration says. */
import { expect } from "chai";
import { serverPortsOf } from "../../../nodes/config/server-ports.ts";

const plain = { images: { port: 0 }, controllers: 2 };
const own = { url: undefined, port: 0, websocket: undefined, anonymous: undefined };

describe("the ports of a cluster's servers", () => {
  it("are those that are named, and none where the computer chooses", () => {
    const none = { nats: own, postgres: { url: undefined, port: 0 }, metrics: undefined, ...plain };
    expect([...serverPortsOf(none)]).to.deep.equal([]);
    const metrics = { port: 9_100, address: "127.0.0.1" };
    const images = { images: { port: 4_400 }, controllers: 2 };
    const postgres = { url: undefined, port: 5_433 };
    const named = { nats: { ...own, port: 4_333 }, postgres, metrics, ...images };
    expect([...serverPortsOf(named)]).to.deep.equal([4_333, 5_433, 9_100, 4_400, 4_401]);
  });

  it("are those of URLs, with the usual ones where a URL names none", () => {
    const nats = { ...own, url: "nats://a:4223,nats://b" };
    const postgres = { url: "postgresql://me@c/novact", port: 0 };
    expect([...serverPortsOf({ nats, postgres, metrics: undefined, ...plain })]).to.deep.equal([
      4_223, 4_222, 5_432,
    ]);
  });
});
