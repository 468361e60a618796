import { ensureBuilt } from "../docker/build.ts";
import { connectDocker } from "../docker/connection.ts";
import type { Session } from "../command/session.ts";
import type { Reading } from "./reading.ts";

/** Builds the app's image if the registry doesn't have it yet. Doesn't touch AWS, so a failed build changes nothing there. */
export async function buildApp({ report, signal }: Session, { plan, source, parts }: Reading): Promise<void> {
  if (!plan.steps.some(({ name }) => name === parts.image?.name)) return;
  const onProgress = report.begin("build", "build");
  try {
    const { imageId } = await ensureBuilt({ docker: await connectDocker(), source, signal, onProgress });
    report.end("build", "build", imageId.slice(0, 19));
  } catch (error) {
    report.fail("build", "build", signal.aborted);
    throw error;
  }
}
