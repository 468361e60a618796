/** Receives each step as it begins and ends. `begin` returns a function that tells the user what the step waits for. */
export interface Progress {
  begin(name: string, action: string): (note: string) => void;
  end(name: string, action: string, id: string): void;
  /** `isStopped` if the user stopped it, so that nothing is wrong with it. */
  fail(name: string, action: string, isStopped?: boolean): void;
}
