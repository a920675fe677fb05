/**
 * The filters by the metadata of aggregates, each like Nova's of nearly the same name: which projects may be
 * there, which flavors and images, and what a flavor asks of the aggregate.
 */
import type { AggregateFacts } from "../facts.ts";
import { matcher } from "../matching.ts";
import { type Check, efforts, type Refuse, type RequestFilter, type TimedRequest } from "./filter.ts";

/** AggregateMultiTenancyIsolation: filter_tenant_id… names the only projects of the aggregate's hosts. */
export const aggregateProjects: RequestFilter = {
  name: "aggregateProjects",
  effort: efforts.command,
  prepare: ({ project }) => {
    if (project === undefined) return undefined;
    const refuse: Refuse = () => ({
      reason: `the host is kept for other projects than ${project}`,
      remedy: `add ${project} to filter_tenant_id of the host's aggregate`,
    });
    return ({ aggregates: { projects } }) => projects === undefined || projects.has(project) || refuse;
  },
};

/** AggregateTypeAffinity: instance_type names the only flavors of the aggregate's hosts. */
export const aggregateFlavors: RequestFilter = {
  name: "aggregateFlavors",
  effort: efforts.command,
  prepare: ({ flavor }) => {
    if (flavor === undefined) return undefined;
    const refuse: Refuse = () => ({
      reason: `the host is kept for other flavors than ${flavor}`,
      remedy: `add ${flavor} to instance_type of the host's aggregate`,
    });
    return ({ aggregates: { flavors } }) => flavors === undefined || flavors.has(flavor) || refuse;
  },
};

/**
 * AggregateInstanceExtraSpecs: every extra spec with this scope, and every one without a scope, must match
 * the metadata of an aggregate of the host.
 */
export const aggregateExtraSpecs: RequestFilter = {
  name: "aggregateExtraSpecs",
  effort: efforts.command,
  prepare: ({ extraSpecs = {} }) => {
    const checks = Object.entries(extraSpecs).flatMap(([spec, requirement]) => {
      const key = aggregateKey(spec);
      return key === undefined ? [] : [matching(key, requirement)];
    });
    return allOf(checks);
  },
};

const scope = "aggregate_instance_extra_specs:";

function aggregateKey(spec: string): string | undefined {
  if (spec.startsWith(scope)) return spec.slice(scope.length);
  return spec.includes(":") ? undefined : spec;
}

function matching(key: string, requirement: string): Check {
  const matches = matcher(requirement);
  const refuse: Refuse = ({ aggregates }) => {
    const values = [...(aggregates.values.get(key) ?? [])];
    const has = values.length === 0 ? "nothing of it" : values.join(", ");
    return {
      reason: `the flavor wants ${key} ${requirement} of an aggregate, the host's say ${has}`,
      remedy: `add the host to an aggregate whose ${key} is ${requirement}`,
    };
  };
  return ({ aggregates }) => {
    for (const value of aggregates.values.get(key) ?? []) if (matches(value)) return true;
    return refuse;
  };
}

/**
 * AggregateImagePropertiesIsolation: aggregates that name a property of the image must have the same value.
 */
export const aggregateImages: RequestFilter = {
  name: "aggregateImages",
  effort: efforts.command,
  prepare: (request) => allOf(imageFacts(request).map(([key, value]) => isolating(key, value))),
};

/** The image's properties; novact's own are also under Nova's names. */
function imageFacts({ image, imageProperties }: TimedRequest): readonly (readonly [string, string])[] {
  const { architecture, hypervisor } = image;
  const own = { architecture, hw_architecture: architecture };
  const more = hypervisor === undefined ? {} : { hypervisor, img_hv_type: hypervisor };
  return Object.entries({ ...own, ...more, ...imageProperties });
}

function isolating(key: string, value: string): Check {
  const refuse: Refuse = ({ aggregates }) => ({
    reason: `the host is kept for images whose ${key} is ${[...(aggregates.values.get(key) ?? [])].join(" or ")}`,
    remedy: `add ${value} to ${key} of the host's aggregate`,
  });
  return ({ aggregates }) => {
    const values = aggregates.values.get(key);
    return values === undefined || values.has(value) || refuse;
  };
}

/**
 * A check that all checks pass. There are few different lists of aggregates, and hosts with the same list
 * share its facts: each list is checked once.
 */
function allOf(checks: readonly Check[]): Check | undefined {
  if (checks.length === 0) return undefined;
  const known = new Map<AggregateFacts, true | Refuse>();
  return (host) => {
    let result = known.get(host.aggregates);
    if (result === undefined) {
      result = checks.map((check) => check(host)).find((one) => one !== true) ?? true;
      known.set(host.aggregates, result);
    }
    return result;
  };
}
