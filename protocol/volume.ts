/**
 * Volumes: disks that live as long as their project wants, whatever becomes of their instances. A volume has
 * at most one writer, which its epoch names. Schemas only: bytes never pass here.
 */
import { type Static, Type } from "@sinclair/typebox";
import { ImageDisk } from "./image.ts";
import { fieldLimits } from "./limits/fields.ts";
import { storageLimits } from "./limits/storage.ts";
import { changed, kept, resource } from "./wire/resource.ts";
import {
  answer,
  Count,
  Description,
  given,
  Id,
  Label,
  literals,
  Name,
  nullable,
  request,
} from "./wire/schema.ts";
import { method, service } from "./wire/service.ts";

/** What it has in it from the beginning: a copy of what the image was when the volume was asked for. */
const VolumeSource = answer({
  kind: literals(["image"]),
  image: answer({ id: Id, name: Name, disk: ImageDisk }),
});
export type VolumeSource = Static<typeof VolumeSource>;

export const SizeGib = Type.Integer({ minimum: 1, maximum: fieldLimits.diskGibMax });

/**
 * `available`: it can be attached or deleted. `attaching`, `detaching`: its instance's host has not said yet
 * that it is so. `copying`: a volume is made from it, or it from one. Nobody stores it: it is computed from
 * the rows whenever somebody asks.
 */
const volumeStatuses = ["available", "attaching", "in-use", "detaching", "copying"] as const;
export type VolumeStatus = (typeof volumeStatuses)[number];

export const volume = resource({
  noun: "volume",
  one: "volume",
  many: "volumes",
  owner: "project",
  makes: "project",
  sees: "project",
  name: Name,
  nameUnique: false,
  fields: {
    description: nullable(Description),
    sizeGib: SizeGib,
    /** Null: it is empty at first. */
    source: nullable(VolumeSource),
    /** The image that it is still to be made from, which stays as long. */
    imageId: nullable(Id),
    /** False: no host has made its file yet. */
    made: Type.Boolean(),
    /** The shared storage that it is on; whoever is attached to it runs on a host of that storage. */
    storageId: nullable(Id),
    /** The host on whose own disk it is. Both null: on that of its first instance. */
    hostId: nullable(Id),
    /** Number of its present writer: it rises with every other one. 0: no instance has had the volume. */
    epoch: Count,
    /**
     * The instance that it is attached to, or is not yet let go of by; or the other volume, while one of the
     * two is made from the other. Null: nobody has it.
     */
    instanceId: nullable(Id),
  },
  joined: {
    /** Absent: in the answer of whoever makes or changes one. */
    status: Type.Optional(literals(volumeStatuses)),
  },
  uses: { imageId: "image" },
  limit: {
    most: storageLimits.volumesPerProjectMax,
    of: "project",
    sum: { field: "sizeGib", name: "volumeGib", most: storageLimits.volumeGibPerProjectMax },
  },
});

export const Volume = volume.shape;
export type Volume = Static<typeof Volume>;

/**
 * What is left of a deleted volume on its storage, under the id that it had: its room is taken until a host
 * has said that the file is gone. It was made when the volume was deleted.
 */
export const deletedVolume = resource({
  noun: "deleted-volume",
  one: "deletedVolume",
  many: "deletedVolumes",
  owner: "project",
  makes: "admin",
  sees: "admin",
  /** The volume's id. */
  name: Id,
  nameUnique: false,
  fields: { sizeGib: SizeGib, storageId: nullable(Id), hostId: nullable(Id), epoch: Count },
});

/** What is on its way with a volume, until the instance's host says that it is so. */
const volumeChanges = ["attaching", "leaving", "extending"] as const;
export type VolumeChange = (typeof volumeChanges)[number];

/** A volume as an instance shows it. */
export const VolumeAttachment = answer({
  volumeId: Id,
  /** Number of the place in the guest, from 0. */
  place: Count,
  sizeGib: Count,
  deleteOnTermination: Type.Boolean(),
  /** 0: it is the root disk. Absent: it is not booted from. */
  bootIndex: Type.Optional(Count),
  change: Type.Optional(literals(volumeChanges)),
});

export const volumeService = service({
  noun: "volume",
  version: "1.0.0",
  summary: "Disks that outlive instances.",
  methods: {
    create: method({
      request: request({
        name: given(Name),
        description: Type.Optional(nullable(Description)),
        /** Absent: as large as the image's disk. */
        sizeGib: Type.Optional(SizeGib),
        /** Id or name of the image that it is made from. Absent: it is empty. */
        image: Type.Optional(Label),
        /** Id or name of the volume that it is a copy of, and where it is then; nobody may have that one. */
        sourceVolume: Type.Optional(Label),
        /** Id of the shared storage. Absent: the one with the most room; where none is shared, as `local`. */
        storage: Type.Optional(Id),
        /** True: on the own disk of the host of its first instance, where it stays. */
        local: Type.Optional(Type.Boolean()),
      }),
      answer: kept(volume).get.answer,
      target: "collection",
      audience: "project",
      mutates: true,
      summary:
        "Makes a volume, empty, from an image or from another volume; but for a copy its file is made at the first attach.",
    }),
    ...kept(volume, { delete: "Removes a volume that is attached to nothing, with all that is in it." }),
    set: changed(
      volume,
      { name: Type.Optional(given(Name)), description: Type.Optional(nullable(Description)) },
      "Renames or describes a volume.",
    ),
    extend: changed(
      volume,
      { sizeGib: SizeGib },
      "Makes a volume larger; its file grows when it is opened next.",
    ),
  },
});
