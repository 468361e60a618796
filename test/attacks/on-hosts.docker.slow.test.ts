import { describeAttacks } from "./describe-attacks.ts";
import { onHosts } from "./table.ts";

describeAttacks("attacks on a host and what is beside it", onHosts);
