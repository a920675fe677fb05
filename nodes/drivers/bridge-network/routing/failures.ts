/** Routers and ways outside that could not be made as planned, in words, and the plan without them. Pure. */
import type { HostNetworking, NetworkFailure } from "../../../../protocol/networking.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import { routersOf } from "../router-ports.ts";
import { outsideSpace, routerSpace } from "./names.ts";
import type { OutsideOptions } from "./options.ts";
import type { RoutingPlan } from "./planned.ts";

/** The plan without what leads to these namespaces. */
export function withoutSpaces({ routers, outsides }: RoutingPlan, failed: ReadonlySet<string>): RoutingPlan {
  return {
    routers: routers
      .filter(({ space }) => !failed.has(space))
      .map((one) => (one.leave !== null && failed.has(one.leave.space) ? { ...one, leave: null } : one)),
    outsides: outsides.filter(({ space }) => !failed.has(space)),
  };
}

export interface FailureGiven {
  readonly networking: HostNetworking | null;
  readonly outside: OutsideOptions;
}

/** `failed`: errors by the name of the space. */
export function failuresOf(
  failed: ReadonlyMap<string, unknown>,
  { networking, outside }: FailureGiven,
): readonly NetworkFailure[] {
  const named = [
    ...routersOf(networking).map(({ id }) => ({ of: "router" as const, id, space: routerSpace(id) })),
    ...Object.keys(outside).map((id) => ({ of: "outside" as const, id, space: outsideSpace(id) })),
  ];
  return named.flatMap(({ of, id, space }) =>
    failed.has(space)
      ? [
          {
            of,
            id,
            why: `${by(of === "outside" ? outside[id]?.device : undefined)}${wordsOf(failed.get(space))}`,
          },
        ]
      : [],
  );
}

const by = (device: string | undefined): string =>
  device === undefined ? "" : `By this computer's device ${device}: `;

function wordsOf(error: unknown): string {
  const { message, detail } = StatusError.from(error, "Setting up a router");
  const [said = ""] = (typeof detail === "string" ? detail : "").split("\n");
  return said === "" ? message : `${message} (${said})`;
}
