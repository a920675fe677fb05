/** Requests for metadata, of well-behaved clients and of all others; and what they are answered. */
import { expect } from "chai";
import fc from "fast-check";
import type { Told } from "../../../actors/node/guest-data/documents.ts";
import { answerTo } from "../../../nodes/metadata/answer.ts";
import { metadataLimits } from "../../../nodes/metadata/limits.ts";
import { readAsked } from "../../../nodes/metadata/request.ts";

const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const read = (text: string) => readAsked(Buffer.from(text, "latin1"));
const asked = (path: string, isHead = false) => ({ kind: "asked", path, isHead });
const statusOf = (text: string) => {
  const found = read(text);
  return found.kind === "refused" ? found.status : found.kind;
};

const told: Told = {
  ...{ instanceId: "i", project: "demo", name: "web", ports: [] },
  data: {
    ...{ hostname: "web", availabilityZone: "nova", launchIndex: 0, metadata: {}, publicKeys: [] },
    ...{ userData: Buffer.from("#!/bin/sh\n").toString("base64"), configDrive: false },
  },
};
const answered = (text: string, of: Told | undefined = told): string => {
  const found = read(text);
  if (found.kind === "unfinished") throw new Error("It is unfinished.");
  return answerTo(found, of).toString("latin1");
};

describe("a request for metadata", () => {
  it("is read as clients write it", () => {
    expect(
      read("GET /openstack/latest/ HTTP/1.1\r\nHost: 169.254.169.254\r\nAccept: */*\r\n\r\n"),
    ).to.deep.equal(asked("/openstack/latest/"));
    expect(read("HEAD /latest/user-data?x=1#y HTTP/1.0\n\n")).to.deep.equal(asked("/latest/user-data", true));
    expect(read("GET / HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody")).to.deep.equal(asked("/"));
  });

  it("is unfinished until its head has ended, and refused when that is too long", () => {
    const whole = "GET /latest/ HTTP/1.1\r\nHost: x\r\n\r\n";
    for (let bytes = 0; bytes < whole.length; bytes += 1)
      expect(read(whole.slice(0, bytes)).kind).to.equal("unfinished");
    const { requestBytesMax } = metadataLimits;
    expect(read("x".repeat(requestBytesMax - 1)).kind).to.equal("unfinished");
    expect(statusOf("x".repeat(requestBytesMax))).to.equal(431);
    expect(statusOf(`GET / HTTP/1.1\r\n${"a: b\r\n".repeat(2_000)}\r\n`)).to.equal(431);
  });

  it("changes nothing, and is of HTTP/1", () => {
    for (const method of ["PUT", "POST", "DELETE", "OPTIONS", "CONNECT", "TRACE"])
      expect(statusOf(`${method} /latest/api/token HTTP/1.1\r\n\r\n`)).to.equal(405);
    for (const line of [
      ...["", "GET", "GET /", "GET / HTTP/2", "get / HTTP/1.1", "GET  / HTTP/1.1", "GET / HTTP/1.1 "],
      ...[
        "GET http://169.254.169.254/ HTTP/1.1",
        "GET * HTTP/1.1",
        "GET /\u0000 HTTP/1.1",
        "GET /é HTTP/1.1",
      ],
      ...["\u0016\u0003\u0001", " GET / HTTP/1.1", "GET /a b HTTP/1.1"],
    ])
      expect(statusOf(`${line}\r\n\r\n`), JSON.stringify(line)).to.equal(400);
  });

  it("is nobody's that a program of the guest passes on", () => {
    for (const field of ["X-Forwarded-For: 1.2.3.4", "forwarded: for=x", "VIA : 1.1 proxy"])
      expect(statusOf(`GET / HTTP/1.1\r\nHost: x\r\n${field}\r\n\r\n`)).to.equal(403);
    expect(statusOf("GET /x-forwarded-for: HTTP/1.1\r\nX: via:\r\n\r\n")).to.equal("asked");
  });

  it(`is understood or refused, whatever the bytes are (SEED=${seed})`, () => {
    const some = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.string({ unit: fc.constantFrom("GET ", "/", " HTTP/1.1", "\r\n", "\n", "\r", "a:", "\0") }),
    );
    fc.assert(
      fc.property(some, (bytes) => {
        const found = readAsked(Buffer.from(bytes as Uint8Array));
        if (found.kind === "unfinished") return;
        const head = answerTo(found, told).toString("latin1");
        expect(head).to.match(/^HTTP\/1\.1 (?:200|400|403|404|405|431) [A-Za-z ]+\r\n/);
      }),
      { seed, numRuns: 500 },
    );
  });
});

describe("the answer of metadata", () => {
  it("is the document, with its type and length, and ends the connection", () => {
    const answer = answered("GET /latest/user-data HTTP/1.1\r\n\r\n");
    expect(answer).to.match(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answer).to.include("\r\nContent-Length: 10\r\n").and.include("\r\nConnection: close\r\n");
    expect(answer.endsWith("\r\n\r\n#!/bin/sh\n")).to.equal(true);
    const head = answered("HEAD /latest/user-data HTTP/1.1\r\n\r\n");
    expect(head).to.equal(answer.slice(0, -"#!/bin/sh\n".length));
  });

  it("is that there is nothing, where nobody has said anything, and says no word of what was asked", () => {
    const path = "/openstack/latest/meta_data.json";
    const none = answerTo({ kind: "asked", path, isHead: false }, undefined).toString();
    expect(none).to.match(/^HTTP\/1\.1 404 Not Found\r\n/);
    const odd = answered("GET /<script>alert(1)</script> HTTP/1.1\r\n\r\n");
    expect(odd).to.match(/^HTTP\/1\.1 404 /);
    expect(odd).not.to.include("script");
    expect(answered("PUT /latest/api/token HTTP/1.1\r\n\r\n")).to.include("\r\nAllow: GET, HEAD\r\n");
  });
});
