import { describeAttacks } from "./describe-attacks.ts";
import { onCommands } from "./table.ts";

describeAttacks("attacks on commands, by what they read", onCommands);
