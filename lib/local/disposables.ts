/** Things to dispose of together, the last first. Node 20 has no AsyncDisposableStack. */
export class Disposables implements AsyncDisposable {
  #kept: AsyncDisposable[] = [];

  use<Kept extends AsyncDisposable>(value: Kept): Kept {
    this.#kept.push(value);
    return value;
  }

  /** What is kept so far goes over to the one returned; disposing of this one then does nothing. */
  move(): Disposables {
    const moved = new Disposables();
    moved.#kept = this.#kept;
    this.#kept = [];
    return moved;
  }

  /** Disposes of all, also when some fail; throws the first failure at the end. */
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
