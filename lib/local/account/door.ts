import type { Admitted, Caller } from "./admission.ts";
import type { RequestHead } from "./claim.ts";

/** Decides who may call through a gateway, and what they may do. */
export interface Door {
  /** Whether clients call the gateway by this host name. */
  isHost(host: string): boolean;
  findKey(accessKeyId: string): Caller | undefined;
  /** Finds the owner of the password in an ECR token. */
  findRegistryUser(password: string): Caller | undefined;
  /** Returns the request to pass on, or the answer to give instead. @throws Refusal `denied` */
  judge(head: RequestHead, admitted: Admitted): Promise<RequestHead | DirectAnswer>;
  /** @throws Refusal `denied` */
  judgeRegistry(head: RequestHead, caller: Caller): Promise<void>;
}

/** A JSON answer that the gateway gives itself. */
export interface DirectAnswer {
  readonly answer: object;
}
