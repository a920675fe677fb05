/** The page for Prometheus: what it answers, to whom, and that many readers cost no more than one. */
import { request } from "node:http";
import { connect } from "node:net";
import { expect } from "chai";
import { metricsLimits } from "../../../nodes/metrics/limits.ts";
import { openPage, type Page } from "../../../nodes/metrics/page.ts";

describe("the page for Prometheus", () => {
  const pages: Page[] = [];
  let made = 0;
  let underWay = 0;
  let atOnce = 0;
  let pause: Promise<void> = Promise.resolve();

  const open = async (text?: () => Promise<string>) => {
    const counted = async () => {
      made += 1;
      underWay += 1;
      atOnce = Math.max(atOnce, underWay);
      await pause;
      underWay -= 1;
      return "novact_actors 1\n";
    };
    const page = await openPage({ port: 0, address: "127.0.0.1", text: text ?? counted });
    pages.push(page);
    return page;
  };

  beforeEach(() => {
    made = 0;
    atOnce = 0;
    pause = Promise.resolve();
  });
  afterEach(async () => {
    await Promise.all(pages.splice(0).map((page) => page.close()));
  });

  it("is a text of the format's version, not to be kept", async () => {
    const { url } = await open();
    const answer = await fetch(url);
    expect(answer.status).to.equal(200);
    expect(answer.headers.get("content-type")).to.equal("text/plain; version=0.0.4; charset=utf-8");
    expect(answer.headers.get("cache-control")).to.equal("no-store");
    expect(answer.headers.get("access-control-allow-origin"), "no page in a browser reads it").to.equal(null);
    expect(await answer.text()).to.equal("novact_actors 1\n");
  });

  it("has one path, which can only be read", async () => {
    const { url } = await open();
    const status = async (path: string, method = "GET") =>
      (await fetch(new URL(path, url), { method })).status;
    expect(await status("/")).to.equal(404);
    expect(await status("/metrics/../x")).to.equal(404);
    expect(await status("/metrics?x=1")).to.equal(200);
    expect(await status("/metrics", "HEAD")).to.equal(200);
    for (const method of ["POST", "PUT", "DELETE"]) expect(await status("/metrics", method)).to.equal(405);
    expect(made).to.equal(2);
  });

  it("is made once for all who come while it is made, and anew for the next", async () => {
    const waiting = Promise.withResolvers<void>();
    pause = waiting.promise;
    const { url } = await open();
    const readers: Promise<string>[] = [];
    for (let reader = 0; reader < 8; reader += 1) {
      readers.push(fetch(url).then((answer) => answer.text()));
      // Answered at once: meanwhile the reader's own question comes in as well.
      await (await fetch(new URL("/nothing", url))).text();
    }
    while (made === 0) await new Promise(setImmediate);
    waiting.resolve();
    expect(new Set(await Promise.all(readers))).to.deep.equal(new Set(["novact_actors 1\n"]));
    expect(atOnce).to.equal(1);
    const before = made;
    await (await fetch(url)).text();
    expect(made).to.equal(before + 1);
  });

  it("says so when it cannot be made, and nothing of why", async () => {
    const { url } = await open(() => Promise.reject(new Error("secret")));
    const answer = await fetch(url);
    expect([answer.status, await answer.text()]).to.deep.equal([500, "The page could not be made.\n"]);
  });

  it("refuses large headers", async () => {
    const { url } = await open();
    const large = { "x-large": "x".repeat(2 * metricsLimits.pageHeaderBytesMax) };
    const status = await new Promise((resolve, reject) => {
      request(url, { headers: large }, ({ statusCode }) => resolve(statusCode))
        .on("error", reject)
        .end();
    });
    expect(status).to.equal(431);
  });

  it("takes so many connections and no more, and has room again when they end", async () => {
    const { url } = await open();
    const { port } = new URL(url);
    const dial = () => connect({ port: Number(port), host: "127.0.0.1" });
    const sockets = Array.from({ length: metricsLimits.pageConnectionsMax }, dial);
    await Promise.all(sockets.map((one) => new Promise((resolve) => one.once("connect", resolve))));
    const late = dial();
    await new Promise((resolve) => late.once("close", resolve));
    for (const one of sockets) one.destroy();
    for (let status = 0; status !== 200; )
      status = await fetch(url).then(
        (answer) => answer.status,
        () => 0,
      );
  });

  it("tells its caller when the port is taken, or the address another computer's", async () => {
    const { url } = await open();
    const port = Number(new URL(url).port);
    const code = (asked: { readonly port: number; readonly address: string }) =>
      openPage({ ...asked, text: async () => "" }).then(
        () => "opened",
        (error: NodeJS.ErrnoException) => error.code,
      );
    expect(await code({ port, address: "127.0.0.1" })).to.equal("EADDRINUSE");
    expect(await code({ port: 0, address: "192.0.2.1" })).to.equal("EADDRNOTAVAIL");
  });

  it("ends with its connections", async () => {
    const page = await open();
    const answer = await fetch(page.url);
    await answer.text();
    await page.close();
    const later = await fetch(page.url).catch((error: Error) => error.name);
    expect(later).to.equal("TypeError");
  });
});
