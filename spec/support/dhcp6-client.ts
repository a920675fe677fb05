/**
 * A client of DHCPv6 (RFC 8415) for namespaces that are guests, as a script of Node: it asks by the device
 * eth0 until it has an address, and says what it was told. It reads answers by itself, so that a fault of
 * ours in writing them is not also one in reading them.
 */
import type { Talker } from "./routed-hosts.ts";

const script = `
const [, mac, kind] = process.argv;
const socket = require("node:dgram").createSocket("udp6");
const client = Buffer.from("000100" + "0a" + "00030001" + mac, "hex");
const optionsIn = (bytes) => {
  const found = new Map();
  for (let at = 0; at + 4 <= bytes.length; ) {
    const end = at + 4 + bytes.readUInt16BE(at + 2);
    found.set(bytes.readUInt16BE(at), bytes.subarray(at + 4, end));
    at = end;
  }
  return found;
};
const option = (code, data) => {
  const head = Buffer.alloc(4);
  head.writeUInt16BE(code, 0);
  head.writeUInt16BE(data.length, 2);
  return Buffer.concat([head, data]);
};
const wants = option(3, Buffer.from("00000007" + "00".repeat(8), "hex"));
const send = (type, more) => {
  const head = Buffer.from([type, 0xab, 0xcd, type]);
  const bytes = Buffer.concat([head, client, option(6, Buffer.from([0, 23])), ...more]);
  socket.send(bytes, 547, "ff02::1:2%eth0", () => undefined);
};
const ask = () => (kind === "rest" ? send(11, []) : send(1, [wants]));
const groups = (bytes) => (bytes.toString("hex").match(/.{4}/g) ?? []).join(":");
socket.on("message", (bytes, { address }) => {
  const options = optionsIn(bytes.subarray(4));
  if (bytes[0] === 2) return send(3, [option(2, options.get(2)), wants]);
  if (bytes[0] !== 7) return;
  const identity = options.get(3);
  const given = identity && optionsIn(identity.subarray(12)).get(5);
  console.log(JSON.stringify({
    from: address.split("%")[0],
    address: given ? groups(given.subarray(0, 16)) : null,
    validSeconds: given ? given.readUInt32BE(20) : null,
    dnsServers: (options.get(23)?.toString("hex").match(/.{32}/g) ?? []).map((one) => groups(Buffer.from(one, "hex"))),
  }));
  process.exit(0);
});
socket.bind(546, "::", () => { ask(); setInterval(ask, 300); });
`;

export interface Told6 {
  readonly from: string;
  readonly address: string | null;
  readonly validSeconds: number | null;
  readonly dnsServers: readonly string[];
}

/** `rest`: the guest wants no address. Waits for an answer. */
export async function askDhcp6(talker: Talker, mac: string, kind: "address" | "rest" = "address") {
  const argv = ["-e", script, mac.replaceAll(":", ""), kind];
  return JSON.parse(await talker.run(process.execPath, argv)) as Told6;
}
