/** Passes hosts with every trait that the flavor or image requires, and none that they forbid. */
import { featureKey } from "../facts.ts";
import { efforts, type Refuse, type RequestFilter, type TimedRequest } from "./filter.ts";

interface Trait {
  readonly name: string;
  readonly key: string;
  readonly required: boolean;
}

export const traits: RequestFilter = {
  name: "traits",
  effort: efforts.another,
  prepare: (request) => {
    const asked = traitsOf(request);
    if (asked.length === 0) return undefined;
    const refuse: Refuse = ({ features }) => {
      const against = asked.filter(({ key, required }) => features.has(key) !== required);
      const list = (required: boolean) =>
        against.filter((trait) => trait.required === required).map(({ name }) => name);
      return {
        reason: reasonOf(list(true), list(false)),
        remedy: "choose a flavor and an image without these",
      };
    };
    // Hosts with the same processors share one set of features: each set is checked once.
    const known = new Map<ReadonlySet<string>, boolean>();
    return ({ features }) => {
      let good = known.get(features);
      if (good === undefined) {
        good = asked.every(({ key, required }) => features.has(key) === required);
        known.set(features, good);
      }
      return good || refuse;
    };
  },
};

function reasonOf(missing: readonly string[], unwanted: readonly string[]): string {
  const parts = [
    ...(missing.length === 0 ? [] : [`the host lacks ${missing.join(", ")}`]),
    ...(unwanted.length === 0 ? [] : [`the host has ${unwanted.join(", ")}, which may not be`]),
  ];
  return parts.join(", and ");
}

function traitsOf({ extraSpecs = {}, imageProperties = {} }: TimedRequest): readonly Trait[] {
  const named = [...Object.entries(extraSpecs), ...Object.entries(imageProperties)].flatMap(
    ([spec, value]) =>
      spec.startsWith("trait:")
        ? [{ name: spec.slice("trait:".length), required: value !== "forbidden" }]
        : [],
  );
  return named.map((trait) => ({ ...trait, key: featureKey(trait.name) }));
}
