/** The app under attack, from the other side: what it saw, and what it can do. See app/app.py. */
export interface AttackedApp {
  /** Runs a Python program as the app, in its container; its output, trimmed. */
  readonly run: (program: string) => Promise<string>;
  /** Heads of all requests that reached the app and hold the text. */
  readonly seen: (text: string) => Promise<string[]>;
}

export function openAttackedApp(address: string, secret: string): AttackedApp {
  return {
    run: async (program) => {
      const headers = { "x-secret": secret };
      const response = await fetch(`http://${address}/exec`, { method: "POST", body: program, headers });
      if (response.status !== 200) throw new Error(`the app answered ${response.status} to a program`);
      return (await response.text()).trim();
    },
    seen: async (text) => {
      const response = await fetch(`http://${address}/seen/${text}`);
      const heads: unknown = await response.json();
      return Array.isArray(heads) ? heads.map(String) : [];
    },
  };
}
