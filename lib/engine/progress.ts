/** Told what happens, as it happens; returns what tells the user what a step waits for. */
export interface Progress {
  begin(name: string, action: string): (note: string) => void;
  end(name: string, action: string, id: string): void;
  fail(name: string, action: string): void;
}
