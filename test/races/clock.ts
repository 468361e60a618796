// Loaded before a command: shifts this process's clock by CLOCK_OFF_BY_MS.
const offByMs = Number(process.env["CLOCK_OFF_BY_MS"]);
const rightNow = Date.now.bind(Date);

globalThis.Date = new Proxy(Date, {
  construct: (target, given: unknown[]) =>
    Reflect.construct(target, given.length === 0 ? [rightNow() + offByMs] : given),
  get: (target, name): unknown => (name === "now" ? () => rightNow() + offByMs : Reflect.get(target, name)),
});
