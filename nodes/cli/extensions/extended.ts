/** What the command line knows of a plug-in: its definitions, and none of its handlers. Types only. */
import type { Resource } from "../../../protocol/wire/resource.ts";
import type { Service } from "../../../protocol/wire/service.ts";

export interface Extended {
  readonly name: string;
  readonly parts: {
    readonly resources?: readonly Resource[];
    readonly services?: readonly { readonly service: Service }[];
    readonly actions?: readonly { readonly on: "instance" | "host"; readonly service: Service }[];
  };
}

/**
 * The plug-ins of a cluster.yaml; absent: the default one. None when there is no such file: who only has the
 * URL of a cluster has no commands of its plug-ins. @throws ConfigError when one of them is wrong
 */
export type LoadExtended = (config: string | undefined) => Promise<readonly Extended[]>;
