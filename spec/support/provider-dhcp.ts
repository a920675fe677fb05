/**
 * The DHCP server of an operator's network, which novact knows nothing of: it answers on all devices of its
 * network namespace. It is there for specs alone.
 *
 *   node spec/support/provider-dhcp.ts MAC=ADDRESS/PREFIX …
 */
import { createSocket } from "node:dgram";
import { answerTo } from "../../nodes/dhcp/answer.ts";
import type { Lease } from "../../nodes/dhcp/lease.ts";
import { readMessage, writeMessage } from "../../nodes/dhcp/message.ts";
import { cidrOf } from "../../protocol/address.ts";

const [serverPort, clientPort, messageBytesMax] = [67, 68, 576];

const leases = new Map<string, Lease>();
for (const word of process.argv.slice(2)) {
  const [mac = "", cidr = ""] = word.replaceAll(":", "").split("=");
  const [address = ""] = cidr.split("/");
  const [range, own] = [cidrOf(cidr.replace(address, address.replace(/\d+$/, "0"))), cidrOf(`${address}/32`)];
  if (range === undefined || own === undefined) throw new Error(`${word} is no lease.`);
  const numbers = { address: Number(own.first), prefix: range.prefix, router: null, mtuBytes: 1_400 };
  leases.set(mac, { ...numbers, dnsServers: [], routes: [], hostName: null, mac });
}

const socket = createSocket("udp4");
socket.on("message", (bytes) => {
  const message = readMessage(bytes);
  const lease = message && leases.get(message.mac);
  const answer = message && lease && answerTo(message, lease);
  if (answer !== undefined) socket.send(writeMessage(answer, messageBytesMax), clientPort, "255.255.255.255");
});
socket.bind(serverPort, () => {
  socket.setBroadcast(true);
  console.log("ready");
});
