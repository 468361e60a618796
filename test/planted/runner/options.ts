import { z } from "zod";

/** Options from stryker.ts for the processes that Stryker starts. */
export const optionsSchema = z.object({
  nodeTest: z.object({
    files: z.array(z.string()),
    /** Of so many changes one is tried. */
    oneOf: z.int().min(1),
  }),
});
