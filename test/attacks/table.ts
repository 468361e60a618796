import type { Attack } from "./attack.ts";
import { smuggling } from "./smuggling.ts";

/** All attacks: one array more for each area. */
export const attacks: readonly Attack[] = [...smuggling];
