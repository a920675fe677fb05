/**
 * Addresses as they stand in requests and answers. What they mean (whether an address is one, and in which
 * subnet) is judged by protocol/address.ts; a schema only bounds the characters.
 */
import { Type } from "@sinclair/typebox";
import { networkLimits } from "./limits/network.ts";

const { addressLengthMax: maxLength } = networkLimits;

export const IpAddress = Type.String({
  minLength: 2,
  maxLength,
  pattern: "^[0-9a-fA-F.:]+$",
  description: "an address of IPv4 or IPv6, such as 192.0.2.10",
  examples: ["192.0.2.10"],
});

export const Cidr = Type.String({
  minLength: 4,
  maxLength,
  pattern: "^[0-9a-fA-F.:]+/[0-9]{1,3}$",
  description: "a range of addresses with its prefix, such as 192.0.2.0/24",
  examples: ["192.0.2.0/24"],
});

export const MacAddress = Type.String({
  // Of one device: the lowest bit of the first byte is that of groups; and not zero.
  pattern: "^(?!00(?::00){5}$)[0-9a-fA-F][02468aceACE](?::[0-9a-fA-F]{2}){5}$",
  description: "the MAC address of one device, such as 52:54:00:12:34:56",
  examples: ["52:54:00:12:34:56"],
});
