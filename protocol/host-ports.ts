/** What controllers ask a host about ports of its guests, when somebody looks at one. */
import { Type } from "@sinclair/typebox";
import { networkLimits } from "./limits/network.ts";
import { reportLimits } from "./limits/report.ts";
import { NetworkFailure, PortPicture } from "./networking.ts";
import { PortTraffic } from "./traffic.ts";
import { answer, Id, nullable, request } from "./wire/schema.ts";
import { method } from "./wire/service.ts";

const { portStatesMax: maxItems } = networkLimits;
const question = { request: request({ portIds: Type.Array(Id, { maxItems }) }) } as const;
const entityless = { target: "collection", audience: "admin", mutates: false } as const;

export const hostPortMethods = {
  portStates: method({
    ...question,
    answer: answer({
      /** Null: the host has no network. */
      networking: nullable(
        answer({
          /** Why the host's network stays as it is; null: it does not. */
          failure: nullable(Type.String({ maxLength: reportLimits.observedTextLengthMax })),
          /** Ports of the applied picture, as the picture has them. */
          ports: Type.Array(PortPicture, { maxItems }),
          /**
           * What has failed for these ports; of several things the worst. Absent: the agent is of before.
           */
          failed: Type.Optional(
            Type.Array(answer({ portId: Id, ...NetworkFailure.properties }), { maxItems }),
          ),
        }),
      ),
    }),
    ...entityless,
    summary: "Says which of these ports the host has applied, and how.",
  }),
  portTraffic: method({
    ...question,
    answer: answer({
      /** Of those that it can count at this moment. Null: the host has no network that counts. */
      ports: nullable(Type.Array(PortTraffic, { maxItems })),
    }),
    ...entityless,
    summary: "Says what has passed these ports, and what was dropped there.",
  }),
} as const;
