/**
 * The methods that give an instance interfaces and volumes, and take them away, and the one that makes an
 * image of its disk, while its guest runs or is stopped. Schemas only.
 */
import { type TSchema, Type } from "@sinclair/typebox";
import { Image } from "./image.ts";
import { askedInterface } from "./interface.ts";
import { fieldLimits } from "./limits/fields.ts";
import { storageLimits } from "./limits/storage.ts";
import { Operation } from "./operation.ts";
import { answer, given, Id, Label, Name, request } from "./wire/schema.ts";
import { method } from "./wire/service.ts";

const imageMade = answer({
  image: Image,
  /** It is the image's, and not the instance's: whatever is asked of the instance goes on. */
  operation: Operation,
  /** Ids of the instance's volumes: an image has nothing of them. */
  volumesLeftOut: Type.Array(Id),
});

/** @param wait the field of requests that wait for the end @param changed the answer */
export const deviceMethods = <W extends TSchema, A extends TSchema>(wait: W, changed: A) =>
  ({
    interfaceAttach: method({
      request: request({ wait, ...askedInterface }),
      answer: changed,
      target: "entity",
      audience: "project",
      mutates: true,
      summary: "Plugs an instance into one more network or port, while its guest runs or is stopped.",
    }),
    interfaceDetach: method({
      request: request({
        wait,
        /** Id or name of the port, or one of its addresses. A port that was made for the instance goes. */
        port: Label,
      }),
      answer: changed,
      target: "entity",
      audience: "project",
      mutates: true,
      summary: "Unplugs an instance from a port, whose addresses are free when no host has it any more.",
    }),
    volumeAttach: method({
      request: request({
        wait,
        /** Id of the volume, or a name that only one has. */
        volume: Label,
        /** Its place among those that the guest has room for. Absent: the lowest one that is free. */
        place: Type.Optional(Type.Integer({ minimum: 0, maximum: storageLimits.volumesPerInstanceMax - 1 })),
        /** True: it is deleted with the instance. */
        deleteOnTermination: Type.Optional(Type.Boolean()),
      }),
      answer: changed,
      target: "entity",
      audience: "project",
      mutates: true,
      summary: "Gives the instance a volume that no other one has, while its guest runs or is stopped.",
    }),
    volumeDetach: method({
      request: request({
        wait,
        /** Id or name of the volume. */
        volume: Label,
        /** True: the guest is not asked, or not any longer. What it has not written is lost. */
        force: Type.Optional(Type.Boolean()),
      }),
      answer: changed,
      target: "entity",
      audience: "project",
      mutates: true,
      summary: "Takes a volume from the instance: its guest is asked, and after half a minute not any more.",
    }),
    volumeExtend: method({
      request: request({
        wait,
        /** Id or name of the volume. */
        volume: Label,
        sizeGib: Type.Integer({ minimum: 1, maximum: fieldLimits.diskGibMax }),
      }),
      answer: changed,
      target: "entity",
      audience: "project",
      mutates: true,
      summary: "Makes a volume of the instance larger, while its guest runs or is stopped.",
    }),
    createImage: method({
      request: request({ wait, /** Of the image; several may have it. */ name: given(Name) }),
      answer: imageMade,
      target: "entity",
      audience: "project",
      mutates: true,
      summary: "Makes an image of the instance's root disk, while its guest runs or is stopped.",
    }),
  }) as const;
