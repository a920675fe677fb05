/**
 * What there is of volumes against their rows: a file without a row, a row without its file, a file in
 * another place or of a later epoch than its row says; and a volume that a guest has, and its instance has
 * not. Pure.
 */
import type { Finding } from "../../../protocol/host.ts";
import type { VolumeFile } from "../../../protocol/host-volumes.ts";
import { type Audit, type DoctorInput, hostCalled, type Known } from "./input.ts";
import type { VolumeFiles, VolumePlace } from "./volume-listing.ts";

type Input = Pick<DoctorInput, "volumes" | "deletedVolumes" | "volumeFiles">;
type VolumeRow = NonNullable<DoctorInput["volumes"]>[number];
type Listed = Extract<VolumeFiles, { readonly files: unknown }>;

export function volumeFileFindings(input: Input, known: Known): Finding[] {
  const { volumes, deletedVolumes, volumeFiles = [] } = input;
  if (volumes === undefined || deletedVolumes === undefined) return [];
  const rows = new Map(volumes.map((row) => [row.id, row]));
  const deleted = new Set(deletedVolumes.map(({ id }) => id));
  return volumeFiles.flatMap((place) => {
    const where = whereOf(place, known);
    if ("error" in place) return [unreadable(where, place.error)];
    const judged = place.files.filter(({ volumeId }) => !deleted.has(volumeId));
    return [
      ...judged.flatMap((file) => ofFile(file, rows.get(file.volumeId), { place, where })),
      ...missing(volumes, place, where),
    ];
  });
}

const whereOf = ({ storageId, hostId }: VolumePlace, known: Known): string =>
  storageId === null ? `the own disk of ${hostCalled(known, hostId)}` : `storage ${storageId}`;

const unreadable = (where: string, error: string): Finding => ({
  kind: "drift",
  subject: where,
  message: `Its volumes were not compared, for no host could list them: ${error}`,
  next: "Is it there, and does it answer? Look at it on a host that sees it.",
});

interface Where {
  readonly place: VolumePlace;
  readonly where: string;
}

function ofFile(file: VolumeFile, row: VolumeRow | undefined, { place, where }: Where): Finding[] {
  const { volumeId, epoch } = file;
  const found = (kind: Finding["kind"], message: string, next: string): Finding[] => [
    { kind, subject: `volume ${volumeId}`, message, next },
  ];
  const what = `${file.whole ? "Its file" : "A part of it"} of epoch ${epoch} is on ${where}`;
  const byHand = "When no other cell uses that place, remove its directory there by hand.";
  if (row === undefined) return found("leak", `${what}, and no volume with this id is remembered.`, byHand);
  if (!isOn(row, place)) return found("leak", `${what}, and its row has it elsewhere.`, byHand);
  if (epoch <= row.epoch) return [];
  const next = "Is the database an old one, from a backup? Nothing is removed before this is understood.";
  return found("drift", `${what}, and its row has epoch ${row.epoch}.`, next);
}

const isOn = (row: Pick<VolumeRow, "storageId" | "hostId">, { storageId, hostId }: VolumePlace): boolean =>
  row.storageId === storageId && (storageId !== null || row.hostId === hostId);

/** A volume that no guest has had yet may have no file. */
function missing(volumes: readonly VolumeRow[], place: Listed, where: string): Finding[] {
  const there = new Set(place.files.flatMap(({ volumeId, whole }) => (whole ? [volumeId] : [])));
  return volumes
    .filter((row) => row.made && isOn(row, place) && !there.has(row.id))
    .map(({ id, name }) => ({
      kind: "drift",
      subject: `volume ${name} (${id})`,
      message: `It was made, and its file is not on ${where}, where it shall be.`,
      next: "Look there for what has removed it: novact makes it no second time. What was in it is in no other place.",
    }));
}

/** The guest writes to it, whoever has it by now. Hosts say `dead` of what is closed. */
export function heldVolumeFindings(audits: readonly Audit[], known: Known): Finding[] {
  return audits.flatMap(({ hostId, machines }) =>
    machines.flatMap(({ instanceId, volumes = [] }) => {
      const instance = known.settled.get(instanceId)?.instance;
      if (instance === undefined || instance.hostId !== hostId) return [];
      const isIts = (volumeId: string, epoch: number) =>
        instance.volumes?.some((one) => one.volumeId === volumeId && one.epoch === epoch) === true;
      return volumes
        .filter(({ volumeId, epoch, state }) => state !== "dead" && !isIts(volumeId, epoch))
        .map(({ volumeId, epoch }) => ({
          kind: "leak" as const,
          subject: `instance ${instanceId}`,
          message: `Its guest on ${hostCalled(known, hostId)} has volume ${volumeId} of epoch ${epoch}, and its row has not.`,
          next: "Stop the instance before anybody else writes to the volume; then report it.",
        }));
    }),
  );
}
