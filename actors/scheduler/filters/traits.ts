/** Passes hosts with every trait that flavor or image require, and with none that they forbid. */
import { featureKey } from "../facts.ts";
import { efforts, type Filter, type Refuse, type TimedRequest } from "./filter.ts";

interface Trait {
  readonly name: string;
  readonly key: string;
  readonly required: boolean;
}

export const traits: Filter = {
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
    return ({ features }) => {
      for (const { key, required } of asked) if (features.has(key) !== required) return refuse;
      return true;
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

function traitsOf({
  extraSpecs = {},
  imageProperties = {},
  imageTraits = [],
}: TimedRequest): readonly Trait[] {
  const named = [...Object.entries(extraSpecs), ...Object.entries(imageProperties)].flatMap(
    ([spec, value]) =>
      spec.startsWith("trait:")
        ? [{ name: spec.slice("trait:".length), required: value !== "forbidden" }]
        : [],
  );
  const all = [...named, ...imageTraits.map((name) => ({ name, required: true }))];
  return all.map((trait) => ({ ...trait, key: featureKey(trait.name) }));
}
