import type { Admitted, Caller } from "./admission.ts";
import type { RequestHead } from "./claim.ts";

/** Who may come in by a gateway, and what they may do there. */
export interface Door {
  /** The host names under which it is called. */
  isHost(host: string): boolean;
  findKey(accessKeyId: string): Caller | undefined;
  /** By the password that ECR's token holds. */
  findRegistryUser(password: string): Caller | undefined;
  /** The request as it goes on, or what is answered in its place. @throws Refusal `denied` */
  judge(head: RequestHead, admitted: Admitted): Promise<RequestHead | DirectAnswer>;
  /** @throws Refusal `denied` */
  judgeRegistry(head: RequestHead, caller: Caller): Promise<void>;
}

/** An answer of the gateway's own, as JSON. */
export interface DirectAnswer {
  readonly answer: object;
}
