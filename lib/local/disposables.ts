/** Things to dispose of together, in reverse order. Node 20 has no AsyncDisposableStack. */
export class Disposables implements AsyncDisposable {
  #kept: AsyncDisposable[] = [];

  use<Kept extends AsyncDisposable>(value: Kept): Kept {
    this.#kept.push(value);
    return value;
  }

  /** Moves everything to the returned object. Disposing of this one then does nothing. */
  move(): Disposables {
    const moved = new Disposables();
    moved.#kept = this.#kept;
    this.#kept = [];
    return moved;
  }

  /** Disposes of everything, even when some disposals fail, and then throws the first failure. */
  async [Symbol.asyncDispose](): Promise<void> {
    const failures: unknown[] = [];
    for (let kept = this.#kept.pop(); kept !== undefined; kept = this.#kept.pop()) {
      try {
        await kept[Symbol.asyncDispose]();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
